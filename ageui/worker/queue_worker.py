"""Works through the queue on one device, one run after the other, until there is nothing left or it is stopped."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ageui.store import BusyError, Claim, Claimant, FullError, Store
from ageui.worker.devices import (
    configs_for,
    next_lock_file,
    take_device,
    take_worker_lock,
    who_has,
)
from ageui.worker.engines import IDLE_SECONDS as ENGINE_IDLE_SECONDS
from ageui.worker.engines import Engines
from ageui.worker.locks import Lock, is_held
from ageui.worker.lost import recover_lost
from ageui.worker.supervisor import Outcome, Policy, Supervisor, kill_engine, run_lock_file
from engine.errors import StoreError

IDLE_SECONDS = 60.0
_SECONDS_BETWEEN_LOOKS = 0.5
_SECONDS_BETWEEN_TRIES = 2.0
_LONGEST_PAUSE = 60.0
_LINGERING_SECONDS = 60.0

_STOPPED = "stopped by the user"

log = logging.getLogger("ageui.worker")


@contextmanager
def _if_it_can_be_written() -> Iterator[None]:
    """For what is only told to people: a busy or full database costs the telling, and nothing else."""
    try:
        yield
    except (BusyError, FullError) as error:
        log.warning("%s", error)


class QueueWorker:
    """The worker of `store` on `device`. `is_default`: runs that name no device are its too.

    It ends after `idle_seconds` without work. `stop` has it leave after the step, its run queued again; called a second
    time, the engine is killed.
    """

    def __init__(
        self, store: Store, device: str, *, is_default: bool, policy: Policy, idle_seconds: float = IDLE_SECONDS
    ) -> None:
        self._store, self._device, self._policy, self._idle_seconds = store, device, policy, idle_seconds
        self._engines = Engines(policy.engine)
        self._devices = configs_for(device, is_default=is_default)
        self._stop, self._kill = threading.Event(), threading.Event()
        self._looked = 0.0
        self._version: int | None = None
        self._crashes = 0
        self._ticket: Lock | None = None
        self._lingering_since: float | None = None

    def stop(self) -> None:
        if self._stop.is_set():
            self._kill.set()
        self._stop.set()

    def run(self, lock: Lock, on_start: Callable[[], None] = lambda: None) -> str:
        """Works until there is a reason to leave, which is returned. `lock` is the worker's, and released then.

        `on_start` is called once the worker's row says that it has started.
        """
        try:
            if not self._start():
                lock.release()
                return _STOPPED
        except StoreError:
            lock.release()
            raise
        log.info("started on %s for %s", self._device, self._store.path)
        on_start()
        reason = "it was ended"
        try:
            reason = self._work_until_idle(lock)
        except Exception as error:
            reason = f"a problem: {error}"
            raise
        finally:
            log.info("leaving: %s", reason)
            self._engines.close()
            self._release_ticket()
            with _if_it_can_be_written():
                self._store.workers.ended(self._device, reason)
        return reason

    def _start(self) -> bool:
        """Makes this process the device's worker, however long the database is busy; False where it is stopped
        first."""
        while not self._stop.is_set():
            try:
                self._store.workers.started(self._device)
                return True
            except BusyError as error:
                log.warning("%s", error)
                self._stop.wait(_SECONDS_BETWEEN_TRIES)
        return False

    def _work_until_idle(self, lock: Lock) -> str:
        idle_since = time.monotonic()
        while not self._should_stop():
            try:
                if self._take_turn():
                    idle_since = time.monotonic()
                    continue
            except (BusyError, FullError) as error:
                log.warning("%s", error)
                self._stop.wait(_SECONDS_BETWEEN_TRIES)
                continue
            self._engines.close(ENGINE_IDLE_SECONDS)
            if time.monotonic() - idle_since < self._idle_seconds:
                self._stop.wait(_SECONDS_BETWEEN_LOOKS)
                continue
            # Who queues a run looks for the lock afterwards: without this second look at the queue, a run that came
            # just now would find a worker that is about to leave.
            lock.release()
            if not self._store.queue.has_work(self._devices):
                return f"nothing to do for {self._idle_seconds:.0f} seconds"
            again = take_worker_lock(self._store, self._device)
            if again is None:
                return "another worker took over"
            lock = again
        lock.release()
        return _STOPPED

    def _take_turn(self) -> bool:
        """Does what there is to do next; False where there is nothing."""
        for found in recover_lost(self._store):
            log.warning(found.sentence())
        if self._is_lingered_on():
            self._end_lingering_engine()
            self._stop.wait(_SECONDS_BETWEEN_LOOKS)
            return True
        if self._store.queue.has_work(self._devices):
            self._work()
            return True
        return False

    def _work(self) -> None:
        """Works on the next run, once the device is free."""
        device_lock = take_device(self._device)
        if device_lock is None:
            self._wait_for_device()
            return
        self._release_ticket()
        run_locks: list[Lock] = []

        def hold(run_id: int) -> bool:
            lock = Lock.take(run_lock_file(self._store, run_id))
            run_locks.extend([lock] if lock else [])
            return lock is not None

        try:
            claim = self._store.queue.claim_next(Claimant(self._device, self._device), self._devices, hold)
            if claim is None:
                self._say_idle()
                self._stop.wait(_SECONDS_BETWEEN_LOOKS)
                return
            log.info("run %d (%s), attempt %d", claim.run_id, claim.name, claim.attempt)
            outcome = self._supervise(claim, [device_lock, *run_locks])
            self._say_idle()
        finally:
            if is_held(next_lock_file(self._device)):
                self._engines.close()
            for lock in (*run_locks, device_lock):
                lock.release()
        log.info("run %d: %s %s", claim.run_id, outcome.status, outcome.ending.reason)
        self._pause_after(outcome)

    def _supervise(self, claim: Claim, locks: list[Lock]) -> Outcome:
        return Supervisor(
            self._store,
            claim,
            device=self._device,
            locks=locks,
            policy=self._policy,
            engines=self._engines,
            should_stop=self._should_stop,
            should_kill=self._kill.is_set,
        ).run()

    def _pause_after(self, outcome: Outcome) -> None:
        """Waits after a crash, longer after each in a row, and lets another queue have the device in turn."""
        self._crashes = self._crashes + 1 if outcome.ending.kind == "crashed" else 0
        if self._crashes:
            self._stop.wait(min(_LONGEST_PAUSE, 2.0 ** (self._crashes - 1)))
        if is_held(next_lock_file(self._device)):
            self._stop.wait(2 * _SECONDS_BETWEEN_LOOKS)

    def _wait_for_device(self) -> None:
        if self._ticket is None:
            self._ticket = Lock.take(next_lock_file(self._device))
            self._say_idle(who_has(self._device))
            log.info("waiting: %s is in use by %s", self._device, who_has(self._device))
        self._stop.wait(_SECONDS_BETWEEN_LOOKS)

    def _say_idle(self, waiting_for: str | None = None) -> None:
        with _if_it_can_be_written():
            self._store.workers.working_on(self._device, None, waiting_for)

    def _release_ticket(self) -> None:
        if self._ticket is not None:
            self._ticket.release()
            self._ticket = None

    def _is_lingered_on(self) -> bool:
        """Whether the engine of an earlier worker of this database and device outlived it: this worker, which alone
        could have started it, works on nothing now."""
        lingers = any(run.worker == self._device for run in self._store.queue.running())
        if not lingers:
            self._lingering_since = None
        return lingers

    def _end_lingering_engine(self) -> None:
        """Kills such an engine once it had time enough to leave by itself."""
        now = time.monotonic()
        self._lingering_since = self._lingering_since or now
        if now - self._lingering_since > _LINGERING_SECONDS:
            for run in self._store.queue.running():
                if run.worker == self._device and kill_engine(self._store, run.run_id):
                    log.warning("the engine of run %d outlived its worker and did not leave: killed", run.run_id)

    def _should_stop(self) -> bool:
        """Whether SIGTERM came, or `ageui worker stop` left word in the database."""
        now = time.monotonic()
        if not self._stop.is_set() and now - self._looked >= _SECONDS_BETWEEN_LOOKS:
            self._looked = now
            try:
                version = self._store.version()
                if version != self._version and self._store.workers.is_asked_to_stop(self._device):
                    self._stop.set()
                self._version = version
            except StoreError as error:
                log.warning("%s", error)
        return self._stop.is_set()
