"""Small screens that ask for one thing: a line of text, a answer, a yes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList
from textual.widgets.option_list import Option

from ageui.text.clean import clean


class LinePrompt(ModalScreen[str | None]):
    """Asks for a line of text; returns None after escape."""

    DEFAULT_CSS = """
    LinePrompt {
        align: center bottom;
        background: $background 30%;
        & > Vertical { height: auto; width: 100%; background: $panel; padding: 0 1; border-top: solid $primary; }
        & Label { width: 100%; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "leave", show=False)]

    def __init__(self, question: str, value: str = "", hint: str = "enter saves, esc leaves it as it was") -> None:
        super().__init__()
        self._question, self._value, self._hint = question, value, hint

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Label(Text(clean(self._question), style="bold"), markup=False)
            yield Input(clean(self._value), select_on_focus=False)
            yield Label(Text(clean(self._hint), style="dim"), markup=False)

    @on(Input.Submitted)
    def _save(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)

    def action_leave(self) -> None:
        self.dismiss(None)


@dataclass(frozen=True)
class Answer:
    """An answer to choose: `key` is returned, `text` is shown with `hint` beside it."""

    key: str
    text: str
    hint: str = ""


class ChoicePrompt(ModalScreen[str | None]):
    """Asks for one of several answers; returns None after escape."""

    DEFAULT_CSS = """
    ChoicePrompt {
        align: center middle;
        background: $background 30%;
        & > Vertical {
            height: auto; max-height: 90%; width: 64; max-width: 100%;
            background: $panel; border: round $primary; padding: 0 1;
        }
        & Label { width: 100%; }
        & OptionList { height: auto; max-height: 100%; background: $panel; border: none; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "leave", show=False)]

    def __init__(self, question: str, answers: Sequence[Answer], preselected: str = "") -> None:
        super().__init__()
        self._question, self._answers, self._preselected = question, answers, preselected

    def compose(self) -> ComposeResult:
        width = max((len(answer.text) for answer in self._answers), default=0)
        with Vertical():
            yield Label(Text(clean(self._question), style="bold"), markup=False)
            yield OptionList(
                *(
                    Option(Text.assemble(clean(answer.text).ljust(width + 2), (clean(answer.hint), "dim")), answer.key)
                    for answer in self._answers
                )
            )

    def on_mount(self) -> None:
        options = self.query_one(OptionList)
        keys = [answer.key for answer in self._answers]
        options.highlighted = keys.index(self._preselected) if self._preselected in keys else 0
        options.focus()

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)

    def action_leave(self) -> None:
        self.dismiss(None)


def confirmation(question: str, yes: str) -> ChoicePrompt:
    """Asks before something that cannot be undone; returns `yes` or `no`. `no` comes first."""
    return ChoicePrompt(question, [Answer("no", "No, leave it"), Answer("yes", yes)])
