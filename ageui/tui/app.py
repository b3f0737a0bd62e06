"""The application: its screens, its one look at the database, and the changes that people make."""

import asyncio
import contextlib
import gc
from collections.abc import Callable, Iterable
from typing import ClassVar, Literal

from textual import on, work
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen
from textual.signal import Signal
from textual.worker import Worker, WorkerState

from ageui.store import RunRow, Store
from ageui.text.clean import clean
from ageui.tui import changes, keys
from ageui.tui.changes import Change, Done
from ageui.tui.machine import DeviceLoad, Machine
from ageui.tui.prefs import Prefs
from ageui.tui.queue_state import QueueState, ended, read_queue, told
from ageui.tui.runs.screen import RunsScreen
from ageui.tui.themes import DEFAULT_THEME, THEME_NAMES, THEMES
from ageui.tui.tracebacks import keep_traceback
from ageui.worker.lost_runs import recover_lost
from engine.errors import AgeUIError

SECONDS_BETWEEN_LOOKS = 0.2
_SECONDS_BETWEEN_CHECKS = 2.0
SECONDS_BETWEEN_LOADS = 1.0
_MOST_UNDOS = 50
_MOST_TOLD = 3
_REPEATED = ("reading", "queue", "loads")

Severity = Literal["information", "warning", "error"]


