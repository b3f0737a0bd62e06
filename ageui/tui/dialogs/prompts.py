"""Small dialogs that ask for one thing: a line of text, one of several answers, a confirmation."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Label, OptionList
from textual.widgets.option_list import Option

from ageui.text.clean import clean
from ageui.tui.dialogs.dialog import Dialog


class LinePrompt(Dialog[str]):
    """Asks for a line of text; returns None after escape."""

    def __init__(self, question: str, value: str = "", hint: str = "enter saves · esc cancels") -> None:
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


@dataclass(frozen=True)
class Answer:
    """An answer to choose: `text` with `hint` beside it. The dialog returns `key`."""

    key: str | None
    text: str
    hint: str = ""


class ChoicePrompt(Dialog[str]):
    """Asks for one of several answers; returns None after escape."""

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


def confirmation(question: str, yes: str) -> ChoicePrompt:
    """Asks before an action that cannot be undone; returns None unless the answer is yes. No is preselected."""
    return ChoicePrompt(question, [Answer(None, "No, leave it"), Answer("yes", yes)])
