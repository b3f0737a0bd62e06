"""The form for the missing runs of a study: its preset, data, seeds and settings."""

from collections.abc import Callable, Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Static

from ageui.memory.expected_memory import CurrentPeaks
from ageui.planning.expected_time import CurrentSpeeds
from ageui.planning.known_networks import KnownNetworks
from ageui.store import Store
from ageui.study import Choice, Study, StudyTable
from ageui.study.queueing import choice_of, tag
from ageui.text.clean import clean
from ageui.tui import changes, keys
from ageui.tui.form.form_screen import FormScreen
from ageui.tui.studies.study_runs_check import CheckedStudyRuns, check_study_runs, form_fields, texts_of
from ageui.tui.widgets.field_row import FieldRow, FieldRows
from ageui.tui.widgets.key_footer import KeyFooter
from ageui.tui.widgets.machine_line import MachineLine
from ageui.tui.widgets.status_bar import StatusBar


def runs_like(table: StudyTable, choice: Choice | None) -> Choice | None:
    """The form's first choice: the requested choice, else that of the visible variant."""
    return choice or (choice_of(table.study, table.variant) if table.variant is not None else None)


class StudyRunsScreen(FormScreen[CheckedStudyRuns]):
    """Starts with the choice `like`. Calls `chosen` with the final choice, with or without queueing its runs."""

    CSS_PATH = ["../form/form_screen.tcss", "study_runs.tcss"]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.STUDY_RUNS)]
    AUTO_FOCUS = "FieldRow Input"

    def __init__(self, study: Study, like: Choice | None, seeds: int, chosen: Callable[[Choice], None]) -> None:
        super().__init__(form_fields())
        self._study, self._chosen = study, chosen
        self._first_texts = texts_of(like, seeds)
        self._networks, self._peaks, self._speeds = KnownNetworks(), CurrentPeaks(), CurrentSpeeds()

    def compose(self) -> ComposeResult:
        yield StatusBar(f"studies › {self._study.name} › run what is missing")
        with FieldRows(id="form"):
            yield Static(clean(f"{self._study.title}. {self._study.shows}"), classes="hint", markup=False)
            for field in self._fields.values():
                yield FieldRow(field.name, field.what)
        with Vertical(id="plan"):
            yield Static(id="outcome", markup=False)
            yield MachineLine(self._networks, id="memory")
            yield Static(id="time", markup=False)
            yield Static(id="command", markup=False)
        yield KeyFooter()

    def on_mount(self) -> None:
        for row in self.query(FieldRow):
            row.text = self._first_texts.get(row.field, "")

    def read(self, store: Store) -> CheckedStudyRuns:
        return check_study_runs(
            store, self._study, self._entered, self._networks, self._peaks, self._speeds, self.app.permissions
        )

    def action_show(self) -> None:
        self.once_checked(self._leave_with)

    def queue(self, checked: CheckedStudyRuns) -> None:
        plan = checked.plan
        if plan is None or not (plan.new or plan.again or plan.stopped):
            self.app.tell(f"nothing is missing: {checked.outcome}", severity="warning")
            return
        self.app.change(
            changes.run_missing(plan, [tag(self._study)]), lambda made: self._leave_with(checked) if made else None
        )

    def _leave_with(self, checked: CheckedStudyRuns) -> None:
        if self.is_current and checked.choice is not None:
            self.app.pop_screen()
            self._chosen(checked.choice)

    def first_texts(self) -> Mapping[str, str]:
        return {name: text for name, text in self._first_texts.items() if text}
