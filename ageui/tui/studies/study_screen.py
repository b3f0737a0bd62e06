"""A study: its cells as a table, as one figure on an axis, or as a heat map, with published beside measured figures."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from ageui.compare.averaged_scores import Averages
from ageui.present.marks import APART, NOISE
from ageui.store import Store
from ageui.study import CellRow, Choice, Study, StudyTable, with_tests
from ageui.study.overview import progress_words
from ageui.study.two_way import Effects, effects_of, grid_of
from ageui.study.wording import figure_title, split_text
from ageui.text.clean import clean
from ageui.text.sentences import counted
from ageui.text.states import SYMBOLS
from ageui.tui import keys
from ageui.tui.dialogs.explain import ExplainScreen
from ageui.tui.dialogs.prompts import Answer, ChoicePrompt
from ageui.tui.interval_job import IntervalJob
from ageui.tui.live import LiveScreen
from ageui.tui.messages import MOST_COMPARED, OpenComparison, OpenRun
from ageui.tui.studies.cell_rows import Layout, Progress, columns_and_rows
from ageui.tui.studies.cell_words import about_cell, ranking_words
from ageui.tui.studies.heat_map import HeatMap
from ageui.tui.studies.heat_map_text import MapContents, statements
from ageui.tui.studies.provenance import explained, provenance
from ageui.tui.studies.reading import StudyTables, StudyView, named, next_step, read_tables
from ageui.tui.studies.study_runs import StudyRunsScreen, runs_like
from ageui.tui.widgets.key_footer import KeyFooter
from ageui.tui.widgets.paged_table import PagedTable
from ageui.tui.widgets.status_bar import StatusBar
from ageui.tui.widgets.text_line import TextLine

TABLE, AXIS, HEAT_MAP = "table", "axis", "heat map"
_OTHER_LINES = 18
"""The number of lines on a screen with table and heat map that are neither cells nor rows of the map."""


@dataclass(frozen=True)
class StudySnapshot:
    """The study's table, what to press if it has no runs, and the effects of a grid on each figure."""

    found: StudyTables
    step: str
    effects: Mapping[str, Effects]


