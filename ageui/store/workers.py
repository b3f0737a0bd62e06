"""Rows of workers: what each is doing, and whether it was asked to stop. Whether one lives, its lock tells."""

import os
import socket
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import col, select

from ageui.store.clock import now
from ageui.store.queue import Sessions
from ageui.store.tables import Worker


@dataclass(frozen=True)
class WorkerRow:
    """The newest worker of a device: the run it works on, or what it waits for, or when and why it ended."""

    device: str
    pid: int
    host: str
    started_at: datetime
    ended_at: datetime | None
    reason: str | None
    run_id: int | None
    waiting_for: str | None
    stop_requested: bool


class Workers:
    """The workers of an opened store."""

    def __init__(self, read: Sessions, write: Sessions) -> None:
        self._read = read
        self._write = write

    def started(self, device: str) -> None:
        """This process is the device's worker from now on."""
        with self._write() as session:
            session.merge(
                Worker(
                    device=device,
                    pid=os.getpid(),
                    host=socket.gethostname(),
                    started_at=now(),
                    ended_at=None,
                    reason=None,
                    run_id=None,
                    waiting_for=None,
                    stop_requested=False,
                )
            )

    def working_on(self, device: str, run_id: int | None, waiting_for: str | None = None) -> None:
        """What this process, if it is the device's newest worker, does now."""
        self._update(device, os.getpid(), run_id=run_id, waiting_for=waiting_for)

    def ended(self, device: str, reason: str, pid: int | None = None) -> None:
        """A worker, by default this process, has left. A newer one of the device is not touched."""
        self._update(device, pid or os.getpid(), run_id=None, waiting_for=None, ended_at=now(), reason=reason)

    def ask_to_stop(self, device: str) -> None:
        """Has the device's worker stop after its step; its run goes back to the queue."""
        self._update(device, None, stop_requested=True)

    def is_asked_to_stop(self, device: str) -> bool:
        with self._read() as session:
            return bool(session.exec(select(Worker.stop_requested).where(Worker.device == device)).one_or_none())

    def all(self) -> list[WorkerRow]:
        """The newest worker of every device that ever had one."""
        with self._read() as session:
            rows = session.exec(select(Worker).order_by(Worker.device)).all()
            return [WorkerRow(**{name: getattr(row, name) for name in WorkerRow.__dataclass_fields__}) for row in rows]

    def _update(self, device: str, pid: int | None, **values: Any) -> None:
        with self._write() as session:
            whose = [col(Worker.device) == device, *([col(Worker.pid) == pid] if pid is not None else [])]
            session.execute(update(Worker).where(*whose).values(**values))
