"""Copies, damage, unused space, and the number that tells of commits."""

import os
import shutil
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest
from store_rows import queued

from ageui.files.locks import Lock
from ageui.store import Store
from ageui.store.connect import copy_database
from ageui.store.sqlite import driver
from engine.errors import ConfigError, StoreError


def test_a_copy_is_whole_while_others_write(store: Store, tmp_path: Path) -> None:
    for number in range(3):
        queued(store, f"run-{number}")
    with Store.open(store.path) as other:
        queued(other, "later")
        store.copy_to(tmp_path / "copy.db")
    with Store.open(tmp_path / "copy.db") as copy:
        assert copy.runs.count() == 4
        assert copy.problems() == []
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600
    assert not list(tmp_path.glob(".*.part"))


def test_copies_to_one_file_at_once_all_succeed_and_the_last_one_stays(store: Store, tmp_path: Path) -> None:
    target, problems = tmp_path / "copy.db", []
    queued(store, "kept")
    barrier = threading.Barrier(4)

    def copy() -> None:
        with Store.open(store.path, read_only=True) as own:
            for _ in range(5):
                barrier.wait()
                try:
                    own.copy_to(target)
                except Exception as error:
                    problems.append(error)

    threads = [threading.Thread(target=copy) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert not list(tmp_path.glob(".*.part"))
    with Store.open(target, read_only=True) as found:
        assert [row.name for row in found.runs.search()] == ["kept"]


def test_a_copy_removes_leftovers_and_the_log_of_the_replaced_file(store: Store, tmp_path: Path) -> None:
    lock = Lock.take(tmp_path / ".copy.db.1.part")
    assert lock is not None
    for left in (".copy.db.0.part", ".copy.db.0.part-journal", ".copy.db.1.part-journal", ".copy.db.2.part-journal"):
        (tmp_path / left).touch()
    (tmp_path / "copy.db-wal").write_bytes(b"of an earlier database")
    store.copy_to(tmp_path / "copy.db")
    assert sorted(path.name for path in tmp_path.glob("*copy.db*")) == [
        ".copy.db.1.part", ".copy.db.1.part-journal", "copy.db",
    ]  # fmt: skip
    lock.release()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (sqlite3.SQLITE_FULL, r"copy.db: the disk is full"),
        (sqlite3.SQLITE_IOERR_WRITE, r"copy.db: the disk failed"),
        (sqlite3.SQLITE_CORRUPT, r"the copied database is damaged.*ageui db check"),
    ],
)
def test_a_copy_that_fails_blames_the_right_file_and_leaves_nothing(tmp_path: Path, code: int, said: str) -> None:
    class Source:
        def backup(self, copy: object) -> None:
            error = driver().OperationalError("failed")
            error.sqlite_errorcode = code
            raise error

    with pytest.raises(StoreError, match=said):
        copy_database(Source(), tmp_path / "copy.db")
    assert list(tmp_path.iterdir()) == []


def test_a_copy_replaces_files_only_and_follows_links(store: Store, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for target, kind in (("pipe", "a named pipe"), ("/dev/null", "a device"), (".", "a folder")):
        with pytest.raises(ConfigError, match=f"is {kind}; choose another file"):
            store.copy_to(tmp_path / target)
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(StoreError, match="cannot be found"):
        store.copy_to(tmp_path / "loop")
    (tmp_path / "link.db").symlink_to("copy.db")
    store.copy_to(tmp_path / "link.db")
    assert (tmp_path / "link.db").is_symlink()
    assert (tmp_path / "copy.db").stat().st_size > 0


def test_a_copy_replaces_no_example_but_a_damaged_database(store: Store, tmp_path: Path) -> None:
    target = tmp_path / "example.db"
    store.copy_to(target)
    with closing(driver().connect(str(target))) as raw:
        raw.execute("UPDATE database SET is_example = 1")
        raw.commit()
    with pytest.raises(ConfigError, match=r"example.db is a shipped example and never changes"):
        store.copy_to(target)
    target.write_bytes(target.read_bytes()[:4096] + bytes(range(256)) * 64)
    store.copy_to(target)
    Store.open(target, read_only=True).close()


def test_damage_is_found(tmp_path: Path) -> None:
    shutil.copyfile(Path(__file__).parent / "schemas" / "v1.db", tmp_path / "runs.db")
    Store.open(tmp_path / "runs.db").close()
    raw = sqlite3.connect(tmp_path / "runs.db")
    raw.execute("INSERT INTO run_tag VALUES (77, 'nobody')")
    raw.execute("DELETE FROM metric WHERE run_id = 1 AND key = 'epoch/train_loss' AND step = 1")
    raw.commit()
    raw.close()
    with Store.open(tmp_path / "runs.db") as store:
        assert store.problems() == [
            "row None of table run_tag points to a missing row of run",
            "run 1 has 1 of its first 2 epochs",
        ]


def test_unused_space_is_given_back(store: Store) -> None:
    run_id = queued(store)
    raw = driver().connect(str(store.path))
    raw.execute("UPDATE run SET note = ? WHERE id = ?", ("x" * 1_000_000, run_id))
    raw.execute("UPDATE run SET note = NULL")
    raw.commit()
    raw.close()
    before, after = store.vacuum()
    assert before > 1_000_000 > after == store.path.stat().st_size
    with Store.open(store.path, read_only=True) as reader, pytest.raises(StoreError, match="read-only"):
        reader.vacuum()


def test_the_version_changes_with_every_commit_of_others_and_of_its_own(store: Store) -> None:
    first = store.version()
    assert store.version() == first
    queued(store)
    second = store.version()
    assert second != first
    with Store.open(store.path) as other:
        assert store.version() == second
        queued(other)
    assert store.version() != second
