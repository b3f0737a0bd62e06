"""Trains the queued runs of a device or cluster until none is left or the worker is stopped."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

from ageui.devices import configs_for
from ageui.files.locks import Lock
from ageui.store import BusyError, FullError, Store
from ageui.worker.cluster_lanes import ClusterLanes
from ageui.worker.lane import SECONDS_BETWEEN_LOOKS, SharedDevice, if_it_can_be_written
from ageui.worker.local_lanes import LocalLanes
from ageui.worker.lost_runs import recover_lost
from ageui.worker.places.slurm import ClusterOptions
from ageui.worker.supervisor import Policy
from ageui.worker.worker_files import take_worker_lock
from engine.errors import StoreError

_SECONDS_BETWEEN_TRIES = 2.0

_STOPPED = "stopped by the user"

log = logging.getLogger("ageui.worker")


class Lanes(Protocol):
    """What trains a worker's runs."""

    @property
    def are_busy(self) -> bool: ...

    def begin(self) -> None:
        """Cleans up, and starts what trains beside the worker's own thread."""

    def rest(self) -> None:
        """Frees what was kept for the next run for long enough."""

    def attend(self) -> bool:
        """Looks after attempts that an earlier worker left. Returns True if they must end first."""

    def work(self) -> None:
        """Trains or starts the next run, or waits a moment for room."""

    def forget_wait(self) -> None:
        """Stores that no run waits."""

    def end_others(self) -> None:
        """Waits until everything beside the worker's own thread has ended."""

    def leave(self) -> None:
        """Ends everything."""


class QueueWorker:
    """The worker of `store` on `device`; with `is_default`, it also takes runs that name no device.

    It trains up to `parallel` runs at once, and ends after `idle_seconds` without work. `stop` ends it after the
    current step and queues its runs again; a second call kills the engines. On a `cluster`, `device` names the cluster.
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
        cluster: ClusterOptions | None = None,
    ) -> None:
        self._store, self._idle_seconds = store, idle_seconds
        self._stop, self._kill = threading.Event(), threading.Event()
        self._name, self._configs = device, configs_for(device, is_default=is_default)
        shared = SharedDevice(device, self._configs, policy, parallel, self._stop, self._kill.is_set)
        self._lanes: Lanes = (
            LocalLanes(store, shared, self._should_stop) if cluster is None else ClusterLanes(store, shared, cluster)
        )
        self._looked = 0.0
        self._version: int | None = None

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
        log.info("started on %s for %s", self._name, self._store.path)
        on_start()
        self._lanes.begin()
        reason = "it was ended"
        try:
            reason = self._work_until_idle(lock)
        except Exception as error:
            reason = f"a problem: {error}"
            raise
        finally:
            log.info("leaving: %s", reason)
            self._lanes.leave()
            with if_it_can_be_written():
                self._store.workers.end(self._name, reason)
        return reason

    def _start(self) -> bool:
        """Stores the worker's row, however long the database is busy. Returns False if stopped before."""
        while not self._stop.is_set():
            try:
                self._store.workers.register(self._name)
                return True
            except BusyError as error:
                log.warning("%s", error)
                self._stop.wait(_SECONDS_BETWEEN_TRIES)
        return False

    def _work_until_idle(self, lock: Lock) -> str:
        idle_since = time.monotonic()
        while not self._should_stop():
            self._lanes.rest()
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
            again = take_worker_lock(self._store, self._name)
            if again is None:
                return "another worker took over"
            lock = again
        self._lanes.end_others()
        lock.release()
        return _STOPPED

    def _has_work(self) -> bool:
        """Reads the queue, however long the database is busy. Returns False when the worker should stop."""
        while not self._stop.is_set():
            try:
                return self._store.queue.has_work(self._configs)
            except (BusyError, FullError) as error:
                log.warning("%s", error)
                self._stop.wait(_SECONDS_BETWEEN_TRIES)
        return False

    def _take_turn(self) -> bool:
        """Does the next piece of work. Returns False without any."""
        for found in recover_lost(self._store):
            log.warning(found.sentence())
        if self._lanes.attend():
            self._stop.wait(SECONDS_BETWEEN_LOOKS)
            return True
        if self._store.queue.has_work(self._configs):
            self._lanes.work()
            return True
        if self._lanes.are_busy:
            self._stop.wait(SECONDS_BETWEEN_LOOKS)
            return True
        self._lanes.forget_wait()
        return False

    def _should_stop(self) -> bool:
        """Whether SIGTERM arrived, or `ageui worker stop` stored its request in the database."""
        now = time.monotonic()
        if not self._stop.is_set() and now - self._looked >= SECONDS_BETWEEN_LOOKS:
            self._looked = now
            try:
                version = self._store.version()
                if version != self._version and self._store.workers.is_asked_to_stop(self._name):
                    self._stop.set()
                self._version = version
            except StoreError as error:
                log.warning("%s", error)
        return self._stop.is_set()
