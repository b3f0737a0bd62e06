"""`ageui explain`: the page on a terminal and in a pipe, and that it leaves no mark of a table unexplained."""

import re

import pytest
from rich.text import Text
from terminal import Terminal

from ageui.cli.explain import FOLDER, PAGES
from ageui.compare.comparison_table import RANK
from ageui.present.figures import NOTHING
from ageui.present.marks import APART, BEST, EQUIVALENT, FRONT, NO_BETTER, NOISE, PUBLISHED, REAL


def test_a_page_in_a_pipe_is_its_markdown(ageui: Terminal) -> None:
    done = ageui("explain", "bias")
    assert (done.code, done.err) == (0, "")
    assert done.out == (FOLDER / "bias.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_in_a_pipe_fits_100_columns_except_for_tables(page: str) -> None:
    lines = (FOLDER / f"{page}.md").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if len(line) > 100 and not line.startswith("|")] == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_on_a_terminal_is_laid_out_in_a_pager(
    ageui: Terminal, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("PAGER", "cat")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    shown = Text.from_ansi(ageui("explain", page).out).plain
    title = (FOLDER / f"{page}.md").read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
    assert title in shown
    assert not re.search(r"\(\w+\.md\)", shown)
    assert "**" not in shown
    assert "|---" not in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_without_a_page_the_manual_lists_its_pages(ageui: Terminal) -> None:
    assert re.findall(r"^- \*\*(\w+)\*\*: \S", ageui("explain").out, re.MULTILINE) == list(PAGES)
    assert {file.stem for file in FOLDER.glob("*.md")} == set(PAGES)


def test_every_mark_and_figure_has_its_line() -> None:
    page = (FOLDER / "bias.md").read_text(encoding="utf-8")
    marks = (BEST, NOISE, REAL, EQUIVALENT, NOTHING, APART, PUBLISHED, FRONT, NO_BETTER)
    names = (
        "± (n)",
        "MAE",
        "bias",
        "signed gap",
        "standardised",
        "CS@5",
        "slope",
        "constant",
        "detectable",
        "selected",
    )
    for mark in (*marks, RANK, *names):
        assert f"**{mark}**" in page, mark


def test_an_unknown_page_is_an_error_that_names_the_pages(ageui: Terminal) -> None:
    done = ageui("explain", "pixel")
    assert done.code == 2
    assert done.err == f"ageui: unknown page 'pixel'; choose one of {', '.join(PAGES)}\n"
    assert "unknown page 'dta'; did you mean 'data'? choose one of start, " in ageui("explain", "dta").err


def test_the_coverage_that_was_found_is_on_the_page() -> None:
    page = (FOLDER / "bias.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+) \|(?: +[\d.]+ \|)+$", page, re.MULTILINE)
    assert set(rows) == {"attribute", "age", "gender", "ethnicity", "expression"}
