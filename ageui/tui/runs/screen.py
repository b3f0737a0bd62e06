"""The home screen: the queue and all runs in one table."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from ageui.present.marks import NO_BETTER, NOISE
from ageui.store import RunRow, Store
from ageui.store.filters import ordering
from ageui.text.clean import clean
from ageui.text.sentences import counted
from ageui.tui import changes, keys
from ageui.tui.changes import Change
from ageui.tui.dialogs.prompts import Answer, ChoicePrompt, LinePrompt
from ageui.tui.live import LiveScreen
from ageui.tui.messages import MOST_COMPARED, OpenComparison, OpenNewRun, OpenRun
from ageui.tui.run_actions import copy_run_command, remove_archived, retry_run
from ageui.tui.runs import columns as run_columns
from ageui.tui.runs.column_picker import ColumnPicker
from ageui.tui.widgets.filter_box import FilterBox
from ageui.tui.widgets.key_footer import KeyFooter
from ageui.tui.widgets.paged_table import PagedTable
from ageui.tui.widgets.status_bar import StatusBar
from ageui.tui.widgets.text_line import TextLine
from engine.errors import AgeUIError, ConfigError

_WELCOME = """
No runs yet.

  n    make a run: choose a loss, weights, a network, and queue it
  D    look at the data sets; without one of yours, faces are drawn
  ?    all keys            ^p   search all that can be done

