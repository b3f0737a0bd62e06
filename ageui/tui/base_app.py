"""The application's interface for screens and widgets: the store, signals, changes with undo, and notices."""

import asyncio
import contextlib
import gc
from collections.abc import Callable, Mapping

from textual import events, on, work
from textual.await_complete import AwaitComplete
from textual.dom import DOMNode
from textual.notifications import SeverityLevel
from textual.signal import Signal
from textual.worker import Worker, WorkerState

from ageui.files.own_settings import Notify, read_notify
from ageui.planning.queue_places import QueueForecast
from ageui.store import RunRow, Store
from ageui.tui import keys
from ageui.tui.attention import Attention
from ageui.tui.changes import Change, ChangeMade
from ageui.tui.closed_screens import forget_styles_of_closed_widgets
from ageui.tui.debounce import Debounce
from ageui.tui.device_loads import DeviceLoad, LoadMeter
from ageui.tui.notices import NoticeApp
from ageui.tui.permissions import EVERYTHING, READ_ONLY, Permissions
from ageui.tui.prefs import Prefs
from ageui.tui.queue_state import QueueState, ended_runs, ending_sentence, read_queue_state
from ageui.tui.tracebacks import keep_traceback
from ageui.worker.lost_runs import recover_lost
from engine.errors import AgeUIError, ConfigError
from engine.release_memory import release_memory

SECONDS_BETWEEN_LOOKS = 0.2
SECONDS_BETWEEN_LOADS = 1.0
_SECONDS_BETWEEN_CHECKS = 2.0
_MOST_UNDOS = 50
_MOST_NOTICES = 3
_REPEATED_GROUPS = ("reading", "preview", "queue", "loads")


