"""What the supervisor needs of the place where an attempt runs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ageui.files.locks import Lock
from ageui.store import Whereabouts
from ageui.worker.attempt_ending import Ending
from engine.errors import RunFailedError
from engine.request import RunRequest
from engine.wire import Message


class RefusedError(RunFailedError):
    """The place starts no attempts until a person has changed something."""

    failure = "refused"


class UnreachableError(RunFailedError):
    """The place cannot be reached, or starts no further attempt, at the moment."""

    failure = "unreachable"


@dataclass(frozen=True)
class Exit:
    """How an engine ended: its exit code, and the processes that the system killed for lack of memory meanwhile.

    `told` is the ending by the place itself, which explains an engine that ended without a result.
    """

    code: int
    oom_kills: int = 0
    told: Ending | None = None


class PlacedEngine(Protocol):
    """An engine at work on an attempt, wherever it runs.

    `is_idle` says that it has released the run. `where` says where the attempt runs; None on this machine.
    """

    is_idle: bool

    @property
    def where(self) -> Whereabouts | None: ...
    @property
    def has_ended(self) -> bool: ...
    @property
    def is_stopping(self) -> bool: ...

    def read(self, seconds: float) -> Iterator[Message]:
        """Waits up to `seconds` for events and yields those that arrived. Raises `ProtocolError`."""

    def rest(self) -> Iterator[Message]:
        """Yields the complete events left by an ended engine. Raises `ProtocolError`."""

    def ask_to_stop(self, grace: float) -> None:
        """Asks the engine to write a checkpoint and exit; after `grace` seconds, `enforce_stop` ends it."""

    def enforce_stop(self) -> None:
        """Ends an engine that did not leave when asked."""

    def kill(self) -> None:
        """Ends the engine at once."""

    def note(self) -> dict[str, Any]:
        """What the run's lock says about the engine."""


E = TypeVar("E", bound=PlacedEngine)


class Place(Protocol[E]):
    """A place where attempts run."""

    def start(self, request: RunRequest, log: Path, locks: Sequence[Lock]) -> E:
        """Starts an engine that works on the request, or finds the one that does so already.

        The engine writes to `log` and, on this machine, holds `locks`, too. Raises `OSError`, `RefusedError` and
        `UnreachableError`.
        """

    def let_go(self, engine: E) -> Exit:
        """Ends the engine, unless it can be kept for another run, so that it writes no more for this one."""
