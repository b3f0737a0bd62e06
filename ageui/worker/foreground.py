"""Trains a run for a command that waits for it, with the same claim, process and rows as a worker."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ageui.devices import next_lock_file, take_device, who_has
from ageui.files.locks import Lock
from ageui.store import Claim, Claimant, Store
from ageui.worker.places.local import Engines
from ageui.worker.supervisor import Outcome, Policy, Supervisor
from engine.events import Event

_SECONDS_BETWEEN_LOOKS = 0.25


class Foreground:
    """Trains runs in the foreground on a device, which it holds. `in_foreground` makes it."""

    def __init__(self, store: Store, device: str, device_lock: Lock | None, policy: Policy, engines: Engines) -> None:
        self._store, self._device, self._device_lock, self._policy = store, device, device_lock, policy
        self._run_lock: Lock | None = None
        self._engines = engines
        engines.start_ahead()

    @property
    def claimant(self) -> Claimant:
        return Claimant(None, self._device)

    def hold(self, run_id: int) -> bool:
        """Takes the lock of a run, as part of its claim."""
        self._run_lock = Lock.take(self._store.run_lock_file(run_id))
        return self._run_lock is not None

    def work_on(
        self,
        claim: Claim,
        *,
        emit: Callable[[Event], None],
        say: Callable[[str], None],
        should_stop: Callable[[], bool],
        should_kill: Callable[[], bool],
    ) -> Outcome:
        """Trains a run until it ends. If the run's process dies, starts another attempt, as a worker does."""
        while True:
            supervisor = Supervisor(
                self._store,
                claim,
                device=self._device,
                locks=[lock for lock in (self._run_lock, self._device_lock) if lock is not None],
                policy=self._policy,
                place=self._engines,
                emit=emit,
                should_stop=should_stop,
                should_kill=should_kill,
                in_foreground=True,
            )
            try:
                outcome = supervisor.run()
            finally:
                self.release_run()
            if outcome.status != "queued":
                return outcome
            say(f"{outcome.ending.reason}; continuing from its last checkpoint")
            again = self._store.queue.claim(claim.run_id, self.claimant, self.hold)
            if again is None:
                return outcome
            claim = again

    def close(self) -> None:
        self._engines.close()
        self.release_run()

    def release_run(self) -> None:
        if self._run_lock is not None:
            self._run_lock.release()
            self._run_lock = None


@contextmanager
def in_foreground(
    store: Store,
    device: str,
    *,
    policy: Policy,
    engines: Engines,
    share: bool | None,
    say: Callable[[str], None],
) -> Iterator[Foreground]:
    """Waits until no other run computes on the device, unless `share` allows it; None means no choice.

    Closes `engines` at the end, and a started engine also before such a wait.
    """
    advice = "" if share is None else " (--share trains both at once)"
    device_lock = None if share else _wait_for(device, engines, say, advice)
    foreground = Foreground(store, device, device_lock, policy, engines)
    try:
        yield foreground
    finally:
        foreground.close()
        if device_lock is not None:
            device_lock.release()


def _wait_for(device: str, engines: Engines, say: Callable[[str], None], advice: str) -> Lock:
    lock = take_device(device)
    if lock is not None:
        return lock
    engines.close()  # an engine would occupy memory meanwhile
    say(f"{device} is in use by {who_has(device)}; waiting for it to end{advice}")
    ticket: Lock | None = None
    try:
        while True:
            ticket = ticket or Lock.take(next_lock_file(device))
            if (lock := take_device(device)) is not None:
                return lock
            time.sleep(_SECONDS_BETWEEN_LOOKS)
    finally:
        if ticket is not None:
            ticket.release()
