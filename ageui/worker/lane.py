"""A lane trains one run after another. A worker has a lane for each run that it trains at once, usually one."""

import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from ageui.devices import cores, next_lock_file, take_device, who_has
from ageui.files.locks import Lock, is_held
from ageui.memory.device_memory import device_memory
from ageui.memory.expected_memory import CurrentPeaks, expected_peak
from ageui.memory.measured_peaks import ExpectedPeak
from ageui.store import BusyError, Claim, Claimant, FullError, Store
from ageui.store.sweep_hold import RESUMED
from ageui.text.sentences import counted, gigabytes
from ageui.worker.end_commands import start_end_commands
from ageui.worker.places.local import IDLE_SECONDS as ENGINE_IDLE_SECONDS
from ageui.worker.places.local import Engines
from ageui.worker.queue_waits import MEMORY
from ageui.worker.supervisor import Outcome, Policy, Supervisor
from engine.errors import ConfigError, GpuMemoryError

SECONDS_BETWEEN_LOOKS = 0.5
LONGEST_PAUSE = 60.0
_MEMORY_SHARE = 0.9
_CUDA_CONTEXT_BYTES = 600_000_000
"""GPU memory that CUDA and its libraries take per process, in addition to torch's."""

log = logging.getLogger("ageui.worker")


@contextmanager
def if_it_can_be_written() -> Iterator[None]:
    """Suppresses errors of a busy or full database around rows that merely inform people."""
    try:
        yield
    except (BusyError, FullError) as error:
        log.warning("%s", error)


@dataclass
class SharedDevice:
    """The device of a worker, and the state shared by its lanes.

    configs
        Values of a config's `device` whose runs this worker takes.
    stop
        Set when the worker should leave.
    working
        Each run in progress with its peak memory in bytes, None if unknown.
    beside
        Runs in progress that shared the device with another run.
    alone
        Runs that must have the device to themselves, because they ran out of memory.
    too_large
        The next run, if it was reported to wait for memory.
    """

    name: str
    configs: Sequence[str]
    policy: Policy
    lanes: int
    stop: threading.Event
    should_kill: Callable[[], bool]
    working: dict[int, int | None] = field(default_factory=dict)
    beside: set[int] = field(default_factory=set)
    alone: set[int] = field(default_factory=set)
    too_large: int | None = None
    _lock: Lock | None = None
    _users: int = 0
    _free: int | None = None
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def take(self) -> Lock | None:
        """Takes the device's lock for another run. Returns None while others hold it or wait for it."""
        with self._guard:
            if self._lock is None:
                self._lock = take_device(self.name)
                memory = device_memory(self.name) if self.lanes > 1 else None
                self._free = memory.free if memory is not None else None
            elif is_held(next_lock_file(self.name)):
                return None
            if self._lock is not None:
                self._users += 1
            return self._lock

    def release(self) -> None:
        with self._guard:
            self._users -= 1
            if self._users == 0 and self._lock is not None:
                self._lock.release()
                self._lock = None

    @property
    def is_taken(self) -> bool:
        """Whether a run of this worker computes on the device."""
        return self._users > 0

    def has_room_for(self, run_id: int, needed: int | None) -> bool:
        """Whether a run with that peak memory can start beside the runs in progress."""
        if not self.working:
            return True
        all_needed = [*self.working.values(), needed]
        known = [one for one in all_needed if one is not None]
        if len(known) < len(all_needed) or self.alone & {run_id, *self.working}:
            return False
        contexts = 0 if self.name == "cpu" else len(known) * _CUDA_CONTEXT_BYTES
        return self._free is None or sum(known) + contexts <= _MEMORY_SHARE * self._free

    def begin(self, run_id: int, needed: int | None) -> None:
        self.working[run_id] = needed
        if len(self.working) > 1:
            self.beside.update(self.working)

    def end(self, run_id: int) -> None:
        self.working.pop(run_id, None)
        self.beside.discard(run_id)
        self.too_large = None


class _NoRoomError(Exception):
    """The next run does not fit beside the runs in progress."""

    def __init__(self, run_id: int) -> None:
        super().__init__(run_id)
        self.run_id = run_id


