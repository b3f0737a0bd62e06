"""Trains the queued runs of a device until none is left or the worker is stopped."""

import logging
import threading
import time
from collections.abc import Callable

from ageui.devices import configs_for
from ageui.files.locks import Lock
from ageui.store import BusyError, FullError, RunningRun, Store
from ageui.worker.lane import SECONDS_BETWEEN_LOOKS, Lane, SharedDevice, if_it_can_be_written
from ageui.worker.lost_runs import recover_lost
from ageui.worker.supervisor import Policy, kill_engine
from ageui.worker.worker_files import take_worker_lock
from engine.errors import StoreError

_SECONDS_BETWEEN_TRIES = 2.0
_LINGERING_SECONDS = 60.0

_STOPPED = "stopped by the user"

log = logging.getLogger("ageui.worker")


class QueueWorker:
    """The worker of `store` on `device`; with `is_default`, it also takes runs that name no device.

    It trains up to `parallel` runs at once, and ends after `idle_seconds` without work. `stop` ends it after the
    current step and queues its runs again; a second call kills the engines.
    """

    def __init__(
        self,
        store: Store,
        device: str,
        *,
        is_default: bool,
        policy: Policy,
        idle_seconds: float,
        parallel: int = 1,
    ) -> None:
        self._store, self._idle_seconds = store, idle_seconds
        self._stop, self._kill, self._leaving = threading.Event(), threading.Event(), threading.Event()
        configs = configs_for(device, is_default=is_default)
        self._device = SharedDevice(device, configs, policy, parallel, self._stop, self._kill.is_set)
        self._lane = Lane(store, self._device, self._should_stop)
        self._others = [
            threading.Thread(target=self._work_beside, name=f"lane {number}") for number in range(2, parallel + 1)
        ]
        self._looked = 0.0
        self._version: int | None = None
        self._lingering_since: float | None = None

    def stop(self) -> None:
        if self._stop.is_set():
            self._kill.set()
        self._stop.set()

    def run(self, lock: Lock, on_start: Callable[[], None] = lambda: None) -> str:
        """Works until it must leave, and returns the reason.

        `lock` is the worker's lock, released at the end. `on_start` is called once the worker's row is stored.
        """
        try:
            if not self._start():
                lock.release()
                return _STOPPED
        except StoreError:
            lock.release()
            raise
        log.info("started on %s for %s", self._device.name, self._store.path)
        on_start()
        for lane in self._others:
            lane.start()
        reason = "it was ended"
        try:
            reason = self._work_until_idle(lock)
        except Exception as error:
            reason = f"a problem: {error}"
            raise
        finally:
            log.info("leaving: %s", reason)
            self._lane.leave()
            self._end_other_lanes()
            with if_it_can_be_written():
                self._store.workers.end(self._device.name, reason)
        return reason

    def _start(self) -> bool:
        """Stores the worker's row, however long the database is busy. Returns False if stopped before."""
        while not self._stop.is_set():
            try:
                self._store.workers.register(self._device.name)
                return True
            except BusyError as error:
                log.warning("%s", error)
                self._stop.wait(_SECONDS_BETWEEN_TRIES)
        return False

    def _work_until_idle(self, lock: Lock) -> str:
        idle_since = time.monotonic()
        while not self._should_stop():
            self._lane.rest()
            try:
                if self._take_turn():
                    idle_since = time.monotonic()
                    continue
            except (BusyError, FullError) as error:
                log.warning("%s", error)
                self._stop.wait(_SECONDS_BETWEEN_TRIES)
                continue
            if time.monotonic() - idle_since < self._idle_seconds:
                self._stop.wait(SECONDS_BETWEEN_LOOKS)
                continue
            # A command that queues a run checks this lock afterwards. Without a second look at the queue, a run queued
            # just now would rely on a worker that is about to leave.
            lock.release()
            if not self._has_work():
                return f"nothing to do for {self._idle_seconds:.0f} seconds"
            again = take_worker_lock(self._store, self._device.name)
            if again is None:
                return "another worker took over"
            lock = again
        self._end_other_lanes()
        lock.release()
        return _STOPPED

    def _has_work(self) -> bool:
        """Reads the queue, however long the database is busy. Returns False when the worker should stop."""
        while not self._stop.is_set():
            try:
                return self._store.queue.has_work(self._device.configs)
            except (BusyError, FullError) as error:
                log.warning("%s", error)
                self._stop.wait(_SECONDS_BETWEEN_TRIES)
        return False

    def _take_turn(self) -> bool:
        """Does the next piece of work. Returns False without any."""
        for found in recover_lost(self._store):
            log.warning(found.sentence())
        if self._is_lingered_on():
            self._end_lingering_engine()
            self._stop.wait(SECONDS_BETWEEN_LOOKS)
            return True
        if self._store.queue.has_work(self._device.configs):
            self._lane.work()
            return True
        if self._device.is_taken:
            self._stop.wait(SECONDS_BETWEEN_LOOKS)
            return True
        self._lane.forget_wait()
        return False

    def _work_beside(self) -> None:
        """A further lane, in a thread with its own database connection."""
        with Store.open(self._store.path, create=False) as store:
            lane = Lane(store, self._device, lambda: self._stop.is_set() or self._leaving.is_set())
            try:
                while not (self._stop.is_set() or self._leaving.is_set()):
                    try:
                        lane.work_beside()
                    except (BusyError, FullError) as error:
                        log.warning("%s", error)
                        self._leaving.wait(_SECONDS_BETWEEN_TRIES)
            except Exception:
                log.exception("a lane of this worker ended early; the others continue")
            finally:
                lane.leave()

    def _end_other_lanes(self) -> None:
        self._leaving.set()
        for lane in self._others:
            if lane.is_alive():
                lane.join()

    def _is_lingered_on(self) -> bool:
        """Whether an engine of an earlier worker of this database and device still runs.

        Only this worker could have started the run, but does not train it.
        """
        lingers = any(map(self._is_foreign, self._store.queue.running()))
        if not lingers:
            self._lingering_since = None
        return lingers

    def _end_lingering_engine(self) -> None:
        """Kills such an engine if it had enough time to leave by itself."""
        now = time.monotonic()
        self._lingering_since = self._lingering_since or now
        if now - self._lingering_since > _LINGERING_SECONDS:
            for run in self._store.queue.running():
                if self._is_foreign(run) and kill_engine(self._store, run.run_id):
                    log.warning("the engine of run %d outlived its worker and did not leave: killed", run.run_id)

    def _is_foreign(self, run: RunningRun) -> bool:
        return run.worker == self._device.name and run.run_id not in self._device.working

    def _should_stop(self) -> bool:
        """Whether SIGTERM arrived, or `ageui worker stop` stored its request in the database."""
        now = time.monotonic()
        if not self._stop.is_set() and now - self._looked >= SECONDS_BETWEEN_LOOKS:
            self._looked = now
            try:
                version = self._store.version()
                if version != self._version and self._store.workers.is_asked_to_stop(self._device.name):
                    self._stop.set()
                self._version = version
            except StoreError as error:
                log.warning("%s", error)
        return self._stop.is_set()
