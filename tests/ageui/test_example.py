"""The runs.db that comes with the repository is an example: it is read as it is, and changed only in a copy."""

import hashlib
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from terminal import Terminal

from ageui.files.database_path import database_path
from ageui.store import Store
from ageui.store.example import opened_path
from ageui.store.migrations import MIGRATIONS
from ageui.store.other_databases import is_example, uuid_of
from ageui.store.sqlite import driver
from ageui.tui.launch import open_store
from engine.errors import StoreError

ROOT = Path(__file__).parents[2]
SAID = "runs.db is a shipped example and never changes; using its copy runs.local.db instead\n"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def clone(ageui: Terminal) -> Terminal:
    """A terminal in a folder with the shipped database."""
    shutil.copy(ROOT / "runs.db", "runs.db")
    return ageui


def _ask(path: Path, statement: str) -> Any:
    with closing(driver().connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return connection.execute(statement).fetchone()[0]


def test_a_wide_list_of_studies_says_what_was_measured_on(clone: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    table = clone("study", "list").out
    (final,) = (line for line in table.splitlines() if line.startswith("final "))
    assert final.endswith("appa-real · 224 px · resnet50-v1@layer3 · 60 epochs")
    assert "too narrow for shows" in table


def test_the_shipped_database_is_a_marked_example_of_the_newest_schema_that_nothing_needs_to_change() -> None:
    shipped = ROOT / "runs.db"
    assert is_example(shipped)
    assert _ask(shipped, "PRAGMA user_version") == len(MIGRATIONS)
    assert _ask(shipped, "PRAGMA journal_mode") == "delete"
    assert _ask(shipped, "SELECT count(*) FROM run WHERE status NOT IN ('done', 'diverged')") == 0
    assert _ask(shipped, "SELECT files IS NULL FROM database") == 1
    with Store.open(shipped, read_only=True) as store:
        assert store.rescoring.remaining() == 0


def test_commands_that_read_leave_no_trace(clone: Terminal) -> None:
    before = _digest(Path("runs.db"))
    with Store.open(Path("runs.db"), read_only=True) as store:
        run = store.runs.ids("source=measured")[0]
    for command in (
        ("ls",),
        ("show", str(run)),
        ("queue",),
        ("db", "check"),
        ("data", "list"),
        ("study", "list"),
        ("ls", "--db", "runs.db"),
    ):
        done = clone(*command)
        assert (done.code, "runs.local" in done.err) == (0, False), (command, done.err)
    assert {path.name for path in Path().iterdir()} == {"runs.db"}
    assert _digest(Path("runs.db")) == before


def test_no_result_of_the_example_is_scored_again(clone: Terminal) -> None:
    with closing(driver().connect("runs.db")) as raw:
        raw.execute("UPDATE result SET statistics = 0")
        raw.commit()
    assert "scored again" not in clone("ls").err
    assert [path.name for path in Path().iterdir()] == ["runs.db"]


def test_the_first_change_goes_to_a_copy_that_is_found_from_then_on(clone: Terminal) -> None:
    before, shipped = _digest(Path("runs.db")), len(clone("ls", "--limit", "1000", "--json").json)
    first = clone("rm", "1", "--yes")
    assert (first.code, first.err.count(SAID)) == (0, 1)
    assert len(clone("ls", "--limit", "1000", "--json").json) == shipped - 1
    second = clone("rm", "2", "--yes")
    assert (second.code, SAID in second.err) == (0, False)
    named = clone("rm", "3", "--yes", "--db", "runs.db")
    assert (named.code, SAID in named.err) == (0, True)
    assert len(clone("ls", "--limit", "1000", "--json", "--db", "runs.db").json) == shipped - 3
    assert _digest(Path("runs.db")) == before
    assert uuid_of(Path("runs.local.db").resolve()) != uuid_of(Path("runs.db").resolve())
    assert not is_example(Path("runs.local.db"))
    with Store.open(Path("runs.local.db")) as store:
        assert store.folder == Path("runs.local").resolve()
        assert store.problems() == []


def test_the_application_and_a_worker_change_the_copy(clone: Terminal) -> None:
    for open_it in (open_store, Store.open):
        with open_it(Path("runs.db")) as store:
            assert store.path == Path("runs.local.db").resolve()
            store.edits.set_note(1, "mine")
    with Store.open(Path("runs.db"), read_only=True) as store:
        assert store.runs.get(1).note != "mine"


def test_changes_of_the_example_at_once_go_to_one_copy(clone: Terminal) -> None:
    def change(number: int) -> None:
        with Store.open(Path("runs.db")) as store:
            store.edits.set_note(number, "mine")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(change, range(1, 9)))
    with Store.open(Path("runs.local.db"), read_only=True) as store:
        assert [store.runs.get(number).note for number in range(1, 9)] == ["mine"] * 8


def test_a_copy_that_cannot_be_made_leaves_nothing_and_can_be_made_later(
    clone: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("ageui.store.example.os.replace", full)
        with pytest.raises(StoreError, match="No space left on device"):
            opened_path(Path("runs.db"), to_change=True)
    assert not Path("runs.local.db").exists()
    assert opened_path(Path("runs.db"), to_change=True).exists()
    assert not list(Path().glob(".runs.local*"))


def test_a_folder_that_cannot_be_written_is_said_with_the_cure(
    clone: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ageui.store.example.os.access", lambda path, mode: False)
    refused = clone("pause")
    assert refused.code == 5
    assert "runs.db is a shipped example" in refused.err
    assert "ageui db backup FOLDER/runs.db, then choose the copy with --db" in refused.err
    assert [path.name for path in Path().iterdir()] == ["runs.db"]


def test_other_databases_are_used_as_ever(ageui: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    Store.open(Path("runs.db")).close()
    assert ageui("data", "list").err == ""
    assert database_path() == Path("runs.db")
    Path("runs.local.db").touch()
    assert database_path(Path("other.db")) == Path("other.db")
    monkeypatch.setenv("AGEUI_DB", "runs.db")
    assert database_path() == Path("runs.db")
    assert opened_path(Path("runs.db"), to_change=True) == Path("runs.db").resolve()


@pytest.mark.process
@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no clone")
@pytest.mark.parametrize("name", ["runs.local.db", "runs.local.db-wal", "runs.local.db.lock", "runs.local/1/log.1.txt"])
def test_git_ignores_the_copy_and_its_files(name: str) -> None:
    assert subprocess.run(["git", "check-ignore", "-q", name], cwd=ROOT, check=False).returncode == 0
