"""Turns the engine's events into rows, many in one transaction. Commits a checkpoint together with earlier events."""

import time
from dataclasses import replace

from ageui.store import AttemptWriter, Claim, Store
from ageui.worker.run_files import remove_checkpoints
from engine.events import (
    CheckpointWritten,
    EpochEnded,
    EpochScored,
    Evaluated,
    Event,
    MemoryPeaked,
    Noted,
    Progressed,
    RunStarted,
    StepsEnded,
)
from engine.wire import Message, ProtocolError

SECONDS_BETWEEN_WRITES = 0.4


class EventRecorder:
    """Collects an attempt's events and writes them about twice a second, and checkpoints at once."""

    def __init__(self, store: Store, claim: Claim) -> None:
        self._store, self._claim = store, claim
        self._pending: list[Event] = []
        self._next = claim.next_event
        self._written = time.monotonic()
        self._is_urgent = False

    def add(self, message: Message) -> None:
        """Takes an event, unless an earlier process stored it. Raises `ProtocolError` if an earlier event was lost."""
        if message.attempt == self._claim.attempt and message.number < self._claim.next_event:
            return
        if (message.attempt, message.number) != (self._claim.attempt, self._next):
            raise ProtocolError(
                f"the engine's process sent event {message.number} of attempt {message.attempt} instead of event "
                f"{self._next} of attempt {self._claim.attempt}"
            )
        self._next += 1
        self._pending.append(message.event)
        self._is_urgent = self._is_urgent or isinstance(message.event, CheckpointWritten)

    @property
    def is_due(self) -> bool:
        passed = time.monotonic() - self._written
        return bool(self._pending) and (self._is_urgent or passed >= SECONDS_BETWEEN_WRITES)

    def write(self) -> None:
        """Stores the collected events in one transaction. If that fails, they stay collected.

        Raises `LostRunError` once the attempt has lost its run, and `StoreError`.
        """
        with self._store.writing(self._claim.run_id, self._claim.attempt) as writer:
            self.write_into(writer)
        self.written(writer)

    def write_into(self, writer: AttemptWriter) -> None:
        """Adds the collected events to a transaction. Call `written` once it is committed."""
        for event in _condensed(self._pending):
            _write_event(writer, event, self._claim)
        if self._claim.is_on_cluster:
            writer.received(self._next)

    def written(self, writer: AttemptWriter) -> None:
        """Forgets the committed events, and removes checkpoints without a row."""
        self._pending = []
        self._is_urgent = False
        self._written = time.monotonic()
        remove_checkpoints(self._store, writer.removed)


def _condensed(events: list[Event]) -> list[Event]:
    """Merges steps of a stage, and drops progress superseded by later progress or steps."""
    condensed: list[Event] = []
    for event in events:
        before = condensed[-1] if condensed else None
        if isinstance(before, Progressed) and isinstance(event, Progressed | StepsEnded):
            condensed.pop()
        if isinstance(event, StepsEnded) and isinstance(before, StepsEnded) and event.stage == before.stage:
            condensed[-1] = replace(event, losses=(*before.losses, *event.losses))
        else:
            condensed.append(event)
    return condensed


def _write_event(writer: AttemptWriter, event: Event, claim: Claim) -> None:
    match event:
        case RunStarted():
            writer.started(event.manifest, event.step)
        case Noted():
            writer.noted(event.message)
        case Progressed(what, done, total):
            writer.doing(f"{what} {done}/{total}" if done < total else None)
        case StepsEnded():
            writer.steps(event)
        case EpochEnded():
            writer.epoch(event)
        case EpochScored():
            writer.epoch_scores(event.epoch, event.scores)
        case CheckpointWritten():
            writer.checkpoint(event)
        case Evaluated():
            writer.evaluated(event, claim.config["target"], claim.config["data"])
        case MemoryPeaked():
            writer.memory(event.bytes)
        case _:
            pass
