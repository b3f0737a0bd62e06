"""Slurm's commands: submits jobs, reads their states and ends them. Jobs are known by name until Slurm answers."""

import os
import re
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ageui.worker.places.protocol import RefusedError, UnreachableError

_SECONDS: float = 60.0
_LONGEST_BETWEEN_READS = 60.0
_UNREACHABLE = (
    "unable to contact", "connection refused", "timed out", "zero bytes", "temporarily unable", "not responding",
    "connection reset", "no route to host", "backup controller", "establish a configuration source",
)  # fmt: skip
_LIMIT_OF_JOBS = re.compile(r"(assoc|qos)\w*submitjob\w*limit")
"""A limit that leaves room again once a job has ended, unlike those of a job's size or time."""
_PENDING = frozenset(
    ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT")
)
_OVER = frozenset(
    ("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "LAUNCH_FAILED", "NODE_FAIL", "OUT_OF_MEMORY",
     "PREEMPTED", "RECONFIG_FAIL", "REVOKED", "TIMEOUT", "GONE")
)  # fmt: skip
_FORMAT = "%i|%j|%T|%r|%N"


@dataclass(frozen=True)
class JobState:
    """A job's id, its state in Slurm's words, why it waits, and its nodes. `GONE` if Slurm does not know it."""

    job: str
    state: str
    reason: str = ""
    nodes: str = ""

    @property
    def is_pending(self) -> bool:
        return self.state in _PENDING

    @property
    def is_over(self) -> bool:
        return self.state in _OVER


GONE = JobState("", "GONE")


def submit(
    name: str, command: Sequence[str], log: Path, options: Mapping[str, str], environment: Mapping[str, str]
) -> str:
    """Submits a job that runs `command` in the log's folder, and returns its id.

    `options` are long options of sbatch. Raises `RefusedError`, and `UnreachableError` after ending the job that Slurm
    may have made without an answer.
    """
    own = {
        "job-name": name,
        "output": str(log).replace("%", "%%"),
        "open-mode": "append",
        "chdir": str(log.parent),
        "export": "ALL",
        # Slurm sends the signal to the host alone, a minute before the time limit.
        "signal": "B:USR1@60",
    }
    arguments = [f"--{key}={value}" if value else f"--{key}" for key, value in {**own, **options}.items()]
    script = f"#!/bin/sh\nexec {shlex.join(command)}\n"
    # Slurm must not start a job twice: the worker queues its run again, as another attempt.
    try:
        said = _run(["sbatch", "--parsable", "--no-requeue", *arguments], script, environment)
    except UnreachableError:
        end(name)
        raise
    return said.strip().partition(";")[0]


def read_states(names: Sequence[str]) -> dict[str, JobState]:
    """The states of the jobs that Slurm still remembers, by name. Raises `UnreachableError` and `RefusedError`."""
    said = _run(["squeue", "--noheader", "--states=all", f"--name={','.join(names)}", f"--format={_FORMAT}"])
    found = {}
    for line in said.splitlines():
        job, name, state, reason, nodes = (line.strip().split("|") + [""] * 4)[:5]
        found[name] = JobState(job, state, "" if reason == "None" else reason, nodes)
    return found


def read_accounted(name: str) -> JobState:
    """The state of a job that squeue has forgotten, from accounting; `GONE` without accounting."""
    try:
        said = _run(["sacct", "--noheader", "--allocations", "--parsable2", f"--name={name}", "--format=JobID,State"])
    except (RefusedError, UnreachableError):
        return GONE
    for line in reversed(said.splitlines()):
        job, _, state = line.partition("|")
        if state.strip():
            return JobState(job, state.split()[0].strip("+"))
    return GONE


def ask_to_stop(name: str) -> None:
    """Cancels a job that waits, and sends SIGTERM to the host of one that runs."""
    _try(["scancel", f"--name={name}", "--state=PENDING"])
    _try(["scancel", f"--name={name}", "--signal=TERM", "--batch"])


