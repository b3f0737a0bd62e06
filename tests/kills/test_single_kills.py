"""Kills at the worst moments, and disks, clocks and bits that fail: each with a real engine and a real worker."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kill_runs import (
    FACES,
    Say,
    config_of,
    engine_of,
    ensure_worker,
    kill_engine,
    kill_worker,
    undisturbed,
    wait_until,
)
from living import stop_between_writes

from ageui.store import RunRow, Store
from ageui.worker.background_workers import is_working
from ageui.worker.lost_runs import recover_lost

pytestmark = pytest.mark.kills


def _recovered(store: Store) -> bool:
    list(recover_lost(store))
    return not store.queue.running()


def _finish(store: Store, run_id: int, checkpoint_seconds: float = 0.2) -> None:
    """Has a worker finish the run, however many attempts that takes."""

    def is_done() -> bool:
        list(recover_lost(store))
        ensure_worker(store, checkpoint_seconds)
        return store.runs.get(run_id).status not in ("queued", "running")

    wait_until(is_done)


@pytest.fixture
def in_every_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file whose code runs at the start of every process from now on."""
    folder = tmp_path / "patch"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH")))))
    return folder / "sitecustomize.py"


HOLD_AFTER_STEP_12 = """
import sys
if "-m engine --events" in " ".join(sys.orig_argv):
    import threading
    from pathlib import Path
    from engine.trainer import Trainer
    between = Trainer._between_steps

    def held(self):
        while self.position.step >= 12 and Path({gate!r}).exists():
            threading.Event().wait(0.01)
        between(self)

    Trainer._between_steps = held
"""


@pytest.fixture
def gate(in_every_process: Path, tmp_path: Path) -> Path:
    """A file that keeps every engine after its twelfth step as long as it is there: no run ends too early."""
    gate = tmp_path / "gate"
    gate.touch()
    in_every_process.write_text(HOLD_AFTER_STEP_12.format(gate=str(gate)))
    return gate


KILL_BETWEEN = """
import os, signal, sys
from pathlib import Path
marker = Path({marker!r})
if "{module}" in " ".join(sys.orig_argv):

    def die_once():
        if not marker.exists():
            marker.touch()
            os.kill({victim}, signal.SIGKILL)
            signal.pause()
"""

# No run ends before its kill, however slow the worker is: its engine writes more checkpoints than are kept,
# and waits.
WAIT_FOR_THE_KILL = """
if "-m engine" in " ".join(sys.orig_argv):
    import time
    from engine.trainer import Trainer
    between_steps = Trainer._between_steps

    def wait_for_the_kill(self):
        if self.position.step <= 3 and not marker.exists():
            self.write_checkpoint()
        while self.position.step == 3 and not marker.exists():
            time.sleep(0.01)
        between_steps(self)

    Trainer._between_steps = wait_for_the_kill
"""

# The engine has renamed a checkpoint to its name and is about to tell of it.
AFTER_RENAME = """
    import engine.files as files
    real = files.os.replace

    def replace(source, target):
        real(source, target)
        if "state-" in str(target):
            die_once()

    files.os.replace = replace
"""

# The worker is about to commit the row that points to the new checkpoint.
BEFORE_COMMIT = """
    from ageui.store.attempt_writer import AttemptWriter
    real = AttemptWriter.checkpoint

    def checkpoint(self, written):
        real(self, written)
        if written.kind == "state":
            die_once()

    AttemptWriter.checkpoint = checkpoint
"""

# The worker has committed it, and is about to remove the checkpoints before.
AFTER_COMMIT = """
    import ageui.worker.event_recorder as recorder

    def written(self, writer):
        if writer.removed:
            die_once()
        real(self, writer)

    real = recorder.EventRecorder.written
    recorder.EventRecorder.written = written
"""


