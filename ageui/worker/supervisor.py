"""Supervises an attempt at a claimed run: starts the engine, stores its events, and reports how the attempt ended.

The engine runs in a `Place`, and the supervisor does not know in which.

Pause, cancel and stop reach the engine as the same request. The engine finishes its step,
writes a checkpoint and leaves, without knowing which of the three was meant. When the end is stored,
`AttemptWriter.stop` reads the run's request from the database and sets the status to `paused` or `cancelled`; without a
request, the run is `queued` again in the background, or `interrupted` in the foreground. A kill is different: it sends
SIGKILL to the engine's process group at once.
"""

import logging
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ageui.files.locks import Lock, is_held, read_note
from ageui.store import BusyError, Claim, FullError, LostRunError, Store, Whereabouts
from ageui.worker.attempt_ending import Ending, ending_of
from ageui.worker.end_commands import StartedCommands, start_end_commands
from ageui.worker.event_recorder import EventRecorder
from ageui.worker.places.engine_child import ENGINE
from ageui.worker.places.protocol import Exit, Place, PlacedEngine, RefusedError, UnreachableError
from ageui.worker.processes import Process
from ageui.worker.run_files import log_file, remove_unknown_files
from engine.errors import AgeUIError, ConfigError, DiskFullError, GpuMemoryError, StoreError
from engine.events import Event, RunEnded, RunFailed
from engine.files import is_full, make_private_folder
from engine.request import CHECKPOINT_SECONDS, CheckpointFile, RunRequest
from engine.wire import Message, ProtocolError

_SECONDS_TO_READ = 0.25
_SECONDS_BETWEEN_LOOKS = 0.5
_SECONDS_BETWEEN_TRIES = 2.0
_SECONDS_TO_EXIT = 30.0

log = logging.getLogger("ageui.worker")


@dataclass(frozen=True)
class Policy:
    """Settings of supervision.

    `engine` is the command of its process, `stop_seconds` the time it has to leave, and `data_root` the folder of data
    sets where it runs, see `engine.data.data_root`.
    """

    checkpoint_seconds: float = CHECKPOINT_SECONDS
    stop_seconds: float = 30.0
    engine: Sequence[str] = ENGINE
    data_root: Path | None = None


@dataclass(frozen=True)
class Outcome:
    """A run's status after the attempt, and how the attempt ended; `lost` if another attempt took the run.

    `held` counts the queued runs of its sweep held because the sweep keeps failing. `commands` are the commands started
    by its end.
    """

    status: str
    ending: Ending
    held: int = 0
    commands: StartedCommands | None = None


def kill_engine(store: Store, run_id: int) -> bool:
    """Kills the engine of a run if its supervisor does not end it. Returns False without an engine."""
    note = read_note(store.run_lock_file(run_id)) if is_held(store.run_lock_file(run_id)) else {}
    engine = Process.from_note(note.get("engine"))
    return engine is not None and engine.send(signal.SIGKILL, to_group=True)


