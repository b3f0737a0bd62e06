"""The files through which a worker and the job of an attempt speak, in a private folder on storage that both see.

The worker writes the ticket and the request, the job's host appends to the events. Each line of the events starts with
the ticket's secret, so that no line of another attempt is ever taken for one. A fenced or missing ticket tells the host
that its attempt has lost the run. Imports nothing heavy: a node imports it before each attempt.
"""

import json
import os
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

from engine.files import make_private_folder, write_atomically

_HOST = b'{"host":'


@dataclass(frozen=True)
class Ticket:
    """What an attempt's host must know.

    secret
        Proves that a line of the events is the attempt's.
    command
        The command of the engine.
    log
        The file for the engine's log.
    stop_seconds
        The time that the engine has to leave when asked.
    stop
        The worker asks the attempt to write a checkpoint and leave.
    fenced
        The attempt has lost its run, and must write no more.
    """

    secret: str
    command: tuple[str, ...]
    log: str
    stop_seconds: float
    stop: bool = False
    fenced: bool = False


@dataclass(frozen=True)
class JobFiles:
    """The files of an attempt's job."""

    folder: Path

    @classmethod
    def of(cls, run_folder: Path, attempt: int) -> Self:
        return cls(run_folder / f"job.{attempt}")

    @classmethod
    def all_of(cls, run_folder: Path) -> list[Self]:
        """The files of all attempts of a run."""
        return [cls(folder) for folder in run_folder.glob("job.*")]

    @property
    def events(self) -> Path:
        return self.folder / "events"

    @property
    def request(self) -> Path:
        return self.folder / "request"

    def create(self, ticket: Ticket, request: bytes) -> None:
        """Writes everything that the host needs. Raises `OSError`.

        The events exist from the start, since a node may remember for a while that a file was missing.
        """
        make_private_folder(self.folder)
        write_atomically(self.request, lambda stream: stream.write(request))
        os.close(os.open(self.events, os.O_CREAT | os.O_WRONLY, 0o600))
        self.write_ticket(ticket)

    def write_ticket(self, ticket: Ticket) -> None:
        write_atomically(self.folder / "ticket", lambda stream: stream.write(json.dumps(asdict(ticket)).encode()))

    def ticket(self) -> Ticket | None:
        """The ticket; None if it is missing. Raises `OSError` if it cannot be read."""
        try:
            content = json.loads((self.folder / "ticket").read_bytes())
        except FileNotFoundError:
            return None
        return Ticket(**{**content, "command": tuple(content["command"])})

    def ask_to_stop(self) -> None:
        """Asks the host to have its engine write a checkpoint and leave. Raises `OSError`."""
        if (ticket := self.ticket()) is not None:
            self.write_ticket(replace(ticket, stop=True))

    def fence(self) -> None:
        """Tells the host that its attempt has lost the run. Raises `OSError`."""
        if (ticket := self.ticket()) is not None:
            self.write_ticket(replace(ticket, fenced=True))

    def claim(self) -> bool:
        """Makes this process the attempt's only host. Returns False if another one was it, even if it has ended."""
        try:
            os.close(os.open(self.folder / "host", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return False
        return True

    def remove(self) -> None:
        """Removes the files. If that fails, leaves them to the run's next attempt."""
        shutil.rmtree(self.folder, ignore_errors=True)


def host_line(what: str, **facts: Any) -> bytes:
    """A line of the host itself between the engine's events."""
    return json.dumps({"host": what, **facts}, separators=(",", ":")).encode() + b"\n"


def read_host_line(line: bytes) -> dict[str, Any] | None:
    """The facts of a host's line; None for an event of the engine."""
    return json.loads(line) if line.startswith(_HOST) else None
