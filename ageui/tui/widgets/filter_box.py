"""The filter of the table of runs, in the language of the command line."""

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, Static

from ageui.store.filter_fields import filter_fields
from ageui.store.filters import where
from ageui.store.tables import STATUSES
from engine import choices
from engine.errors import ConfigError

_VALUES: dict[str, tuple[str, ...]] = {
    "status": STATUSES,
    "loss": choices.LOSSES,
    "head": choices.HEADS,
    "strategy": choices.STRATEGIES,
    "optimizer": choices.OPTIMIZERS,
    "augment": choices.AUGMENTS,
    "split": choices.SPLITS,
    "archived": ("true", "false"),
    "weights": choices.REPORT_ATTRIBUTES,
}


class FilterBox(Vertical):
    """Posts `Changed` with every valid filter; shows why other text is invalid. Completes names and values."""

    DEFAULT_CSS = """
    FilterBox {
        height: auto;
        & Input { height: 1; border: none; padding: 0 1; background: $surface; }
        & Input:focus { background: $boost; }
        & Static { display: none; color: $text-error; height: auto; padding: 0 1; }
        &.-wrong Static { display: block; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear", "clear", show=False),
        Binding("down", "leave", "to the runs", show=False),
    ]

    @dataclass
    class Changed(Message):
        text: str

    class Left(Message):
        """The person finished the filter."""

    def compose(self) -> ComposeResult:
        yield Input(
            placeholder="/ filter: loss=mape weights:gender mae<8 status=done",
            suggester=_FilterCompletion(),
            id="filter-text",
        )
        yield Static(markup=False)

    @property
    def text(self) -> str:
        return self.query_one(Input).value

    def set_text(self, text: str) -> None:
        self.query_one(Input).value = text

    def focus_text(self) -> None:
        self.query_one(Input).focus()

    @on(Input.Changed)
    def _check(self, event: Input.Changed) -> None:
        event.stop()
        try:
            where(event.value)
        except ConfigError as error:
            # Omits the lines that point into the text, which is visible anyway.
            self.query_one(Static).update(str(error).splitlines()[0])
            self.set_class(True, "-wrong")
        else:
            self.set_class(False, "-wrong")
            self.post_message(self.Changed(event.value))

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Left())

    def action_clear(self) -> None:
        self.set_text("")
        self.post_message(self.Left())

    def action_leave(self) -> None:
        self.post_message(self.Left())


class _FilterCompletion(Suggester):
    """Completes the last term: the name of a field, then a known value."""

    def __init__(self) -> None:
        super().__init__(use_cache=True, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        before, space, term = value.rpartition(" ")
        if not term:
            return None
        for operator in ("!=", "=", ":"):
            field, found, start = term.partition(operator)
            if found:
                ends = [one for one in _VALUES.get(field, ()) if one.startswith(start) and one != start]
                return f"{before}{space}{field}{operator}{ends[0]}" if ends else None
        names = [name for name in filter_fields() if name.startswith(term) and name != term]
        return f"{before}{space}{names[0]}" if names else None
