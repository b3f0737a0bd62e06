"""A Slurm cluster as a place: each attempt is a job, whose host appends the engine's events to a file."""

import hashlib
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from ageui.files.locks import Lock
from ageui.store import Whereabouts
from ageui.worker.attempt_ending import Ending
from ageui.worker.places import slurm_commands
from ageui.worker.places.engine_child import ENGINE
from ageui.worker.places.job_files import JobFiles, Ticket, read_host_line
from ageui.worker.places.protocol import Exit
from ageui.worker.places.slurm_commands import JobState, JobWatch
from ageui.worker.places.slurm_endings import ending_by_slurm
from engine.errors import ConfigError
from engine.events import CheckpointWritten, Released
from engine.request import RunRequest
from engine.wire import Decoder, Message, ProtocolError

_READ_AT_ONCE = 1 << 20
_OWN = (
    "array", "chdir", "clusters", "export", "export-file", "help", "job-name", "no-requeue", "open-mode", "output",
    "parsable", "requeue", "test-only", "usage", "version", "wait", "wrap",
)  # fmt: skip
"""Options of sbatch that ageui sets, or with which no job would start as it must. sbatch takes shortened names, too."""
_KILLED = -9
_SECONDS_BETWEEN_LOOKS = 0.5
_SECONDS_FROM_END_TO_FENCE = 40.0
"""Slurm sends SIGKILL half a minute after SIGTERM."""
_SECONDS_FOR_FINAL_STATE = 10.0
_SECONDS_TO_COMPLETE = 300.0
"""Slurm tells a job's final state after its node has cleaned up."""
_BYTES_PER_MEGABYTE = 1_000_000
_MOST_CORES = 4


@dataclass(frozen=True)
class ClusterOptions:
    """How jobs are submitted.

    partition
        Slurm's partition; None for its default.
    sbatch
        Further long options of sbatch, which replace those that ageui sets.
    """

    partition: str | None = None
    sbatch: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, device: str, given: Sequence[str]) -> Self:
        """The options of a worker on `slurm` or `slurm:PARTITION` with `--sbatch KEY=VALUE` given. Raises
        `ConfigError`."""
        options = {}
        for text in given:
            key, _, value = text.partition("=")
            key = key.strip().removeprefix("--")
            if not key or not all(part.isalnum() for part in key.split("-")):
                raise ConfigError(f"--sbatch {text!r}: write a long option of sbatch, as in --sbatch time=4:00:00")
            if not text.isprintable():
                raise ConfigError(
                    f"--sbatch {key}: the value has a line break or another character that cannot be seen"
                )
            if any(own.startswith(key) for own in _OWN):
                raise ConfigError(
                    f"--sbatch {key}: ageui sets this option itself, or cannot work with it; leave it out"
                )
            options[key] = value
        return cls(device.partition(":")[2] or None, options)

    @property
    def chosen_partition(self) -> str | None:
        """The partition of the jobs; None for Slurm's default."""
        return self.sbatch.get("partition", self.partition)

    def job_options(self, resources: Mapping[str, str]) -> dict[str, str]:
        """The options of a job that needs these resources."""
        partition = {} if self.partition is None else {"partition": self.partition}
        return {**partition, **resources, **self.sbatch}