class AgeUIApp(App[None]):
    """`ageui`, in a terminal. The store stays the caller's, who closes it.

    Reading and changing the database goes on in threads; all widgets are touched in the application alone.
    `data_changed` tells that something was committed, `queue_changed` what the queue does, `loads_changed` how busy the
    devices are.
    """

    TITLE = "ageui"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = True
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (150, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-low"), (32, "-tall")]  # noqa: RUF012
    MODES = {"runs": RunsScreen}  # noqa: RUF012
    DEFAULT_MODE = "runs"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.EVERYWHERE)]

    def __init__(self, store: Store, prefs: Prefs | None = None) -> None:
        super().__init__()
        self.store = store
        self.prefs = prefs if prefs is not None else Prefs()
        self.data_changed: Signal[int] = Signal(self, "data changed")
        self.queue_changed: Signal[QueueState] = Signal(self, "queue changed")
        self.queue_state: QueueState | None = None
        self.loads_changed: Signal[tuple[DeviceLoad, ...]] = Signal(self, "loads changed")
        self._version = -1
        self._undos: list[Change] = []
        self._changing = asyncio.Lock()
        self._machine: Machine | None = None
        self._is_checking = self._is_looking = False
        self._told_lost: set[str] = set()
        self._told_unforeseen: set[str] = set()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = self.prefs.theme if self.prefs.theme in self.available_themes else DEFAULT_THEME

    @property
    def _background_screens(self) -> list[Screen[object]]:
        """None beneath a screen that lets nothing through. Textual counts the first one beneath as current even then,
        draws it out of sight, and draws the whole terminal anew each time."""
        return super()._background_screens if self.screen.styles.background.a < 1 else []

    def on_mount(self) -> None:
        self._watch_data()
        self.set_interval(_SECONDS_BETWEEN_CHECKS, self._check_queue)
        self.set_interval(SECONDS_BETWEEN_LOADS, self._look_at_loads)
        self._look_at_loads()
        self._check_queue()
        if not self.is_headless:
            # What is there by now stays: collections that look through it would hold up keys for 60 ms.
            self.call_after_refresh(gc.freeze)

    # Looking

    @work(group="watching", exit_on_error=False)
    async def _watch_data(self) -> None:
        """Asks several times a second, for microseconds, whether anything was committed; in a thread, since a disk that
        is away for a moment lets one wait."""
        while True:
            try:
                version = await asyncio.to_thread(self.store.version)
                if version != self._version:
                    self._version = version
                    self.data_changed.publish(version)
                    self._check_queue()
            except AgeUIError:
                pass  # the next look tells
            except Exception as error:  # all that is live hangs on this: it goes on
                self._tell_once(error)
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)

    def _check_queue(self) -> None:
        if not self._is_checking:
            self._is_checking = True
            self._read_queue()

    @work(group="queue", exit_on_error=False)
    async def _read_queue(self) -> None:
        """Finds runs whose processes are gone, and tells what ended since the last time."""

        def read() -> tuple[list[str], QueueState, list[RunRow]]:
            lost = [found.sentence() for found in recover_lost(self.store)]
            after = read_queue(self.store)
            return lost, after, ended(self.store, self.queue_state, after) if self.queue_state else []

        try:
            lost, state, rows = await asyncio.to_thread(read)
        except AgeUIError:
            return  # said by the screen that reads next
        finally:
            self._is_checking = False
        self.queue_state = state
        for sentence in lost:
            if sentence not in self._told_lost:
                self._told_lost.add(sentence)
                self.tell(sentence, severity="warning")
        for row in rows[:_MOST_TOLD]:
            sentence, is_bad = told(row)
            self.tell(sentence, severity="error" if is_bad else "information")
        self.queue_changed.publish(state)

    @on(Worker.StateChanged)
    def tell_unforeseen(self, event: Worker.StateChanged) -> None:
        """An error that nobody foresaw ends what was under way, never the application.

        What is repeated by itself, several times a second, tells of an error once; what people asked for each time.
        """
        error = event.worker.error
        if event.state is WorkerState.ERROR and error is not None:
            if event.worker.group in _REPEATED:
                self._tell_once(error)
            else:
                self._tell_error(error)

    def _tell_once(self, error: BaseException) -> None:
        if repr(error) not in self._told_unforeseen:
            self._told_unforeseen.add(repr(error))
            self._tell_error(error)

    def _tell_error(self, error: BaseException) -> None:
        self.tell(f"{type(error).__name__}: {error}; its traceback is in {keep_traceback(error)}", severity="error")

    def _look_at_loads(self) -> None:
        if not self._is_looking:
            self._is_looking = True
            self._read_loads()

    @work(group="loads", exit_on_error=False)
    async def _read_loads(self) -> None:
        def look() -> list[DeviceLoad]:
            self._machine = self._machine or Machine()
            return self._machine.look()

        try:
            self.loads_changed.publish(tuple(await asyncio.to_thread(look)))
        finally:
            self._is_looking = False

    # Changing

    def change(self, change: Change, then: Callable[[bool], None] | None = None) -> None:
        """Makes a change in a thread, one after the other, and says what came of it.

        `then` is called in the application with whether it was made.
        """
        self.run_worker(self._make(change, then), group="changes", exit_on_error=False)

    async def _make(self, change: Change, then: Callable[[bool], None] | None) -> None:
        made = False
        try:
            async with self._changing:
                done = await asyncio.to_thread(change, self.store)
                made = True
                if done.undo is not None:
                    self._undos = [*self._undos, done.undo][-_MOST_UNDOS:]
                elif done.message:
                    # Nothing takes it back: those before it cannot be taken back either without surprise.
                    self._undos = []
        except AgeUIError as error:
            self.tell(str(error), severity="error")
        else:
            self._tell_done(done, hint="; u undoes it" if done.undo is not None else "")
        finally:
            if then is not None:
                then(made)

    async def _undo(self) -> None:
        """Takes back the newest change; one that cannot be taken back now can be later."""
        async with self._changing:
            if not self._undos:
                self.tell("there is nothing to undo")
                return
            undo = self._undos.pop()
            try:
                done = await asyncio.to_thread(undo, self.store)
            except AgeUIError as error:
                self._undos.append(undo)
                self.tell(str(error), severity="error")
                return
        self._tell_done(done, hint="")

    def _tell_done(self, done: Done, *, hint: str) -> None:
        if done.message:
            self.tell(done.message + hint)
        for problem in done.problems[:3]:
            self.tell(problem, severity="warning")
        if len(done.problems) > 3:
            self.tell(f"and {len(done.problems) - 3} more like that", severity="warning")
        # Shown at once: the next look may be a fifth of a second away.
        self.data_changed.publish(self._version)
        self._check_queue()

    def tell(self, message: str, *, severity: Severity = "information") -> None:
        """A message that goes away by itself; text from anywhere is never markup."""
        seconds = 4.0 if severity == "information" else 10.0
        self.notify(clean(message, lines=True), severity=severity, timeout=seconds, markup=False)

    # What every screen can do

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette: every key of the screen that is open, then the themes."""
        seen: set[str] = set()
        for binding in screen.active_bindings.values():
            key = binding.binding
            if not key.tooltip or key.action in seen or key.action.endswith("command_palette"):
                continue
            seen.add(key.action)
            action, namespace = key.action, binding.node

            async def run(action: str = action, namespace: object = namespace) -> None:
                await self.run_action(action, namespace)  # type: ignore[arg-type]

            yield SystemCommand(f"{key.tooltip} ({key.key_display or key.key})", key.description, run)
        for name in THEME_NAMES:
            yield SystemCommand(f"Theme {name}", "Colours of the application", lambda name=name: self.use_theme(name))

    def use_theme(self, name: str) -> None:
        self.theme = name
        self.prefs.theme = name
        self.save_prefs()

    def save_prefs(self) -> None:
        with contextlib.suppress(OSError):  # nothing that a person has to act on
            self.prefs.save()

    def action_next_theme(self) -> None:
        place = THEME_NAMES.index(self.theme) if self.theme in THEME_NAMES else -1
        name = THEME_NAMES[(place + 1) % len(THEME_NAMES)]
        self.use_theme(name)
        self.tell(f"theme {name}")

    def action_help(self) -> None:
        from ageui.tui.dialogs.help import HelpScreen

        self.push_screen(HelpScreen(self.screen))

    def action_new_run(self) -> None:
        from ageui.tui.new_run.screen import NewRunScreen

        if not isinstance(self.screen, NewRunScreen):
            self.open_new_run()

    def open_new_run(self, like: int | None = None) -> None:
        """The form for a new run; with the config of the run `like`."""
        from ageui.tui.new_run.screen import NewRunScreen

        self.push_screen(NewRunScreen(like))

    def action_data(self) -> None:
        from ageui.tui.data.screen import DataScreen

        if not isinstance(self.screen, DataScreen):
            self.push_screen(DataScreen())

    def action_studies(self) -> None:
        from ageui.tui.studies.screen import StudiesScreen

        if not isinstance(self.screen, StudiesScreen):
            self.push_screen(StudiesScreen())

    def open_run(self, run_id: int) -> None:
        from ageui.tui.run.screen import RunScreen

        self.push_screen(RunScreen(run_id))

    def open_comparison(self, run_ids: tuple[int, ...]) -> None:
        from ageui.tui.compare.screen import CompareScreen

        self.push_screen(CompareScreen(run_ids))

    def action_undo(self) -> None:
        self.run_worker(self._undo(), group="changes", exit_on_error=False)

    def action_hold_queue(self) -> None:
        self.change(changes.hold_or_release)

    def action_worker(self) -> None:
        self.change(changes.start_or_stop_worker)

    async def action_back(self) -> None:
        if len(self.screen_stack) > 1:
            self.pop_screen()
