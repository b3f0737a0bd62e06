"""`ageui explain`: the page on a terminal and in a pipe, and that it leaves no mark of a table unexplained."""

import re

import pytest
from rich.text import Text
from terminal import Terminal

from ageui.cli.explain import PAGES, topics
from ageui.compare.comparison_table import RANK
from ageui.present.figures import NOTHING
from ageui.present.marks import APART, BEST, EQUIVALENT, FRONT, NO_BETTER, NOISE, PUBLISHED, REAL


def test_a_page_in_a_pipe_is_its_markdown(ageui: Terminal) -> None:
    done = ageui("explain", "bias")
    assert (done.code, done.err) == (0, "")
    assert done.out == (PAGES / "bias.md").read_text(encoding="utf-8")


def test_a_page_on_a_terminal_is_laid_out(ageui: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    shown = Text.from_ansi(ageui("explain", "bias").out).plain
    assert "**" not in shown
    assert "|---" not in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_every_mark_and_figure_has_its_line() -> None:
    page = (PAGES / "bias.md").read_text(encoding="utf-8")
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


def test_an_unknown_topic_is_an_error_that_names_those_there_are(ageui: Terminal) -> None:
    done = ageui("explain", "pareto")
    assert done.code == 2
    assert done.err == f"ageui: there is no page about 'pareto'; choose one of: {', '.join(topics())}\n"


def test_help_names_every_topic(ageui: Terminal) -> None:
    found = re.search(r"page to print: ([\w, ]+)\.", ageui("explain", "--help").out)
    assert found is not None
    assert found[1].split(", ") == topics()


def test_the_coverage_that_was_found_is_on_the_page() -> None:
    page = (PAGES / "bias.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+) \|(?: +[\d.]+ \|)+$", page, re.MULTILINE)
    assert set(rows) == {"attribute", "age", "gender", "ethnicity", "expression"}
