"""Care for the database, as a person takes it."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from terminal import LONG, TINY, Terminal, stored_losses, wait_until


def test_care_for_the_database(queue: Terminal) -> None:
    assert queue("run", *TINY).code == 0
    checked = queue("db", "check", "--files")
    assert (checked.code, "1 run, no problem" in checked.out) == (0, True)
    assert queue("db", "files", "disk").code == 0
    assert queue("db", "files").out.strip() == str(queue.folder / "disk")
    assert not (queue.folder / "runs").exists()
    assert "epoch" in queue("logs", "1").out
    weights = queue.folder / "disk" / "1" / "weights-1.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert queue("db", "check").code == 0
    damaged = queue("db", "check", "--files")
    assert damaged.code == 5
    assert "SHA-256 differs" in damaged.out
    weights.write_bytes(content[:-1])
    assert "bytes instead of" in queue("db", "check").out
    weights.unlink()
    assert queue("db", "check", "--json").json["problems"] == [f"run 1: {weights} is missing"]

    assert queue("db", "backup", "copy.db").code == 0
    assert queue("db", "backup", "copy.db").code == 2
    assert queue("db", "backup", "copy.db", "--force").code == 0
    assert queue("ls", "--db", "copy.db", "--json").json[0]["status"] == "done"
    assert queue("db", "backup", "no/where.db").code == 2
    (queue.folder / "link.db").symlink_to("runs.db")
    for name in ("runs.db", "./runs.db", "runs.db-wal", "runs.db-shm", "link.db"):
        refused = queue("db", "backup", name, "--force")
        assert (refused.code, "is the database itself" in refused.err) == (2, True), name
    assert queue("ls", "--json").json[0]["status"] == "done"
    assert "MB before" in queue("db", "vacuum").err


def test_pruning_says_what_it_would_free_and_keeps_what_can_go_on(
    queue: Terminal, wait_for_stop: Callable[..., None]
) -> None:
    wait_for_stop(1, 2)
    for name in ("kept", "gone"):
        queue("run", *LONG, "--seed", str(len(name) * len(name[0])), "--detach", "--name", name, "--tag", name)
    wait_until(lambda: len(stored_losses(1)) > 2)
    queue("pause", "kept")
    wait_until(lambda: len(stored_losses(2)) > 2)
    queue("cancel", "gone")
    stray = queue.folder / "runs" / "2" / "state-9-1.9.pt"
    stray.write_bytes(b"x" * 1000)
    listed = queue("db", "prune", "--json").json
    assert {Path(file["path"]).parent.name for file in listed["files"]} == {"2"}
    assert listed["bytes"] > 1000
    assert listed["freed"] == 0
    assert stray.exists()
    assert "can be freed" in queue("db", "prune").out
    assert queue("db", "prune", "--yes", "--json").json["freed"] == listed["bytes"]
    assert not stray.exists()
    assert "no unneeded files" in queue("db", "prune").out
    assert [file["kind"] for file in queue("show", "kept", "--json").json["checkpoints"]].count("state") >= 1
    assert "state" not in [file["kind"] for file in queue("show", "gone", "--json").json["checkpoints"]]
    assert queue("db", "check").code == 0


def test_the_doctor_says_which_sqlite_is_used(ageui: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    from ageui.store import sqlite

    found = {finding["topic"]: finding for finding in ageui("doctor", "--json").json}
    assert found["sqlite"]["well"] == sqlite.is_safe(sqlite.driver().sqlite_version_info)
    monkeypatch.setattr(sqlite, "_pysqlite3", lambda: None)
    monkeypatch.setattr(sqlite, "is_safe", lambda version: False)
    sqlite.driver.cache_clear()
    done = ageui("doctor")
    sqlite.driver.cache_clear()
    assert done.code == 1
    assert f"PROBLEM  sqlite    {sqlite3.sqlite_version} (sqlite3); it may lose commits" in done.out


def test_the_folder_of_files_is_chosen_once_and_after_the_command(ageui: Terminal) -> None:
    start = ("worker", "start", "--device", "cuda:9")
    assert ageui(*start, "--files", "elsewhere").code == 4
    assert (ageui.folder / "elsewhere" / "database.json").exists()
    assert not (ageui.folder / "runs").exists()
    other = ageui(*start, "--files", "another")
    assert (other.code, "not there; omit --files, or move them" in other.err) == (2, True)
    misplaced = ageui("--files", "elsewhere", "ls")
    assert (misplaced.code, "place it after the command" in misplaced.err) == (2, True)
