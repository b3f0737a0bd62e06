"""The home screen: the queue and all runs in one table."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from ageui.planning.queue_places import QueuePlace
from ageui.present.marks import BEST, NOISE, brief, marks_in
from ageui.store import RunRow, Store
from ageui.store.filters import ordering
from ageui.text.clean import clean
from ageui.tui import keys
from ageui.tui.dialogs.prompts import ChoicePrompt
from ageui.tui.messages import OpenRun
from ageui.tui.queue_state import QueueState
from ageui.tui.runs import columns as run_columns
from ageui.tui.runs import row_cells
from ageui.tui.runs.choices import group_answers, order_answers
from ageui.tui.runs.column_picker import ColumnPicker
from ageui.tui.runs.empty_table import EmptyTable
from ageui.tui.runs.entries import Entry, without_std
from ageui.tui.runs.found_sentence import found_sentence
from ageui.tui.runs.layout import Layout, automatic, chosen
from ageui.tui.runs.listing import ListReader, RunsQuery
from ageui.tui.runs.page import PageQuery, RunsSnapshot, read_page
from ageui.tui.runs.preview import PREVIEW_FROM, RunPreview
from ageui.tui.runs.table_view import TableView
from ageui.tui.runs.target_actions import TargetActions
from ageui.tui.runs.view_picker import ask_for_view
from ageui.tui.widgets.filter_box import FilterBox
from ageui.tui.widgets.key_footer import KeyFooter
from ageui.tui.widgets.paged_table import PagedTable
from ageui.tui.widgets.status_bar import StatusBar
from ageui.tui.widgets.text_line import TextLine
from engine.config import RunConfig
from engine.errors import AgeUIError, ConfigError

_KEYS_OF_FOLD = "untested, c tests them; enter shows them; keys act on all"
_CONSTANT = "the constant predictor: the train mean for every face; untested, a comparison tests it"
_ACTIONS_ON_RUNS = frozenset(key.action for key in keys.TABLE[keys.RUNS] if "." not in key.action)


class RunsScreen(TargetActions[RunsSnapshot]):
    """The table of runs with its filter. Keys act on the selected runs, or else on the run under the cursor."""

    CSS_PATH = "screen.tcss"
    AUTO_FOCUS = ""  # the table gets the focus, even while empty, so that keys never go to a hidden filter
    BINDINGS: ClassVar[list[BindingType]] = [
        # The filter opens before a widget gets the next key, so that typed keys are text and not commands.
        *(replace(binding, priority=binding.action == "filter") for binding in keys.bindings(keys.RUNS)),
        Binding("tab", "scroll_preview", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._reader = ListReader()
        self._filter = ""
        self._toggled: frozenset[int] = frozenset()
        self._follow: int | None = None
        self._arranged_at: int | None = None
        self._hidden_run: int | None = None
        self._query = PageQuery(RunsQuery(), 0, 100)
        self._snapshot: RunsSnapshot | None = None
        self._marks: list[str] = []
        self._queue_places: tuple[str, Mapping[int, QueuePlace]] = ("", {})
        self._has_kept_list = True  # false once a long list was read in part

    def compose(self) -> ComposeResult:
        yield StatusBar()
        yield FilterBox()
        with Horizontal(id="body"):
            with Vertical():
                yield PagedTable(id="runs")
                yield EmptyTable()
            yield RunPreview()
        yield TextLine(id="summary", classes="hint")
        yield KeyFooter()

    def on_mount(self) -> None:
        try:
            ordering(without_std(self.app.prefs.order))
        except ConfigError:
            self.app.prefs.order = "turn"  # saved by a version with other orders
        if self.app.prefs.grouped not in RunConfig.model_fields:
            self.app.prefs.grouped = ""
        self.app.runs_queued.subscribe(self, lambda run_ids: self.go_to_run(run_ids[0]))
        self.app.queue_changed.subscribe(self, self._show_queue_places)
        self._show_columns()
        self.table.focus()

    def on_unmount(self) -> None:
        self.app.runs_queued.unsubscribe(self)

    def _show_queue_places(self, state: QueueState) -> None:
        """Reads again if the texts beside queued runs change, because a queue can begin to wait without a commit."""
        shown = state.why_waiting, state.places
        if shown != self._queue_places:
            self._queue_places = shown
            self.refresh_soon()

    # Reading

    def prepare(self) -> None:
        first, count = self.table.window
        prefs = self.app.prefs
        rows = RunsQuery(self._filter, prefs.order, prefs.folded, prefs.grouped, self._toggled)
        self._query = PageQuery(rows, first, count, self._follow)

    def read(self, store: Store) -> RunsSnapshot:
        return read_page(store, self._reader, self._query, self.app.queue_state)

    def show(self, snapshot: RunsSnapshot) -> None:
        before, self._snapshot = self._snapshot, snapshot
        found = snapshot.page.found
        columns = self.table.columns
        shown = found.entries[snapshot.first : snapshot.first + snapshot.query.count]
        rows = [row_cells.table_row(entry, snapshot.page, columns) for entry in shown]
        self._marks = marks_in(*(row.cells for row in rows))
        is_same_list = before is None or before.query.rows.is_same_list(snapshot.query.rows)
        self.table.put(snapshot.first, rows, len(found.entries), keeps_row=is_same_list)
        if snapshot.query.follow is not None and snapshot.query.follow == self._follow:
            self._follow = None
            if snapshot.place is not None:
                self.table.go_to(snapshot.place)
                self._hidden_run = None
            else:
                self._tell_hidden(snapshot)
        matching = snapshot.page.found.matching
        self.query_one(FilterBox).show_found(found_sentence(matching, snapshot.total, self.app.prefs))
        self._show_emptiness(snapshot)
        self._show_preview()
        if not found.is_complete:
            self._has_kept_list = False
            self.refresh_soon()
        elif not self._has_kept_list:
            self._has_kept_list = True
            self.app.keep_objects()
        self._show_summary()

    def _show_emptiness(self, snapshot: RunsSnapshot) -> None:
        filter, matching = snapshot.query.rows.filter, snapshot.page.found.matching
        has_no_runs = snapshot.total == 0 and not snapshot.archived and not filter
        self.set_class(matching == 0, "-nothing")
        if has_no_runs != self.has_class("-empty"):
            self.set_class(has_no_runs, "-empty")
            self.query_one(FilterBox).disabled = has_no_runs
            self.table.focus()
            self.refresh_bindings()
        if matching == 0:
            problem = self.query_one(FilterBox).problem
            self.query_one(EmptyTable).show(filter, snapshot.why_nothing, snapshot.archived, problem)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without a run, only keys that need none are active; in the filter, `/` is text."""
        if action == "filter" and isinstance(self.focused, Input):
            return False
        if self.has_class("-empty") and action in _ACTIONS_ON_RUNS:
            return False
        return super().check_action(action, parameters)

    def go_to_run(self, run_id: int) -> None:
        """Moves the cursor to a run or its folded row, once it is read or the filter shows it."""
        self._follow = run_id
        self.refresh_soon()

    def _tell_hidden(self, snapshot: RunsSnapshot) -> None:
        """Opens the group of the run to follow, or reports once that the filter hides it."""
        run_id = snapshot.query.follow
        assert run_id is not None
        if run_id in snapshot.page.found.runs and self._toggled:
            self._toggled = frozenset()
            self.go_to_run(run_id)
        elif run_id != self._hidden_run and snapshot.query.rows.filter:
            self._hidden_run = run_id
            self.app.tell("the filter hides the new run; esc clears the filter and shows the run")

    @on(PagedTable.CursorMoved)
    @on(PagedTable.SelectionChanged)
    def _show_summary(self) -> None:
        snapshot = self._snapshot
        if snapshot is None:
            return
        parts = [self.selection_sentence()] if self.table.selected else []
        parts += [clean(about)] if (about := self._about_current()) else []
        entry = self._entry()
        keys_of_fold = [_KEYS_OF_FOLD] if entry is not None and entry.kind == "fold" else []
        legend = (self._meaning(mark, snapshot) for mark in self._marks)
        self.query_one("#summary", TextLine).put("  ".join((" · ".join(parts), *legend, *keys_of_fold)))
        row = self.current()
        self.query_one(RunPreview).look_at(row.id if row is not None else None)

    @staticmethod
    def _meaning(mark: str, snapshot: RunsSnapshot) -> str:
        """A mark of the list and its meaning, which is narrower with folds and with runs on several sets of images."""
        if mark == BEST and snapshot.page.found.is_mixed:
            return f"{brief(mark)} on most runs' images"
        return f"{brief(mark)} in each seed" if mark == NOISE and snapshot.query.rows.folded else brief(mark)

    def _about_current(self) -> str:
        """A description of the row under the cursor."""
        entry, row = self._entry(), self.current()
        if entry is not None and entry.kind == "fold":
            return f"means over {len(entry.runs)} seeds"
        if entry is not None and entry.kind == "heading":
            return "means over the group; enter opens or closes it, space selects its runs"
        if entry is not None and entry.kind == "constant":
            return _CONSTANT
        if row is not None and row.error and row.status not in ("done", "queued", "running"):
            return f"{row.name}: {row.error.splitlines()[0]}"
        if row is not None and row.note:
            return f"{row.name}: {row.note}"
        if row is None:
            return ""
        return f"{row.name} · years" + (f" on {row.summary.split}" if row.summary.split else "")

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
        if event.text.strip() == self._filter.strip():
            self._filter_refused()
            return
        self._filter = event.text
        self._follow = self._hidden_run
        self.table.action_first()
        self.refresh_soon()

    @on(FilterBox.Refused)
    def _filter_refused(self) -> None:
        if self._snapshot is not None:
            self._show_emptiness(self._snapshot)

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
            selected = self.table.selected
            self.table.select(selected - found if found <= selected else selected | found)

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
        """Sorts by a field, or reverses the current order."""
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

    # Views and the preview

    def action_views(self) -> None:
        ask_for_view(self.app, TableView.of(self._filter, self.app.prefs), self._show_view)

    def _show_view(self, view: TableView) -> None:
        prefs = self.app.prefs
        prefs.columns, prefs.order, prefs.folded, prefs.grouped = view.columns, view.order, view.folded, view.grouped
        self.app.save_prefs()
        self.query_one(FilterBox).set_text(view.filter)
        self.table.action_first()
        self._show_columns()

    def on_resize(self) -> None:
        self._show_preview()

    def _show_preview(self) -> None:
        preview = self.query_one(RunPreview)
        preview.display = self._has_room_for_preview and self.app.prefs.preview and not self.has_class("-nothing")
        preview.look_again()

    @property
    def _has_room_for_preview(self) -> bool:
        return self.size.width >= PREVIEW_FROM

    def action_preview(self) -> None:
        prefs = self.app.prefs
        if not self._has_room_for_preview:
            self.app.tell(f"the preview needs {PREVIEW_FROM} columns; this terminal has {self.size.width}")
            return
        prefs.preview = not prefs.preview
        self.app.save_prefs()
        self._show_preview()

    def action_scroll_preview(self) -> None:
        preview = self.query_one(RunPreview)
        if preview.display:
            preview.scroll_on()
        else:
            self.focus_next()

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
        """Saves and shows the arrangement of rows. The cursor stays on its run, even through a fold."""
        self.app.save_prefs()
        if runs := self.under_cursor():
            self._arranged_at = self._follow = self._arranged_at if self._arranged_at in runs else runs[0]
        self._show_columns()

    # The row under the cursor

    def _entry(self) -> Entry | None:
        """The row under the cursor."""
        entries = self._snapshot.page.found.entries if self._snapshot else ()
        place = self.table.cursor
        return entries[place] if place < len(entries) and entries[place].key == self.table.cursor_key else None

    def current(self) -> RunRow | None:
        entry = self._entry()
        if entry is None or self._snapshot is None or entry.kind not in ("run", "fold"):
            return None
        return self._snapshot.page.runs.get(entry.runs[0])

    def under_cursor(self) -> tuple[int, ...]:
        entry = self._entry()
        return entry.runs if entry is not None and entry.kind in ("run", "fold") else ()

    def hidden(self) -> frozenset[int]:
        found = self._snapshot.page.found.runs if self._snapshot is not None else frozenset()
        return self.table.selected - found

    def action_open(self) -> None:
        """Opens a run, or shows or hides the rows of a folded row or of a group."""
        entry = self._entry()
        if entry is not None and entry.kind == "run":
            self.post_message(OpenRun(entry.runs[0]))
        elif entry is not None and entry.kind == "constant":
            self.app.tell(f"no run to open; this is {_CONSTANT}")
        elif entry is not None:
            self._toggled ^= {entry.key}
            self.refresh_soon()
