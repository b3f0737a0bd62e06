"""The base screen of forms that check their fields during typing and show the runs to queue."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from textual import on
from textual.widgets import Static

from ageui.memory.expected_memory import ExpectedMemory
from ageui.text.clean import clean
from ageui.tui.debounce import Debounce
from ageui.tui.dialogs.prompts import Answer, ChoicePrompt
from ageui.tui.dialogs.value_picker import ValuePicker
from ageui.tui.form.checked_form import CheckedForm, FormField, FormInput
from ageui.tui.live import LiveScreen
from ageui.tui.widgets.field_row import FieldRow
from ageui.tui.widgets.machine_line import MachineLine
from engine.errors import AgeUIError

Checked = TypeVar("Checked", bound=CheckedForm)
_NO_COMMAND = "no single command gives these runs; they can be queued here"


class FormScreen(LiveScreen[Checked]):
    """A subclass checks `self._entered` in `read`, and composes field rows, `#outcome`, a machine line, `#time` and
    `#command`.

    Actions wait for a check of the texts that the form has when their key is pressed.
    """

    def __init__(self, fields: Mapping[str, FormField]) -> None:
        super().__init__()
        self._fields = fields
        self._entered = FormInput({})
        self._checked: Checked | None = None
        self._unused: Mapping[str, str] = {}
        self._check_at_rest = Debounce(self, self.refresh_soon)
        self._pending: tuple[FormInput, Callable[[Checked], None]] | None = None

    def queue(self, checked: Checked) -> None:
        """Queues the checked runs; called only without problems."""
        raise NotImplementedError

    # Checking

    def entered_now(self) -> FormInput:
        texts = {row.field: row.text.strip() for row in self.query(FieldRow)}
        return FormInput({name: text for name, text in texts.items() if text})

    def prepare(self) -> None:
        self._entered = self.entered_now()

    def show(self, snapshot: Checked) -> None:
        self._checked, self._fields = snapshot, snapshot.fields
        self._unused = self._unused if snapshot.unused is None else snapshot.unused
        with self.app.batch_update():
            for row in self.query(FieldRow):
                choices, name = snapshot.fields[row.field].choices, row.field
                in_force, problem = snapshot.in_force.get(name, ("", "")), snapshot.problems.get(name, "")
                row.show(choices, in_force, problem, self._unused.get(name, ""))
            self.show_plan(snapshot)
        self._act_if_pending(snapshot)

    def show_plan(self, checked: Checked) -> None:
        """Shows the runs to queue, or the reason why nothing can be queued."""
        why_not = checked.why_not
        lines = [why_not] if why_not else [checked.outcome, *checked.notes, checked.trouble]
        outcome = self.query_one("#outcome", Static)
        outcome.update(clean("\n".join(filter(None, lines)), lines=True))
        outcome.set_class(bool(why_not), "-wrong")
        line = self.query_one(MachineLine)
        if why_not:
            line.show((), ExpectedMemory(), ())
        else:
            line.show(checked.warnings, checked.memory, checked.missing)
        self.query_one("#time", Static).update("" if why_not else checked.time)
        command = "" if why_not else checked.command or _NO_COMMAND
        self.query_one("#command", Static).update(f"$ {clean(command)}" if command else "")

    def show_error(self, error: AgeUIError) -> None:
        self.query_one("#outcome", Static).update(clean(str(error), lines=True))

    @on(FieldRow.Changed)
    def _typed(self) -> None:
        self._check_at_rest()

    @on(MachineLine.Checked)
    def _check_again(self) -> None:
        self.refresh_soon()

    # Actions that wait for a check

    def once_checked(self, act: Callable[[Checked], None]) -> None:
        """Checks the current texts, then calls `act` with the result."""
        self.prepare()
        self._pending = self._entered, act
        self.refresh_soon()

    def _act_if_pending(self, checked: Checked) -> None:
        """Calls the pending action if its texts were checked; drops it after a change, because nobody saw that plan."""
        if self._pending is None:
            return
        asked, act = self._pending
        if asked != self.entered_now():
            self._pending = None
            self.app.tell("the form changed meanwhile, so nothing was done", severity="warning")
        elif asked != checked.entered:
            return
        elif checked.missing and not checked.why_not:
            # The action waits for networks being checked, which may refuse the runs.
            self.query_one("#outcome", Static).update(f"{clean(checked.outcome)} · checking networks …")
        else:
            self._pending = None
            if checked.why_not:
                self._refuse(checked)
            else:
                act(checked)

    def _refuse(self, checked: Checked) -> None:
        self.app.tell(checked.why_not, severity="error")
        wrong = next((row for row in self.query(FieldRow) if row.field in checked.problems), None)
        if wrong is not None:
            wrong.focus_text()

    def cancel_pending(self) -> None:
        if self._pending is not None:
            self._pending, self._last_error = None, ""
            self.app.tell("the form could not be checked, so nothing was done", severity="error")

    def action_queue(self) -> None:
        self.once_checked(self.queue)

    def action_copy_command(self) -> None:
        self.once_checked(self._copy)

    def _copy(self, checked: Checked) -> None:
        if checked.command is None:
            self.app.tell(_NO_COMMAND, severity="error")
        else:
            self.app.copy_command(checked.command, "queues these runs")

    # Fields

    @property
    def focused_row(self) -> FieldRow | None:
        focused = self.focused
        return focused.parent if focused is not None and isinstance(focused.parent, FieldRow) else None

    @on(FieldRow.ListWanted)
    def _list_wanted(self, event: FieldRow.ListWanted) -> None:
        self._open_list(event.row)

    def action_choices(self) -> None:
        if (row := self.focused_row) is not None:
            self._open_list(row)

    def _open_list(self, row: FieldRow) -> None:
        field = self._fields[row.field]
        if not field.choices:
            self.app.tell(f"{field.name} takes any value: {field.what}")
            return

        def picked(text: str) -> None:
            row.text = text
            row.focus_text()

        picker = ValuePicker(f"{field.name}: {field.what}", field.choices, row.text, takes_several=field.takes_several)
        picker.ask(self.app, picked)

    def action_leave(self) -> None:
        """Leaves the form, after a question if it was changed."""
        if self.entered_now().texts == self.first_texts():
            self.app.pop_screen()
            return
        answers = [Answer(None, "Keep editing"), Answer("discard", "Discard the form")]
        ChoicePrompt("The form was changed", answers).ask(self.app, lambda answer: self.app.pop_screen())

    def first_texts(self) -> Mapping[str, str]:
        """The texts by field with which the form opened."""
        return {}

    def action_reset(self) -> None:
        for row in self.query(FieldRow):
            row.text = ""
