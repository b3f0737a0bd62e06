"""The home screen: the queue and all runs in one table."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import Static

from ageui.present.marks import NO_BETTER, NOISE
from ageui.store import RunRow, Store
from ageui.store.filters import ordering
from ageui.text.clean import clean
from ageui.text.sentences import counted
from ageui.tui import changes, keys
from ageui.tui.changes import Change
from ageui.tui.dialogs.prompts import ChoicePrompt, LinePrompt
from ageui.tui.live import LiveScreen
from ageui.tui.messages import MOST_COMPARED, OpenComparison, OpenNewRun, OpenRun
from ageui.tui.run_actions import copy_run_command, remove_archived, retry_run
from ageui.tui.runs import columns as run_columns
from ageui.tui.runs import row_cells
from ageui.tui.runs.choices import group_answers, order_answers
from ageui.tui.runs.column_picker import ColumnPicker
from ageui.tui.runs.entries import Entry
from ageui.tui.runs.layout import Layout, automatic, chosen
from ageui.tui.runs.listing import ListReader, RunsQuery, without_std
from ageui.tui.runs.progress import QueuePlaces, queue_places
from ageui.tui.runs.row_cells import ShownPage
from ageui.tui.widgets.filter_box import FilterBox
from ageui.tui.widgets.key_footer import KeyFooter
from ageui.tui.widgets.paged_table import PagedTable
from ageui.tui.widgets.status_bar import StatusBar
from ageui.tui.widgets.text_line import TextLine
from engine.config import RunConfig
from engine.errors import AgeUIError, ConfigError

_WELCOME = """
No runs yet.

  n    make a run: choose a loss, weights, a network, and queue it
  D    look at the data sets; without one of yours, faces are drawn
  ?    all keys            ^p   search all that can be done

