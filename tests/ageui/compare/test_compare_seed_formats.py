"""How every format shows means over seeds, and the MAE of groups."""

import csv
import io
import json
from typing import Any

from rich.console import Console

from ageui.compare import ComparedRow, Comparison, comparison_table, render_text
from ageui.compare.comparison import Group
from ageui.present.table import Cell, Difference, Spread
from ageui.present.terminal import Blocks
from engine.split_result import Interval


def _comparison() -> Comparison:
    real = Difference(-0.75, Interval(-1.0, -0.5), 0.001, 0.01)
    first = (Cell(6.25, interval=Interval(6.0, 6.5)), Cell(0.5), Cell(6.0, n=2))
    second = (
        Cell(5.5, spread=Spread(0.05, 5), best=True, difference=real),
        Cell(0.25, spread=Spread(0.1, 5), p_value=0.3),
        Cell(5.0, spread=Spread(0.25, 5), best=True, n=2),
    )
    rows = (
        ComparedRow("run", 1, "a", "done", {"seed": "1"}, 4, first, True, None, is_baseline=True, runs=(1,)),
        ComparedRow("run", None, "b +4", "done", {"seed": "1,2,3,4,5"}, 4, second, True, None, runs=(2, 3, 4, 5, 6)),
    )
    groups = {"gender male": Group("gender", "male", 2)}
    columns = ("mae", "gender", "gender male")
    return Comparison("valid", 4, columns, ("seed",), rows, "a", (), groups, folded=True, tests=6)


def test_text_formats_show_the_mean_with_deviation_and_number_of_seeds() -> None:
    comparison = _comparison()
    console = Console(width=100, file=io.StringIO(), force_terminal=False)
    console.print(Blocks(comparison_table(comparison), has_legend=True))
    assert isinstance(console.file, io.StringIO)
    table = console.file.getvalue()
    assert "±0.05 (n=5)" in table
    assert "± (n) mean and standard deviation over n seeds" in table
    assert "✔ the settings differ: p at most 0.05 over seeds and images, Holm's correction for 6 tests" in table
    assert "images of the groups: gender male 2" in table
    markdown = render_text(comparison, "md")
    assert (
        r"| b +4 | 1,2,3,4,5 | **5.50** ★ ±0.05 (n=5) (−0.75 ✔) | 0.25 \~ ±0.10 (n=5) | **5.00** ★ ±0.25 (n=5) |"
        in markdown
    )
    paper = render_text(comparison, "tex")
    assert (
        r"b +4 & 5 & \bfseries 5.50 & \scriptsize $\pm$0.05$^{\dagger}$ & 0.25 & \scriptsize $\pm$0.10$^{\sim}$"
        in paper
    )
    assert "4 faces. 1 to 5 seeds per setting." in paper
    assert "<strong>5.50</strong> ★ <small>±0.05 (n=5)</small>" in render_text(comparison, "html")


def test_data_formats_have_deviation_and_number_of_seeds_as_figures() -> None:
    comparison = _comparison()
    first, second = csv.DictReader(io.StringIO(render_text(comparison, "csv")))
    assert (first["mae_std"], first["mae_seeds"], first["id"]) == ("", "", "1")
    assert (second["mae_std"], second["mae_seeds"], second["id"]) == ("0.05", "5", "2 3 4 5 6")
    assert (second["gender_bias_std"], second["gender male_mae"], second["gender male_mae_std"]) == (
        "0.1",
        "5.0",
        "0.25",
    )
    row: dict[str, Any] = json.loads(render_text(comparison, "json"))["rows"][1]
    assert (row["id"], row["runs"]) == (None, [2, 3, 4, 5, 6])
    assert row["spread"] == {"mae": {"std": 0.05, "n": 5}, "gender": {"std": 0.1, "n": 5}}
    assert list(row["bias"]) == ["gender"]
    assert row["groups"] == [
        {
            "attribute": "gender",
            "group": "male",
            "n": 2,
            "mae": 5.0,
            "interval": None,
            "spread": {"std": 0.25, "n": 5},
            "best": True,
            "difference": None,
        }
    ]
