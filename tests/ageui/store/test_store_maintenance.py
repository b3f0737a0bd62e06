"""Copies, damage, unused space, and the number that tells of commits."""

import shutil
import sqlite3
import stat
from pathlib import Path

import pytest
from store_rows import queued

from ageui.store import Store
from ageui.store.sqlite import driver
from engine.errors import StoreError


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
    with Store.open(store.path, read_only=True) as reader, pytest.raises(StoreError, match="reading only"):
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
