"""A form for what is missing of a study: with which preset, data and seeds, and how many runs that is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Footer, Static

from ageui.memory.forecast import NOTHING_TO_SAY, Forecast, Forecaster
from ageui.store import Store
from ageui.study import Choice, Study, Work, work
from ageui.study.queueing import chosen_here, tag, told
from ageui.text.clean import clean
from ageui.tui import changes, keys
from ageui.tui.debounce import Debounce
from ageui.tui.dialogs.pick import PickScreen
from ageui.tui.live import LiveScreen
from ageui.tui.studies.study_form import (
    DATA,
    FIELDS,
    PRESET,
    SEEDS,
    SETTINGS,
    choice_of_texts,
    command,
    seeds_of,
    texts_of,
)
from ageui.tui.widgets.field_row import FieldRow
from ageui.tui.widgets.memory_line import MemoryLine
from ageui.tui.widgets.status_bar import StatusBar
from ageui.worker.background_workers import refuse_missing_devices
from engine.choices import PRESETS
from engine.errors import AgeUIError, ConfigError, DeviceError


@dataclass(frozen=True)
class _Checked:
    """`choice` and `todo` are there unless something is wrong, which `trouble` says. `in_force` has what holds in a
    field that was left empty, and its origin."""

    texts: Mapping[str, str]
    data: tuple[str, ...]
    in_force: Mapping[str, tuple[str, str]]
    choice: Choice | None = None
    todo: Work | None = None
    memory: Forecast = NOTHING_TO_SAY
    command: str = ""
    trouble: str = ""


class StudyRunsScreen(LiveScreen[_Checked]):
    """`like` is what the fields start from; `chosen` is called with what was chosen, queued or not."""

    CSS_PATH = "study_runs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.STUDY_RUNS)]
    AUTO_FOCUS = "FieldRow Input"

    def __init__(self, study: Study, like: Choice | None, seeds: int, chosen: Callable[[Choice], None]) -> None:
        super().__init__()
        self._study, self._chosen = study, chosen
        self._first = texts_of(like, seeds)
        self._texts: Mapping[str, str] = self._first
        self._checked: _Checked | None = None
        self._forecaster = Forecaster()
        self._check_at_rest = Debounce(self, self.refresh_soon)
        self._then: tuple[Mapping[str, str], Callable[[_Checked], None]] | None = None

    def compose(self) -> ComposeResult:
        yield StatusBar(f"{self._study.name}: run what is missing")
        with VerticalScroll(id="form", can_focus=False):
            yield Static(clean(f"{self._study.title}. {self._study.shows}"), classes="hint", markup=False)
            for name, what in FIELDS.items():
                yield FieldRow(name, what)
        with Vertical(id="plan"):
            yield Static(id="todo", markup=False)
            yield MemoryLine(self._forecaster, id="memory")
            yield Static(id="command", markup=False)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self._fill(self._first)

    def _fill(self, texts: Mapping[str, str]) -> None:
        for row in self.query(FieldRow):
            row.text = texts.get(row.field, "")

    # Checking

    def prepare(self) -> None:
        found = {row.field: row.text.strip() for row in self.query(FieldRow)}
        self._texts = {name: text for name, text in found.items() if text}

    def read(self, store: Store) -> _Checked:
        texts = self._texts
        data = tuple(spec.name for spec in store.data.all())
        in_force: dict[str, tuple[str, str]] = {SEEDS: ("1", ""), SETTINGS: ("none", "")}
        try:
            found = chosen_here(store, self._study, choice_of_texts(texts))
            for name, origin in found.origins.items():
                in_force[name] = (str(getattr(found.choice, name)), origin)
            seeds = seeds_of(texts)
            todo = work(self._study, store, found.choice, seeds)
            refuse_missing_devices([run.config.device for run in todo.new])
        except (ConfigError, DeviceError) as error:
            return _Checked(texts, data, in_force, trouble=str(error))
        memory = self._forecaster.forecast(todo.new)
        return _Checked(texts, data, in_force, found.choice, todo, memory, command(self._study, found.choice, seeds))

    def show(self, found: _Checked) -> None:
        self._checked = found
        choices = {PRESET: PRESETS, DATA: found.data}
        for row in self.query(FieldRow):
            row.show(tuple(choices.get(row.field, ())), found.in_force.get(row.field, ("", "")), "")
        todo = self.query_one("#todo", Static)
        todo.update(clean(told(self._study, found.todo) if found.todo else found.trouble, lines=True))
        todo.set_class(found.todo is None, "-wrong")
        self.query_one(MemoryLine).show(found.memory)
        self.query_one("#command", Static).update(f"$ {clean(found.command)}" if found.command else "")
        self._do_then(found)

    def _do_then(self, checked: _Checked) -> None:
        """Does what waited for this check, if what was checked is what stood there."""
        if self._then is None:
            return
        asked, then = self._then
        self._then = None
        if asked != checked.texts:
            self.ageui.tell("the form was changed meanwhile: nothing was done", severity="warning")
        elif checked.todo is None:
            self.ageui.tell(checked.trouble, severity="error")
        else:
            then(checked)

    def forget_plans(self) -> None:
        self._then = None

    def show_error(self, error: AgeUIError) -> None:
        self.query_one("#todo", Static).update(clean(str(error), lines=True))

    def _once_checked(self, then: Callable[[_Checked], None]) -> None:
        self.prepare()
        self._then = self._texts, then
        self.refresh_soon()

    @on(FieldRow.Changed)
    def _typed(self) -> None:
        self._check_at_rest()

    @on(MemoryLine.Counted)
    def _check_again(self) -> None:
        self.refresh_soon()

    # What can be done

    @on(FieldRow.ListWanted)
    def _list_wanted(self, event: FieldRow.ListWanted) -> None:
        self._list(self.query_one(f"#row-{event.name}", FieldRow))

    def action_choices(self) -> None:
        focused = self.focused
        if focused is not None and isinstance(focused.parent, FieldRow):
            self._list(focused.parent)

    def _list(self, row: FieldRow) -> None:
        if not row.choices:
            self.ageui.tell(f"{row.field} takes any value: {FIELDS[row.field]}")
            return

        def picked(text: str | None) -> None:
            if text is not None:
                row.text = text
                row.focus_text()

        title = f"{row.field}: {FIELDS[row.field]}"
        self.app.push_screen(PickScreen(title, row.choices, row.text, takes_several=False), picked)

    def action_reset(self) -> None:
        self._fill({})

    def action_copy_command(self) -> None:
        def copy(checked: _Checked) -> None:
            self.app.copy_to_clipboard(checked.command)
            self.ageui.tell(f"copied: {checked.command}")

        self._once_checked(copy)

    def action_show(self) -> None:
        self._once_checked(self._leave_with)

    def action_queue(self) -> None:
        self._once_checked(self._queue)

    def _queue(self, checked: _Checked) -> None:
        todo = checked.todo
        assert todo is not None
        if not (todo.new or todo.again or todo.stopped):
            said = told(self._study, todo)
            self.ageui.tell(f"nothing is missing: {said}", severity="warning")
            return
        self.ageui.change(
            changes.run_missing(todo, [tag(self._study)]), lambda done: self._leave_with(checked) if done else None
        )

    def _leave_with(self, checked: _Checked) -> None:
        if self.is_current and checked.choice is not None:
            self.app.pop_screen()
            self._chosen(checked.choice)

    def action_leave(self) -> None:
        self.app.pop_screen()
