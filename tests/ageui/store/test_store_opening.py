"""How runs.db comes to be, is upgraded, and is refused."""

import json
import math
import os
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from processes_at_once import exit_codes_at_once
from sqlalchemy import create_engine, inspect
from sqlmodel import SQLModel
from store_rows import epoch, epoch_scores, evaluated, queued, running

from ageui.store import Claimant, Store, connect
from ageui.store.errors import readable_errors
from ageui.store.migrations import MIGRATIONS
from ageui.store.sqlite import driver
from engine.errors import StoreError


def _described(inspected: Any, table: str) -> dict[str, Any]:
    checks = inspected.get_check_constraints(table)
    return {
        "columns": [(c["name"], c["nullable"], c["primary_key"]) for c in inspected.get_columns(table)],
        "foreign keys": inspected.get_foreign_keys(table),
        "unique": inspected.get_unique_constraints(table),
        "indexes": [{name: str(value) for name, value in _flat(index)} for index in inspected.get_indexes(table)],
        "checks": sorted((check["name"], "".join(check["sqltext"].split())) for check in checks),
    }


def _flat(index: Any) -> list[tuple[str, Any]]:
    """An index's properties; the condition of a partial one is an object that equals no other."""
    return [*index.pop("dialect_options", {}).items(), *index.items()]


def test_the_migrated_schema_is_that_of_the_models(tmp_path: Path) -> None:
    Store.open(tmp_path / "runs.db").close()
    migrated = inspect(create_engine(f"sqlite:///{tmp_path / 'runs.db'}"))
    in_memory = create_engine("sqlite://")
    SQLModel.metadata.create_all(in_memory)
    modelled = inspect(in_memory)
    tables = sorted(modelled.get_table_names())
    assert sorted(migrated.get_table_names()) == tables
    for table in tables:
        assert _described(migrated, table) == _described(modelled, table), table


