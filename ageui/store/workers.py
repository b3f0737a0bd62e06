"""The workers of an opened store: their current activity, and requests to stop.

The lock file of a worker, not its row, shows whether it is alive.
"""

import os
import socket
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import col, select

from ageui.store.clock import now
from ageui.store.run_rows import fields_of
from ageui.store.store_part import StorePart
from ageui.store.tables import Worker


@dataclass(frozen=True)
class WorkerRow:
    """The newest worker of a device: its run, or the reason why it waits, or its end and the reason."""

    device: str
    pid: int
    host: str
    started_at: datetime
    ended_at: datetime | None
    reason: str | None
    run_id: int | None
    waiting_for: str | None
    stop_requested: bool


class Workers(StorePart):
    """The workers of an opened store."""

    def register(self, device: str) -> None:
        """Makes this process the device's worker, with a fresh row."""
        with self._write() as session:
            session.merge(Worker(device=device, pid=os.getpid(), host=socket.gethostname(), started_at=now()))

    def set_work(self, device: str, run_id: int | None, waiting_for: str | None = None) -> None:
        """Sets the run of this process, or the reason why it waits, if it is the device's newest worker."""
        self._update(device, os.getpid(), run_id=run_id, waiting_for=waiting_for)

    def end(self, device: str, reason: str, pid: int | None = None) -> None:
        """Marks a worker, by default this process, as ended. Leaves a newer worker of the device alone."""
        self._update(device, pid or os.getpid(), run_id=None, waiting_for=None, ended_at=now(), reason=reason)

    def ask_to_stop(self, device: str) -> None:
        """Asks the device's worker to stop after its current step; its run returns to the queue."""
        self._update(device, None, stop_requested=True)

    def is_asked_to_stop(self, device: str) -> bool:
        with self._read() as session:
            return bool(session.exec(select(Worker.stop_requested).where(Worker.device == device)).one_or_none())

    def all(self) -> list[WorkerRow]:
        """The newest worker of every device that ever had a worker."""
        with self._read() as session:
            rows = session.exec(select(Worker).order_by(Worker.device)).all()
            return [WorkerRow(**fields_of(WorkerRow, row)) for row in rows]

    def _update(self, device: str, pid: int | None, **values: Any) -> None:
        with self._write() as session:
            whose = [col(Worker.device) == device, *([col(Worker.pid) == pid] if pid is not None else [])]
            session.execute(update(Worker).where(*whose).values(**values))
