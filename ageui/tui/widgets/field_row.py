"""A row of a form: a label, an input with completion, and a hint or problem."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, Static

from ageui.text.clean import clean

_Choices = Callable[[], tuple[str, ...]]


class FieldRow(Horizontal):
    """Posts `Changed` for new text, `Focused` when it gets the focus, and `ListWanted` for a click on its mark."""

    DEFAULT_CSS = """
    FieldRow {
        height: auto;
        & .label { width: 16; color: $text-muted; }
        & Input { width: 34; height: 1; border: none; padding: 0 1; background: $surface; }
        & Input:focus { border: none; background: $boost; }
        & .mark { width: 3; color: $text-muted; content-align: center top; }
        & .hint { width: 1fr; height: 1; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis; }
        &.-set .label { color: $foreground; text-style: bold; }
        &.-unused { & .label, & .hint, & Input { color: $text-disabled; } }
        &:focus-within .label { color: $accent; }
        &.-wrong .hint { height: auto; color: $text-error; text-wrap: wrap; }
    }
    """

    class Changed(Message):
        pass

    class Focused(Message):
        pass

    @dataclass
    class ListWanted(Message):
        row: "FieldRow"

    def __init__(self, name: str, what: str) -> None:
        super().__init__(id=f"row-{name.replace('_', '-')}")
        self.field, self._what = name, what
        self._choices: tuple[str, ...] = ()
        self._shown: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        yield _Label(self.field, classes="label", markup=False)
        yield _FieldInput(lambda: self._choices)
        yield _ListMark(" ", classes="mark", markup=False)
        yield Static(self._what, classes="hint", markup=False)

    @property
    def text(self) -> str:
        return self.query_one(Input).value

    @text.setter
    def text(self, text: str) -> None:
        self.query_one(Input).value = text

    def show(self, choices: tuple[str, ...], in_force: tuple[str, str], problem: str, unused: str) -> None:
        """Shows the problem or purpose of the field, and the value and origin of an empty field.

        `unused` is the condition under which a field without effect would be used.
        """
        shown = (choices, in_force, problem, unused, bool(self.text.strip()))
        if shown == self._shown:
            return  # an update would lay out the whole form again
        self._shown, self._choices = shown, choices
        self.query_one(_ListMark).update("▾" if choices else " ")
        value, origin = (clean(text) for text in in_force)
        self.query_one(Input).placeholder = f"{value} · {origin}" if origin else value
        self.set_class(bool(problem), "-wrong")
        self.set_class(bool(self.text.strip()), "-set")
        self.set_class(bool(unused) and not problem, "-unused")
        purpose = f"only with {unused}" if unused else self._what
        hint = f"✗ {clean(problem.removeprefix(f'{self.field} '))}" if problem else purpose
        self.query_one(".hint", Static).update(hint)

    def focus_text(self) -> None:
        self.query_one(Input).focus()
        self.scroll_visible(animate=False)

    def ask_for_list(self) -> None:
        if self._choices:
            self.focus_text()
            self.post_message(self.ListWanted(self))

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed())

    def on_descendant_focus(self) -> None:
        # Without animation, which the next key would interrupt and leave the field out of view.
        self.scroll_visible(animate=False)
        self.post_message(self.Focused())


class FieldRows(VerticalScroll, can_focus=False):
    """The rows of a form. Keeps the focused row in view when texts around it grow."""

    def on_resize(self) -> None:
        focused = self.screen.focused
        if focused is not None and isinstance(focused.parent, FieldRow):
            focused.parent.scroll_visible(animate=False)


class _FieldInput(Input):
    # Priority makes the focus move before the next key is dispatched, however fast keys come.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,shift+tab", "app.focus_previous", "field before", show=False, priority=True),
        Binding("down,enter,tab", "app.focus_next", "next field", show=False, priority=True),
    ]

    def __init__(self, choices: _Choices) -> None:
        super().__init__(suggester=_ValueCompletion(choices), select_on_focus=False)

    def validate_value(self, value: str) -> str:
        """Removes hidden characters of pasted text."""
        return clean(value)


class _Label(Static):
    def on_click(self) -> None:
        if isinstance(self.parent, FieldRow):
            self.parent.focus_text()


class _ListMark(Static):
    def on_click(self, event: events.Click) -> None:
        event.stop()
        if isinstance(self.parent, FieldRow):
            self.parent.ask_for_list()


class _ValueCompletion(Suggester):
    """Completes the last value of a comma- or plus-separated list."""

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