class SlurmEngine:
    """The engine of an attempt's job, seen through its files and Slurm's state of the job."""

    is_idle = False

    def __init__(self, files: JobFiles, ticket: Ticket, name: str, job: str, watch: JobWatch) -> None:
        self._files, self._name, self._job, self._watch = files, name, job, watch
        self._decoder = Decoder()
        self._position = 0
        self._pending = b""
        self._started: dict[str, Any] = {}
        self._ended: dict[str, Any] | None = None
        self._has_checkpoint = False
        self._is_fenced = self._is_away = False
        self._end_by: float | None = None
        self._is_ending = False
        self._secret = ticket.secret.encode()
        watch.add(name)

    @property
    def where(self) -> Whereabouts:
        state = self._watch.state(self._name)
        job = self._job or self._started.get("job") or (state.job if state is not None else "")
        if self._started:
            return Whereabouts(job, self._started["node"], self._started["gpu"])
        if state is not None and state.is_pending:
            return Whereabouts(job, waiting_for=state.reason or "Slurm has not looked at it yet")
        return Whereabouts(job, state.nodes or None if state is not None else None)

    @property
    def has_ended(self) -> bool:
        if self._ended is not None or self._is_fenced:
            return True
        state = self._watch.state(self._name)
        # While the storage is away, the host's last words are unread.
        return state is not None and state.is_over and not self._is_away

    def read(self, seconds: float) -> Iterator[Message]:
        time.sleep(seconds)
        yield from self.rest()

    def rest(self) -> Iterator[Message]:
        while content := self._read():
            self._position += len(content)
            *lines, self._pending = (self._pending + content).split(b"\n")
            for line in lines:
                yield from self._message(line)

    def ask_to_stop(self, grace: float) -> None:
        if self._end_by is None:
            self._end_by = time.monotonic() + grace
            with suppress(OSError):
                self._files.ask_to_stop()
            slurm_commands.ask_to_stop(self._name)
            self._watch.look_now()

    @property
    def is_stopping(self) -> bool:
        return self._end_by is not None

    def enforce_stop(self) -> None:
        if self._end_by is None or time.monotonic() < self._end_by:
            return
        if not self._is_ending:
            self._is_ending = True
            self._end_by += _SECONDS_FROM_END_TO_FENCE
            slurm_commands.end(self._name)
        else:
            self.kill()

    def kill(self) -> None:
        """Fences the attempt, so that it writes no more, even if Slurm or its node do not answer."""
        if not self._is_fenced:
            self._is_fenced = True
            with suppress(OSError):
                self._files.fence()
            slurm_commands.end(self._name)

    def note(self) -> dict[str, Any]:
        return {"job": self._job}

    def close(self) -> Exit:
        """Returns how the attempt ended. Fences it unless its host has left."""
        ended, state = self._ended, self._final_state()
        if ended is None:
            self.kill()
        is_slurms = ended is None or ended["asked_by"] or (state is not None and state.state == "OUT_OF_MEMORY")
        told = self._told(state) if is_slurms else None
        self._watch.remove(self._name)
        if ended is None:
            return Exit(_KILLED, told=told)
        return Exit(ended["code"], ended["oom_kills"], told)

    def _final_state(self) -> JobState | None:
        """The job's state. If Slurm ended the job, its reason may become known a while after its host has ended."""
        state = self._watch.state(self._name)
        if self._ended is None or self._ended["asked_by"] != "end" or self.is_stopping:
            return state
        begin = time.monotonic()
        while state is None or not state.is_over:
            is_completing = state is not None and state.state == "COMPLETING"
            if time.monotonic() - begin > (_SECONDS_TO_COMPLETE if is_completing else _SECONDS_FOR_FINAL_STATE):
                break
            time.sleep(_SECONDS_BETWEEN_LOOKS)
            self._watch.look_now()
            state = self._watch.state(self._name)
        return state

    def _told(self, state: JobState | None) -> Ending:
        """The ending of an attempt that Slurm, or somebody through Slurm, has ended."""
        where = self.where
        job = f"job {where.job}{f' on {where.node}' if where.node else ''}"
        asked_by = self._ended["asked_by"] if self._ended is not None else None
        name = state.state if state is not None else slurm_commands.GONE.state
        return ending_by_slurm(job, name, asked_by, has_checkpoint=self._has_checkpoint)

    def _read(self) -> bytes:
        """The bytes after those read so far. Opened each time, because network file systems then ask their server."""
        try:
            with self._files.events.open("rb") as events:
                events.seek(self._position)
                content = events.read(_READ_AT_ONCE)
        except OSError as error:
            self._is_away = not isinstance(error, FileNotFoundError)
            return b""
        self._is_away = False
        return content

    def _message(self, line: bytes) -> Iterator[Message]:
        secret, _, content = line.partition(b" ")
        if secret != self._secret:
            raise ProtocolError(f"{self._files.events} has a line without the secret of its attempt")
        if (facts := read_host_line(content)) is not None:
            if facts["host"] == "started":
                self._started = facts
            else:
                self._ended = facts
            return
        for message in self._decoder.feed(content + b"\n"):
            if isinstance(message.event, CheckpointWritten) and message.event.kind == "state":
                self._has_checkpoint = True
            if not isinstance(message.event, Released):
                yield message


class SlurmPlace:
    """Submits the job of one attempt, or finds it again.

    `has_gpus` says whether a job can have a GPU, and raises like `start`. `memory` is the expected peak in bytes, None
    if unknown.
    """

    def __init__(
        self,
        options: ClusterOptions,
        watch: JobWatch,
        *,
        has_gpus: Callable[[], bool],
        stop_seconds: float,
        memory: int | None = None,
        engine: Sequence[str] = ENGINE,
    ) -> None:
        self._options, self._watch, self._has_gpus = options, watch, has_gpus
        self._stop_seconds, self._memory, self._engine = stop_seconds, memory, engine

    def start(self, request: RunRequest, log: Path, locks: Sequence[Lock]) -> SlurmEngine:
        files = JobFiles.of(request.folder, request.attempt)
        if (ticket := files.ticket()) is not None:
            return SlurmEngine(files, ticket, _job_name(request, ticket), "", self._watch)
        for older in JobFiles.all_of(request.folder):
            older.remove()
        wants_gpu = request.config.device.startswith("cuda") or (request.config.device == "auto" and self._has_gpus())
        request = request.model_copy(update={"device": "cuda:0" if wants_gpu else "cpu"})
        ticket = Ticket(secrets.token_hex(8), tuple(self._engine), str(log), self._stop_seconds)
        files.create(ticket, request.line())
        name = _job_name(request, ticket)
        options = self._options.job_options(self._resources(wants_gpu))
        environment = {"OMP_NUM_THREADS": options["cpus-per-task"]}
        job = slurm_commands.submit(name, slurm_commands.host_command(files.folder), log, options, environment)
        return SlurmEngine(files, ticket, name, job, self._watch)

    def let_go(self, engine: SlurmEngine) -> Exit:
        return engine.close()

    def _resources(self, wants_gpu: bool) -> dict[str, str]:
        resources = {"cpus-per-task": str(threads_of_a_job())}
        if wants_gpu:
            resources["gres"] = "gpu:1"
        elif self._memory is not None:
            resources["mem"] = f"{-(-self._memory // _BYTES_PER_MEGABYTE)}M"
        return resources


def threads_of_a_job() -> int:
    """The processor threads of a job: a person's OMP_NUM_THREADS, else four."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    return int(given) if given.isdecimal() and int(given) > 0 else _MOST_CORES


def _job_name(request: RunRequest, ticket: Ticket) -> str:
    """A name that no other attempt's job has: Slurm finds the job by it, even if the worker died before its answer.

    It follows from the ticket's secret without showing it, since a database made anew in the same folder, or that of
    another user, may have an attempt with the same path.
    """
    digest = hashlib.sha256(ticket.secret.encode()).hexdigest()[:8]
    return f"ageui-{digest}-{request.folder.name}.{request.attempt}"
