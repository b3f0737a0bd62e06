"""The plot of a comparison: what is on it, equal bytes, and nothing of the machine in the file."""

import math
import re
import subprocess
import sys
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from ageui.compare import ComparedRow, Comparison
from ageui.present.table import Cell, Spread
from ageui.report.comparison_plot import comparison_plot
from engine.errors import ConfigError
from engine.split_result import Interval


def _row(kind: str, name: str, mae: float | None, age: float | None, **changes: object) -> ComparedRow:
    cells = (Cell(mae, interval=Interval(5.0, 8.0)), Cell(age, spread=Spread(0.5, 3)))
    runs = () if kind == "constant" else (1,)
    is_run, status = kind == "run", "published" if kind == "published" else "done"
    row = ComparedRow(
        kind, 1, name, status, {"lr": "0.1", "loss": "mse"}, 4, cells, is_run, None, runs=runs, label=name
    )  # type: ignore[arg-type]
    return replace(row, **changes)  # type: ignore[arg-type]


ROWS = (
    _row("run", "first", 6.0, 2.0),
    _row("run", "second <b>&$x_$", 7.0, 1.0),
    _row("run", "third", 7.5, 3.0, settings={"lr": "0.2", "loss": "mape"}),
    _row("run", "unscored", None, 3.0),
    _row("published", "report", 5.0, 0.5),
    _row("constant", "constant 30", 12.0, 9.0),
)
COMPARISON = Comparison("valid", 4, ("mae", "age"), ("lr", "loss"), ROWS, None, ())


def _texts(content: bytes) -> list[str]:
    return [node.text or "" for node in ElementTree.fromstring(content).iter() if node.tag.endswith("text")]


def test_runs_and_published_rows_are_points_with_names_and_the_front_is_drawn() -> None:
    texts = _texts(comparison_plot(COMPARISON, "svg"))
    assert {"first", "second <b>&$x_$", "third", "report", "age bias, years", "MAE, years"} <= set(texts)
    assert {"Pareto front", "run on the front", "run", "published"} <= set(texts)
    assert not {"unscored", "constant 30"} & set(texts)


def test_any_figure_and_any_field_of_numbers_is_an_axis() -> None:
    assert {"lr", "age bias, years"} <= set(_texts(comparison_plot(COMPARISON, "svg", "lr, age")))


def test_a_name_that_xml_cannot_hold_leaves_a_whole_file() -> None:
    assert "a\ufffd" in _texts(comparison_plot(replace(COMPARISON, rows=(_row("run", "a\uffff", 6.0, 2.0),)), "svg"))


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ("mae", "name two figures or fields, as in mae,gender"),
        ("mae,agge", "unknown figure or field 'agge'; choose one of mae, age, n, lr, loss"),
        ("loss,mae", "loss holds words"),
    ],
)
def test_other_axes_are_refused(axes: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        comparison_plot(COMPARISON, "svg", axes)


def test_without_a_row_of_both_values_nothing_is_drawn() -> None:
    rows = (_row("run", "a", math.nan, 1.0),)
    with pytest.raises(ConfigError, match="no row has both MAE and age bias"):
        comparison_plot(replace(COMPARISON, rows=rows), "pdf")


def test_equal_comparisons_give_equal_files_without_dates_and_programs() -> None:
    for format in ("svg", "pdf"):
        content = comparison_plot(COMPARISON, format)
        assert content == comparison_plot(COMPARISON, format)
        assert not re.search(rb"Date|Producer|Creator|atplotlib|/home|/root|/tmp", content)
    assert content.startswith(b"%PDF")
    assert b"/FontFile2" in content, "its fonts are inside"


def test_a_plot_is_the_same_in_another_process() -> None:
    program = (
        "import sys; sys.path[:0] = sys.argv[1:]; import test_comparison_plot as t; import hashlib;"
        "print(hashlib.sha256(t.comparison_plot(t.COMPARISON, 'pdf')).hexdigest())"
    )
    folder = __file__.rpartition("/")[0]
    found = {
        subprocess.run(
            [sys.executable, "-c", program, folder, *sys.path],
            capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in "12"
    }  # fmt: skip
    assert len(found) == 1
