"""Moving the files of a database to another folder: whatever kills the move, and whoever else has a claim."""

import errno
import hashlib
import itertools
import multiprocessing
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from store_rows import best, end, queued, running

from ageui.files.locks import Lock
from ageui.store import Store, connect, filesystems, folder_move
from ageui.store.folder_marker import MARKER
from ageui.store.folder_move import move_folder
from engine.errors import ConfigError, FullError, StoreError

CHANGES = ("link", "unlink", "rmdir", "replace", "mkdir", "fsync")
"""The functions of `os` before which a move is killed."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with the weights and logs of two runs in `project/runs`."""
    folder = tmp_path / "project"
    folder.mkdir()
    with Store.open(folder / "runs.db") as store:
        for _ in range(2):
            _train(store)
    return folder / "runs.db"


def _train(store: Store) -> None:
    run_id, attempt = running(store)
    content = f"weights {run_id}".encode()
    with store.writing(run_id, attempt) as writer:
        writer.checkpoint(best(10, hashlib.sha256(content).hexdigest()))
        writer.end("done", "")
    store.run_folder(run_id).mkdir(parents=True)
    store.checkpoint_file(store.runs.detail(run_id).checkpoints[0]).write_bytes(content)
    (store.run_folder(run_id) / "log.1.txt").write_text(f"log {run_id}")
    (store.run_folder(run_id) / "lock").touch()


def _use(path: Path) -> Path:
    """Opens a database, compares all files of its runs, and returns the folder."""
    with Store.open(path, create=False) as store:
        for checkpoint, _, run_id in store.runs.checkpoints():
            assert store.checkpoint_file(checkpoint).read_bytes() == f"weights {run_id}".encode()
            assert (store.run_folder(run_id) / "log.1.txt").read_text() == f"log {run_id}"
            assert store.checkpoint_file(checkpoint).parent == store.run_folder(run_id)
        return store.folder


def _on_another_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*names: Any, **options: Any) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "link", link)
    monkeypatch.setattr(folder_move, "_same_disk", lambda one, other: False)


def _move_until_killed(path: Path, target: Path, number: int) -> None:
    left = itertools.count(number, -1)

    def watched(name: str) -> Any:
        real = getattr(os, name)

        def change(*names: Any, **options: Any) -> Any:
            if next(left) == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*names, **options)

        return change

    for name in CHANGES:
        setattr(os, name, watched(name))
    move_folder(path, target)


