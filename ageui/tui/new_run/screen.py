"""A form for new runs: every field of a config, checked as one types, with what it queues always in view."""

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Checkbox, Footer, Static

from ageui.memory.forecast import NOTHING_TO_SAY
from ageui.store import Store
from ageui.text.clean import clean
from ageui.text.sentences import counted
from ageui.tui import changes, keys
from ageui.tui.debounce import Debounce
from ageui.tui.dialogs.pick import PickScreen
from ageui.tui.dialogs.prompts import confirmation
from ageui.tui.live import LiveScreen
from ageui.tui.machine import DeviceLoad
from ageui.tui.new_run.check import Checked, Entered, FormCheck
from ageui.tui.new_run.fields import GROUPS, Field, form_fields
from ageui.tui.new_run.wording import known_sentence
from ageui.tui.widgets.field_row import FieldRow
from ageui.tui.widgets.memory_line import MemoryLine
from ageui.tui.widgets.status_bar import StatusBar
from engine.errors import AgeUIError

_NO_COMMAND = "no single command gives these runs; they can be queued here"


class _Tick(Checkbox):
    """A box that shows by its mark, and not by colour alone, whether it is ticked."""

    BUTTON_INNER = " "

    def watch_value(self) -> None:
        self.BUTTON_INNER = "✓" if self.value else " "
        super().watch_value()