The background worker starts with the first run and goes on when you leave.
""".strip("\n")


_MARKS = f"years; {NOISE} cannot be told from none; {NO_BETTER} no better than constant"


@dataclass(frozen=True)
class PageQuery:
    """A request for `count` rows of a list, starting at place `first`, or around the row of a run to `follow`."""

    rows: RunsQuery
    first: int
    count: int
    follow: int | None = None


@dataclass(frozen=True)
class RunsSnapshot:
    """A page of rows, starting at place `first`. `total` counts all runs, `place` is that of the run to follow."""

    query: PageQuery
    first: int
    page: ShownPage
    total: int
    place: int | None


class RunsScreen(LiveScreen[RunsSnapshot]):
    """The table of runs with its filter. Keys act on the selected runs, or else on the run under the cursor."""

    CSS_PATH = "screen.tcss"
    AUTO_FOCUS = "PagedTable"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.RUNS)]

    def __init__(self) -> None:
        super().__init__()
        self._reader = ListReader()
        self._filter = ""
        self._toggled: frozenset[int] = frozenset()
        self._follow: int | None = None
        self._query = PageQuery(RunsQuery(), 0, 100)
        self._snapshot: RunsSnapshot | None = None

    def compose(self) -> ComposeResult:
        yield StatusBar(self.app.store.path.name)
        with Horizontal(id="above"):
            yield FilterBox()
            yield TextLine(id="listed", classes="hint")
        yield PagedTable(id="runs")
        yield Static(_WELCOME, id="welcome", markup=False)
        yield TextLine(id="summary", classes="hint")
        yield KeyFooter()

    def on_mount(self) -> None:
        try:
            ordering(without_std(self.app.prefs.order))
        except ConfigError:
            self.app.prefs.order = "turn"  # saved by a version with other orders
        if self.app.prefs.grouped not in RunConfig.model_fields:
            self.app.prefs.grouped = ""
        self._show_columns()
        self.table.focus()

    @property
    def table(self) -> PagedTable:
        return self.query_one(PagedTable)

    # Reading

    def prepare(self) -> None:
        first, count = self.table.window
        prefs = self.app.prefs
        rows = RunsQuery(self._filter, prefs.order, prefs.folded, prefs.grouped, self._toggled)
        self._query = PageQuery(rows, first, count, self._follow)

    def read(self, store: Store) -> RunsSnapshot:
        query = self._query
        found = self._reader.read(store, query.rows)
        place = found.place_of(query.follow) if query.follow is not None else None
        first = query.first if place is None else max(0, place - query.count // 2)
        shown = found.entries[first : first + query.count]
        runs = store.runs.get_many([entry.runs[0] for entry in shown if entry.kind in ("run", "fold")])
        queue = self._queue_places(store) if any(row.status == "queued" for row in runs.values()) else QueuePlaces()
        total = store.runs.count() if query.rows.filter else found.matching
        return RunsSnapshot(query, first, ShownPage(found, runs, queue, query.rows.grouped), total, place)

    def _queue_places(self, store: Store) -> QueuePlaces:
        running = store.runs.get_many([run.run_id for run in store.queue.running()])
        return queue_places(store.queue.order(), list(running.values()), self.app.queue_state)

    def show(self, snapshot: RunsSnapshot) -> None:
        self._snapshot = snapshot
        found = snapshot.page.found
        columns = self.table.columns
        shown = found.entries[snapshot.first : snapshot.first + snapshot.query.count]
        rows = [row_cells.table_row(entry, snapshot.page, columns) for entry in shown]
        self.table.put(snapshot.first, rows, len(found.entries))
        if snapshot.query.follow is not None and snapshot.query.follow == self._follow:
            self._follow = None
            if snapshot.place is not None:
                self.table.go_to(snapshot.place)
        self.set_class(snapshot.total == 0 and not snapshot.query.rows.filter, "-empty")
        self._show_summary()

    def go_to_run(self, run_id: int) -> None:
        """Moves the cursor to a run, or to the row that it is folded into, once it is read; nowhere if it is hidden."""
        self._follow = run_id
        self.refresh_soon()

    @on(PagedTable.CursorMoved)
    @on(PagedTable.SelectionChanged)
    def _show_summary(self) -> None:
        snapshot = self._snapshot
        if snapshot is None:
            return
        matching = snapshot.page.found.matching
        text = counted(snapshot.total, "run")
        if matching != snapshot.total:
            text = f"{matching:,} of {text}"
        self.query_one("#listed", TextLine).put(self._listed(text))
        parts = [f"{len(self.table.selected)} selected"] if self.table.selected else []
        parts += [clean(about)] if (about := self._about_current()) else []
        self.query_one("#summary", TextLine).put(" · ".join(parts))

    def _listed(self, text: str) -> Text:
        """How many runs are listed, and in which order where no column shows it."""
        prefs = self.app.prefs
        orders = {column.order for column in self.table.columns}
        parts = [text]
        if prefs.folded:
            parts.append("folded")
        if prefs.grouped:
            parts.append(f"groups of {prefs.grouped}")
        if prefs.order != "turn" and prefs.order.removeprefix("-") not in orders:
            parts.append(run_columns.order_title(prefs.order))
        return Text(" · ".join(parts), justify="right")

    def _about_current(self) -> str:
        """The row under the cursor in words, and what the marks mean."""
        entry, row = self._entry(), self._current()
        if entry is not None and entry.kind == "fold":
            return f"{len(entry.runs)} seeds, all of which the keys act on; enter shows them"
        if entry is not None and entry.kind == "heading":
            return "means over the group; enter shows or hides its runs, space selects them"
        if entry is not None and entry.kind == "constant":
            return "the constant predictor: the mean age of the train split for every face"
        if row is not None and row.error and row.status not in ("done", "queued", "running"):
            return f"{row.name}: {row.error.splitlines()[0]}"
        if row is not None and row.note:
            return f"{row.name}: {row.note}"
        return (f"{row.name} · " if row else "") + _MARKS

    def show_error(self, error: AgeUIError) -> None:
        self.query_one("#summary", TextLine).put(clean(str(error).splitlines()[0]))

    # Cursor, selection and filter

    @on(PagedTable.PageWanted)
    def _read_page(self) -> None:
        self._show_columns()

    @on(PagedTable.Opened)
    def _open_clicked(self, event: PagedTable.Opened) -> None:
        self.action_open()

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

    def _layout(self) -> Layout:
        prefs, width = self.app.prefs, self.table.scrollable_content_region.width or self.app.size.width
        if not prefs.columns:
            return automatic(width, folded=prefs.folded)
        return chosen(run_columns.known(prefs.columns), width, folded=prefs.folded)

    def _show_columns(self) -> None:
        layout, before = self._layout(), self.table.columns
        self.table.show_columns(layout.columns, self.app.prefs.order, fixed=layout.fixed)
        if self._snapshot is not None and before != layout.columns:
            self.show(self._snapshot)
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
        prefs = self.app.prefs
        answers = list(order_answers([column.key for column in self.table.columns], folded=prefs.folded))
        ChoicePrompt("Sort by", answers, prefs.order.removeprefix("-")).ask(self.app, self._order_by)

    def action_columns(self) -> None:
        names = tuple(column.key for column in self.table.columns)

        def picked(columns: tuple[str, ...]) -> None:
            self.app.prefs.columns = columns
            self.app.save_prefs()
            self._show_columns()

        ColumnPicker(names).ask(self.app, picked)

    # Folding and grouping

    def action_fold(self) -> None:
        self.app.prefs.folded = not self.app.prefs.folded
        self._arranged()

    def action_group(self) -> None:
        prefs = self.app.prefs

        def grouped(field: str) -> None:
            prefs.grouped = field
            self._arranged()

        varying = self._snapshot.page.found.varying if self._snapshot else ()
        ChoicePrompt("Group rows by", list(group_answers(varying)), prefs.grouped).ask(self.app, grouped)

    def _arranged(self) -> None:
        """Saves and shows how rows are arranged; the cursor stays on its run."""
        self.app.save_prefs()
        if (row := self._current()) is not None:
            self._follow = row.id
        self._show_columns()

    # Changes of runs

    def _entry(self) -> Entry | None:
        """The row under the cursor."""
        entries = self._snapshot.page.found.entries if self._snapshot else ()
        place = self.table.cursor
        return entries[place] if place < len(entries) and entries[place].key == self.table.cursor_key else None

    def _current(self) -> RunRow | None:
        """The run under the cursor, or the first one of a folded row."""
        entry = self._entry()
        if entry is None or self._snapshot is None or entry.kind not in ("run", "fold"):
            return None
        return self._snapshot.page.runs.get(entry.runs[0])

    def _targets(self) -> list[int]:
        """The ids of the selected runs, or else of those of the row under the cursor."""
        if self.table.selected:
            return sorted(self.table.selected)
        entry = self._entry()
        return sorted(entry.runs) if entry is not None and entry.kind in ("run", "fold") else []

    def _change(self, make: Callable[[list[int]], Change]) -> None:
        targets = self._targets()
        if targets:
            self.app.change(make(targets))

    def action_open(self) -> None:
        """Opens a run, or shows or hides the rows of a folded row or of a group."""
        entry = self._entry()
        if entry is not None and entry.kind == "run":
            self.post_message(OpenRun(entry.runs[0]))
        elif entry is not None and entry.kind != "constant":
            self._toggled ^= {entry.key}
            self.refresh_soon()

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
        if len(self._targets()) > 1:
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

    def action_copy_command(self) -> None:
        if (row := self._current()) is not None:
            copy_run_command(self.app, row)

    # Edits

    def action_tags(self) -> None:
        row, targets = self._current(), self._targets()
        if row is None or not targets:
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
        LinePrompt(f"{title}, parted by spaces", " ".join(row.tags) if one else "").ask(self.app, edited)

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
