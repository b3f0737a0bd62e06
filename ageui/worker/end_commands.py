"""Shell commands to start when a run or the queue ends: `--on-end`, `--on-queue-end` and `[notify]`.

A command is never read from a database, which may be another person's. A command given by a flag is kept in a file in
the user's state folder, named by the identities of database and run. It receives values only as environment variables.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import platformdirs

from ageui.files.own_settings import Notify, read_notify
from ageui.store import RunRow, Store
from ageui.store.sweep_hold import HELD
from ageui.text.clean import clean, error_text
from ageui.worker import timed_commands
from ageui.worker.worker_files import worker_log_file
from engine.bounded_files import SETTINGS_BYTES, read_regular
from engine.errors import AgeUIError, StoreError
from engine.files import make_private_folder

SECONDS: Final = 60.0
"""The time limit of a command."""
_ENDED: Final = ("done", "diverged", "failed", "cancelled", "interrupted")
_LONGEST: Final = 10_000


@dataclass(frozen=True)
class StartedCommands:
    """The commands started at an end, in a separate process that writes to `log`."""

    process: "subprocess.Popen[bytes]"
    log: Path

    def problem(self) -> str:
        """Waits for the commands. Returns a sentence if one failed, else ""."""
        if self.process.wait() == 0:
            return ""
        return f"a command of --on-end failed; runs are unaffected; see {self.log}"


def remember(store: Store, run_ids: Sequence[int], command: str) -> None:
    """Registers a command to start whenever one of the runs ends until it is done, in place of the user file's.

    Raises `StoreError` if it cannot be stored.
    """
    for file in command_files(store, run_ids):
        _write(file, _Command.here(command))


def remember_for_queue(store: Store, command: str) -> None:
    """Registers a command to start once, when nothing runs or waits. Raises `StoreError` if it cannot be stored."""
    _write(_queue_file(store, command), _Command.here(command))


def command_files(store: Store, run_ids: Sequence[int]) -> list[Path]:
    """The files, which may not exist, of commands for these runs; remove them with the runs."""
    return [_run_file(identity) for identity in store.endings.identities(run_ids).values()]


def start_end_commands(
    store: Store, run_ids: Sequence[int], say: Callable[[str], None], *, device: str = ""
) -> StartedCommands | None:
    """Starts the commands for runs that this process has just ended, and for the queue if that ended with them.

    A run just held has not ended, but may end the queue.

    Returns None if there is nothing to start, or if starting fails: `say` then receives the reason. Output goes to the
    log of the worker on `device`, or of any. Never fails and never waits.
    """
    try:
        jobs = list(_jobs(store, run_ids, say))
        return _start(jobs, worker_log_file(store, device or _any_device(store))) if jobs else None
    except (AgeUIError, OSError) as error:
        say(f"the commands of --on-end could not be started; runs are unaffected: {error}")
        return None


@dataclass(frozen=True)
class _Command:
    """A shell command and the working directory in which it was given."""

    text: str
    folder: str

    @classmethod
    def here(cls, text: str) -> "_Command":
        try:
            return cls(text, os.getcwd())
        except FileNotFoundError:  # this folder was removed
            return cls.of_user_file(text)

    @classmethod
    def of_user_file(cls, text: str) -> "_Command":
        return cls(text, os.path.expanduser("~"))


def _jobs(store: Store, run_ids: Sequence[int], say: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    own = _own_settings(say)
    if not (own.on_end or own.on_queue_end or any(_folder().glob("*.json"))):
        return  # avoids reading ten thousand cancelled runs
    found = store.runs.get_many(run_ids).values()
    rows = [row for row in found if row.status in _ENDED]
    held = [row for row in found if row.status == "paused" and row.failure == HELD]
    identities = store.endings.identities([row.id for row in rows])
    for row in rows:
        file = _run_file(identities[row.id])
        command = _read(file) or _Command.of_user_file(own.on_end)
        yield from _job(command, f"the command of --on-end for run {row.id}", "run", store, row)
        if row.status == "done":
            file.unlink(missing_ok=True)
    if (rows or held) and store.endings.ended_queue([row.id for row in rows], held=bool(held)):
        last = max(rows or held, key=lambda row: (row.ended_at or row.created_at, row.id))
        given = map(_take, sorted(_folder().glob(_queue_file(store, "*").name)))
        for command in filter(None, [*given, _Command.of_user_file(own.on_queue_end)]):
            yield from _job(command, "the command of --on-queue-end", "queue", store, last)


def _job(command: _Command, what: str, event: str, store: Store, row: RunRow) -> Iterator[dict[str, Any]]:
    if command.text.strip():
        variables = {"AGEUI_EVENT": event, "AGEUI_DB": str(store.path), **_variables(row)}
        yield {
            "what": what,
            "command": command.text,
            "folder": command.folder,
            "variables": variables,
            "seconds": SECONDS,
        }


def _variables(row: RunRow) -> dict[str, str]:
    """A run as variables; empty if it lacks a value."""
    values = {
        "ID": row.id, "NAME": row.name, "STATUS": row.status, "TAGS": " ".join(row.tags), "ERROR": row.error,
        "SPLIT": row.summary.split, "MAE": row.summary.mae,
        **{f"BIAS_{attribute.upper()}": bias for attribute, bias in row.summary.bias.items()},
    }  # fmt: skip
    return {f"AGEUI_RUN_{name}": _text(value, lines=name == "ERROR") for name, value in values.items()}


def _text(value: object, *, lines: bool) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    return "" if value is None else clean(str(value), lines=lines)[:_LONGEST]


def _start(jobs: Sequence[dict[str, Any]], log: Path) -> StartedCommands:
    """Raises `OSError`."""
    make_private_folder(log.parent)
    with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", timed_commands.__file__],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd="/",
        )
    assert process.stdin is not None
    with process.stdin as pipe:
        pipe.write(json.dumps(list(jobs)).encode())
    return StartedCommands(process, log)


def _own_settings(say: Callable[[str], None]) -> Notify:
    try:
        return read_notify()
    except AgeUIError as error:
        say(error_text(error))
        return Notify()


def _any_device(store: Store) -> str:
    return next((worker.device for worker in store.workers.all()), "cpu")


# The files in the user's state folder


def _folder() -> Path:
    return platformdirs.user_state_path("ageui", appauthor=False) / "on-end"


def _run_file(identity: str) -> Path:
    """A safe file name: no text from a database can make it lead elsewhere."""
    return _folder() / f"run-{_digest(identity)}.json"


def _queue_file(store: Store, command: str) -> Path:
    """A file per command, so that commands given at the same time do not replace each other; `*` stands for any."""
    name = command if command == "*" else _digest(command)
    return _folder() / f"queue-{_digest(store.endings.queue_identity())}-{name}.json"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _write(file: Path, command: _Command) -> None:
    part = file.with_suffix(f".{os.getpid()}")
    try:
        make_private_folder(file.parent)
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as written:
            json.dump(vars(command), written)
        os.replace(part, file)
    except OSError as error:
        raise StoreError(f"the command of --on-end cannot be stored in {file.parent}: {error.strerror}") from error


def _read(file: Path) -> _Command | None:
    try:
        stored = json.loads(read_regular(file, SETTINGS_BYTES))
        return _Command(str(stored["text"]), str(stored["folder"]))
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return None


def _take(file: Path) -> _Command | None:
    """Reads and removes a file. Returns None if another process has just taken it."""
    taken = file.with_suffix(f".{os.getpid()}")
    try:
        os.replace(file, taken)
    except OSError:
        return None
    command = _read(taken)
    taken.unlink(missing_ok=True)
    return command
