"""runs.db opened for reading only: on a full disk, in a folder that cannot be written, with an older schema."""

import shutil
import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from store_rows import queued

from ageui.store import Store, connect
from ageui.store.migrations import MIGRATIONS
from ageui.store.other_databases import is_example
from ageui.store.sqlite import driver
from engine.errors import StoreError

SCHEMAS = Path(__file__).parent / "schemas"


def test_reading_only_refuses_to_write(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    with Store.open(path) as store:
        queued(store, "kept")
    with Store.open(path, read_only=True) as store:
        assert [row.name for row in store.runs.search()] == ["kept"]
        with pytest.raises(StoreError, match="read-only"):
            queued(store)


def test_reading_works_where_side_files_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "runs.db"
    with Store.open(path) as store:
        queued(store, "kept")
    opened: list[str] = []
    real = driver().connect

    def cannot_make_side_files(target: str, **options: Any) -> Any:
        opened.append(target)
        # What SQLite says of a WAL database in a folder that cannot be written.
        return real(target if "immutable=1" in target else f"file:{tmp_path / 'absent'}?mode=ro", **options)

    monkeypatch.setattr(driver(), "connect", cannot_make_side_files)
    with Store.open(path, read_only=True) as store:
        assert [row.name for row in store.runs.search()] == ["kept"]
    assert "mode=ro" in opened[0]
    assert "immutable=1" in opened[-1]


def test_a_full_disk_is_read_without_writing_a_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "runs.db"
    with Store.open(path) as store:
        queued(store, "kept")
    before = {item: item.stat().st_mtime_ns for item in tmp_path.rglob("*")}
    monkeypatch.setattr("ageui.store.sqlite.shutil.disk_usage", lambda path: SimpleNamespace(free=4096))
    assert not is_example(path)
    with Store.open(path, read_only=True) as store:
        assert [row.name for row in store.runs.search()] == ["kept"]
        assert {item: item.stat().st_mtime_ns for item in tmp_path.rglob("*")} == before


@pytest.mark.parametrize("code", [sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_FULL])
def test_commits_in_a_log_that_cannot_be_read_are_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    path = tmp_path / "runs.db"
    Store.open(path).close()
    opened: list[str] = []

    def fail(target: str, **options: Any) -> Any:
        opened.append(target)
        error = driver().OperationalError("disk I/O error")
        error.sqlite_errorcode = code
        raise error

    monkeypatch.setattr(driver(), "connect", fail)
    path.with_name("runs.db-wal").write_bytes(b"commits")
    with pytest.raises(StoreError, match="disk"):
        Store.open(path, read_only=True)
    assert not any("immutable" in target for target in opened)


def test_an_older_schema_where_nothing_can_be_written_is_refused_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "runs.db"
    shutil.copyfile(SCHEMAS / "v1.db", path)
    monkeypatch.setattr(connect.os, "access", lambda item, mode: item != tmp_path)
    with pytest.raises(
        StoreError,
        match=rf"runs.db has schema 1 .* schema {len(MIGRATIONS)}, but {tmp_path} cannot be written.*copy",
    ):
        Store.open(path, read_only=True)
    assert not path.with_name("runs.db.schema1").exists()
    assert sqlite3.connect(path).execute("PRAGMA user_version").fetchone() == (1,)