class Lane:
    """Trains one run at a time, with its own engine and `store` connection.

    `should_stop` is called a few times a second. When it returns True, the run is stopped and requeued.
    """

    def __init__(self, store: Store, device: SharedDevice, should_stop: Callable[[], bool]) -> None:
        self._store, self._device, self._should_stop = store, device, should_stop
        threads = _share_of_threads(device)
        self._engines = Engines(device.policy.engine, threads)
        self._threads = int(threads["OMP_NUM_THREADS"]) if threads else None
        self._peaks = CurrentPeaks()
        self._looked_up: tuple[object, ExpectedPeak | None] = None, None
        self._crashes = 0
        self._ticket: Lock | None = None

    def work(self) -> None:
        """Trains the next run once the device is free."""
        device = self._device
        device_lock = device.take()
        if device_lock is None:
            self._wait_for_device()
            return
        self._release_ticket()
        held: dict[int, Lock] = {}

        def hold(run_id: int) -> bool:
            needed = self._bytes(run_id)
            if not device.has_room_for(run_id, needed):
                raise _NoRoomError(run_id)
            lock = Lock.take(self._store.run_lock_file(run_id))
            if lock is not None:
                held[run_id] = lock
                device.begin(run_id, needed)
            return lock is not None

        claimant, outcome, claim = Claimant(device.name, device.name), None, None
        try:
            while self._holds_next_run():
                pass
            if not self._waits_for_others():
                claim = self._store.queue.claim_next(claimant, device.configs, hold)
            if claim is not None:
                log.info("run %d (%s), attempt %d", claim.run_id, claim.name, claim.attempt)
                outcome = self._supervise(claim, [device_lock, *held.values()])
                if outcome.ending.failure == GpuMemoryError.failure and outcome.status == "queued":
                    device.alone.add(claim.run_id)
                log.info("run %d: %s %s", claim.run_id, outcome.status, outcome.ending.reason)
                if outcome.held:
                    log.warning("%s of its sweep held: see ageui queue", counted(outcome.held, "queued run"))
        except _NoRoomError as error:
            self._say_too_large(error.run_id)
        finally:
            if is_held(next_lock_file(device.name)):
                self._engines.close()
            for run_id, lock in held.items():
                device.end(run_id)
                lock.release()
            device.release()
        if outcome is None:
            device.stop.wait(SECONDS_BETWEEN_LOOKS)
            return
        self._say_idle()
        self._pause_after(outcome)

    def work_beside(self) -> None:
        """Trains the next run if another is in progress and both fit; otherwise waits a moment."""
        self.rest()
        if self._device.is_taken and self._is_next_run_fitting():
            self.work()
        else:
            self._device.stop.wait(SECONDS_BETWEEN_LOOKS)

    def rest(self) -> None:
        """Ends the engine kept for the next run once it has been idle for a while."""
        self._engines.close(ENGINE_IDLE_SECONDS)

    def forget_wait(self) -> None:
        """Stores that no run waits for memory, because the waiting run left the queue."""
        if self._device.too_large is not None:
            self._device.too_large = None
            self._say_idle()

    def leave(self) -> None:
        self._engines.close()
        self._release_ticket()

    def _is_next_run_fitting(self) -> bool:
        """Checks before the claim, which takes the write lock for a certain answer."""
        device = self._device
        run_id = self._store.queue.next_run(device.configs)
        fits = run_id is not None and device.has_room_for(run_id, self._bytes(run_id))
        if run_id is not None and not fits:
            self._say_too_large(run_id)
        return fits

    def _say_too_large(self, run_id: int) -> None:
        """Stores, once, that the next run waits for memory."""
        if self._device.too_large != run_id:
            self._device.too_large = run_id
            peak, running = self._expected(run_id), list(self._device.working.values())
            if peak is None or None in running:
                which = "the next run" if peak is None else "a running run"
                self._say_idle(f"{MEMORY}: the peak memory of {which} is not known yet, so it trains alone")
            else:
                beside = counted(len(running), "running run")
                self._say_idle(f"{MEMORY}: the next run ({peak.text}) does not fit beside {beside}")

    def _holds_next_run(self) -> bool:
        """Holds the next run if it was never tried and is known to be too large for the device."""
        run_id = self._store.queue.next_run(self._device.configs)
        reason = self._why_too_large(run_id) if run_id is not None else ""
        if run_id is None or not reason:
            return False
        held = self._store.queue.hold(run_id, reason)
        log.warning("run %d: %s held: %s", run_id, counted(held, "run"), reason)
        if held:
            start_end_commands(self._store, [run_id], log.warning, device=self._device.name)
        return held > 0

    def _why_too_large(self, run_id: int) -> str:
        """The reason why a run does not fit on the device, even with all of its memory."""
        memory = device_memory(self._device.name)
        peak = self._peak_above(run_id, memory.total) if memory is not None else None
        if memory is None or peak is None:
            return ""
        has = f"{self._device.name} has {gigabytes(memory.total)}"
        return f"it needs at least {gigabytes(peak.least)} of memory ({peak.source}), but {has}"

    def _waits_for_others(self) -> bool:
        """Whether other programs hold the GPU memory that the next run needs. Stores, once, that it waits."""
        device = self._device
        run_id = self._store.queue.next_run(device.configs)
        if run_id is None or device.name == "cpu" or device.working:
            return False
        memory = device_memory(device.name)
        peak = self._peak_above(run_id, memory.free) if memory is not None else None
        if memory is None or peak is None:
            return False
        self._engines.close()  # the engine kept for the next run holds some of the memory
        if device.too_large != run_id:
            device.too_large = run_id
            takes = f"the next run takes at least {gigabytes(peak.least)} ({peak.source})"
            self._say_idle(f"{MEMORY}: {takes}, but other programs leave {gigabytes(memory.free)} free")
        return True

    def _peak_above(self, run_id: int, room: int) -> ExpectedPeak | None:
        """The peak memory of a run neither tried nor resumed after being held, if more than `room` bytes."""
        row = self._store.runs.get_many([run_id]).get(run_id)
        if row is None or row.attempt > 0 or row.failure == RESUMED or self._peaks.of(self._store).largest <= room:
            return None  # without counting images
        peak = self._expected(run_id)
        return peak if peak is not None and peak.least - peak.pixels > room else None

    def _bytes(self, run_id: int) -> int | None:
        """The peak memory of a run in bytes; None if unknown."""
        peak = self._expected(run_id) if self._device.lanes > 1 else None
        return peak.bytes if peak is not None else None

    def _expected(self, run_id: int) -> ExpectedPeak | None:
        """The peak memory of a run. Looks it up again only for another run, or after more runs have ended."""
        key = run_id, self._store.runs.status_counts().get("done", 0)
        if key != self._looked_up[0]:
            peak, peaks = None, self._peaks.of(self._store)
            with suppress(ConfigError):  # it was just deleted
                peak = expected_peak(peaks, self._store.runs.detail(run_id), self._device.name, self._threads)
            self._looked_up = key, peak
        return self._looked_up[1]

    def _supervise(self, claim: Claim, locks: list[Lock]) -> Outcome:
        return Supervisor(
            self._store,
            claim,
            device=self._device.name,
            locks=locks,
            policy=self._device.policy,
            place=self._engines,
            should_stop=self._should_stop,
            should_kill=self._device.should_kill,
            was_beside=lambda: claim.run_id in self._device.beside,
        ).run()

    def _pause_after(self, outcome: Outcome) -> None:
        """Waits after a crash, longer after each in a row, and lets another queue use the device."""
        self._crashes = self._crashes + 1 if outcome.ending.kind == "crashed" else 0
        if self._crashes:
            self._device.stop.wait(min(LONGEST_PAUSE, 2.0 ** (self._crashes - 1)))
        if is_held(next_lock_file(self._device.name)):
            self._device.stop.wait(2 * SECONDS_BETWEEN_LOOKS)

    def _wait_for_device(self) -> None:
        self._engines.close()
        if self._device.is_taken:
            self._release_ticket()
        elif self._ticket is None:
            name = self._device.name
            self._ticket = Lock.take(next_lock_file(name))
            self._say_idle(who_has(name))
            log.info("waiting: %s is in use by %s", name, who_has(name))
        self._device.stop.wait(SECONDS_BETWEEN_LOOKS)

    def _say_idle(self, waiting_for: str | None = None) -> None:
        """Stores the run that the worker still works on, if any."""
        others = next(iter(list(self._device.working)), None)
        with if_it_can_be_written():
            self._store.workers.set_work(self._device.name, others, waiting_for)

    def _release_ticket(self) -> None:
        if self._ticket is not None:
            self._ticket.release()
            self._ticket = None


def _share_of_threads(device: SharedDevice) -> dict[str, str]:
    """The environment variables that give each of several lanes its share of the cores.

    Keeps a number of threads set by a person.
    """
    if device.lanes == 1 or device.name != "cpu" or "OMP_NUM_THREADS" in os.environ:
        return {}
    return {"OMP_NUM_THREADS": str(max(1, cores() // device.lanes))}


def lanes_for(device: str) -> int:
    """The number of runs that `--parallel auto` trains at once: one per core of a processor, two on a GPU."""
    return cores() if device == "cpu" else 2
