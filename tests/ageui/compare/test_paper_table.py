"""The table of a paper: as many cells a row as columns, whatever the names; numbers that an S column can read."""

import re
from dataclasses import replace

import pytest

from ageui.compare import ComparedRow, Comparison, render_text
from ageui.compare.paper_table import caption
from ageui.present.table import Cell, Difference, Spread
from engine.split_result import Interval

NUMBER = re.compile(r"(\\bfseries )?[+-]?\d+\.\d+|\{---\}|\{NaN\}")
SPREAD = Spread(0.25, 3)
HOSTILE = ["plain", "a & b \\\\ c", "$x_^%&#{}~\\", "[2pt]", "*a", "\\input{/etc/passwd}", "a\nb", "\x1b[2J\u202eb"]


def _comparison(name: str = "plain") -> Comparison:
    signed, group = Cell(0.5), Cell(7.0)
    real = Difference(-0.75, Interval(-1.0, -0.5), 0.001, 0.002)
    first = (Cell(10.25, spread=SPREAD), Cell(0.5, spread=SPREAD, p_value=0.5), signed, group)
    second = (Cell(9.5, spread=SPREAD, best=True, difference=real), Cell(float("nan")), signed, group)
    published = (Cell(9.0), Cell(0.5), Cell(None), Cell(None))
    rows = (
        ComparedRow(
            "run", None, "a +2", "done", {"loss": "mse"}, 40, first, True, None, True, runs=(1, 2, 3), label="mse"
        ),
        ComparedRow("run", None, "b +2", "done", {}, 40, second, True, None, runs=(4, 5, 6), on_front=True, label=name),
        ComparedRow("published", 7, "p", "published", {}, None, published, False, "from the report"),
    )
    columns = ("mae", "gender", "gender_signed", "gender male")
    return Comparison(
        "test", 40, columns, ("loss",), rows, "a +2", ("a note",), {"gender male": None}, folded=True, tests=2,
        further_tests=7, further=("gender_signed",), data="faces",
    )  # type: ignore[arg-type]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_every_row_has_a_cell_per_column_and_figures_are_numbers(name: str) -> None:
    text = render_text(_comparison(name), "tex")
    body = text.split("\\midrule\n")[1].split("\n\\bottomrule")[0].splitlines()
    rows = [re.split(r"(?<!\\) & ", line.removesuffix(r" \\")) for line in body]
    assert [len(row) for row in rows] == [5, 5, 5]
    assert all(NUMBER.fullmatch(cell) for row in rows for cell in row[1::2])
    assert not any(cell.startswith(("[", "*")) for cell, *_ in rows), "a line break takes what follows it"
    assert r"\input{" not in text
    assert "\x1b" not in text


def test_marks_are_raised_and_explained() -> None:
    text = render_text(_comparison(), "tex")
    assert r"\bfseries 9.50 & \scriptsize $\pm$0.25$^{\dagger}$" in text
    assert r"p$^{\blacklozenge}$ & 9.00 &  & 0.50 & " in text
    assert r"plain$^{\diamond}$ & \bfseries 9.50 & " in text
    assert (
        r"$^{\dagger}$ differs from mse: p at most 0.05 over seeds and images, Holm's correction for 2 tests\par"
        in text
    )
    assert r"$^{\blacklozenge}$ from the report\par" in text
    assert "signed" not in text
    assert "S[table-format=2.2]" in text
    assert "% a note\n" in text


def test_the_caption_names_data_split_faces_and_seeds() -> None:
    assert caption(_comparison()) == (
        "MAE and biases in years; lower is better. Data: faces, test split, 40 faces. 3 seeds per setting."
    )
    assert caption(replace(_comparison(), split=None, n=None)) == "MAE and biases in years; lower is better."


def test_seeds_have_a_column_only_where_their_numbers_differ() -> None:
    assert "setting & \\multicolumn" in render_text(_comparison(), "tex")
    first, second, published = _comparison().rows
    fewer = replace(first, cells=(replace(first.cells[0], spread=Spread(0.25, 2)), *first.cells[1:]))
    text = render_text(replace(_comparison(), rows=(fewer, second, published)), "tex")
    assert "2 to 3 seeds per setting" in text
    assert "setting & seeds & " in text
    assert "mse (baseline) & 2 & " in text
    assert r"p$^{\blacklozenge}$ &  & 9.00 & " in text


def test_an_interval_beside_deviations_is_said_to_be_one() -> None:
    constant = ComparedRow("constant", None, "constant 30", "baseline", {}, 40, (Cell(11.0, interval=Interval(10, 12)),
        Cell(2.0), Cell(None), Cell(None)), True, None)  # fmt: skip
    text = render_text(replace(_comparison(), rows=(*_comparison().rows, constant)), "tex")
    assert r"standard deviation over seeds; for an MAE without one, half the width of its 95\% bootstrap" in text


def test_a_long_setting_is_wrapped() -> None:
    assert r"p{0.3\linewidth}" in render_text(_comparison("x" * 40), "tex")
    assert r"p{0.3\linewidth}" not in render_text(_comparison(), "tex")
