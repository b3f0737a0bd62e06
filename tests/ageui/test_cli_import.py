"""`ageui db import` and `ageui rm`, as a person types them."""

from pathlib import Path

import pytest
from store_rows import end, evaluated, queued, running
from terminal import Terminal

from ageui.store import Store


def _scored(path: Path, *names: str) -> None:
    path.parent.mkdir(exist_ok=True)
    with Store.open(path) as store:
        for name in names:
            run_id, attempt = running(store, name)
            with store.writing(run_id, attempt) as writer:
                writer.evaluated(evaluated("valid"), "apparent", "synthetic")
            end(store, run_id, attempt)


def test_an_import_says_what_it_did_and_a_dry_run_what_it_would_do(ageui: Terminal) -> None:
    other = ageui.folder / "other" / "runs.db"
    _scored(other, "far", "near")
    first = ageui("db", "import", "other/runs.db", "--dry-run")
    assert (first.code, first.err) == (0, "2 runs to import: far, near\n")
    assert [path.name for path in ageui.folder.iterdir()] == ["other"]
    _scored(ageui.folder / "runs.db", "near")
    with Store.open(other) as store:
        queued(store, "waiting")

    assert "2 runs to import: far, near\n" in ageui("db", "import", "other/runs.db", "--dry-run").err
    assert len(ageui("ls", "--json").json) == 1
    done = ageui("db", "import", "other/runs.db")
    assert done.code == 0
    assert "2 runs imported: far, near\n" in done.err
    assert "1 run skipped: still queued or running: waiting" in done.err
    assert "renamed near to near-2, because another run has its name" in done.err
    again = ageui("db", "import", "other/runs.db", "--where", "far", "--json")
    assert (again.json["stored"], again.json["runs"]) == (["far"], [])
    assert "0 runs imported\n1 run skipped: already in this database" in again.err


@pytest.mark.parametrize(
    ("other", "code", "said"),
    [
        ("nowhere.db", 2, "does not exist"),
        (".", 2, "is a folder; give the path of the database in it, such as runs.db"),
        ("runs.db", 2, "is the database that you import into"),
        ("text.db", 5, "it is not a database"),
    ],
)
def test_what_cannot_be_imported_is_named(ageui: Terminal, other: str, code: int, said: str) -> None:
    _scored(ageui.folder / "runs.db", "near")
    (ageui.folder / "text.db").write_text("hello " * 200)
    done = ageui("db", "import", other)
    assert (done.code, said in done.err) == (code, True), done.err


def test_several_filters_are_refused_since_each_would_delete_runs(ageui: Terminal) -> None:
    _scored(ageui.folder / "runs.db", "far", "near")
    refused = ageui("rm", "name=far", "status=done", "--yes")
    assert refused.code == 2
    assert "quote them as one filter: 'name=far status=done'" in refused.err
    assert len(ageui("ls", "--json").json) == 2
    assert "1 run deleted" in ageui("rm", "name=far status=done", "--yes").err


def test_a_filter_that_matches_no_run_is_called_a_filter(ageui: Terminal) -> None:
    _scored(ageui.folder / "runs.db", "far")
    done = ageui("cancel", "status=queued")
    assert (done.code, "no run matches 'status=queued'" in done.err) == (2, True), done.err


def test_runs_are_deleted_after_a_question_that_names_them(ageui: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    _scored(ageui.folder / "runs.db", "far", "near", "here")
    refused = ageui("rm", "far", "near")
    assert refused.code == 2
    assert "Delete 2 runs (far, near)" in refused.err
    assert "confirm with --yes" in refused.err

    answers = iter((False, True))
    monkeypatch.setattr("ageui.cli.remove._is_terminal", lambda: True)
    monkeypatch.setattr("typer.confirm", lambda question, err: next(answers))
    assert ageui("rm", "far").code == 1
    assert len(ageui("ls", "--json").json) == 3
    assert "1 run deleted" in ageui("rm", "far").err

    done = ageui("rm", "near", "--predictions", "--yes")
    assert (done.code, "predictions of 1 run deleted; the scores stay" in done.err) == (0, True)
    assert ageui("show", "near", "--json").json["results"][0]["mae"] == 6.0
    assert "no predictions" in ageui("rm", "near", "--predictions", "--yes").err
    assert [row["name"] for row in ageui("ls", "--json").json] == ["here", "near"]
    missing = ageui("rm", "misspelt", "--yes")
    assert (missing.code, "does not exist" in missing.err) == (2, True)