class Supervisor:
    """An attempt by an engine of `place`, which on this machine also holds `locks`, those of the run and the device.

    `emit` receives every event; if it fails, the run is stopped as by `should_stop`. `should_stop` is called a few
    times a second: when it returns True, the engine writes a checkpoint and leaves. When `should_kill` returns True,
    the engine is killed. A run that runs out of GPU memory is queued again if it `was_beside` another run.
    """

    def __init__(
        self,
        store: Store,
        claim: Claim,
        *,
        device: str,
        locks: Sequence[Lock],
        policy: Policy,
        place: Place[Any],
        emit: Callable[[Event], None] = lambda event: None,
        should_stop: Callable[[], bool] = lambda: False,
        should_kill: Callable[[], bool] = lambda: False,
        was_beside: Callable[[], bool] = lambda: False,
        in_foreground: bool = False,
    ) -> None:
        self._store, self._claim, self._device, self._locks, self._policy = store, claim, device, locks, policy
        self._place = place
        self._emit, self._should_stop, self._should_kill = emit, should_stop, should_kill
        self._was_beside = was_beside
        self._stopped_status = "interrupted" if in_foreground else "queued"
        self._recorder = EventRecorder(store, claim)
        self._last: RunEnded | RunFailed | None = None
        self._looked = 0.0
        self._version: int | None = None
        self._request_now: str | None = None
        self._leave_by: float | None = None
        self._unshown: Exception | None = None
        self._where: Whereabouts | None = None

    def run(self) -> Outcome:
        """Works until the attempt has ended and its end is stored.

        Raises `StoreError` if the database fails in a way that waiting does not cure. The engine has then ended, and
        the next look at the run finds it lost.
        """
        begin = time.monotonic()
        try:
            ending = self._ending()
            outcome = self._store_end(ending, time.monotonic() - begin)
        except LostRunError as error:
            return Outcome("lost", Ending("crashed", "lost", str(error), "lost", error.exit_code))
        if outcome.status == "done" and self._claim.data_spec.get("fold"):
            from ageui.derive.folds import join_if_complete  # NumPy and scores take a while to load

            join_if_complete(self._store, self._claim.run_id, log.warning)
        commands = start_end_commands(self._store, [self._claim.run_id], log.warning, device=self._device)
        return replace(outcome, commands=commands)

    def _ending(self) -> Ending:
        """Runs the attempt. Raises `LostRunError`, and `StoreError` like `run`."""
        try:
            ending = self._run_engine()
        except FullError as error:
            return Ending("failed", "failed", str(error), DiskFullError.failure, error.exit_code)
        except (ConfigError, ProtocolError) as error:
            return Ending("failed", "failed", str(error), error.failure, error.exit_code)
        except (RefusedError, UnreachableError) as error:
            return Ending("stopped", "queued", str(error), error.failure, error.exit_code)
        except OSError as error:
            return Ending("crashed", "failed", f"its process could not be supervised: {error}", AgeUIError.failure, 1)
        if ending.failure == GpuMemoryError.failure and self._was_beside():
            return replace(ending, kind="stopped", reason=f"{ending.reason}; it will be trained alone")
        return ending

    def _run_engine(self) -> Ending:
        """Starts the engine and supervises it until it has ended, even if something fails meanwhile."""
        try:
            engine = self._start()
        except OSError as error:
            failure = DiskFullError.failure if is_full(error) else AgeUIError.failure
            return Ending("failed", "failed", f"the engine process could not be started: {error}", failure, 1)
        try:
            for lock in self._locks:
                lock.write_note(self._lock_note(engine))
            self._watch(engine)
        finally:
            was_asked = engine.is_stopping or self._should_stop()
            left: Exit = self._place.let_go(engine)
        ending = ending_of(
            left.code,
            self._last,
            was_asked=was_asked,
            oom_kills=left.oom_kills,
            run_id=self._claim.run_id,
            config=self._claim.run_config(),
            told=left.told,
        )
        if ending.kind == "stopped" and self._unshown is not None:
            return replace(ending, reason=f"stopped, because its progress could not be shown: {self._unshown}")
        return ending

    def _start(self) -> PlacedEngine:
        file = log_file(self._store, self._claim.run_id, self._claim.attempt)
        warned = False
        while True:
            try:
                request = self._request()
                if not self._claim.is_adopted:
                    remove_unknown_files(self._store, self._claim)
                engine: PlacedEngine = self._place.start(request, file, self._locks)
                return engine
            except OSError as error:
                if not self._claim.is_adopted or is_full(error):
                    raise
                # Its engine works on: the attempt has not failed, however long its storage is away.
                problem = f"run {self._claim.run_id} cannot be adopted at the moment: {error}"
                if self._should_stop() or self._should_kill():
                    raise StoreError(problem) from error
            if not warned:
                log.warning("%s; trying again", problem)
                warned = True
            time.sleep(_SECONDS_BETWEEN_TRIES)

    def _request(self) -> RunRequest:
        claim, folder, data_root = self._claim, self._store.run_folder(self._claim.run_id), self._policy.data_root
        make_private_folder(folder)
        return RunRequest(
            config=claim.run_config(),
            spec=claim.run_data(),
            data_root=data_root,
            images_digest=None if data_root is None else self._store.data.images_digest(claim.run_data()),
            folder=folder,
            attempt=claim.attempt,
            device=self._device,
            checkpoints=tuple(
                CheckpointFile(path=self._store.checkpoint_file(file), sha256=file.sha256) for file in claim.states
            ),
            checkpoint_seconds=self._policy.checkpoint_seconds,
            manifest=claim.manifest,
            scoring_interval=claim.scoring_interval,
        )

    def _lock_note(self, engine: PlacedEngine) -> dict[str, object]:
        return {
            "run": self._claim.run_id,
            "name": self._claim.name,
            "db": str(self._store.path),
            "in_foreground": self._stopped_status == "interrupted",
            **engine.note(),
        }

    def _watch(self, engine: PlacedEngine) -> None:
        """Reads and stores events until the engine has released the run or its process has ended."""
        while not (engine.is_idle or engine.has_ended):
            self._take(engine.read(_SECONDS_TO_READ))
            if self._recorder.is_due:
                self._write_if_not_busy()
            self._obey(engine)
            self._say_where(engine)
        self._take(engine.rest())

    def _take(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self._recorder.add(message)
            if isinstance(message.event, RunEnded | RunFailed):
                self._last = message.event
                self._leave_by = time.monotonic() + _SECONDS_TO_EXIT
            self._show(message.event)

    def _show(self, event: Event) -> None:
        """Shows an event. If the display fails, for example because its terminal is gone, stops with a checkpoint."""
        if self._unshown is None:
            try:
                self._emit(event)
            except Exception as error:
                self._unshown = error

    def _say_where(self, engine: PlacedEngine) -> None:
        """Stores where the attempt runs, whenever that changes."""
        where = engine.where
        if where is None or not where.job or where == self._where:
            return
        with suppress(BusyError), self._store.writing(self._claim.run_id, self._claim.attempt) as writer:
            writer.placed(where)
            self._where = where

    def _write_if_not_busy(self) -> None:
        try:
            self._recorder.write()
        except BusyError:
            return  # the recorder keeps the events and tries again

    def _obey(self, engine: PlacedEngine) -> None:
        now = time.monotonic()
        if self._leave_by is not None and now > self._leave_by:
            engine.kill()  # it sent its last event and hangs
        if now - self._looked >= _SECONDS_BETWEEN_LOOKS:
            self._looked = now
            request = self._asked()
            if request == "lost":
                raise LostRunError(f"run {self._claim.run_id} was taken over while attempt {self._claim.attempt} ran")
            if request == "kill" or self._should_kill():
                engine.ask_to_stop(0.0)
                engine.kill()
            elif request in ("pause", "cancel") or self._should_stop() or self._unshown is not None:
                engine.ask_to_stop(self._policy.stop_seconds)
        engine.enforce_stop()

    def _asked(self) -> str | None:
        """The run's request. Reads it again only after a commit."""
        try:
            version = self._store.version()
            if version != self._version:
                self._request_now = self._store.queue.request(self._claim.run_id, self._claim.attempt)
                self._version = version
        except BusyError:
            pass  # keep the last known request
        return self._request_now

    def _store_end(self, ending: Ending, seconds: float) -> Outcome:
        """Stores the end, however long the database is busy or its disk full, unless this process is asked to stop.

        Never leaves a run whose end is known as running.
        """
        while True:
            try:
                return self._try_to_store_end(ending, seconds)
            except (BusyError, FullError):
                if self._should_stop() or self._should_kill():
                    raise
                time.sleep(_SECONDS_BETWEEN_TRIES)

    def _try_to_store_end(self, ending: Ending, seconds: float) -> Outcome:
        with self._store.writing(self._claim.run_id, self._claim.attempt) as writer:
            self._recorder.write_into(writer)
            is_disk_full = ending.failure == DiskFullError.failure
            if ending.kind == "stopped" or is_disk_full:
                status = writer.stop(self._stopped_status, ending.reason, seconds=seconds)
                if status == "queued" and (is_disk_full or ending.failure == RefusedError.failure):
                    # The run is intact, but no run can be trained until somebody frees space or changes an option.
                    writer.pause_queue(ending.reason)
            elif ending.kind == "crashed":
                status = writer.crash(ending.failure or "killed", ending.reason, seconds=seconds)
            else:
                status = ending.status
                writer.end(status, ending.reason, failure=ending.failure, seconds=seconds)
        self._recorder.written(writer)
        return Outcome(status, ending, writer.held)
