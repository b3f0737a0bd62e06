"""The tables of one run, of figures that are not all finite."""

import math
from dataclasses import replace

import pytest
from compare_rows import bias, run, scores

from ageui.compare.run_tables import explanations, groups_table, scores_table
from ageui.present.wording import in_line
from engine.split_result import BiasResult, GapFigure, GroupResult

NAN_LAST = (GroupResult("a", 2, 4.0, 1.0), GroupResult("b", 2, 2.0, 1.0), GroupResult("c", 2, math.nan, math.nan))


@pytest.mark.parametrize("groups", [NAN_LAST, NAN_LAST[::-1]])
def test_the_groups_of_errors_that_are_not_finite_have_no_bar_and_are_the_worst(
    groups: tuple[GroupResult, ...],
) -> None:
    bias = BiasResult(math.nan, None, attribute="kind", groups=groups, signed_gap=GapFigure(math.nan))
    rows = {in_line(row[1]): [in_line(cell) for cell in row[3:]] for row in groups_table(scores(math.nan, bias)).rows}
    assert rows["c"] == ["NaN", "", "NaN", "  worst"]
    assert rows["a"][-1] == 2 * rows["b"][-1] == "▇" * 12
    assert rows["worst − best"][0] == "NaN"


def test_a_bias_that_could_not_be_tested_says_so_in_place_of_the_detectable_one() -> None:
    tested, lone = bias("gender", 0.5, p_value=0.01, detectable=0.25), replace(bias("age", 2.0), untested="too few")
    of_run = run(1, "one", scores(6.0, tested, lone))
    rows = [(in_line(row[0]).strip(), in_line(row[1])) for row in scores_table(of_run).rows]
    assert [text for name, text in rows if name == "detectable"] == ["0.25", "untested"]
    assert "no test of age on valid: too few" in explanations(of_run)
    assert any("signed gap: " in line for line in explanations(of_run))


@pytest.mark.parametrize(
    ("mae", "n", "why"),
    [(math.nan, 4, "an error is not finite"), (6.0, 1, "it has a single image"), (6.0, 4, "no predictions are stored")],
)
def test_why_there_are_no_intervals(mae: float, n: int, why: str) -> None:
    lines = explanations(run(1, "one", scores(mae, n=n)))
    assert f"valid: no intervals and tests, since {why}" in lines
