"""Shows the list of studies with their progress, and published beside measured figures of one study."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from ageui.compare.averaged_scores import Averages
from ageui.store import Store
from ageui.study import (
    NO_CHOICE,
    CellRow,
    Choice,
    NormalizedRun,
    Study,
    StudyTable,
    Variant,
    load,
    normalized_runs,
    studies,
    study_table,
    with_tests,
)
from ageui.study.queueing import choice_of
from ageui.text.clean import clean
from ageui.text.states import SYMBOLS
from ageui.tui import keys
from ageui.tui.dialogs.explain import ExplainScreen
from ageui.tui.dialogs.prompts import Answer, ChoicePrompt, LinePrompt
from ageui.tui.interval_job import IntervalJob
from ageui.tui.live import LiveScreen
from ageui.tui.messages import MOST_COMPARED, OpenComparison, OpenRun
from ageui.tui.studies import rows as study_rows
from ageui.tui.studies.study_runs import StudyRunsScreen
from ageui.tui.widgets.key_footer import KeyFooter
from ageui.tui.widgets.paged_table import PagedTable
from ageui.tui.widgets.status_bar import StatusBar
from ageui.tui.widgets.text_line import TextLine
from engine.errors import AgeUIError

_NAME_CELLS = 8


@dataclass(frozen=True)
class StudiesQuery:
    """How to show each study, by name: with the runs of a choice or variant, and with the scores on a split."""

    studies: tuple[Study, ...]
    choices: Mapping[str, Choice]
    variants: Mapping[str, Variant]
    splits: Mapping[str, str]

    def shows_alike(self, other: "StudiesQuery", study: Study) -> bool:
        """Whether both queries show a study alike."""
        one, another = (
            (
                study in query.studies,
                *(by_name.get(study.name) for by_name in (query.choices, query.variants, query.splits)),
            )
            for query in (self, other)
        )
        return one == another


@dataclass(frozen=True)
class StudiesSnapshot:
    """`statuses` are of all measured runs, by id; `fractions` are the progress of running ones, from 0 to 1.

    `are_rescored` tells whether no result waits for its intervals and tests.
    """

    query: StudiesQuery
    tables: Mapping[str, StudyTable]
    statuses: Mapping[int, str]
    fractions: Mapping[int, float]
    are_rescored: bool


class StudiesScreen(LiveScreen[StudiesSnapshot]):
    """A list of studies and the table of the highlighted one.

    Keys act on the selected cells, or else on the cell under the cursor.
    """

    CSS_PATH = "screen.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.STUDIES)]

    def __init__(self) -> None:
        super().__init__()
        self._studies = tuple(studies())
        self._choices: dict[str, Choice] = {}
        self._variants: dict[str, Variant] = {}
        self._splits: dict[str, str] = {}
        self._query = StudiesQuery(self._studies, {}, {}, {})
        self._snapshot: StudiesSnapshot | None = None
        self._chosen = self._to_choose = ""
        self._listed: tuple[str, ...] = ()
        self._drawn: StudyTable | None = None
        # Building tables reads all configs, so they are rebuilt only after a run or its status changed, or all results
        # were rescored.
        self._built: StudiesSnapshot | None = None
        self._averages: Averages = {}
        self._tested: dict[str, tuple[StudyTable, StudyTable]] = {}
        self._tests = IntervalJob(self, self._compute_tests, self._draw, "no tests of cells with several seeds")

    def compose(self) -> ComposeResult:
        yield StatusBar(f"{self.app.store.path.name} › studies")
        with Horizontal():
            yield OptionList(id="studies", markup=False)
            with Vertical(id="study"):
                yield Static(id="about", markup=False)
                yield PagedTable(fixed=2, id="cells")
                yield TextLine(id="cell", classes="hint")
                with VerticalScroll(id="notes"):
                    yield Static(markup=False)
        yield KeyFooter()

    def on_mount(self) -> None:
        self._list.focus()

    @property
    def _list(self) -> OptionList:
        return self.query_one("#studies", OptionList)

    @property
    def _cells(self) -> PagedTable:
        return self.query_one(PagedTable)

    @property
    def _table(self) -> StudyTable | None:
        """The table of the highlighted study, with tests once they are computed; None until the first read."""
        table = self._untested_table
        before, tested = self._tested.get(self._chosen, (None, None))
        return tested if table is not None and before is table else table

    @property
    def _untested_table(self) -> StudyTable | None:
        return self._snapshot.tables.get(self._chosen) if self._snapshot is not None else None

    # Reading

    def prepare(self) -> None:
        self._query = StudiesQuery(self._studies, dict(self._choices), dict(self._variants), dict(self._splits))

    def read(self, store: Store) -> StudiesSnapshot:
        query, statuses = self._query, store.scores.measured_statuses()
        are_rescored = not store.rescoring.remaining()
        built = self._built
        if built is not None and (built.statuses, built.are_rescored) != (statuses, are_rescored):
            built = None
        tables = self._tables(store, query, built)
        running = [run_id for run_id, status in statuses.items() if status == "running"]
        summaries = [(run_id, store.runs.get(run_id).summary) for run_id in running]
        fractions = {run_id: (one.step or 0) / one.total_steps for run_id, one in summaries if one.total_steps}
        self._built = StudiesSnapshot(query, tables, statuses, fractions, are_rescored)
        return self._built

    def _tables(self, store: Store, query: StudiesQuery, built: StudiesSnapshot | None) -> Mapping[str, StudyTable]:
        """The tables of all studies; those of `built` are shown again where the query asks for the same."""
        runs: Sequence[NormalizedRun] | None = None
        tables = {}
        for study in query.studies:
            name = study.name
            if built is not None and built.query.shows_alike(query, study):
                tables[name] = built.tables[name]
                continue
            self.check_open()
            runs = normalized_runs(store) if runs is None else runs
            choice, variant = query.choices.get(name, NO_CHOICE), query.variants.get(name)
            tables[name] = study_table(study, store, choice, variant=variant, split=query.splits.get(name), runs=runs)
        return tables

    def show(self, snapshot: StudiesSnapshot) -> None:
        self._snapshot = snapshot
        names = tuple(study.name for study in snapshot.query.studies)
        if names != self._listed:
            self._fill_list(snapshot, names)
        else:
            for place, name in enumerate(names):
                if (line := self._line(snapshot, name)) != self._list.get_option_at_index(place).prompt:
                    self._list.replace_option_prompt_at_index(place, line)
        self._draw()

    def _request_tests(self) -> None:
        before, _ = self._tested.get(self._chosen, (None, None))
        if (table := self._untested_table) is not None and table is not before:
            self._tests.request(table)

    async def _compute_tests(self, table: StudyTable) -> None:
        self._tested[table.study.name] = (table, table)  # tried only once
        tested = await asyncio.to_thread(with_tests, table, self.app.store, self._averages)
        self._tested[table.study.name] = (table, tested)

    def _fill_list(self, snapshot: StudiesSnapshot, names: tuple[str, ...]) -> None:
        self._listed = names
        self._list.set_options(Option(self._line(snapshot, name)) for name in names)
        if self._to_choose in names:
            self._chosen, self._to_choose = self._to_choose, ""
        self._chosen = self._chosen if self._chosen in names else names[0]
        self._list.highlighted = names.index(self._chosen)

    def _line(self, snapshot: StudiesSnapshot, name: str) -> Text:
        return study_rows.list_text(snapshot.tables[name], _NAME_CELLS)

    # Showing

    @on(PagedTable.PageWanted)
    def _draw(self) -> None:
        snapshot, table = self._snapshot, self._table
        if snapshot is None or table is None:
            return
        if table is not self._drawn:
            self._drawn = table
            self.query_one("#about", Static).update(study_rows.about_text(table))
            notes = study_rows.notes_text(table)
            self.query_one("#notes Static", Static).update(notes)
            self.query_one("#notes").set_class(not notes, "-away")
        rows = study_rows.rows(table, snapshot.statuses, snapshot.fractions)
        self._cells.show_columns(study_rows.columns(table))
        self._cells.put(0, rows, len(rows))
        self._show_cell()
        self._request_tests()

    @on(PagedTable.CursorMoved)
    @on(PagedTable.SelectionChanged)
    def _show_cell(self) -> None:
        snapshot, table = self._snapshot, self._table
        if snapshot is None or table is None:
            return
        row, selected = self._row_here(), len(self._cells.selected)
        parts = [
            "← → more figures" if self._cells.max_scroll_x else "",
            f"{selected} selected" if selected else "",
            f"{row.cell.label}: {study_rows.about_cell(row, snapshot.statuses)}" if row is not None else "",
        ]
        self.query_one("#cell", TextLine).put(clean(" · ".join(filter(None, parts))))

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_index < len(self._listed) and self._listed[event.option_index] != self._chosen:
            self._chosen = self._listed[event.option_index]
            self._cells.select(frozenset())
            self._cells.action_first()
            self._draw()

    @on(OptionList.OptionSelected)
    def _entered(self) -> None:
        self._cells.focus()

    # Which table

    def _show_as(self, choice: Choice) -> None:
        self._choices[self._chosen] = choice
        self._variants.pop(self._chosen, None)
        self._splits.pop(self._chosen, None)
        self.refresh_soon()

    def action_next_variant(self) -> None:
        """Cycles through the variants in an order that does not change while runs train."""
        table = self._table
        if table is None:
            return
        if not table.others:
            self.app.tell("there is no other way in which it was run; r runs it in another")
            return
        every = sorted(table.variants, key=lambda variant: str(variant.key))
        now = every.index(table.variant) if table.variant is not None else -1
        self._variants[self._chosen] = every[(now + 1) % len(every)]
        self._choices.pop(self._chosen, None)
        self._splits.pop(self._chosen, None)
        self.refresh_soon()

    def action_next_split(self) -> None:
        table = self._table
        if table is None:
            return
        if table.split is None:
            self.app.tell("the figures are of no split" if table.measured_cells else "nothing has scores yet")
            return
        if len(table.splits) < 2:
            self.app.tell(f"there are scores on {table.split} alone")
            return
        self._splits[self._chosen] = table.splits[(table.splits.index(table.split) + 1) % len(table.splits)]
        self.refresh_soon()

    def action_add(self) -> None:
        self.run_worker(self._add(), group="adding", exclusive=True, exit_on_error=False)

    async def _add(self) -> None:
        hint = "enter reads it, esc leaves · the README says what it may hold"
        text = await self.app.push_screen_wait(LinePrompt("Path of a study, a TOML file", "", hint))
        if not text or not text.strip():
            return
        path = Path(text.strip()).expanduser().absolute()
        try:
            study = await asyncio.to_thread(load, str(path))
        except AgeUIError as error:
            self.app.tell(str(error), severity="error")
            return
        known = {one.name: one for one in studies()}
        if study.name in known:
            self.app.tell(f"there is a study {study.name} already: give the file another name", severity="error")
            return
        self._studies = (*(one for one in self._studies if one.name != study.name), study)
        self._to_choose, self._listed = study.name, ()
        self.refresh_soon()

    # Cells

    def _row_here(self) -> CellRow | None:
        table, place = self._table, self._cells.cursor_key
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
        if self._row_here() is not None:
            self._cells.toggle_selected()

    def action_select_all(self) -> None:
        table = self._table
        if table is not None:
            self._cells.select(frozenset(place for place, row in enumerate(table.rows) if row.runs))

    @on(PagedTable.Opened)
    def action_open(self) -> None:
        row, snapshot = self._row_here(), self._snapshot
        if row is None or snapshot is None:
            return
        if not row.runs:
            why = row.cell.unknown or "r runs what is missing"
            self.app.tell(f"{row.cell.label}: there is no run of it; {why}")
            return
        if len(row.runs) == 1:
            self.post_message(OpenRun(next(iter(row.runs.values()))))
            return
        answers = [Answer(str(run_id), f"seed {seed}", _state(snapshot, run_id)) for seed, run_id in row.runs.items()]
        prompt = ChoicePrompt(f"{row.cell.label}: open which run?", answers)
        prompt.ask(self.app, lambda run_id: self.post_message(OpenRun(int(run_id))))

    def action_compare(self) -> None:
        run_ids = study_rows.run_ids(self._targets())
        if not run_ids:
            self.app.tell("there is no run to compare; r runs what is missing")
        elif len(run_ids) > MOST_COMPARED:
            most = f"compare at most {MOST_COMPARED}: select fewer cells"
            self.app.tell(f"these are {len(run_ids)} runs; {most}", severity="warning")
        else:
            self.post_message(OpenComparison(tuple(run_ids)))

    def action_run(self) -> None:
        table = self._table
        if table is None:
            return
        like = self._choices.get(self._chosen) or (choice_of(table.study, table.variant) if table.variant else None)
        self.app.push_screen(StudyRunsScreen(table.study, like, max(1, len(table.seeds)), self._show_as))

    def action_explain(self) -> None:
        if self._table is not None:
            self.app.push_screen(ExplainScreen(study_rows.explained(self._table)))

    def action_clear_or_leave(self) -> None:
        if self._cells.selected:
            self._cells.select(frozenset())
        else:
            self.app.pop_screen()


def _state(snapshot: StudiesSnapshot, run_id: int) -> str:
    status = snapshot.statuses.get(run_id, "")
    share = f" {snapshot.fractions[run_id]:.0%}" if run_id in snapshot.fractions else ""
    return f"{SYMBOLS.get(status, '?')} {status}{share} · run {run_id}"