def test_a_fresh_database_is_private_in_wal_mode_and_of_the_newest_schema(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    with Store.open(path) as store:
        assert store.schema_version() == len(MIGRATIONS)
        assert store.runs.count() == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sqlite3.connect(path).execute("PRAGMA journal_mode").fetchone() == ("wal",)


def _open_and_add(path: Path) -> None:
    with Store.open(path) as store:
        queued(store)


@pytest.mark.process
def test_processes_may_open_a_new_database_at_once(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    assert exit_codes_at_once(_open_and_add, [path] * 3) == [0, 0, 0]
    with Store.open(path) as store:
        assert sorted(row.id for row in store.runs.search()) == [1, 2, 3]


SCHEMAS = Path(__file__).parent / "schemas"
NEWEST = len(MIGRATIONS)


DROPPED = {("bias", "noise_mean"), ("bias", "noise_p95")} | {
    ("summary", f"noise_{attribute}") for attribute in ("gender", "expression", "ethnicity", "age")
}
"""Columns that schema 5 drops: p-values, which come from predictions, say more."""


@pytest.mark.parametrize("version", range(1, NEWEST + 1))
@pytest.mark.parametrize("read_only", [True, False])
def test_a_database_of_every_earlier_schema_is_upgraded_and_keeps_all_it_held(
    tmp_path: Path, version: int, read_only: bool
) -> None:
    path = tmp_path / "runs.db"
    shutil.copyfile(SCHEMAS / f"v{version}.db", path)
    before = _rows(path)
    with Store.open(path, read_only=read_only) as store:
        assert store.schema_version() == NEWEST
        assert store.problems() == []
        assert [(row.name, row.status) for row in store.runs.search(order="id")] == [
            ("finished", "done"),
            ("broken", "failed"),
            ("stopped", "interrupted"),
            ("waiting", "queued"),
            ("left-running", "lost" if read_only else "running"),
        ]
        finished = store.runs.detail(1)
        assert [epoch.train_loss for epoch in finished.history] == [0.5, 0.25]
        assert math.isnan(finished.history[1].val_loss or 0.0)
        scores = finished.history[0].scores
        assert (scores.mae if scores else None) == (8.0 if version >= 7 else None)
        assert store.runs.metric(1, "step/loss") == [(step, 1.0 / step) for step in range(1, 21)]
        assert [scores.split for scores in finished.results] == ["train", "valid", "test"]
        assert finished.kept is not None
        assert finished.kept.sha256 == "ab" * 32
        assert finished.attempts[0].notes == ()
        assert finished.peak_memory_bytes == (1_234_567_890 if version >= 4 else None)
        assert [row.name for row in store.queue.waiting()] == ["waiting"]
        assert [run.run_id for run in store.queue.running()] == [5]
        assert len(store.scores.predictions_frame(1)) == 9
        assert store.data.get("faces").path == "/data/faces"
        assert {scores.selected_on for scores in finished.results} == {"valid"}
        assert store.rescoring.remaining() == (3 if version < 5 else 0)
    after = _rows(path)
    for table, rows in before.items():
        kept = [{name: value for name, value in row.items() if (table, name) not in DROPPED} for row in rows]
        assert all(row.items() <= found.items() for row, found in zip(kept, after[table], strict=True)), table
    copy = path.with_name(f"runs.db.schema{version}")
    assert copy.exists() == (version < NEWEST)
    if version < NEWEST:
        assert _rows(copy) == before
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600


@pytest.mark.parametrize("version", range(1, NEWEST + 1))
def test_an_upgraded_database_is_whole_and_takes_scores_on_other_data(tmp_path: Path, version: int) -> None:
    path = tmp_path / "runs.db"
    shutil.copyfile(SCHEMAS / f"v{version}.db", path)
    with Store.open(path) as store:
        store.queue.resume(3)
        claim = store.queue.claim(3, Claimant("cpu", "cpu"), lambda run_id: True)
        assert claim is not None
        assert claim.scoring_interval == (20 if version >= 7 else 10)
        with store.writing(3, claim.attempt) as writer:
            writer.epoch(epoch(2, scores=epoch_scores()))
        assert [one.scores for one in store.runs.detail(3).history] == [None, epoch_scores()]
        run_id, attempt = running(store)
        for split in ("test", "other/test"):
            with store.writing(run_id, attempt) as writer:
                writer.evaluated(evaluated(split), "apparent", "other")
        assert [scores.split for scores in store.runs.detail(run_id).results] == ["test", "other/test"]
        assert store.runs.get(run_id).summary.split == "test"
    raw = driver().connect(str(path))
    assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
    assert raw.execute("PRAGMA writable_schema").fetchone() == (0,)
    (definition,) = raw.execute("SELECT sql FROM sqlite_master WHERE name = 'result'").fetchone()
    assert "split_known" not in definition
    with pytest.raises(driver().IntegrityError):
        raw.execute("INSERT INTO result (run_id, split, n, mae, signed, item_set) VALUES (1, 'test', 1, 1, 1, 'none')")
    raw.close()


@pytest.mark.parametrize(
    ("config", "val_loss", "selected_on"),
    [
        ({"keep": "best", "patience": 5}, 0.5, "valid"),
        ({"keep": "last", "patience": 5}, 0.5, "valid"),
        ({"keep": "best", "patience": None}, 0.5, "valid"),
        ({"patience": None}, 0.5, "valid"),
        ({"keep": "last", "patience": None}, 0.5, None),
        ({"keep": "last"}, 0.5, None),
        ({"keep": "best", "patience": 5}, None, None),
    ],
)
def test_an_upgrade_derives_which_split_chose_the_weights(
    tmp_path: Path, config: dict[str, Any], val_loss: float | None, selected_on: str | None
) -> None:
    path = tmp_path / "runs.db"
    shutil.copyfile(SCHEMAS / "v4.db", path)
    raw = driver().connect(str(path))
    raw.execute("UPDATE run SET config = ? WHERE id = 1", (json.dumps(config),))
    if val_loss is None:
        raw.execute("DELETE FROM metric WHERE key = 'epoch/val_loss'")
    raw.commit()
    raw.close()
    with Store.open(path) as store:
        assert {scores.selected_on for scores in store.runs.detail(1).results} == {selected_on}


def _rows(path: Path) -> dict[str, list[dict[str, Any]]]:
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    rows = {name: [dict(row) for row in connection.execute(f"SELECT * FROM {name}")] for name in tables}
    connection.close()
    return rows


def _open_and_count(path: Path) -> None:
    with Store.open(path) as store:
        assert store.runs.count() == 5


@pytest.mark.process
def test_processes_may_upgrade_a_database_at_once(tmp_path: Path) -> None:
    shutil.copyfile(SCHEMAS / "v1.db", tmp_path / "runs.db")
    assert exit_codes_at_once(_open_and_count, [tmp_path / "runs.db"] * 3) == [0, 0, 0]


def test_a_failing_migration_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    Store.open(path).close()
    with pytest.raises(StoreError, match="no_such_table"):
        connect.open_writer(
            path, create=False, migrations=(*MIGRATIONS, ("CREATE TABLE half (x)", "DELETE FROM no_such_table"))
        )
    raw = sqlite3.connect(path)
    assert raw.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    assert raw.execute("SELECT * FROM sqlite_master WHERE name = 'half'").fetchall() == []


@pytest.mark.parametrize("read_only", [True, False])
def test_a_newer_schema_is_refused(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / "runs.db"
    Store.open(path).close()
    raw = sqlite3.connect(path)
    raw.execute("PRAGMA user_version = 99")
    raw.close()
    with pytest.raises(StoreError, match=r"schema 99.*ageui \d.*upgrade ageui"):
        Store.open(path, read_only=read_only)


@pytest.mark.parametrize("read_only", [True, False])
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, whatever its length\n" * 100)
    with pytest.raises(StoreError, match=r"notes.txt.*not a database"):
        Store.open(path, read_only=read_only)
    assert path.read_text().startswith("not a database")


def test_the_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    raw = sqlite3.connect(path)
    raw.execute("CREATE TABLE run (id INTEGER)")
    raw.commit()
    raw.close()
    with pytest.raises(StoreError, match="not one of ageui"):
        Store.open(path)


def test_a_pipe_and_a_device_are_no_database(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, kind in ((tmp_path / "pipe", "a named pipe"), (Path("/dev/zero"), "a device")):
        for read_only in (False, True):
            with pytest.raises(StoreError, match=f"the database {path} is {kind}; give a file with --db"):
                Store.open(path, read_only=read_only)


def test_a_folder_and_a_missing_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is a folder"):
        Store.open(tmp_path)
    with pytest.raises(StoreError, match="does not exist; create it"):
        Store.open(tmp_path / "none" / "runs.db")


@pytest.mark.parametrize("read_only", [True, False])
def test_a_missing_database_is_not_made_without_leave(tmp_path: Path, read_only: bool) -> None:
    with pytest.raises(StoreError, match=r"no runs yet: .*runs.db does not exist; start a run with: ageui run"):
        Store.open(tmp_path / "runs.db", create=False, read_only=read_only)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    (tmp_path / "runs.db").touch()
    with Store.open(tmp_path / "runs.db", read_only=True) as store:
        assert store.runs.search() == []


def test_a_second_upgrade_keeps_the_copy_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    for number in range(3):
        shutil.copyfile(SCHEMAS / "v1.db", path)
        raw = sqlite3.connect(path)
        raw.execute("UPDATE run SET name = ? WHERE id = 1", (f"upgrade-{number}",))
        raw.commit()
        raw.close()
        Store.open(path).close()
    copies = [path.with_name(f"runs.db.schema1{end}") for end in ("", "-2", "-3")]
    assert [_rows(copy)["run"][0]["name"] for copy in copies] == ["upgrade-0", "upgrade-1", "upgrade-2"]


def test_a_file_that_cannot_be_written_is_refused_for_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "runs.db"
    Store.open(path).close()
    monkeypatch.setattr(connect.os, "access", lambda item, mode: item != path)
    with pytest.raises(StoreError, match=r"runs.db cannot be written; change its permissions"):
        Store.open(path)


@pytest.mark.parametrize("version", [1, len(MIGRATIONS)])
def test_the_environment_can_forbid_writing_and_upgrading(
    tmp_path: Path, version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "runs.db"
    shutil.copyfile(SCHEMAS / f"v{version}.db", path)
    before = path.read_bytes()
    monkeypatch.setenv(connect.READ_ONLY_VARIABLE, "1")
    with pytest.raises(StoreError, match=f"stays unchanged, because {connect.READ_ONLY_VARIABLE} is set"):
        Store.open(path)
    if version == len(MIGRATIONS):
        Store.open(path, read_only=True).close()
    else:
        with pytest.raises(StoreError, match="has schema 1 and needs schema"):
            Store.open(path, read_only=True)
    assert path.read_bytes() == before
    monkeypatch.setenv(connect.READ_ONLY_VARIABLE, "0")
    Store.open(path).close()


def test_the_environment_can_forbid_the_copy_of_an_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "runs.db"
    shutil.copyfile(SCHEMAS / f"v{len(MIGRATIONS)}.db", path)
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA journal_mode = delete")
        raw.execute("UPDATE database SET is_example = 1")
    before = sorted(tmp_path.iterdir())
    monkeypatch.setenv(connect.READ_ONLY_VARIABLE, "1")
    with pytest.raises(StoreError, match="stays unchanged"):
        Store.open(path)
    assert sorted(tmp_path.iterdir()) == before


def test_a_busy_database_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "BUSY_SECONDS", 0.0)
    other = driver().connect(str(store.path), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with Store.open(store.path) as second, pytest.raises(StoreError, match="another process holds it"):
        queued(second)


def test_a_full_disk_is_reported_and_keeps_earlier_data(tmp_path: Path) -> None:
    path = tmp_path / "small.db"
    raw = sqlite3.connect(path)
    raw.execute("CREATE TABLE t (x)")
    raw.execute("PRAGMA max_page_count = 2")
    with pytest.raises(StoreError, match=r"small.db: the disk is full; free some space"), readable_errors(path):
        raw.execute("INSERT INTO t VALUES (zeroblob(100000))")
    assert raw.execute("SELECT count(*) FROM t").fetchone() == (0,)


def test_paths_with_odd_characters(tmp_path: Path) -> None:
    path = tmp_path / "a?b=c #%20&ü.db"
    with Store.open(path) as store:
        queued(store, "x")
    assert path.exists()
    with Store.open(path, read_only=True) as store:
        assert store.runs.count() == 1
