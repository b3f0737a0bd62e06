"""The attempts of a worker on a cluster: each is a job with a thread that follows it."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from ageui.files.locks import Lock
from ageui.memory.expected_memory import CurrentPeaks, expected_peak
from ageui.store import BusyError, Claim, Claimant, FullError, RunningRun, Store, TakeLock
from ageui.worker.background_workers import is_working
from ageui.worker.lane import LONGEST_PAUSE, SECONDS_BETWEEN_LOOKS, SharedDevice, if_it_can_be_written
from ageui.worker.places.job_files import JobFiles
from ageui.worker.places.protocol import UnreachableError
from ageui.worker.places.slurm import ClusterOptions, SlurmPlace, threads_of_a_job
from ageui.worker.places.slurm_commands import JobWatch, has_gpus
from ageui.worker.supervisor import Outcome, Supervisor
from engine.errors import ConfigError, StoreError

_MEMORY_FACTOR = 1.5
"""Slurm kills a job that exceeds its memory, and counts more than the engine's own process."""

log = logging.getLogger("ageui.worker")


class ClusterLanes:
    """Up to `device.lanes` attempts at once on the cluster `device`, submitted with `options`.

    Attempts whose worker has died, on any partition, are adopted: their jobs go on, and their events are read from the
    first one that is not stored.
    """

    def __init__(self, store: Store, device: SharedDevice, options: ClusterOptions) -> None:
        self._store, self._device, self._options = store, device, options
        self._watch = JobWatch()
        self._following: dict[int, threading.Thread] = {}
        self._guard = threading.Lock()
        self._peaks = CurrentPeaks()
        self._has_gpus: bool | None = None
        self._crashes = 0
        self._pause_until = 0.0
        self._problem = self._refusal = ""
        self._warned: set[str] = set()

    @property
    def are_busy(self) -> bool:
        return bool(self._following)

    def begin(self) -> None:
        """Removes the files of attempts whose end was stored just before their worker died."""
        with if_it_can_be_written(), suppress(OSError):
            folders = list(self._store.folder.glob("*/job.*"))
            running = {self._files(run.run_id, run.attempt).folder for run in self._store.queue.running()}
            for folder in folders:
                if folder not in running:
                    JobFiles(folder).remove()

    def rest(self) -> None:
        """Stores whether Slurm answers and takes jobs."""
        problem = self._watch.problem if self._following else ""  # nobody asks for the states of no jobs
        problem = problem or (self._refusal if time.monotonic() < self._pause_until else "")
        if problem != self._problem:
            self._problem = problem
            self._say_wait(problem or None)

    def attend(self) -> bool:
        """Adopts attempts that no thread follows."""
        for run in self._store.queue.running():
            if run.where is not None and run.run_id not in self._following and not self._is_of_another(run):
                self._follow(partial(self._store.queue.adopt, run, self._device.name))
        return False

    def work(self) -> None:
        """Submits the next run if there is room, else waits a moment."""
        if len(self._following) >= self._device.lanes or time.monotonic() < self._pause_until:
            self._device.stop.wait(SECONDS_BETWEEN_LOOKS)
            return
        claimant = Claimant(self._device.name, self._device.name, is_on_cluster=True)
        if not self._follow(partial(self._store.queue.claim_next, claimant, self._device.configs)):
            self._device.stop.wait(SECONDS_BETWEEN_LOOKS)

    def forget_wait(self) -> None:
        return

    def end_others(self) -> None:
        for thread in list(self._following.values()):
            thread.join()

    def leave(self) -> None:
        self.end_others()

    def _is_of_another(self, run: RunningRun) -> bool:
        """Whether a living worker on another partition follows the run."""
        return run.worker not in (None, self._device.name) and is_working(self._store, run.worker)

    def _follow(self, claim_run: Callable[[TakeLock], Claim | None]) -> bool:
        """Claims a run, and follows its attempt in a thread. Returns False without a run, or while its lock or the
        database cannot be used: the run is tried again at the next turn."""
        held: list[Lock] = []

        def hold(run_id: int) -> bool:
            lock = Lock.take(self._store.run_lock_file(run_id))
            held.extend([lock] if lock is not None else [])
            return lock is not None

        try:
            claim = claim_run(hold)
        except BaseException as error:
            for lock in held:
                lock.release()
            if not isinstance(error, StoreError) or isinstance(error, BusyError | FullError):
                raise
            self._warn_once(str(error))
            return False
        if claim is None:
            return False
        how = ": adopted" if claim.is_adopted else ""
        log.info("run %d (%s), attempt %d%s", claim.run_id, claim.name, claim.attempt, how)
        thread = threading.Thread(target=self._attempt, args=(claim, held[-1]), name=f"run {claim.run_id}")
        self._following[claim.run_id] = thread
        thread.start()
        return True

    def _attempt(self, claim: Claim, lock: Lock) -> None:
        try:
            with Store.open(self._store.path, create=False) as store:
                outcome = Supervisor(
                    store,
                    claim,
                    device=self._device.name,
                    locks=[lock],
                    policy=self._device.policy,
                    place=self._place(store, claim),
                    should_stop=self._device.stop.is_set,
                    should_kill=self._device.should_kill,
                ).run()
            self._files(claim.run_id, claim.attempt).remove()
            log.info("run %d: %s %s", claim.run_id, outcome.status, outcome.ending.reason)
            self._pause_after(outcome)
            self._warned.clear()
        except StoreError as error:
            self._warn_once(f"run {claim.run_id}: {error}")
        except Exception:
            log.exception("run %d is not followed at the moment", claim.run_id)
        finally:
            # Before the lock: whoever takes it next may follow the run in another thread at once.
            del self._following[claim.run_id]
            lock.release()

    def _files(self, run_id: int, attempt: int) -> JobFiles:
        return JobFiles.of(self._store.run_folder(run_id), attempt)

    def _place(self, store: Store, claim: Claim) -> SlurmPlace:
        return SlurmPlace(
            self._options,
            self._watch,
            has_gpus=self._may_use_gpus,
            stop_seconds=self._device.policy.stop_seconds,
            memory=self._memory(store, claim),
            engine=self._device.policy.engine,
        )

    def _may_use_gpus(self) -> bool:
        """Whether jobs can have GPUs. Raises `RefusedError` and `UnreachableError`."""
        with self._guard:
            if self._has_gpus is None:
                self._has_gpus = has_gpus(self._options.chosen_partition)
            return self._has_gpus

    def _memory(self, store: Store, claim: Claim) -> int | None:
        """The memory to ask for, from the peaks of earlier runs; None if it is unknown."""
        with self._guard:
            peaks = self._peaks.of(store)
        try:
            peak = expected_peak(peaks, store.runs.detail(claim.run_id), "cpu", threads_of_a_job())
        except ConfigError:
            return None
        return int(peak.bytes * _MEMORY_FACTOR) if peak is not None else None

    def _pause_after(self, outcome: Outcome) -> None:
        """Submits nothing for a while after a crash or while Slurm is away, longer after each in a row."""
        is_refused = outcome.ending.failure == UnreachableError.failure
        self._refusal = outcome.ending.reason if is_refused else ""
        self._crashes = self._crashes + 1 if is_refused or outcome.ending.kind == "crashed" else 0
        if self._crashes:
            self._pause_until = time.monotonic() + min(LONGEST_PAUSE, 2.0 ** (self._crashes - 1))

    def _warn_once(self, problem: str) -> None:
        """Warns of a problem of the storage or database that comes back at every turn until an attempt has ended."""
        if problem not in self._warned:
            self._warned.add(problem)
            log.warning("%s", problem)

    def _say_wait(self, waiting_for: str | None) -> None:
        with if_it_can_be_written():
            self._store.workers.set_work(self._device.name, None, waiting_for)
