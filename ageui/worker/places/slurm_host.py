"""The process of a Slurm job: starts the engine on its node, and appends its events to a file on shared storage.

    python -P -m ageui.worker.places.slurm_host FOLDER

FOLDER holds the files of `job_files`. SIGTERM (Slurm ends the job) and SIGUSR1 (its time limit is near) ask the engine
for a checkpoint. The last line that the host appends tells how the engine ended, because Slurm without accounting
forgets. A host whose attempt has lost the run kills its engine and writes no more.
"""

import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

from ageui.worker.oom_kills import oom_kills
from ageui.worker.places.engine_child import EngineChild
from ageui.worker.places.job_files import JobFiles, Ticket, host_line

_LONGEST_RELEASE = 200
_SECONDS_BETWEEN_APPENDS = 0.2
_SECONDS_BETWEEN_LOOKS = 1.0
_SECONDS_BETWEEN_TRIES = 1.0


class _FencedError(Exception):
    """The attempt has lost its run."""


class Host:
    """The host of an attempt."""

    def __init__(self, files: JobFiles, ticket: Ticket) -> None:
        self._files, self._ticket = files, ticket
        self._prefix = ticket.secret.encode() + b" "
        self._asked_by: str | None = None
        self._looked = self._appended = 0.0
        self._pending = b""
        self._is_released = False
        for number in (signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, self._on_signal)

    def run(self) -> int:
        """Works until the engine has ended. Returns the job's exit code."""
        kills_before = oom_kills()
        try:
            self._append(host_line("started", **_surroundings()))
            code = self._run_engine() if self._asker() is None else 0
            kills = oom_kills() - kills_before
            self._append(host_line("ended", code=code, asked_by=self._asker(), oom_kills=kills))
        except _FencedError:
            _log("this attempt has lost its run: its engine was ended, and nothing more is written")
            return 0
        return 0 if code == 0 else 1

    def _run_engine(self) -> int:
        """Returns the engine's exit code, negative for a signal."""
        engine = EngineChild(Path(self._ticket.log), self._ticket.command, {})
        try:
            engine.send(self._files.request.read_bytes(), Path(self._ticket.log))
            while not (self._is_released or engine.has_ended):
                engine.wait(_SECONDS_BETWEEN_APPENDS)
                self._pending += engine.receive()
                if time.monotonic() - self._appended >= _SECONDS_BETWEEN_APPENDS:
                    self._relay()
                self._look(engine)
            while content := engine.receive():
                self._pending += content
            self._relay()
        except BaseException:
            engine.close()
            raise
        code = engine.close()
        return 0 if self._is_released else code

    def _relay(self) -> None:
        """Appends the complete events that arrived."""
        self._appended = time.monotonic()
        *lines, self._pending = self._pending.split(b"\n")
        if lines:
            self._append(*(line + b"\n" for line in lines))
            last = lines[-1]
            self._is_released = len(last) < _LONGEST_RELEASE and json.loads(last).get("event") == "Released"

    def _look(self, engine: EngineChild) -> None:
        now = time.monotonic()
        if now - self._looked >= _SECONDS_BETWEEN_LOOKS:
            self._looked = now
            self._refuse_fenced()
        if self._asker() is not None:
            engine.ask_to_stop(self._ticket.stop_seconds)
        engine.enforce_stop()

    def _asker(self) -> str | None:
        """Who asked the attempt to leave: `worker`, `end` or `time`, see `_on_signal`; None while nobody did."""
        return "worker" if self._ticket.stop else self._asked_by

    def _refuse_fenced(self) -> None:
        """Reads the ticket. Raises `_FencedError` if the attempt has lost its run."""
        try:
            ticket = self._files.ticket()
        except OSError:
            return  # the storage may come back
        if ticket is None or ticket.fenced or ticket.secret != self._ticket.secret:
            raise _FencedError
        self._ticket = ticket

    def _append(self, *lines: bytes) -> None:
        """Appends lines, however long the storage is full or away. Raises `_FencedError`."""
        content = memoryview(b"".join(self._prefix + line for line in lines))
        while content:
            self._refuse_fenced()
            try:
                # Opened each time, because network file systems pass on what was written when a file is closed.
                events = os.open(self._files.events, os.O_WRONLY | os.O_APPEND)
                try:
                    while content:
                        content = content[os.write(events, content) :]
                finally:
                    os.close(events)
            except FileNotFoundError:
                raise _FencedError from None
            except OSError as error:
                _log(f"{self._files.events}: {error.strerror}; trying again")
                time.sleep(_SECONDS_BETWEEN_TRIES)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """Remembers whether Slurm ends the job (`end`), or its time limit is near (`time`)."""
        self._asked_by = self._asked_by or ("end" if number == signal.SIGTERM else "time")


def _surroundings() -> dict[str, Any]:
    environment = os.environ
    return {
        "job": environment.get("SLURM_JOB_ID", ""),
        "node": environment.get("SLURMD_NODENAME") or socket.gethostname(),
        "gpu": environment.get("SLURM_JOB_GPUS") or None,
        "pid": os.getpid(),
    }


def _log(line: str) -> None:
    sys.stderr.write(f"ageui: {line}\n")
    sys.stderr.flush()


def main() -> int:
    files = JobFiles(Path(sys.argv[1]))
    ticket = files.ticket()
    if ticket is None or ticket.fenced:
        _log("this attempt has lost its run before it began")
        return 0
    if not files.claim():
        _log("another process has begun this attempt: leaving")
        return 1
    return Host(files, ticket).run()


if __name__ == "__main__":
    sys.exit(main())