@pytest.mark.parametrize(
    ("where", "victim"),
    [
        ("after rename", "engine"),
        ("after rename", "worker"),
        ("before commit", "worker"),
        ("after commit", "worker"),
    ],
)
def test_a_kill_between_a_checkpoints_rename_its_commit_and_the_removal_of_old_ones(
    store: Store, tmp_path: Path, in_every_process: Path, where: str, victim: str
) -> None:
    module = "-m engine" if where == "after rename" else "-m ageui.worker"
    pid = "os.getppid()" if (where, victim) == ("after rename", "worker") else "os.getpid()"
    marker = tmp_path / "killed"
    code = KILL_BETWEEN.format(module=module, marker=str(marker), victim=pid)
    code += {"after rename": AFTER_RENAME, "before commit": BEFORE_COMMIT, "after commit": AFTER_COMMIT}[where]
    code += WAIT_FOR_THE_KILL
    in_every_process.write_text(code)
    run_id = store.runs.add(config_of(0), FACES, name=None)
    ensure_worker(store)
    wait_until(marker.exists)
    if victim == "worker":
        wait_until(lambda: not is_working(store, "cpu"))
        # An engine that stands still in its patch is not one that leaves by itself.
        engine = engine_of(store, run_id)
        if engine is not None and where == "after rename":
            engine.send(signal.SIGKILL)
        wait_until(lambda: _recovered(store))
    _finish(store, run_id)
    assert len(store.runs.detail(run_id).attempts) >= 2
    undisturbed(config_of(0)).assert_same(store, run_id)


def test_a_flipped_bit_in_the_newest_checkpoint(store: Store, tmp_path: Path) -> None:
    run_id = store.runs.add(config_of(1), FACES, name=None)
    ensure_worker(store, 0.0)

    def states() -> list[int]:
        return [file.step for file in store.runs.detail(run_id).checkpoints if file.kind == "state"]

    wait_until(lambda: len(states()) == 2)
    kill_worker(store)
    wait_until(lambda: _recovered(store))
    assert len(states()) == 2
    newest = store.runs.detail(run_id).checkpoints[-1]
    path = store.checkpoint_file(newest)
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 4
    path.write_bytes(content)
    before = states()[0]
    _finish(store, run_id)
    second = store.runs.detail(run_id).attempts[1]
    assert second.step == before
    assert any("SHA-256 differs" in note for note in second.notes)
    undisturbed(config_of(1)).assert_same(store, run_id)


def test_a_worker_that_is_stopped_for_long_and_wakes_up(store: Store, tmp_path: Path) -> None:
    """SIGSTOP, its locks lost, its run taken over by a worker of another device, SIGCONT: it is fenced."""
    run_id = store.runs.add(config_of(2).model_copy(update={"device": "auto"}), FACES, name=None)
    ensure_worker(store)
    wait_until(lambda: len(store.runs.metric(run_id, "step/loss")) > 10)
    pid = store.workers.all()[0].pid
    stop_between_writes(pid, store.path)
    (store.run_folder(run_id) / "lock").unlink()
    assert [found.status for found in recover_lost(store)] == ["queued"]
    program = (
        "import sys; from pathlib import Path; from ageui.store import Store; "
        "from ageui.worker.worker_files import take_worker_lock; from ageui.worker.queue_worker import QueueWorker; "
        "from ageui.worker.supervisor import Policy; import ageui.worker.lane as lane; "
        "lane.take_device = lambda device: lane.Lock.take(Path(sys.argv[1]).parent / 'other-device.lock'); "
        "s = Store.open(Path(sys.argv[1])); "
        "QueueWorker(s, 'cpu', is_default=True, policy=Policy(), idle_seconds=1)"
        ".run(lane.Lock.take(Path(sys.argv[1]).parent / 'other-worker.lock'))"
    )
    other = subprocess.run([sys.executable, "-c", program, str(store.path)], timeout=120, check=False)
    assert other.returncode == 0
    done = store.runs.detail(run_id)
    assert done.status == "done"
    os.kill(pid, signal.SIGCONT)
    wait_until(lambda: engine_of(store, run_id) is None)
    ensure_worker(store)
    assert store.runs.detail(run_id) == done
    config = config_of(2).model_copy(update={"device": "auto"})
    undisturbed(config).assert_same(store, run_id)


def _killed(store: Store, program: list[str], run_id: int) -> RunRow:
    """A run in the foreground that was killed, unless it ended before."""
    foreground = subprocess.Popen([*program, "--db", str(store.path)], stderr=subprocess.DEVNULL)
    wait_until(lambda: len(store.runs.search()) == run_id and len(store.runs.metric(run_id, "step/loss")) > 10)
    foreground.kill()
    foreground.wait()
    wait_until(lambda: _recovered(store))
    return store.runs.get(run_id)