The background worker starts with the first run and goes on when you leave.
""".strip("\n")


@dataclass(frozen=True)
class RunsQuery:
    """A request for `count` runs that match the filter, starting at place `first`."""

    filter: str
    order: str
    first: int
    count: int


@dataclass(frozen=True)
class RunsSnapshot:
    """A page of runs. `matching` is the number of runs that match the filter, `total` the number of all runs.

    `varying` are the config fields in which the matching runs differ.
    """

    query: RunsQuery
    rows: list[RunRow]
    matching: int
    total: int
    varying: tuple[str, ...]


class RunsScreen(LiveScreen[RunsSnapshot]):
    """The table of runs with its filter. Keys act on the selected runs, or else on the run under the cursor."""

    CSS_PATH = "screen.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.RUNS)]

    def __init__(self) -> None:
        super().__init__()
        self._rows: dict[int, RunRow] = {}
        self._filter = ""
        self._query = RunsQuery("", "turn", 0, 100)
        self._snapshot: RunsSnapshot | None = None
        # Finding the varying fields scans all configs. Configs never change, so only other runs need another scan.
        self._varying: tuple[tuple[str, int, int], tuple[str, ...]] = (("", -1, -1), ())

    def compose(self) -> ComposeResult:
        yield StatusBar(self.app.store.path.name)
        yield FilterBox()
        yield PagedTable(id="runs")
        yield Static(_WELCOME, id="welcome", markup=False)
        yield TextLine(id="summary", classes="hint")
        yield KeyFooter()

    def on_mount(self) -> None:
        try:
            ordering(self.app.prefs.order)
        except ConfigError:
            self.app.prefs.order = "turn"  # saved by a version with other orders
        self._show_columns()
        self.table.focus()

    @property
    def table(self) -> PagedTable:
        return self.query_one(PagedTable)

    # Reading

    def prepare(self) -> None:
        first, count = self.table.window
        self._query = RunsQuery(self._filter, self.app.prefs.order, first, count)

    def read(self, store: Store) -> RunsSnapshot:
        query = self._query
        rows = store.runs.search(query.filter, order=query.order, limit=query.count, offset=query.first)
        matching = store.runs.count(query.filter)
        total = store.runs.count() if query.filter else matching
        key = (query.filter, matching, total)
        if self._varying[0] != key:
            self._varying = (key, store.runs.varying_fields(query.filter))
        return RunsSnapshot(query, rows, matching, total, self._varying[1])

    def show(self, snapshot: RunsSnapshot) -> None:
        self._snapshot = snapshot
        self._rows = {row.id: row for row in snapshot.rows}
        names = self._columns()
        rows = [run_columns.table_row(row, names, snapshot.varying) for row in snapshot.rows]
        self.table.put(snapshot.query.first, rows, snapshot.matching)
        self.set_class(snapshot.total == 0 and not snapshot.query.filter, "-empty")
        self._show_summary()

    @on(PagedTable.CursorMoved)
    @on(PagedTable.SelectionChanged)
    def _show_summary(self) -> None:
        snapshot = self._snapshot
        if snapshot is None:
            return
        text = counted(snapshot.total, "run")
        if snapshot.matching != snapshot.total:
            text = f"{snapshot.matching:,} of {text}"
        if self.table.selected:
            text += f" · {len(self.table.selected)} selected"
        row = self._current()
        if row is not None and row.error and row.status not in ("done", "queued", "running"):
            text += f" · {row.name}: {row.error.splitlines()[0]}"
        elif row is not None and row.note:
            text += f" · {row.name}: {row.note}"
        else:
            text += f" · {NOISE} cannot be told from no bias; {NO_BETTER} no better than constant; in years"
        self.query_one("#summary", TextLine).put(clean(text))

    def show_error(self, error: AgeUIError) -> None:
        self.query_one("#summary", TextLine).put(clean(str(error).splitlines()[0]))

    # Cursor, selection and filter

    @on(PagedTable.PageWanted)
    def _read_page(self) -> None:
        self.refresh_soon()

    @on(PagedTable.Opened)
    def _open_clicked(self, event: PagedTable.Opened) -> None:
        self.post_message(OpenRun(event.key))

    @on(PagedTable.OrderWanted)
    def _order_clicked(self, event: PagedTable.OrderWanted) -> None:
        self._order_by(event.order)

    @on(FilterBox.Changed)
    def _filter_changed(self, event: FilterBox.Changed) -> None:
        self._filter = event.text
        # Deselects all, so that keys do not change runs that the filter hides.
        self.table.select(frozenset())
        self.table.action_first()
        self.refresh_soon()

    @on(FilterBox.Left)
    def _filter_left(self) -> None:
        self.table.focus()

    def action_filter(self) -> None:
        self.query_one(FilterBox).focus_text()

    def action_clear(self) -> None:
        """Clears one thing at a time: the selection, then the filter."""
        if self.table.selected:
            self.table.select(frozenset())
        elif self._filter:
            self.query_one(FilterBox).set_text("")

    def action_select(self) -> None:
        self.table.toggle_selected()

    @work(group="changes", exit_on_error=False)
    async def action_select_all(self) -> None:
        try:
            found = frozenset(await asyncio.to_thread(self.app.store.runs.ids, self._filter))
        except AgeUIError as error:
            self.app.tell(str(error), severity="error")
        else:
            self.table.select(frozenset() if self.table.selected == found else found)

    # Columns and order

    def _columns(self) -> tuple[str, ...]:
        return run_columns.known(self.app.prefs.columns or run_columns.DEFAULT_COLUMNS)

    def _show_columns(self) -> None:
        self.table.show_columns(run_columns.table_columns(self._columns()), self.app.prefs.order)
        self.refresh_soon()

    def _order_by(self, order: str) -> None:
        """Orders by a field, or reverses the current order."""
        prefs = self.app.prefs
        prefs.order = f"-{order}" if prefs.order == order else order
        self.app.save_prefs()
        self.table.action_first()
        self._show_columns()

    def action_reverse(self) -> None:
        self._order_by(self.app.prefs.order.removeprefix("-"))

    def action_sort(self) -> None:
        orders = {
            column.order: Answer(column.order, column.title, column.what)
            for name in (*self._columns(), *run_columns.COLUMNS)
            for column in [run_columns.COLUMNS[name]]
            if column.order is not None
        }
        prompt = ChoicePrompt("Sort by", list(orders.values()), self.app.prefs.order.removeprefix("-"))
        prompt.ask(self.app, self._order_by)

    def action_columns(self) -> None:
        def chosen(names: tuple[str, ...]) -> None:
            self.app.prefs.columns = names
            self.app.save_prefs()
            self._show_columns()

        ColumnPicker(self._columns()).ask(self.app, chosen)

    # Changes of runs

    def _current(self) -> RunRow | None:
        key = self.table.cursor_key
        return self._rows.get(key) if key is not None else None

    def _targets(self) -> list[int]:
        """The ids of the selected runs, or else of the run under the cursor."""
        if self.table.selected:
            return sorted(self.table.selected)
        row = self._current()
        return [row.id] if row is not None else []

    def _change(self, make: Callable[[list[int]], Change]) -> None:
        targets = self._targets()
        if targets:
            self.app.change(make(targets))

    def action_open(self) -> None:
        if (row := self._current()) is not None:
            self.post_message(OpenRun(row.id))

    def action_duplicate(self) -> None:
        if (row := self._current()) is not None:
            self.post_message(OpenNewRun(row.id))

    def action_compare(self) -> None:
        targets = self._targets()
        if len(targets) > MOST_COMPARED:
            self.app.tell(f"{len(targets)} runs are selected; compare at most {MOST_COMPARED}", severity="warning")
        elif targets:
            self.post_message(OpenComparison(tuple(targets)))

    def action_pause(self) -> None:
        self._change(changes.pause)

    def action_resume(self) -> None:
        self._change(changes.resume)

    def action_cancel(self) -> None:
        self._change(changes.cancel)

    def action_retry(self) -> None:
        row = self._current()
        if self.table.selected:
            self._change(changes.retry)
        elif row is not None:
            retry_run(self.app, row)

    def action_move_up(self) -> None:
        self._move(-1)

    def action_move_down(self) -> None:
        self._move(1)

    def _move(self, by: int) -> None:
        if (row := self._current()) is not None:
            self.app.change(changes.move(row.id, by))

    def action_archive(self) -> None:
        targets = self._targets()
        if targets:
            self.app.change(changes.archive(targets), self._deselect)

    def _deselect(self, made: bool) -> None:
        if made:
            self.table.select(frozenset())

    def action_unarchive(self) -> None:
        self._change(changes.unarchive)

    @work(group="changes", exit_on_error=False)
    async def action_remove(self) -> None:
        if targets := self._targets():
            await remove_archived(self.app, targets, self._deselect)

    @work(group="changes", exit_on_error=False)
    async def action_copy_command(self) -> None:
        if (row := self._current()) is not None:
            await copy_run_command(self.app, row.id)

    # Edits

    def action_tags(self) -> None:
        row, targets = self._current(), self._targets()
        if row is None:
            return
        # The tags of several runs may differ, so the prompt adds and removes tags instead of replacing them.
        one = targets == [row.id]

        def edited(text: str) -> None:
            words = text.replace(",", " ").split()
            if one:
                self.app.change(changes.tag(targets, words))
            elif words:
                self.app.change(changes.add_tags(targets, words))

        title = f"Tags of {row.name}" if one else f"Tags to add to {counted(len(targets), 'run')}, -tag takes one away"
        LinePrompt(f"{title}, parted by spaces", "".join(f"{tag} " for tag in row.tags) if one else "").ask(
            self.app, edited
        )

    def action_note(self) -> None:
        if (row := self._current()) is not None:
            prompt = LinePrompt(f"Note on {row.name}", row.note or "")
            prompt.ask(self.app, lambda text: self.app.change(changes.note(row.id, text.strip() or None)))

    def action_rename(self) -> None:
        if (row := self._current()) is None:
            return

        def edited(text: str) -> None:
            if text != row.name:
                self.app.change(changes.rename(row.id, text))

        LinePrompt(f"New name of {row.name}", row.name).ask(self.app, edited)