@pytest.mark.process
@pytest.mark.parametrize("disk", ["the same disk", "another disk"])
def test_a_kill_at_any_moment_leaves_all_files_in_use_and_the_next_try_moves_them(
    path: Path, tmp_path: Path, disk: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if disk == "another disk":
        _on_another_disk(monkeypatch)
    context = multiprocessing.get_context("fork")
    places = itertools.cycle((tmp_path / "far" / "away", path.parent / "runs"))
    used = set()
    for number, target in zip(itertools.count(), places):
        process = context.Process(target=_move_until_killed, args=(path, target, number))
        process.start()
        process.join(60)
        used.add(found := _use(path))
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
        assert found in (path.parent / "runs", tmp_path / "far" / "away")
        assert move_folder(path, target) == 0
        assert _use(path) == target
        assert sorted(item.name for item in target.iterdir()) == ["1", "2", MARKER]
        assert not ({tmp_path / "far" / "away", path.parent / "runs"} - {target}).pop().exists()
    assert number > 20
    assert len(used) == 2


def test_runs_go_on_in_the_new_folder_which_moves_with_the_project_if_it_is_inside(path: Path, tmp_path: Path) -> None:
    target = path.parent / "files"
    move_folder(path, target)
    with Store.open(path) as store:
        _train(store)
    moved = path.parent.rename(tmp_path / "elsewhere")
    assert _use(moved / "runs.db") == moved / "files"


@pytest.mark.parametrize("who", ["a reader", "a writer", "an engine", "a run elsewhere"])
def test_files_in_use_are_not_moved(path: Path, tmp_path: Path, who: str) -> None:
    def in_use() -> Iterator[None]:
        if who == "an engine":
            lock = Lock.take(path.parent / "runs" / "2" / "lock")
            assert lock is not None
            yield
            lock.release()
        elif who == "a run elsewhere":
            with Store.open(path) as store:
                run_id, attempt = running(store)
            yield
            with Store.open(path) as store:
                end(store, run_id, attempt)
        else:
            with Store.open(path, read_only=who == "a reader"):
                yield

    said = r"another process (has .*runs.db open; close|works in .*runs/2; wait)|run 3 is running; pause it"
    for _ in in_use():
        with pytest.raises(StoreError, match=said):
            move_folder(path, tmp_path / "far")
    assert _use(path) == path.parent / "runs"
    assert not (tmp_path / "far").exists()


def test_only_an_empty_folder_outside_the_present_one_is_taken(path: Path, tmp_path: Path) -> None:
    Store.open(tmp_path / "other.db").close()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").touch()
    for target, message in (
        (tmp_path / "other", "in use or holds other files"),
        (tmp_path / "full", "in use or holds other files"),
        (path.parent / "runs" / "1" / "new", "lie in each other"),
        (path.parent, "lie in each other"),
    ):
        with pytest.raises(ConfigError, match=message):
            move_folder(path, target)
    assert _use(path) == path.parent / "runs"


def test_a_disk_without_room_is_refused_before_anything_is_copied(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _on_another_disk(monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(9, 9, 0))  # type: ignore[attr-defined]
        with pytest.raises(FullError, match=r"do not fit in .*far, where 0.0 GB are free"):
            move_folder(path, tmp_path / "far")
    assert _use(path) == path.parent / "runs"
    move_folder(path, tmp_path / "far")
    assert _use(path) == tmp_path / "far"


def test_a_folder_moved_by_hand_is_taken_over(path: Path, tmp_path: Path) -> None:
    move_folder(path, tmp_path / "far")
    by_hand = (tmp_path / "far").rename(tmp_path / "further")
    with pytest.raises(StoreError, match=r"far, .* is missing; .* ageui db files DIR"):
        Store.open(path)
    with pytest.raises(StoreError, match=r"far, .* is missing"):
        move_folder(path, tmp_path / "new")
    move_folder(path, by_hand)
    assert _use(path) == by_hand
    copy = shutil.copytree(by_hand, path.parent / "copy")
    with pytest.raises(ConfigError, match=r"both hold files of .*runs.db"):
        move_folder(path, copy)
    assert _use(path) == by_hand


def test_files_stay_as_long_as_a_database_beside_needs_them(path: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copyfile(path, path.with_name("runs.bak")))
    assert move_folder(path, tmp_path / "far") == 2
    assert _use(path) == tmp_path / "far"
    with Store.open(copy) as store:
        assert [store.checkpoint_file(row).exists() for row, _, _ in store.runs.checkpoints()] == [True] * 2
    copy.unlink()
    assert move_folder(path, tmp_path / "far") == 0
    assert not (path.parent / "runs").exists()


def test_a_copy_gets_a_folder_of_its_own_and_leaves_the_files_of_the_original(path: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copyfile(path, path.with_name("runs.bak")))
    move_folder(copy, tmp_path / "own")
    with Store.open(copy) as store:
        assert store.folder == tmp_path / "own"
        assert queued(store) == 3
        assert [store.checkpoint_file(row).parent.parent for row, _, _ in store.runs.checkpoints()] == [
            path.parent / "runs"
        ] * 2
    with pytest.raises(ConfigError, match="in use or holds other files"):
        move_folder(copy, path.parent / "runs")
    assert _use(path) == path.parent / "runs"


def test_shared_storage_belongs_to_a_database_of_one_machine(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts, share = tmp_path / "mountinfo", tmp_path / "share"
    mounts.write_text(f"22 1 254:0 / / rw - ext4 /dev/vda rw\n40 22 0:40 / {share} rw - nfs4 server:/ rw\n")
    monkeypatch.setattr(filesystems, "MOUNTS", mounts)
    share.mkdir()
    move_folder(path, share / "night")
    assert _use(path) == share / "night"

    monkeypatch.setattr("socket.gethostname", lambda: "second")
    with pytest.raises(StoreError, match=r"night belongs to .*runs.db on the machine .*; if you moved.*if this is a"):
        Store.open(path)
    with Store.open(path, read_only=True) as store:
        assert store.folder == share / "night"
    copy = Path(shutil.copyfile(path, tmp_path / "copy.db"))
    move_folder(copy, share / "copy")
    assert _use_alone(copy) == share / "copy"
    move_folder(path, share / "night")
    assert _use(path) == share / "night"

    monkeypatch.undo()
    monkeypatch.setattr(filesystems, "MOUNTS", mounts)
    with pytest.raises(StoreError, match=r"on the machine second"):
        Store.open(path)


def test_the_environment_can_forbid_a_move(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, before = _use(path), path.read_bytes()
    monkeypatch.setenv(connect.READ_ONLY_VARIABLE, "1")
    with pytest.raises(StoreError, match="stays unchanged"):
        move_folder(path, tmp_path / "night")
    assert path.read_bytes() == before
    monkeypatch.undo()
    assert _use(path) == folder
    assert not (tmp_path / "night").exists()


def _use_alone(path: Path) -> Path:
    with Store.open(path) as store:
        return store.folder
