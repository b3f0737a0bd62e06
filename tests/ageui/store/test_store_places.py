"""Where a database may lie, and which SQLite opens it."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ageui.store import Store, filesystems, sqlite
from engine.errors import StoreError


def _mounts(tmp_path: Path, *lines: str) -> Path:
    file = tmp_path / "mountinfo"
    file.write_text("\n".join(("22 1 254:0 / / rw - ext4 /dev/vda rw", *lines)) + "\n")
    return file


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "9p", "lustre"])
@pytest.mark.parametrize("read_only", [True, False])
def test_a_network_file_system_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, read_only: bool
) -> None:
    share = tmp_path / "my share"
    share.mkdir()
    mounts = _mounts(tmp_path, rf"40 22 0:40 / {tmp_path}/my\040share rw,nosuid - {kind} server:/home rw")
    monkeypatch.setattr(filesystems, "MOUNTS", mounts)
    Store.open(tmp_path / "runs.db").close()
    shutil.copyfile(tmp_path / "runs.db", share / "runs.db")
    with pytest.raises(StoreError, match=rf"network file system \({kind}\).*choose a --db on a local disk"):
        Store.open(share / "runs.db", read_only=read_only)
    assert not list(share.glob("*.lock"))


def test_a_later_mount_on_a_network_folder_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = _mounts(
        tmp_path, f"40 22 0:40 / {tmp_path} rw - nfs s:/ rw", f"41 40 0:41 / {tmp_path} rw - ext4 /dev/b rw"
    )
    monkeypatch.setattr(filesystems, "MOUNTS", mounts)
    assert filesystems.file_system(tmp_path / "not" / "there.db") == (tmp_path, "ext4")
    Store.open(tmp_path / "runs.db").close()


def test_a_machine_that_runs_from_the_network_may_keep_its_database_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text("22 1 0:20 / / rw - nfs server:/root rw\n")
    monkeypatch.setattr(filesystems, "MOUNTS", mounts)
    Store.open(tmp_path / "runs.db").close()


@pytest.mark.parametrize("read_only", [True, False])
def test_a_database_that_is_itself_a_mount_point_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read_only: bool
) -> None:
    path = tmp_path / "runs.db"
    Store.open(path).close()
    monkeypatch.setattr(filesystems, "MOUNTS", _mounts(tmp_path, f"40 22 0:40 /x {path} rw - ext4 /dev/vda rw"))
    with pytest.raises(StoreError, match=r"runs.db is a mount point.*mount its folder instead"):
        Store.open(path, read_only=read_only)


@pytest.mark.parametrize("read_only", [True, False])
def test_a_database_with_hard_links_is_refused_until_it_is_separated(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / "runs.db"
    Store.open(path).close()
    (tmp_path / "again.db").hardlink_to(path)
    for name in ("runs.db", "again.db"):
        with pytest.raises(
            StoreError, match=rf"{name} has 2 names \(hard links\).*cp {name} new.db && mv new.db {name}"
        ):
            Store.open(tmp_path / name, read_only=read_only)
    assert not list(tmp_path.glob("again.db-*"))
    shutil.copyfile(path, tmp_path / "new.db")
    (tmp_path / "new.db").replace(path)
    Store.open(path, read_only=read_only).close()


def test_all_names_of_a_database_share_its_files_and_locks(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "runs.db").touch()
    (tmp_path / "link.db").symlink_to(tmp_path / "disk" / "runs.db")
    (tmp_path / "folder").symlink_to(tmp_path / "disk")
    with Store.open(tmp_path / "link.db") as store, Store.open(tmp_path / "folder" / "runs.db") as other:
        assert store.path == other.path == tmp_path / "disk" / "runs.db"
        assert store.run_lock_file(1) == other.run_lock_file(1) == tmp_path / "disk" / "runs" / "1" / "lock"
    assert sorted(item.name for item in tmp_path.iterdir()) == ["disk", "folder", "link.db"]


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.db").symlink_to("b.db")
    (tmp_path / "b.db").symlink_to("a.db")
    with pytest.raises(StoreError, match=r"a.db cannot be found.*choose another file with --db"):
        Store.open(tmp_path / "a.db")


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 0), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 53, 4), True),
        ((4, 0, 0), True),
    ],
)
def test_which_sqlite_can_lose_commits(version: tuple[int, int, int], safe: bool) -> None:
    assert sqlite.is_safe(version) is safe


@pytest.mark.parametrize(("own", "newer", "chosen"), [
    ((3, 40, 1), (3, 53, 4), "newer"), ((3, 53, 0), (3, 53, 4), "own"), ((3, 40, 1), (3, 50, 1), "own"),
    ((3, 40, 1), None, "own"),
])  # fmt: skip
def test_a_newer_sqlite_is_used_where_pythons_own_is_not_safe(
    own: tuple[int, int, int], newer: Any, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = None if newer is None else SimpleNamespace(sqlite_version_info=newer)
    monkeypatch.setattr(sqlite, "sqlite3", SimpleNamespace(sqlite_version_info=own))
    monkeypatch.setattr(sqlite, "_pysqlite3", lambda: other)
    sqlite.driver.cache_clear()
    try:
        assert sqlite.driver() is (other if chosen == "newer" else sqlite.sqlite3)
    finally:
        sqlite.driver.cache_clear()