class StudyScreen(LiveScreen[StudySnapshot]):
    """Keys act on the selected cells, or else on the cell under the cursor. Calls `changed` with each new view."""

    CSS_PATH = "study_screen.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.STUDY)]

    def __init__(self, study: Study, view: StudyView, changed: Callable[[StudyView], object]) -> None:
        super().__init__()
        self._study, self._view, self._changed = study, view, changed
        self._grid = grid_of(study)
        self._shape, self._figure = TABLE, study.figures[0]
        self._place: int | None = 0
        self._asked = view
        self._snapshot: StudySnapshot | None = None
        self._averages: Averages = {}
        self._tested: tuple[StudyTable | None, StudyTable | None] = (None, None)
        self._tests = IntervalJob(self, self._compute_tests, self._draw, "no tests of cells with several seeds")

    def compose(self) -> ComposeResult:
        yield StatusBar(f"studies › {self._study.name}")
        yield TextLine(id="title")
        yield TextLine(id="variant")
        yield Static(id="step", markup=False)
        yield PagedTable(fixed=2, id="cells")
        with VerticalScroll(id="map", can_focus=False):
            yield HeatMap()
            yield Static(id="effects", markup=False)
        yield TextLine(id="cell")
        yield KeyFooter()

    def on_mount(self) -> None:
        self._show_shape()

    def on_resize(self) -> None:
        self._draw()

    @property
    def _cells(self) -> PagedTable:
        return self.query_one(PagedTable)

    @property
    def _map(self) -> VerticalScroll:
        return self.query_one("#map", VerticalScroll)

    def _has_room_below(self, table: StudyTable) -> bool:
        """Whether a heat map fits below all cells."""
        rows_of_map = len(self._grid.row_levels) if self._grid is not None else 0
        return self.size.height >= len(table.rows) + rows_of_map + _OTHER_LINES

    @property
    def _table(self) -> StudyTable | None:
        """The table, with tests once they are computed; None until the first read."""
        table = self._untested_table
        before, tested = self._tested
        return tested if table is not None and before is table else table

    @property
    def _untested_table(self) -> StudyTable | None:
        return self._snapshot.found.tables[0] if self._snapshot is not None else None

    @property
    def _is_testing(self) -> bool:
        """Whether cells with several seeds wait for their tests."""
        table = self._untested_table
        is_waiting = table is not self._tested[0] or self._tests.is_busy
        return is_waiting and table is not None and any(len(row.scores) > 1 for row in table.rows)

    @property
    def is_settled(self) -> bool:
        """Whether the table is shown, with the tests of cells with several seeds."""
        return self._snapshot is not None and not self._tests.is_busy

    @property
    def _progress(self) -> Progress:
        return self._snapshot.found.progress if self._snapshot is not None else Progress({}, {})

    # Reading

    def prepare(self) -> None:
        self._asked = self._view

    def read(self, store: Store) -> StudySnapshot:
        before = self._snapshot.found if self._snapshot is not None else None
        found = read_tables(store, [(self._study, self._asked)], before, self.check_open)
        effects = effects_of(found.tables[0], self._grid) if self._grid is not None else {}
        return StudySnapshot(found, next_step(store, found.tables[0]), effects)

    def show(self, snapshot: StudySnapshot) -> None:
        self._snapshot = snapshot
        self._draw()

    async def _compute_tests(self, table: StudyTable) -> None:
        self._tested = (table, table)  # tried only once
        self._tested = (table, await asyncio.to_thread(self._with_tests, table))

    def _with_tests(self, table: StudyTable) -> StudyTable:
        return named(with_tests(table, self.app.store, self._averages))

    # Showing

    @on(PagedTable.PageWanted)
    def _draw(self) -> None:
        table, snapshot = self._table, self._snapshot
        if table is None or snapshot is None:
            return
        self._figure = self._figure if self._figure in table.shown_figures else table.shown_figures[0]
        with self.app.batch_update():
            self._map.display = self._shape == HEAT_MAP or (self._grid is not None and self._has_room_below(table))
            self._draw_heading(table, snapshot.step)
            if self._map.display and self._grid is not None and self._figure in snapshot.effects:
                contents = MapContents(table, self._grid, self._figure, snapshot.effects[self._figure])
                self.query_one(HeatMap).show(contents, self._place)
                self.query_one("#effects", Static).update(Text("\n".join(statements(contents)), style="dim"))
            if self._cells.display:
                width = self.size.width
                is_axis = self._shape == AXIS
                layout = Layout.of_axis(table, self._figure, width) if is_axis else Layout.of_figures(table, width)
                columns, found = columns_and_rows(table, layout, self._figure, self._progress)
                self._cells.show_columns(columns)
                self._cells.put(0, found, len(found))
                self._cells.styles.max_height = len(found) + 2 if self._map.display else None
            self._draw_cell()
        if self._untested_table is not self._tested[0]:
            self._tests.request(self._untested_table)

    def _draw_heading(self, table: StudyTable, next_step: str) -> None:
        views = Text(" · ").join(
            Text(one, style="bold reverse" if one == self._shape else "dim") for one in self._shapes
        )
        if self._shape != TABLE or self._plots or self._map.display:
            views.append(f"  {figure_title(self._figure)}", style="bold")
        title = Text.assemble((clean(self._study.title), "bold"), f"  {progress_words(table)}")
        room = self.size.width - 2 - views.cell_len
        title.truncate(max(0, room - 1), overflow="ellipsis")
        title.pad_right(max(1, room - title.cell_len))
        self.query_one("#title", TextLine).put(title.append_text(views))
        variants = (
            f"variant {table.variants.index(table.variant) + 1} of {len(table.variants)}" if table.variant else ""
        )
        warned = f"! {counted(len(table.warnings), 'warning')}, i shows them" if table.warnings else ""
        warned = warned if table.is_comparable else f"{APART} other data than the published"
        others = variants if len(table.variants) > 1 else ""
        testing = f"testing biases over seeds, {NOISE} follows" if self._is_testing else ""
        said = [testing, warned, split_text(table), others, clean(table.variant_name)]
        self.query_one("#variant", TextLine).put(Text(" · ".join(filter(None, said)) or "no runs yet", style="dim"))
        step = self.query_one("#step", Static)
        step.update(clean(next_step))
        step.set_class(not next_step, "-away")

    @property
    def _shapes(self) -> list[str]:
        """The views of this study, in their order."""
        return [TABLE, AXIS, *([HEAT_MAP] if self._grid is not None else [])]

    @property
    def _plots(self) -> bool:
        """Whether the table has a plot of one figure."""
        table = self._table
        return table is not None and bool(Layout.of_figures(table, self.size.width).plot)

    @on(PagedTable.CursorMoved)
    @on(PagedTable.SelectionChanged)
    def _cursor_moved(self) -> None:
        if self._shape != HEAT_MAP:
            self._place = self._cells.cursor_key
            self._draw_cell()

    @on(HeatMap.Moved)
    def _map_moved(self, event: HeatMap.Moved) -> None:
        self._place = event.place
        self._draw_cell()

    def _draw_cell(self) -> None:
        table, row, selected = self._table, self._row_here(), len(self._cells.selected)
        if table is None:
            return
        said = (
            about_cell(table, row, self._figure, self._progress)
            if row is not None
            else ranking_words(table, self._figure)
        )
        parts = [f"{selected} selected" if selected else "", said]
        self.query_one("#cell", TextLine).put(Text(clean(" · ".join(filter(None, parts)))))

    def _show_shape(self) -> None:
        self._cells.display = self._shape != HEAT_MAP
        self._map.display = self._shape == HEAT_MAP
        if self._shape == HEAT_MAP:
            self.query_one(HeatMap).focus()
        else:
            self._cells.focus()
            if self._place is not None:
                self._cells.action_move(self._place - self._cells.cursor)
        self._draw()

    # Which view

    def action_next_view(self) -> None:
        shapes = self._shapes
        self._shape = shapes[(shapes.index(self._shape) + 1) % len(shapes)]
        self._show_shape()

    def action_next_figure(self, by: int = 1) -> None:
        table = self._table
        if table is None:
            return
        names = [name for name in table.shown_figures if name != "minutes" or self._shape != HEAT_MAP]
        place = names.index(self._figure) if self._figure in names else 0
        self._figure = names[(place + by) % len(names)]
        self._draw_cell()
        if self._shape == TABLE and not (self._plots or self._map.display):
            self._shape = AXIS
            self._show_shape()
        self._draw()

    def action_previous_figure(self) -> None:
        self.action_next_figure(-1)

    def _show(self, view: StudyView) -> None:
        self._view = view
        self._changed(view)
        self.refresh_soon()

    def _show_as(self, choice: Choice) -> None:
        self._show(StudyView(choice))

    def action_next_variant(self) -> None:
        """Cycles through the variants in an order that does not change while runs train."""
        table = self._table
        if table is None:
            return
        if not table.others:
            self.app.tell("no other variant yet; r queues runs of another")
            return
        every = sorted(table.variants, key=lambda variant: str(variant.key))
        now = every.index(table.variant) if table.variant is not None else -1
        self._show(StudyView(variant=every[(now + 1) % len(every)]))

    def action_next_split(self) -> None:
        table = self._table
        if table is None:
            return
        if table.split is None:
            self.app.tell("none of these runs has scores yet")
        elif len(table.splits) < 2:
            self.app.tell(f"only {table.split} has scores")
        else:
            split = table.splits[(table.splits.index(table.split) + 1) % len(table.splits)]
            self._show(replace(self._view, split=split))

    # Cells

    def _row_here(self) -> CellRow | None:
        table, place = self._table, self._place
        return table.rows[place] if table is not None and place is not None and place < len(table.rows) else None

    def _targets(self) -> list[CellRow]:
        """The selected cells, or else the cell under the cursor."""
        table, here = self._table, self._row_here()
        if table is None:
            return []
        if self._cells.selected:
            return [table.rows[place] for place in sorted(self._cells.selected) if place < len(table.rows)]
        return [here] if here is not None else []

    def action_select(self) -> None:
        if self._row_here() is not None and self._place is not None:
            if self._shape == HEAT_MAP:
                self._cells.select(self._cells.selected ^ {self._place})
                self._draw()
            else:
                self._cells.toggle_selected()

    def action_select_all(self) -> None:
        table = self._table
        if table is not None:
            self._cells.select(frozenset(place for place, row in enumerate(table.rows) if row.runs))

    @on(PagedTable.Opened)
    def action_open(self) -> None:
        row = self._row_here()
        if row is None:
            return
        if not row.runs:
            self.app.tell(f"{row.cell.label}: no run yet; {row.cell.unknown or 'r queues what is missing'}")
            return
        if len(row.runs) == 1:
            self.post_message(OpenRun(next(iter(row.runs.values()))))
            return
        answers = [Answer(str(run_id), f"seed {seed}", self._state(run_id)) for seed, run_id in row.runs.items()]
        prompt = ChoicePrompt(f"{row.cell.label}: open which run?", answers)
        prompt.ask(self.app, lambda run_id: self.post_message(OpenRun(int(run_id))))

    def _state(self, run_id: int) -> str:
        status, share = self._progress.statuses.get(run_id, ""), self._progress.fractions.get(run_id)
        return f"{SYMBOLS.get(status, '?')} {status}{f' {share:.0%}' if share is not None else ''} · run {run_id}"

    def action_compare(self) -> None:
        ordered = sorted(self._targets(), key=lambda row: not row.is_measured)
        run_ids = list(dict.fromkeys(run_id for row in ordered for run_id in row.runs.values()))
        if not run_ids:
            self.app.tell("no run to compare yet; r queues what is missing")
        elif len(run_ids) > MOST_COMPARED:
            most = f"a comparison holds at most {MOST_COMPARED}: select fewer cells"
            self.app.tell(f"{len(run_ids)} runs are selected; {most}", severity="warning")
        else:
            self.post_message(OpenComparison(tuple(run_ids)))

    def action_run(self) -> None:
        table = self._table
        if table is not None:
            like = runs_like(table, self._view.choice)
            self.app.push_screen(StudyRunsScreen(self._study, like, max(1, len(table.seeds)), self._show_as))

    def action_provenance(self) -> None:
        if self._table is not None:
            self.app.push_screen(ExplainScreen(provenance(self._table), self._study.name, ""))

    def action_explain(self) -> None:
        if self._table is not None:
            self.app.push_screen(ExplainScreen(explained(self._table)))

    def action_clear_or_leave(self) -> None:
        if self._cells.selected:
            self._cells.select(frozenset())
        else:
            self.app.pop_screen()