class NewRunScreen(LiveScreen[Checked]):
    """`like` is the id of a run whose values all fields start from."""

    CSS_PATH = "screen.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.NEW)]
    AUTO_FOCUS = "#row-loss Input"

    def __init__(self, like: int | None = None) -> None:
        super().__init__()
        self._check = FormCheck(like)
        self._entered = Entered({})
        self._checked: Checked | None = None
        self._devices: tuple[str, ...] = ()
        self._check_at_rest = Debounce(self, self.refresh_soon)
        self._then: tuple[Entered, Callable[[Checked], None]] | None = None
        self._is_queueing = False

    def compose(self) -> ComposeResult:
        fields = form_fields()
        yield StatusBar("new run")
        with VerticalScroll(id="form", can_focus=False):
            for title, names in GROUPS:
                yield Static(title, classes="title", markup=False)
                for name in names:
                    yield FieldRow(name, fields[name].what)
        with Vertical(id="plan"):
            yield Static(id="field", markup=False)
            yield Static(id="grid", markup=False)
            yield MemoryLine(self._check.forecaster, id="memory")
            yield Static(id="known", markup=False)
            yield _Tick("queue them all the same (^g)", id="again", compact=True)
            yield Static(id="command", markup=False)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self.ageui.loads_changed.subscribe(self, self._note_devices)

    # Checking

    def prepare(self) -> None:
        texts = {row.field: row.text.strip() for row in self.query(FieldRow)}
        again = self.query_one("#again", Checkbox).value
        self._entered = Entered({name: text for name, text in texts.items() if text}, again, self._devices)

    def read(self, store: Store) -> Checked:
        return self._check.check(store, self._entered)

    def show(self, found: Checked) -> None:
        self._checked = checked = found
        with self.app.batch_update():
            for row in self.query(FieldRow):
                row.show(
                    checked.fields[row.field].choices,
                    checked.in_force.get(row.field, ("", "")),
                    checked.problems.get(row.field, ""),
                )
            self._show_plan(checked)
            self._describe_field()
        self.call_after_refresh(self._keep_in_view)
        self._do_then(checked)

    def _do_then(self, checked: Checked) -> None:
        """Does what waited for this check; where something else was typed meanwhile, nobody has seen what it is."""
        if self._then is None:
            return
        asked, then = self._then
        if not asked.says_the_same(self._now()):
            self._then = None
            self.ageui.tell("the form was changed meanwhile: nothing was done", severity="warning")
        elif asked.says_the_same(checked.entered):
            self._then = None
            then(checked)

    def forget_plans(self) -> None:
        if self._then is not None:
            self._then, self._told = None, ""
            self.ageui.tell("the form could not be checked: nothing was done", severity="error")

    def show_error(self, error: AgeUIError) -> None:
        self.query_one("#grid", Static).update(clean(str(error), lines=True))

    def _show_plan(self, checked: Checked) -> None:
        known = checked.plan.left_out if checked.plan is not None else []
        total = len(checked.plan.runs) if checked.plan is not None else 0
        about_known = known_sentence(known, total, again=checked.entered.again)
        wrong = bool(checked.problems) or checked.plan is None
        text = _told_wrong(checked) if wrong else f"{checked.grid}{_told_notes(checked)}"
        grid = self.query_one("#grid", Static)
        grid.update(clean(text, lines=True))
        grid.set_class(wrong, "-wrong")
        self.query_one("#known", Static).update(about_known)
        self.query_one(MemoryLine).show(NOTHING_TO_SAY if wrong else checked.memory)
        self.set_class(bool(known) and not wrong, "-known")
        command = "" if wrong else checked.command or _NO_COMMAND
        self.query_one("#command", Static).update(f"$ {clean(command)}" if command else "")

    def _now(self) -> Entered:
        self.prepare()
        return self._entered

    def _once_checked(self, then: Callable[[Checked], None]) -> None:
        """Checks what stands there now; `then` gets what came of it."""
        self._then = self._now(), then
        self.refresh_soon()

    @on(FieldRow.Changed)
    def _typed(self) -> None:
        self._check_at_rest()

    @on(Checkbox.Changed)
    @on(MemoryLine.Counted)
    def _check_again(self) -> None:
        self.refresh_soon()

    def _note_devices(self, loads: tuple[DeviceLoad, ...]) -> None:
        devices = tuple(load.name for load in loads)
        if devices != self._devices:
            self._devices = devices
            self.refresh_soon()

    # The field one is in

    @on(FieldRow.Entered)
    def _describe_field(self) -> None:
        row = self._row()
        if row is None or self._checked is None:
            return
        field = self._checked.fields[row.field]
        value, origin = self._checked.in_force.get(row.field, ("", ""))
        parts = [f"{field.name}: {field.what}"]
        parts += [" ".join(field.choices)] if field.choices else []
        parts += [f"empty: {value}, {origin}" if origin else f"empty: {value}"] if value and not row.text else []
        self.query_one("#field", Static).update(clean(" · ".join(parts)))

    def _keep_in_view(self) -> None:
        """What is said below and beside the fields may have pushed the one that one is in out of sight."""
        if (row := self._row()) is not None:
            row.scroll_visible(animate=False)

    def _row(self) -> FieldRow | None:
        focused = self.focused
        return focused.parent if focused is not None and isinstance(focused.parent, FieldRow) else None

    def _field(self, name: str) -> Field:
        return (self._checked.fields if self._checked is not None else form_fields())[name]

    @on(FieldRow.ListWanted)
    def _list_wanted(self, event: FieldRow.ListWanted) -> None:
        self._list(self.query_one(f"#row-{event.name.replace('_', '-')}", FieldRow))

    def action_choices(self) -> None:
        if (row := self._row()) is not None:
            self._list(row)

    def _list(self, row: FieldRow) -> None:
        field = self._field(row.field)
        if not field.choices:
            self.ageui.tell(f"{field.name} takes any value: {field.what}")
            return

        def picked(text: str | None) -> None:
            if text is not None:
                row.text = text
                row.focus_text()

        self.app.push_screen(
            PickScreen(f"{field.name}: {field.what}", field.choices, row.text, takes_several=field.takes_several),
            picked,
        )

    # What is done with it

    def action_again(self) -> None:
        self.query_one("#again", Checkbox).toggle()

    def action_reset(self) -> None:
        for row in self.query(FieldRow):
            row.text = ""
        self.query_one("#again", Checkbox).value = False

    def action_copy_command(self) -> None:
        self._once_checked(self._copy)

    def _copy(self, checked: Checked) -> None:
        if checked.command is None:
            said = _told_wrong(checked) if checked.plan is None else _NO_COMMAND
            self.ageui.tell(said, severity="error")
            return
        self.app.copy_to_clipboard(checked.command)
        self.ageui.tell(f"copied: {checked.command}")

    def action_queue(self) -> None:
        if not self._is_queueing:
            self._once_checked(self._queue)

    def _queue(self, checked: Checked) -> None:
        if checked.problems or checked.plan is None:
            self.ageui.tell(_told_wrong(checked), severity="error")
            wrong = next((row for row in self.query(FieldRow) if row.field in checked.problems), None)
            if wrong is not None:
                wrong.focus_text()
            return
        runs = checked.runs
        if not runs:
            self.ageui.tell("nothing new: all of this is there already; ^g queues it all the same", severity="warning")
            return
        self._is_queueing = True
        self.query_one("#grid", Static).update(f"queueing {counted(len(runs), 'run')} …")
        labels = checked.labels
        self.ageui.change(changes.queue(runs, labels.tags, labels.priority), self._queued)

    def _queued(self, done: bool) -> None:
        self._is_queueing = False
        if not done:
            self.refresh_soon()
            return
        if self.is_current:
            while len(self.app.screen_stack) > 1:
                self.app.pop_screen()

    def action_leave(self) -> None:
        typed = len(self._now().texts)
        if not typed or self._is_queueing:
            self.app.pop_screen()
            return

        def answered(answer: str | None) -> None:
            if answer == "yes":
                self.app.pop_screen()

        self.app.push_screen(confirmation(f"Leave the form? {counted(typed, 'field')} filled in", "Yes"), answered)


def _told_wrong(checked: Checked) -> str:
    if checked.problems:
        return f"{counted(len(checked.problems), 'field')} to be put right: {', '.join(checked.problems)}"
    return checked.trouble or "this cannot be queued"


def _told_notes(checked: Checked) -> str:
    said = [*checked.notes, *([checked.trouble] if checked.trouble else [])]
    return "".join(f"\n{text}" for text in said)
