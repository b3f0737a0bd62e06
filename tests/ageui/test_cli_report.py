"""`ageui report` as a person types it."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from store_rows import end, evaluated, running
from terminal import Terminal

from ageui.report.drawing import Drawing
from ageui.store import Store


@pytest.fixture
def plain(ageui: Terminal, store: Store, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal where the runs `plain` and `other` are scored on valid, and plots are empty."""
    monkeypatch.setattr("ageui.report.plots.draw", lambda name, inches, paint: Drawing(*inches, ""))
    for name in ("plain", "other"):
        run_id, attempt = running(store, name)
        with store.writing(run_id, attempt) as writer:
            writer.evaluated(evaluated(), "apparent", "faces")
        end(store, run_id, attempt)
    return ageui


def test_a_page_is_named_after_its_run_and_told(plain: Terminal) -> None:
    done = plain("report", "plain")
    assert (done.code, done.out, done.err) == (0, "run-1.html\n", "")
    assert Path("run-1.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>\n")
    assert not list(Path().glob(".*.part"))


def test_several_runs(plain: Terminal) -> None:
    assert plain("report", "other", "status=done").out == "runs-2-1.html\n"
    page = Path("runs-2-1.html").read_text(encoding="utf-8")
    assert page.index(">Comparison<") < page.index("<h2>other</h2>") < page.index("<h2>plain</h2>")


def test_markdown_with_its_folder(plain: Terminal) -> None:
    assert plain("report", "plain", "-o", "my report.md").code == 0
    text = Path("my report.md").read_text(encoding="utf-8")
    assert "](my%20report_files/run-1-groups.svg)" in text
    assert [path.name for path in Path("my report_files").iterdir()] != []


def test_reports_are_private(plain: Terminal) -> None:
    Path("old.md").touch(0o644)
    Path("old_files").mkdir(0o755)
    for path in ("page.html", "report.md", "old.md"):
        assert plain("report", "plain", "-o", path, "--force").code == 0
    written = [path for path in Path().rglob("*") if path.suffix in (".html", ".md", ".svg")]
    assert len(written) > 3
    assert {path.stat().st_mode & 0o777 for path in written} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in Path().glob("*_files")} == {0o700}


def test_what_is_there_is_replaced_only_by_force(plain: Terminal) -> None:
    Path("taken.html").write_text("mine")
    Path("kept_files").mkdir()
    for name in ("taken.html", "kept.md"):
        refused = plain("report", "plain", "--out", name)
        assert refused.code == 2
        assert "exists; choose another name, or replace it with --force" in refused.err
    assert Path("taken.html").read_text() == "mine"
    assert not Path("kept.md").exists()
    assert plain("report", "plain", "--out", "taken.html", "--force").code == 0
    assert plain("report", "plain", "--out", "kept.md", "--force").code == 0
    assert Path("taken.html").read_text(encoding="utf-8") != "mine"


def _all_of(descriptor: int) -> str:
    with open(descriptor, encoding="utf-8") as stream:
        return stream.read()


def test_a_page_may_go_through_a_pipe_and_markdown_with_its_folder_may_not(plain: Terminal) -> None:
    out, into = os.pipe()
    refused = plain("report", "plain", "--format", "md", "--out", f"/dev/fd/{into}")
    assert (refused.code, "exists; choose another name" in refused.err) == (2, True)
    with ThreadPoolExecutor(1) as reader:
        page = reader.submit(_all_of, out)
        done = plain("report", "plain", "--format", "html", "--out", f"/dev/fd/{into}")
        os.close(into)
        assert page.result().startswith("<!DOCTYPE html>")
    assert (done.code, done.out) == (0, "")


def test_plots_that_a_report_no_longer_has_go_with_the_one_before(plain: Terminal) -> None:
    assert plain("report", "plain", "other", "-o", "r.md").code == 0
    folder = Path("r_files")
    before = {path.name for path in folder.iterdir()}
    assert {"comparison.svg", "run-1-groups.svg", "run-2-groups.svg"} <= before
    mine = {"mine.svg", "run-1-groups.txt", "my-run-1-groups.svg"}
    for name in mine:
        (folder / name).write_text("mine")
    assert plain("report", "other", "-o", "r.md", "--force").code == 0
    left = {path.name for path in folder.iterdir()}
    assert left == mine | {name for name in before if name.startswith("run-2-")}
    assert all((folder / name).read_text() == "mine" for name in mine)


def test_a_failed_write_is_explained(plain: Terminal) -> None:
    Path("kept_files").write_text("a file where the folder belongs")
    done = plain("report", "plain", "--out", "kept.md", "--force")
    assert done.code == 3
    assert "cannot be written: File exists" in done.err
    assert not Path("kept.md").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nobody"], "run 'nobody' does not exist; list the runs with: ageui ls"),
        (["plain", "nobody"], "run 'nobody' does not exist"),
        (["plain", "--split", "test"], "none of these runs has scores on test; choose one of valid"),
        (["plain", "--split", "exam"], "unknown split 'exam'"),
        (["plain", "--out", "x.pdf"], "end the name in .html or .md, or add --format html"),
        (["plain", "--format", "pdf"], "choose html or md"),
        (["plain", "--out", "nowhere/x.html"], "does not exist; make it first"),
    ],
)
def test_a_wrong_input_gets_a_message_and_writes_nothing(plain: Terminal, arguments: Sequence[str], said: str) -> None:
    before = set(Path().iterdir())
    done = plain("report", *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert {path for path in Path().iterdir() if path.suffix != ".db-shm"} <= before


def test_a_format_may_be_said(plain: Terminal) -> None:
    assert plain("report", "plain", "--format", "md").out == "run-1.md\n"
    assert plain("report", "plain", "--format", "html", "--out", "page.txt").code == 0
    assert Path("page.txt").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
