"""A line of a form: a label, a field for text with completion, and what there is to say about it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, Static

from ageui.text.clean import clean

_Choices = Callable[[], tuple[str, ...]]


class FieldRow(Horizontal):
    """Says `Changed` when its text did, `Entered` when it got the focus, `ListWanted` when its mark was clicked."""

    DEFAULT_CSS = """
    FieldRow {
        height: auto;
        & .label { width: 16; color: $text-muted; }
        & Input { width: 34; height: 1; border: none; padding: 0 1; background: $surface; }
        & Input:focus { border: none; background: $boost; }
        & .mark { width: 3; color: $text-muted; content-align: center top; }
        & .hint { width: 1fr; height: 1; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis; }
        &.-set .label { color: $foreground; text-style: bold; }
        &:focus-within .label { color: $accent; }
        &.-wrong .hint { height: auto; color: $text-error; text-wrap: wrap; }
    }
    """

    @dataclass
    class Changed(Message):
        name: str

    @dataclass
    class Entered(Message):
        name: str

    @dataclass
    class ListWanted(Message):
        name: str

    def __init__(self, name: str, what: str) -> None:
        super().__init__(id=f"row-{name.replace('_', '-')}")
        self.field, self._what = name, what
        self._choices: tuple[str, ...] = ()

    def compose(self) -> ComposeResult:
        yield _Label(self.field, classes="label", markup=False)
        yield _FieldInput(self._choices_now)
        yield _Mark(" ", classes="mark", markup=False)
        yield Static(self._what, classes="hint", markup=False)

    @property
    def text(self) -> str:
        return self.query_one(Input).value

    @text.setter
    def text(self, text: str) -> None:
        self.query_one(Input).value = text

    @property
    def choices(self) -> tuple[str, ...]:
        """The values that are known."""
        return self._choices

    def show(self, choices: tuple[str, ...], in_force: tuple[str, str], problem: str) -> None:
        """Shows what holds where nothing is typed, a value and its origin, and what is wrong or else what it is."""
        self._choices = choices
        self.query_one(_Mark).update("▾" if choices else " ")
        value, origin = (clean(text) for text in in_force)
        self.query_one(Input).placeholder = f"{value} · {origin}" if origin else value
        self.set_class(bool(problem), "-wrong")
        self.set_class(bool(self.text.strip()), "-set")
        shown = clean(problem.removeprefix(f"{self.field} "))
        self.query_one(".hint", Static).update(f"✗ {shown}" if problem else self._what)

    def focus_text(self) -> None:
        self.query_one(Input).focus()
        self.scroll_visible(animate=False)

    def ask_for_list(self) -> None:
        if self._choices:
            self.focus_text()
            self.post_message(self.ListWanted(self.field))

    def _choices_now(self) -> tuple[str, ...]:
        return self._choices

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(self.field))

    def on_descendant_focus(self) -> None:
        # At once: an animation on its way when the next key comes would leave the field out of sight.
        self.scroll_visible(animate=False)
        self.post_message(self.Entered(self.field))


class _FieldInput(Input):
    # With priority the focus has moved before the next key is handed out, however fast they come.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,shift+tab", "app.focus_previous", "field before", show=False, priority=True),
        Binding("down,enter,tab", "app.focus_next", "next field", show=False, priority=True),
    ]

    def __init__(self, choices: _Choices) -> None:
        super().__init__(suggester=_Completion(choices), select_on_focus=False)

    def validate_value(self, value: str) -> str:
        """What is pasted may hold anything; what is shown and meant holds no hidden character."""
        return clean(value)


class _Label(Static):
    def on_click(self) -> None:
        if isinstance(self.parent, FieldRow):
            self.parent.focus_text()


class _Mark(Static):
    def on_click(self, event: events.Click) -> None:
        event.stop()
        if isinstance(self.parent, FieldRow):
            self.parent.ask_for_list()


class _Completion(Suggester):
    """Completes the last value of a list."""

    def __init__(self, choices: _Choices) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._choices = choices

    async def get_suggestion(self, value: str) -> str | None:
        start = max(value.rfind(","), value.rfind("+")) + 1
        before, begun = value[:start], value[start:].lstrip()
        if not begun:
            return None
        ends = [choice for choice in self._choices() if choice.startswith(begun) and choice != begun]
        return f"{before}{value[start : len(value) - len(begun)]}{clean(ends[0])}" if ends else None
