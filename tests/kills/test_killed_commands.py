"""Signals to commands that write, and to the application, at moments at random: all of a change happened, or nothing.

Each command is killed at least once; the long form, `pytest tests/kills --kills 100`, kills each some eight times.
"""

import os
import pickle
import random
import re
import shutil
import signal
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kill_runs import FACES, Say, config_of
from killed_commands import APPLICATION, Ended, Processes, contents, end_of, files

from ageui.files.locks import is_held
from ageui.store import Claimant, NewRun, Store
from ageui.store.sqlite import driver
from ageui.worker.lost_runs import recover_lost
from ageui.worker.pruning import find_prunable

pytestmark = pytest.mark.kills

SCHEMAS = Path(__file__).parents[1] / "ageui" / "store" / "schemas"
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
QUEUED, PAUSED = 40, 10


@dataclass(frozen=True)
class Command:
    """A command, what repeats it after a kill, and the exit codes of a repetition; 2 where nothing was left to do."""

    arguments: tuple[str, ...]
    again: tuple[str, ...] = ()
    repeats_with: tuple[int, ...] = (0, 2)
    database: str = "runs.db"
    """The database that it writes."""
    keeps_ids: bool = True
    """Whether runs have the same numbers if it is killed and repeated; those of a killed import stay unused."""


def _command(text: str, **details: Any) -> Command:
    return Command(tuple(text.split()), **details)


COMMANDS = {
    "pause": _command("pause status=queued"),
    "pause the queue": _command("pause"),
    "cancel": _command("cancel status=queued"),
    "resume": _command("resume status=paused"),
    "retry": _command("retry status=failed"),
    "retry from the start": _command("retry finished-states --from-start"),
    "sweep": _command("sweep --preset quick --device cpu --name grid --data synthetic --seeds 200 --loss mse,mae"),
    "publish": _command("study publish"),
    "backup": _command("db backup copy.db", again=("db", "backup", "copy.db", "--force"), database="copy.db"),
    "import": _command("db import other/runs.db", keeps_ids=False),
    "remove": _command("rm --yes finished finished-states"),
    "remove predictions": _command("rm --yes --predictions finished"),
    "prune": _command("db prune --yes"),
    "vacuum": _command("db vacuum"),
    "upgrade": _command("resume"),
    "application": Command((APPLICATION,)),
}


@pytest.fixture(scope="module")
def processes() -> Processes:
    return Processes()


