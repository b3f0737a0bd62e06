"""Small screens that ask for one thing: a line of text, a choice, a yes."""

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
    """Asks for one line; None where it was left with escape."""

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
class Choice:
    """An answer: `key` is returned, `text` shown, and `hint` beside it."""

    key: str
    text: str
    hint: str = ""


class ChoicePrompt(ModalScreen[str | None]):
    """Asks for one of several; None where it was left with escape."""

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

    def __init__(self, question: str, choices: Sequence[Choice], chosen: str = "") -> None:
        super().__init__()
        self._question, self._choices, self._chosen = question, choices, chosen

    def compose(self) -> ComposeResult:
        width = max((len(choice.text) for choice in self._choices), default=0)
        with Vertical():
            yield Label(Text(clean(self._question), style="bold"), markup=False)
            yield OptionList(
                *(
                    Option(Text.assemble(clean(choice.text).ljust(width + 2), (clean(choice.hint), "dim")), choice.key)
                    for choice in self._choices
                )
            )

    def on_mount(self) -> None:
        options = self.query_one(OptionList)
        keys = [choice.key for choice in self._choices]
        options.highlighted = keys.index(self._chosen) if self._chosen in keys else 0
        options.focus()

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)

    def action_leave(self) -> None:
        self.dismiss(None)


def confirmation(question: str, yes: str) -> ChoicePrompt:
    """Asks before something that cannot be undone; answers `yes` or `no`, and `no` comes first."""
    return ChoicePrompt(question, [Choice("no", "No, leave it"), Choice("yes", yes)])
