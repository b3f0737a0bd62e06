"""The form for new runs: all fields of a config, checked as a person types, and the runs to queue."""

from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Checkbox, Static

from ageui.store import Store
from ageui.text.clean import clean
from ageui.text.sentences import counted
from ageui.tui import changes, keys
from ageui.tui.device_loads import DeviceLoad
from ageui.tui.form.checked_form import FormInput
from ageui.tui.form.form_screen import FormScreen
from ageui.tui.new_run.check import CheckedNewRuns, FormCheck
from ageui.tui.new_run.fields import GROUPS, form_fields
from ageui.tui.new_run.wording import known_sentence
from ageui.tui.widgets.field_row import FieldRow, FieldRows
from ageui.tui.widgets.key_footer import KeyFooter
from ageui.tui.widgets.machine_line import MachineLine
from ageui.tui.widgets.status_bar import StatusBar


class TickBox(Checkbox):
    """A check box that shows its state by a mark, not by colour alone."""

    BUTTON_INNER = " "

    def watch_value(self) -> None:
        self.BUTTON_INNER = "✓" if self.value else " "
        super().watch_value()


class NewRunScreen(FormScreen[CheckedNewRuns]):
    """The form for new runs. `like` is the id of a run that prefills it."""

    CSS_PATH = ["../form/form_screen.tcss", "screen.tcss"]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.NEW)]
    AUTO_FOCUS = "#row-loss Input"

    def __init__(self, like: int | None = None) -> None:
        super().__init__(form_fields())
        self._check = FormCheck(like)
        self._is_queueing = False

    def compose(self) -> ComposeResult:
        yield StatusBar("new run")
        with FieldRows(id="form"):
            for title, names in GROUPS:
                yield Static(title, classes="title", markup=False)
                for name in names:
                    yield FieldRow(name, self._fields[name].what)
        with Vertical(id="plan"):
            yield Static(id="field", markup=False)
            yield Static(id="outcome", markup=False)
            yield MachineLine(self._check.networks, id="memory")
            yield Static(id="time", markup=False)
            yield Static(id="known", markup=False)
            yield TickBox("queue existing runs anyway (^g)", id="again", compact=True)
            yield Static(id="command", markup=False)
        yield KeyFooter()

    def on_mount(self) -> None:
        self._check.permissions = self.app.permissions
        self.app.loads_changed.subscribe(self, self._note_devices)

    @property
    def tick_box(self) -> TickBox:
        return self.query_one(TickBox)

    # Checking

    def entered_now(self) -> FormInput:
        return replace(super().entered_now(), again=self.tick_box.value)

    def read(self, store: Store) -> CheckedNewRuns:
        return self._check.check(store, self._entered)

    def show(self, snapshot: CheckedNewRuns) -> None:
        if not self._is_queueing:  # else the form would find its own runs
            super().show(snapshot)

    def show_plan(self, checked: CheckedNewRuns) -> None:
        super().show_plan(checked)
        known, total = (checked.plan.left_out, len(checked.plan.runs)) if checked.plan is not None else ([], 0)
        sentence = known_sentence(known, total, again=checked.entered.again, command=checked.command)
        self.query_one("#known", Static).update(sentence)
        self.set_class(bool(known), "-known")
        self._describe_field()

    @on(Checkbox.Changed)
    def _ticked(self) -> None:
        self.refresh_soon()

    def _note_devices(self, loads: tuple[DeviceLoad, ...]) -> None:
        devices = tuple(load.name for load in loads)
        if devices != self._check.devices:
            self._check.devices = devices
            self.refresh_soon()

    # The focused field

    @on(FieldRow.Focused)
    def _describe_field(self) -> None:
        row, checked = self.focused_row, self._checked
        if row is None or checked is None:
            return
        field = self._fields[row.field]
        value, origin = checked.in_force.get(row.field, ("", ""))
        unused = self._unused.get(row.field)
        parts = [f"{field.name}: {field.what}" if unused is None else f"{field.name}: only used with {unused}"]
        parts += [f"empty: {value}, {origin}" if origin else f"empty: {value}"] if value and not row.text else []
        parts += [f"→ completes, ^l lists {' '.join(field.choices)}"] if field.choices else []
        self.query_one("#field", Static).update(clean(" · ".join(parts)))

    # Actions

    def action_again(self) -> None:
        self.tick_box.toggle()

    def action_reset(self) -> None:
        super().action_reset()
        self.tick_box.value = False

    def action_queue(self) -> None:
        if not self._is_queueing:
            super().action_queue()

    def queue(self, checked: CheckedNewRuns) -> None:
        runs = checked.runs
        if not runs:
            self.app.tell("nothing new: these runs exist already; ^g queues them anyway", severity="warning")
            return
        self._is_queueing = True
        self.query_one("#outcome", Static).update(f"queueing {counted(len(runs), 'run')} …")
        labels = checked.labels
        self.app.change(changes.queue(runs, labels.tags, labels.priority), self._queued)

    def _queued(self, made: bool) -> None:
        self._is_queueing = False
        if not made:
            self.refresh_soon()
            return
        if self.is_current:
            while len(self.app.screen_stack) > 1:
                self.app.pop_screen()

    def action_leave(self) -> None:
        if self._is_queueing:
            self.app.pop_screen()
        else:
            super().action_leave()
