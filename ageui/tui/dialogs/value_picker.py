"""Picks one known value of a field, or several for a sweep."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Label, OptionList
from textual.widgets.option_list import Option

from ageui.text.clean import clean
from ageui.tui.dialogs.dialog import Dialog


class ValuePicker(Dialog[str]):
    """Returns the marked values, separated by commas, or else the value under the cursor; None after escape.

    The list includes the values already in the field.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "mark"),
    ]

    def __init__(self, question: str, choices: Sequence[str], text: str, *, takes_several: bool) -> None:
        super().__init__()
        typed = [part.strip() for part in text.split(",") if part.strip()]
        self._question, self._takes_several = question, takes_several
        self._choices = list(dict.fromkeys((*choices, *typed)))
        self._marked = typed if len(typed) > 1 else []
        self._at = typed[0] if typed else self._choices[0]

    def compose(self) -> ComposeResult:
        hint = "enter chooses · space marks several for a sweep" if self._takes_several else "enter chooses"
        with Vertical():
            yield Label(Text(clean(self._question), style="bold"), markup=False)
            yield OptionList()
            yield Label(Text(f"{hint} · esc cancels", style="dim"), markup=False)

    def on_mount(self) -> None:
        self._fill(self._choices.index(self._at))
        self.query_one(OptionList).focus()

    def _fill(self, place: int) -> None:
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options(
            Option(Text(f"{'✓' if choice in self._marked else ' '} {clean(choice)}")) for choice in self._choices
        )
        options.highlighted = place

    def action_mark(self) -> None:
        place = self.query_one(OptionList).highlighted
        if place is None or not self._takes_several:
            return
        chosen = self._choices[place]
        if chosen in self._marked:
            self._marked.remove(chosen)
        else:
            self._marked.append(chosen)
        self._fill(place)

    @on(OptionList.OptionSelected)
    def _take(self, event: OptionList.OptionSelected) -> None:
        marked = [choice for choice in self._choices if choice in self._marked]
        self.dismiss(",".join(marked) if marked else self._choices[event.option_index])