def _fill(folder: Path, *, schema: int) -> None:
    """A database with runs of every status, and the files of some."""
    database = folder / "runs.db"
    folder.mkdir(parents=True)
    shutil.copy(SCHEMAS / f"v{schema}.db", database)
    if schema != 6:
        # Nobody may find a run whose processes are gone: ending it is a change of its own.
        connection = driver().connect(str(database))
        connection.execute("UPDATE run SET status = 'queued' WHERE status = 'running'")
        connection.commit()
        connection.close()
        return
    with Store.open(database) as store:
        list(recover_lost(store))
        new = [NewRun(config_of(number), FACES, name=f"new-{number}") for number in range(QUEUED + PAUSED)]
        ids = store.runs.add_many(new)
        store.queue.pause(ids[-PAUSED:])
        again = store.runs.add(config_of(99), FACES, name="finished-states")
        claim = store.queue.claim(again, Claimant(None, "cpu"), lambda run_id: True)
        assert claim is not None
        with store.writing(again, claim.attempt) as writer:
            writer.end("failed", "it was broken")
        for checkpoint, _, _ in store.runs.checkpoints():
            path = store.checkpoint_file(checkpoint)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bytes(checkpoint.bytes))
        for name in ("state-1-9.pt", "weights-7.safetensors", ".state-1-8.pt.part"):
            (store.run_folder(again) / name).parent.mkdir(parents=True, exist_ok=True)
            (store.run_folder(again) / name).write_bytes(b"nobody points here")


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `now` with a database of this schema and one to import, and `old` with one of an older schema."""
    folder = tmp_path_factory.mktemp("scenes")
    _fill(folder / "now", schema=6)
    _fill(folder / "now" / "other", schema=6)
    _fill(folder / "old", schema=5)
    with Store.open(folder / "now" / "other" / "runs.db") as other:
        other.edits.rename(1, "from-elsewhere")
    return folder


class Scene:
    """A command on a fresh copy of its folder, as often as wanted; `whole` are the states that it may leave."""

    def __init__(self, name: str, scenes: Path, tmp_path: Path, processes: Processes) -> None:
        self.command, self._processes, self._tmp_path = COMMANDS[name], processes, tmp_path
        self._source = scenes / ("old" if name == "upgrade" else "now")
        folder = self.fresh()
        before = self.contents(folder)
        record = tmp_path / "states"
        arguments = self.command.arguments + ((str(record),) if name == "application" else ())
        ended = processes.run(folder, arguments, self.said)
        assert ended.code == 0, self.said.read_text()
        self.after, self.seconds = self.contents(folder), ended.seconds
        self.whole = [before, self.after, *(pickle.loads(record.read_bytes()) if record.exists() else [])]
        self.files = self._files_after(folder)

    @property
    def said(self) -> Path:
        return self._tmp_path / "said.txt"

    def contents(self, folder: Path) -> dict[str, Any]:
        return contents(folder / self.command.database, ids=self.command.keeps_ids)

    def fresh(self) -> Path:
        folder = self._tmp_path / "scene"
        shutil.rmtree(folder, ignore_errors=True)
        return Path(shutil.copytree(self._source, folder))

    def signalled(self, folder: Path, number: signal.Signals, after_seconds: float) -> Ended:
        begun = time.monotonic()
        process = self._processes.start(folder, self.command.arguments, self.said)
        assert process.pid is not None
        process.join(after_seconds)
        if process.exitcode is None:
            os.kill(process.pid, number)
        return end_of(process, begun)

    def assert_whole(self, folder: Path, ended: Ended) -> str:
        """All or nothing happened; what is left can be worked with, and the same command finishes. What was found."""
        found = self.contents(folder)
        assert found in self.whole, "half of a change"
        if ended.code == 0:
            assert found in self.whole[1:]
        _assert_usable(folder / "runs.db")
        again = self._processes.run(folder, self.command.again or self.command.arguments, self.said)
        assert again.code in self.command.repeats_with, self.said.read_text()
        # The application undoes its own changes alone.
        undone = found if self.command.arguments == (APPLICATION,) else self.after
        assert self.contents(folder) == undone
        assert self._files_after(folder) == self.files
        return "done" if found == self.after else "nothing"

    def _files_after(self, folder: Path) -> list[str]:
        """The files without those that pruning finds. An upgrade that begins anew makes a copy anew."""
        with Store.open(folder / "runs.db") as store:
            left = files(folder) - {file.path for file in find_prunable(store) if not file.is_state}
        names = sorted(str(path.relative_to(folder)) for path in left if not path.name.startswith("runs.db.schema"))
        return names if self.command.keeps_ids else sorted(re.sub(r"runs/\d+/", "runs/N/", name) for name in names)


def _assert_usable(database: Path) -> None:
    """The database is whole, no run is locked, and the queue goes on."""
    with Store.open(database) as store:
        assert store.problems() == []
        assert not [run.id for run in store.runs.search() if is_held(store.run_lock_file(run.id))]
        waiting = store.queue.waiting()
        assert store.queue.next_run(["cpu", "auto"]) == (
            waiting[0].id if waiting and store.queue.current_pause() is None else None
        )


@pytest.mark.parametrize("name", COMMANDS)
def test_a_signal_at_any_moment_leaves_all_or_nothing(
    name: str, scenes: Path, tmp_path: Path, processes: Processes, say: Say, request: pytest.FixtureRequest
) -> None:
    kills = max(1, request.config.getoption("--kills") // 12)
    chance = random.Random(f"{request.config.getoption('--kill-seed')} {name}")
    scene = Scene(name, scenes, tmp_path, processes)
    found: Counter[str] = Counter()
    for _ in range(kills):
        folder, number = scene.fresh(), chance.choice(SIGNALS)
        ended = scene.signalled(folder, number, chance.uniform(0, 1.05) * scene.seconds)
        found[f"{number.name} {scene.assert_whole(folder, ended)}"] += 1
    if kills > 1:
        said = ", ".join(f"{times} {what}" for what, times in sorted(found.items()))
        say(f"{name}, {scene.seconds:.2f} s: {said}")