class BaseApp(NoticeApp):
    """The application without its screens. The caller owns the store and closes it.

    Threads read and change the database; only the event loop touches widgets. Each signal is published in the event
    loop: `data_changed` after every commit with the database's version, `queue_changed` with the state of the queue,
    `loads_changed` with the load of the devices, `runs_queued` with the runs that a person has just queued. `notice` is
    shown at the start. Without the permission to change, keys, dialogs and preferences change nothing.
    """

    def __init__(
        self,
        store: Store,
        prefs: Prefs | None = None,
        notice: str | None = None,
        permissions: Permissions = EVERYTHING,
    ) -> None:
        super().__init__()
        self.permissions = permissions
        forget_styles_of_closed_widgets()
        self.store = store
        self.prefs = prefs if prefs is not None else Prefs()
        self.data_changed: Signal[int] = Signal(self, "data changed")
        self.queue_changed: Signal[QueueState] = Signal(self, "queue changed")
        self.loads_changed: Signal[tuple[DeviceLoad, ...]] = Signal(self, "loads changed")
        self.runs_queued: Signal[tuple[int, ...]] = Signal(self, "runs queued")
        self.queue_state: QueueState | None = None
        self._forecast = QueueForecast()
        self._notice = notice
        self._version = -1
        self._undos: list[Change] = []
        self._changing = asyncio.Lock()
        self._load_meter: LoadMeter | None = None
        self._notified_lost: set[str] = set()
        self._notified_errors: set[str] = set()
        self._release_at_rest = Debounce(self, self._release_memory)
        self._attention = Attention(Notify(), self._write_to_terminal)

    def on_mount(self) -> None:
        self._attend()
        self._watch_data()
        self.set_interval(_SECONDS_BETWEEN_CHECKS, self._check_queue)
        self.set_interval(SECONDS_BETWEEN_LOADS, self._check_loads)
        self._check_loads()
        self._check_queue()
        self.app_resume_signal.subscribe(self, lambda app: self.refresh(layout=True))
        if self._notice:
            self.tell(self._notice, everywhere=True)
        self.call_after_refresh(self.keep_objects)

    def keep_objects(self) -> None:
        """Exempts all existing objects from garbage collections, which would delay keys by 60 ms."""
        if not self.is_headless:
            gc.freeze()

    def unsubscribe(self, node: DOMNode) -> None:
        """Ends the subscriptions of a node that leaves, because a signal would hold it until its next publication."""
        for signal in (self.data_changed, self.queue_changed, self.loads_changed, self.theme_changed_signal):
            signal.unsubscribe(node)

    def pop_screen(self) -> AwaitComplete:
        self._release_at_rest()
        return super().pop_screen()

    def _release_memory(self) -> None:
        """Frees closed screens, whose widgets refer to each other, before new screens need as much memory."""
        if not self.is_headless:
            self.run_worker(release_memory, thread=True, group="releasing", exit_on_error=False)

    # Attention

    def _attend(self) -> None:
        try:
            self._attention = Attention(read_notify(), self._write_to_terminal)
        except ConfigError as error:
            self.tell(
                f"{error}; until that is corrected, ends ring the bell and show in the title",
                severity="warning",
                everywhere=True,
            )
        self.app_suspend_signal.subscribe(self, lambda app: self._attention.leave())
        self.app_resume_signal.subscribe(self, lambda app: self._attention.come_back())

    def _write_to_terminal(self, text: str) -> None:
        if self._driver is not None:
            self._driver.write(text)

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.AppFocus | events.Key | events.MouseDown):
            self._attention.notice()
        await super().on_event(event)

    def on_unmount(self) -> None:
        self._attention.leave()

    # Watching the database, the queue and the devices

    @work(group="watching", exit_on_error=False)
    async def _watch_data(self) -> None:
        """Checks for commits several times a second. A check takes microseconds, but runs in a thread, because the disk
        may be briefly unavailable."""
        while True:
            try:
                version = await asyncio.to_thread(self.store.version)
                if version != self._version:
                    self._version = version
                    self.data_changed.publish(version)
                    self._check_queue()
            except AgeUIError:
                pass  # the loop tries again
            except Exception as error:  # every live screen depends on this loop, so it must not end
                self._tell_error_once(error)
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)

    def _check_queue(self) -> None:
        if not self._is_working("queue"):
            self._read_queue()

    def _check_loads(self) -> None:
        if not self._is_working("loads"):
            self._read_loads()

    def _is_working(self, group: str) -> bool:
        return any(worker.group == group and not worker.is_finished for worker in self.workers)

    @work(group="queue", exit_on_error=False)
    async def _read_queue(self) -> None:
        """Recovers runs whose processes died, and reports runs that ended since the last check."""

        def read() -> tuple[list[str], QueueState, list[RunRow]]:
            lost = [found.sentence() for found in recover_lost(self.store)]
            state = read_queue_state(self.store, self._forecast)
            return lost, state, ended_runs(self.store, self.queue_state, state) if self.queue_state else []

        try:
            lost, state, rows = await asyncio.to_thread(read)
        except AgeUIError:
            return  # the next read of a screen shows it
        self.queue_state = state
        self._attention.show(state, rows)
        for sentence in lost:
            if sentence not in self._notified_lost:
                self._notified_lost.add(sentence)
                self.tell(sentence, severity="warning", everywhere=True)
        for row in rows[:_MOST_NOTICES]:
            severity: SeverityLevel = "information" if row.status == "done" else "error"
            self.tell(ending_sentence(row), severity=severity, everywhere=True)
        self.queue_changed.publish(state)

    @work(group="loads", exit_on_error=False)
    async def _read_loads(self) -> None:
        def read() -> list[DeviceLoad]:
            self._load_meter = self._load_meter or LoadMeter()
            return self._load_meter.read()

        self.loads_changed.publish(tuple(await asyncio.to_thread(read)))

    # Changes and undo

    def allows(self, action: object, node: DOMNode) -> bool:
        """Whether an action bound by a node changes nothing, or changes are allowed."""
        return self.permissions.changes or not keys.changes_something(action, node)

    async def run_action(
        self,
        action: str | tuple[str, str, tuple[object, ...]],
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Runs the action of a key, click or command, unless it is not allowed."""
        if not self.allows(action, default_namespace or self):
            self.tell(READ_ONLY, severity="warning")
            return True
        return await super().run_action(action, default_namespace, namespaces)

    def change(self, change: Change, then: Callable[[bool], None] | None = None) -> None:
        """Makes a change in a thread, after any earlier ones, and reports the outcome.

        Calls `then` in the event loop with whether the change was made.
        """
        self.run_worker(self._make(change, then), group="changes", exit_on_error=False)

    async def _make(self, change: Change, then: Callable[[bool], None] | None) -> None:
        made: ChangeMade | None = None
        try:
            if not self.permissions.changes:
                raise ConfigError(READ_ONLY)
            async with self._changing:
                made = await asyncio.to_thread(change, self.store)
                if made.undo is not None:
                    self._undos = [*self._undos, made.undo][-_MOST_UNDOS:]
                elif made.message:
                    # A change without undo: undoing earlier changes across it would surprise.
                    self._undos = []
        except AgeUIError as error:
            self.tell(str(error), severity="error")
        finally:
            if then is not None:
                then(made is not None)
        if made is not None:
            self._tell_change(made, hint="; u undoes it" if made.undo is not None else "")
            if made.queued:
                self.runs_queued.publish(made.queued)

    def action_undo(self) -> None:
        self.run_worker(self._undo(), group="changes", exit_on_error=False)

    async def _undo(self) -> None:
        """Undoes the newest change; if that fails, the change stays undoable."""
        async with self._changing:
            if not self._undos:
                self.tell("nothing to undo")
                return
            undo = self._undos.pop()
            try:
                made = await asyncio.to_thread(undo, self.store)
            except AgeUIError as error:
                self._undos.append(undo)
                self.tell(str(error), severity="error")
                return
        self._tell_change(made, hint="")

    def _tell_change(self, made: ChangeMade, *, hint: str) -> None:
        if made.message:
            self.tell(made.message + hint)
        for problem in made.problems[:_MOST_NOTICES]:
            self.tell(problem, severity="warning")
        if len(made.problems) > _MOST_NOTICES:
            self.tell(f"and {len(made.problems) - _MOST_NOTICES} more problems like these", severity="warning")
        # Shows the change at once instead of after the next check.
        self.data_changed.publish(self._version)
        self._check_queue()

    # Errors

    @on(Worker.StateChanged)
    def tell_unexpected_error(self, event: Worker.StateChanged) -> None:
        """Reports an unexpected error, which ends the worker but never the application.

        Repeating workers report each error once; workers that a person started report it every time.
        """
        error = event.worker.error
        if event.state is WorkerState.ERROR and error is not None:
            if event.worker.group in _REPEATED_GROUPS:
                self._tell_error_once(error)
            else:
                self._tell_error(error)

    def _tell_error_once(self, error: BaseException) -> None:
        if repr(error) not in self._notified_errors:
            self._notified_errors.add(repr(error))
            self._tell_error(error)

    def _tell_error(self, error: BaseException) -> None:
        self.tell(f"{type(error).__name__}: {error}; its traceback is in {keep_traceback(error)}", severity="error")

    # Clipboard and preferences

    def copy_command(self, command: str, what: str) -> None:
        """Copies a shell command, and tells `what` it does."""
        self.copy_to_clipboard(command)
        self.tell(f"copied the command that {what}")

    def save_prefs(self) -> None:
        if not self.permissions.changes:
            return
        with contextlib.suppress(OSError):  # no reason to interrupt a person
            self.prefs.save()