def end(name: str) -> None:
    """Ends a job: with SIGTERM, then SIGKILL."""
    _try(["scancel", f"--name={name}"])


def version() -> str:
    """Slurm's version. Raises `UnreachableError` and `RefusedError`."""
    _run(["sinfo", "--noheader"])
    return _run(["sbatch", "--version"]).strip()


def has_gpus(partition: str | None) -> bool:
    """Whether nodes of the partition have GPUs that Slurm manages. Raises `UnreachableError` and `RefusedError`."""
    which = [f"--partition={partition}"] if partition else []
    return "gpu" in _run(["sinfo", "--noheader", "--format=%G", *which])


class JobWatch:
    """The states of many jobs, read by one command for all of them, at most once in `seconds`.

    Threads share it; whoever asks first reads for all.
    """

    def __init__(self, seconds: float = 1.0) -> None:
        self._seconds = seconds
        self._guard = threading.Lock()
        self._reading = threading.Lock()
        self._watched: dict[str, JobState | None] = {}
        self._missed: set[str] = set()
        self._next = 0.0
        self.problem = ""

    def add(self, name: str) -> None:
        with self._guard:
            self._watched[name] = None

    def remove(self, name: str) -> None:
        with self._guard:
            self._watched.pop(name, None)

    def look_now(self) -> None:
        """Reads the states again at the next question."""
        self._next = 0.0

    def state(self, name: str) -> JobState | None:
        """The newest known state of a job; None if it is unknown, as while Slurm cannot be reached."""
        if time.monotonic() >= self._next and self._reading.acquire(blocking=False):
            try:
                self._read()
            finally:
                self._reading.release()
        with self._guard:
            return self._watched.get(name)

    def _read(self) -> None:
        begin = time.monotonic()
        with self._guard:
            names = [name for name, state in self._watched.items() if state is None or not state.is_over]
        try:
            found = read_states(names) if names else {}
            self.problem = ""
        except (RefusedError, UnreachableError) as error:
            self.problem = str(error)
            found, names = {}, []
        # A job may be missing for a moment; one that is missing twice is over.
        gone = {name: read_accounted(name) for name in names if name not in found and name in self._missed}
        with self._guard:
            for name, state in {**found, **gone}.items():
                if name in self._watched:
                    self._watched[name] = state
        self._missed = {name for name in names if name not in found} - gone.keys()
        # Commands that take long belong to busy clusters, which are asked less often.
        now = time.monotonic()
        self._next = now + min(_LONGEST_BETWEEN_READS, max(self._seconds, 50 * (now - begin)))


def host_command(folder: Path) -> list[str]:
    """The command of an attempt's host."""
    return [sys.executable, "-P", "-m", "ageui.worker.places.slurm_host", str(folder)]


def _try(command: Sequence[str]) -> None:
    """Runs a command that may come too late."""
    try:
        _run(command)
    except (RefusedError, UnreachableError):
        return


def _run(command: Sequence[str], script: str | None = None, environment: Mapping[str, str] | None = None) -> str:
    try:
        done = subprocess.run(
            command,
            input=script or "",
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
            env={**os.environ, "LC_ALL": "C", "SLURM_TIME_FORMAT": "standard", **(environment or {})},
        )
    except subprocess.TimeoutExpired:
        raise UnreachableError(f"{command[0]} did not answer for {_SECONDS:.0f} s") from None
    except OSError as error:
        raise RefusedError(
            f"{command[0]} cannot be started: {error.strerror}; start the worker on a machine with Slurm's commands"
        ) from error
    if done.returncode == 0:
        return done.stdout
    said = " ".join((done.stderr.strip() or f"exit code {done.returncode}").split())
    said = said.replace(f"{command[0]}: error: ", "")
    if any(words in said.lower() for words in _UNREACHABLE):
        raise UnreachableError(f"Slurm cannot be reached: {said}")
    if _LIMIT_OF_JOBS.search(said.lower()):
        raise UnreachableError(f"Slurm takes no further job at the moment: {said}")
    raise RefusedError(f"{command[0]}: {said}")