def test_a_killed_foreground_is_explained_and_goes_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_of(3)
    command = config.command("run").split()
    program = [sys.executable, "-P", "-c", "from ageui.cli import main; main()", *command]
    monkeypatch.setenv("AGEUI_CHECKPOINT_SECONDS", "0")
    rows = (_killed(store, program, run_id) for run_id in range(1, 6))
    row = next(row for row in rows if row.status != "done")
    assert row.status == "interrupted"
    assert "the processes are gone" in str(row.error)
    store.queue.resume(row.id)
    _finish(store, row.id)
    undisturbed(config).assert_same(store, row.id)


def _fill(path: Path) -> int:
    """Writes a file until its disk is full; its bytes."""
    descriptor, written = os.open(path, os.O_WRONLY | os.O_CREAT), 0
    try:
        while True:
            written += os.write(descriptor, b"x" * 4096)
    except OSError:
        return written
    finally:
        os.close(descriptor)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for the database and not for many checkpoints."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], check=False)
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount a tmpfs")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("left", [0, 400_000], ids=["not a byte left", "room for rows only"])
def test_a_full_disk_keeps_the_checkpoint_before_and_pauses_the_queue(
    small_disk: Path, gate: Path, say: Say, left: int
) -> None:
    with Store.open(small_disk / "runs.db") as store:
        store.data.add(FACES)
        run_id = store.runs.add(config_of(0), FACES, name=None)
        other_id = store.runs.add(config_of(1), FACES, name=None)
        ensure_worker(store, 0.0)
        wait_until(lambda: bool(store.runs.detail(run_id).checkpoints))
        filler = small_disk / "filler"
        filler_size = _fill(filler)
        os.truncate(filler, filler_size - left)
        gate.unlink()
        # With not a byte left the database cannot take the news either: the worker waits until it can.
        wait_until(lambda: store.queue.current_pause() is not None or engine_of(store, run_id) is None)
        if left:
            wait_until(lambda: store.queue.current_pause() is not None)
        filler.unlink()
        wait_until(lambda: store.queue.current_pause() is not None)
        held = store.queue.current_pause()
        assert held is not None
        assert ("the checkpoint could not be written" if left else "the disk is full") in held.reason
        assert [store.runs.get(number).status for number in (run_id, other_id)] == ["queued", "queued"]
        assert store.problems() == []
        for checkpoint in store.runs.detail(run_id).checkpoints:
            assert store.checkpoint_file(checkpoint).stat().st_size == checkpoint.bytes
        assert not list(small_disk.glob("runs/*/.*.part"))
        say(f"disk full after {filler_size:,} bytes: {held.reason}")
        store.queue.resume_queue()
        _finish(store, run_id)
        _finish(store, other_id)
        for number, done_id in enumerate((run_id, other_id)):
            undisturbed(config_of(number)).assert_same(store, done_id)
        store.workers.ask_to_stop("cpu")
        wait_until(lambda: not is_working(store, "cpu"))


CLOCK_JUMPS = """
import itertools, sys, time
if "-m engine" in " ".join(sys.orig_argv) or "-m ageui.worker" in " ".join(sys.orig_argv):
    real, calls = time.time, itertools.count()
    jumps = (0.0, 4e8, -4e8)
    time.time = lambda: real() + jumps[next(calls) % 3]
    import ageui.store.clock as clock
    from datetime import UTC, datetime
    clock.now = lambda: datetime.fromtimestamp(time.time(), UTC)
"""


def test_a_clock_that_jumps(store: Store, tmp_path: Path, in_every_process: Path) -> None:
    in_every_process.write_text(CLOCK_JUMPS)
    run_id = store.runs.add(config_of(4), FACES, name=None)
    ensure_worker(store)
    wait_until(lambda: len(store.runs.metric(run_id, "step/loss")) > 10)
    assert kill_engine(store)
    _finish(store, run_id)
    assert len(store.runs.detail(run_id).attempts) >= 2
    undisturbed(config_of(4)).assert_same(store, run_id)
