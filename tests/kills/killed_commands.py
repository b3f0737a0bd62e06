"""Commands that write, and the application, as processes that can be killed at any moment of their work.

Each is forked from a process that has imported all modules, so that a moment at random falls into its work and not into
Python's start. Nothing here starts a worker.
"""

import asyncio
import multiprocessing
import os
import pickle
import signal
import sys
import time
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from ageui.planning.known_networks import KnownNetworks
from ageui.store.sqlite import driver

MODULES = (
    "ageui.cli", "ageui.console.background", "ageui.planning.plan", "ageui.planning.run_checks", "ageui.study",
    "ageui.tui.app", "ageui.worker.background_workers", "ageui.worker.lost_runs", "ageui.worker.pruning",
    "ageui.worker.removal", "ageui.worker.rescorer", "ageui.worker.run_import", "killed_commands", "pytest",
)  # fmt: skip
APPLICATION = "application"

_VOLATILE = {
    "run": ("created_at", "started_at", "ended_at", "archived_at", "uuid", "sweep", "data_spec", "config", "manifest"),
    "database": ("uuid",),
    "data_set": ("added_at",),
    "queue_hold": ("held_at",),
    "attempt": ("started_at", "ended_at", "pid", "host", "manifest"),
    "worker": ("started_at", "ended_at", "pid", "host"),
    "item_set": ("items",),
    "prediction": ("predicted",),
    "sqlite_sequence": ("seq",),
}
"""Columns that differ between two executions of the same command, or hold a lot."""
_IDS = ("id", "run_id", "position", "path")


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code, below 0 for the signal that killed it, and the seconds that it took."""

    code: int
    seconds: float


class Processes:
    """Starts commands by forking a prepared process."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(list(MODULES))
        imported = self._context.Process(target=os.getpid)
        imported.start()
        imported.join()  # so that nobody takes the imports for work

    def start(self, folder: Path, arguments: tuple[str, ...], said: Path) -> ForkServerProcess:
        process = self._context.Process(target=_work, args=(folder, arguments, said))
        process.start()
        return process

    def run(self, folder: Path, arguments: tuple[str, ...], said: Path) -> Ended:
        begun = time.monotonic()
        return end_of(self.start(folder, arguments, said), begun)


def end_of(process: ForkServerProcess, begun: float) -> Ended:
    process.join(120)
    if process.exitcode is None:
        process.kill()
        raise AssertionError("the process hangs: something that it waits for is stuck")
    return Ended(process.exitcode, time.monotonic() - begun)


def _work(folder: Path, arguments: tuple[str, ...], said: Path) -> None:
    """Runs a command in the forked process, as a terminal would start it."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    output = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1) for number in (1, 2))
    os.chdir(folder)
    _start_nothing()
    if arguments[0] == APPLICATION:
        states = asyncio.run(_change_and_undo(folder / "runs.db"))
        for place in arguments[1:]:
            Path(place).write_bytes(pickle.dumps(states))
        return
    from ageui.cli import main

    sys.argv = ["ageui", *arguments]
    main()


def _start_nothing() -> None:
    import ageui.tui.changes
    import ageui.worker.background_workers
    import ageui.worker.rescorer

    for module in (ageui.tui.changes, ageui.worker.background_workers):
        module.ensure_worker = lambda store, device, checkpoint_seconds: None  # type: ignore[attr-defined]
    ageui.worker.rescorer.start_rescoring = lambda store: None
    KnownNetworks.missing = lambda self, runs: ()  # type: ignore[method-assign]


async def _change_and_undo(database: Path) -> list[dict[str, Any]]:
    """Pauses the queue and cancels and archives runs in the application, and undoes each; the contents in between."""
    from ageui.store import Store
    from ageui.tui.app import AgeUIApp

    states = [contents(database)]
    with Store.open(database) as store:
        app = AgeUIApp(store)
        async with app.run_test(size=(120, 36)) as pilot:
            for key in ("H", "u", "ctrl+a", "x", "u", "ctrl+a", "z", "u"):
                await pilot.press(key)
                await pilot.pause()
                if busy := [worker for worker in app.workers if worker.group in ("reading", "changes")]:
                    await app.workers.wait_for_complete(busy)
                states.append(contents(database))
    return states


def contents(database: Path, *, ids: bool = True) -> dict[str, Any]:
    """All that a database says, apart from times and other values that no two executions share.

    Without `ids`, nothing that depends on the numbers of runs.
    """
    if not database.exists():
        return {}
    connection = driver().connect(f"file:{database}?mode=ro", uri=True)
    try:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found: dict[str, Any] = {"schema": connection.execute("PRAGMA user_version").fetchone()[0]}
        for table in tables:
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info('{table}')")]
            left_out = (*_VOLATILE.get(table, ()), *(() if ids else _IDS))
            kept = [column for column in columns if column not in left_out]
            chosen = ", ".join(kept) or "1"
            found[table] = sorted(connection.execute(f"SELECT {chosen} FROM '{table}'").fetchall(), key=repr)
        found["archived"] = connection.execute("SELECT name FROM run WHERE archived_at IS NOT NULL").fetchall()
        return found
    finally:
        connection.close()


def files(folder: Path) -> set[Path]:
    """The files below a folder, without those that SQLite and locks leave."""
    return {path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(("-wal", "-shm", "lock"))}
