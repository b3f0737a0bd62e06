"""The filter of the table of runs, in the language of the command line."""

from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from ageui.present.terminal import shortened
from ageui.store.filters import where
from ageui.text.clean import clean
from ageui.tui import keys
from ageui.tui.base_app import BaseApp
from ageui.tui.widgets.filter_completion import FilterCompletion
from ageui.tui.widgets.text_line import TextLine
from engine.errors import ConfigError

_PROMPT = " / "
_GAP = 2


class _FilterInput(Input):
    """Leaves `enter`, `up` and `down` to its box."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action not in ("submit", "scroll_up", "scroll_down") and super().check_action(action, parameters)


class FilterBox(Horizontal):
    """A row: the filter, and beside it the number of runs it finds, or its problem.

    Posts `Changed` with every valid filter. `enter` keeps the filter, `escape` restores the filter from before the box
    got the focus; `up` and `down` browse earlier filters.
    """

    app = getters.app(BaseApp)

    DEFAULT_CSS = """
    FilterBox {
        height: 1;
        padding: 0 1 0 0;
        background: $surface;
        & #filter-prompt { width: 3; height: 1; color: $text-muted; }
        & Input { width: 1fr; background: $surface; }
        & #filter-found { width: auto; color: $text-muted; text-align: right; }
        &:focus-within {
            background: $boost;
            & #filter-prompt { color: $text-accent; text-style: bold; }
            & Input { background: $boost; }
        }
        &.-wrong #filter-found { color: $text-error; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.FILTER)]

    @dataclass
    class Changed(Message):
        text: str

    class Refused(Message):
        """The text is not a filter; the previous filter stays in force."""

    class Left(Message):
        """The person finished the filter."""

    def __init__(self) -> None:
        super().__init__()
        self._valid = self._before = self._typed = ""
        self._recalled: str | None = None
        self._place = -1
        self._found = self._problem = ""

    def compose(self) -> ComposeResult:
        yield Static(_PROMPT, id="filter-prompt", markup=False)
        yield _FilterInput(
            placeholder="filter: loss=mape weights:gender mae<8 status=done",
            suggester=FilterCompletion(self.app.store),
            select_on_focus=False,
            compact=True,
            id="filter-text",
        )
        yield TextLine(id="filter-found")

    @property
    def _input(self) -> Input:
        return self.query_one(Input)

    @property
    def text(self) -> str:
        return self._input.value

    @property
    def problem(self) -> str:
        """The reason why the text is not a filter; empty for a filter."""
        return self._problem

    def set_text(self, text: str) -> None:
        self._input.value = text
        self._input.cursor_position = len(text)

    def focus_text(self) -> None:
        """Takes the focus at once and selects the text: the very next key replaces it, end or right keeps it."""
        self.screen.set_focus(self._input)
        self._input.select_all()

    def on_descendant_focus(self) -> None:
        self._before, self._place = self._valid, -1

    # What it finds

    def show_found(self, sentence: str) -> None:
        """Shows at the right the number and order of the runs found."""
        self._found = sentence
        self._draw()

    def _draw(self) -> None:
        """The sentence shrinks before the filter does, except for a problem, which may take half of the row."""
        line, text = self.query_one("#filter-found", TextLine), clean(self._problem or self._found)
        room = self.size.width - len(_PROMPT) - 1
        least = room // 2 if self._problem else 0
        width = max(least, min(cell_len(text), room - max(cell_len(self.text) + 1, room // 4) - _GAP))
        width = max(0, min(width, cell_len(text)))
        if line.styles.width is None or line.styles.width.value != width:
            line.styles.width = width
        line.put(shortened(text, width))

    def on_resize(self) -> None:
        self._draw()

    @on(Input.Changed)
    def _check(self, event: Input.Changed) -> None:
        event.stop()
        if event.value != self._recalled:
            self._place, self._typed, self._recalled = -1, event.value, None
        try:
            where(event.value)
        except ConfigError as error:
            # Omits the lines that point into the text, which is visible anyway.
            self._problem = str(error).splitlines()[0]
            self.post_message(self.Refused())
        else:
            self._problem, self._valid = "", event.value
            self.post_message(self.Changed(event.value))
        self.set_class(bool(self._problem), "-wrong")
        self._draw()

    # Keys

    def action_keep(self) -> None:
        """Stays while the filter is wrong, because the table shows the runs of an earlier filter."""
        if self._problem:
            return
        if self.app.prefs.keep_filter(self.text):
            self.app.save_prefs()
        self.post_message(self.Left())

    def action_take_back(self) -> None:
        self.set_text(self._before)
        self.post_message(self.Left())

    def action_recall(self, by: int) -> None:
        """Shows an earlier (1) or later (-1) filter; after the newest comes what was typed, then the table."""
        filters = [one for one in self.app.prefs.filters if one != self._typed]
        if by < 0 and self._place < 0:
            self.action_keep()
            return
        self._place = min(self._place + by, len(filters) - 1)
        self._recalled = filters[self._place] if self._place >= 0 else self._typed
        self.set_text(self._recalled)

    def action_complete(self) -> None:
        """Takes the suggestion, as `right` does; without one, `tab` moves on."""
        before = self.text
        if self._input.cursor_position == len(before):
            self._input.action_cursor_right()
        if self.text == before:
            self.screen.focus_next()
