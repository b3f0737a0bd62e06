"""The list of studies: the question, progress and best figures of each."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from ageui.present.marks import PUBLISHED
from ageui.store import Store
from ageui.study import Choice, Study, StudyTable, load, studies
from ageui.study.published_and_measured import unit_of
from ageui.study.wording import figure_title
from ageui.text.clean import clean
from ageui.tui import keys
from ageui.tui.chart.dot_plot import dot_plot
from ageui.tui.dialogs.explain import ExplainScreen
from ageui.tui.dialogs.prompts import LinePrompt
from ageui.tui.live import LiveScreen
from ageui.tui.studies.cell_rows import dots
from ageui.tui.studies.list_rows import about_study, list_columns, list_rows
from ageui.tui.studies.provenance import provenance
from ageui.tui.studies.reading import StudyTables, StudyView, next_step, read_tables
from ageui.tui.studies.study_runs import StudyRunsScreen, runs_like
from ageui.tui.studies.study_screen import StudyScreen
from ageui.tui.widgets.key_footer import KeyFooter
from ageui.tui.widgets.paged_table import PagedTable
from ageui.tui.widgets.status_bar import StatusBar
from engine.errors import AgeUIError

_LINES_OF_WORDS = 15
"""The number of lines around the list and the plot of a study's first figure."""


@dataclass(frozen=True)
class StudiesSnapshot:
    """The tables of all studies, and what to press for the highlighted one if it has no runs."""

    found: StudyTables
    highlighted: str
    next_step: str


class StudiesScreen(LiveScreen[StudiesSnapshot]):
    """A table of studies, and below it a description of the highlighted study."""

    CSS_PATH = "screen.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.STUDIES)]

    def __init__(self) -> None:
        super().__init__()
        self._studies = tuple(studies())
        self._views: dict[str, StudyView] = {}
        self._highlighted = self._to_highlight = ""
        self._asked: tuple[tuple[Study, StudyView], ...] = ()
        self._built: StudyTables | None = None
        self._snapshot: StudiesSnapshot | None = None

    def compose(self) -> ComposeResult:
        yield StatusBar("studies")
        yield PagedTable(id="studies")
        with VerticalScroll(id="about", can_focus=False):
            yield Static(markup=False)
        yield KeyFooter()

    def on_mount(self) -> None:
        self._list.focus()

    @property
    def _list(self) -> PagedTable:
        return self.query_one(PagedTable)

    @property
    def _table(self) -> StudyTable | None:
        """The table of the highlighted study; None until the first read."""
        place = self._list.cursor_key
        if self._snapshot is None or place is None or place >= len(self._snapshot.found.tables):
            return None
        return self._snapshot.found.tables[place]

    # Reading and showing

    def prepare(self) -> None:
        self._asked = tuple((study, self._views.get(study.name, StudyView())) for study in self._studies)
        table = self._table
        self._highlighted = table.study.name if table is not None else self._studies[0].name

    def read(self, store: Store) -> StudiesSnapshot:
        highlighted = self._highlighted
        self._built = found = read_tables(store, self._asked, self._built, self.check_open)
        table = next((one for one in found.tables if one.study.name == highlighted), None)
        return StudiesSnapshot(found, highlighted, next_step(store, table) if table is not None else "")

    def show(self, snapshot: StudiesSnapshot) -> None:
        self._snapshot = snapshot
        self._draw()
        names = [table.study.name for table in snapshot.found.tables]
        if self._to_highlight in names:
            self._list.action_first()
            self._list.action_move(names.index(self._to_highlight))
            self._to_highlight = ""

    @on(PagedTable.PageWanted)
    def _draw(self) -> None:
        if self._snapshot is None:
            return
        tables, width = self._snapshot.found.tables, self._list.size.width
        self._list.show_columns(list_columns(width))
        self._list.put(0, list_rows(tables, width), len(tables))
        self._list.styles.max_height = len(tables) + 2
        self._draw_about()

    def _draw_about(self) -> None:
        table, snapshot = self._table, self._snapshot
        if table is None or snapshot is None:
            return
        known = snapshot.next_step if snapshot.highlighted == table.study.name else ""
        step = known or ("r queues its runs" if table.variant is None else "")
        about = about_study(table, step)
        lines_above = len(snapshot.found.tables) + _LINES_OF_WORDS
        if self.size.height >= lines_above + len(table.rows):
            name = table.study.figures[0]
            title = Text(f"\n\n{figure_title(name)}, measured ● and published {PUBLISHED}\n", style="bold")
            plot = dot_plot(dots(table, name), self.size.width - 2, unit=unit_of(name))
            about = Text.assemble(about, title, Text("\n").join(plot))
        self.query_one("#about > Static", Static).update(about)

    @on(PagedTable.CursorMoved)
    def _highlighted_another(self) -> None:
        self._draw_about()
        table, snapshot = self._table, self._snapshot
        is_other = table is not None and snapshot is not None and snapshot.highlighted != table.study.name
        if is_other and table is not None and table.variant is None:
            self.refresh_soon()

    # Actions

    @on(PagedTable.Opened)
    def action_open(self) -> None:
        table = self._table
        if table is not None:
            name = table.study.name
            view = self._views.get(name, StudyView())
            self.app.push_screen(StudyScreen(table.study, view, lambda changed: self._views.update({name: changed})))

    def action_run(self) -> None:
        table = self._table
        if table is not None:
            name, view = table.study.name, self._views.get(table.study.name, StudyView())

            def show_as(choice: Choice) -> None:
                self._views[name] = StudyView(choice)
                self.refresh_soon()

            like = runs_like(table, view.choice)
            self.app.push_screen(StudyRunsScreen(table.study, like, max(1, len(table.seeds)), show_as))

    def action_provenance(self) -> None:
        table = self._table
        if table is not None:
            self.app.push_screen(ExplainScreen(provenance(table), table.study.name, ""))

    def action_add(self) -> None:
        self.run_worker(self._add(), group="adding", exclusive=True, exit_on_error=False)

    async def _add(self) -> None:
        hint = "enter adds it · esc cancels · see ageui explain studies"
        text = await self.app.push_screen_wait(LinePrompt("Path of a study, a TOML file", "", hint))
        if not text or not text.strip():
            return
        path = Path(text.strip()).expanduser().absolute()
        try:
            self.app.permissions.refuse_path(path)
            study = await asyncio.to_thread(load, str(path))
        except AgeUIError as error:
            self.app.tell(str(error), severity="error")
            return
        if study.name in {one.name for one in studies()}:
            self.app.tell(f"a study named {clean(study.name)} exists; rename the file", severity="error")
            return
        self._studies = (*(one for one in self._studies if one.name != study.name), study)
        self._to_highlight = study.name
        self.refresh_soon()
