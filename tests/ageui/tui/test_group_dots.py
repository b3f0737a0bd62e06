"""The groups of a split or an epoch as dots, in whatever room there is."""

import dataclasses
import math

import pytest
from store_rows import epoch_scores, evaluated

from ageui.store import SplitScores
from ageui.tui.widgets.group_dots import GroupErrors, group_lines
from engine.split_result import GroupResult


def scores_of(*groups: tuple[str, float | None], gender: float | None = 0.5) -> SplitScores:
    result = evaluated(gender=gender).result
    (bias,) = result.biases
    if groups:
        bias = dataclasses.replace(bias, groups=tuple(GroupResult(name, 1316, mae, 0.0) for name, mae in groups))
    return SplitScores("valid", "hash", "apparent", "faces", dataclasses.replace(result, biases=(bias,)))


def lines_of(scores: SplitScores, width: int) -> list[str]:
    return [line.rstrip() for line in group_lines(GroupErrors(scores), width).plain.split("\n")]


@pytest.mark.parametrize("width", [30, 36, 44, 80])
def test_the_largest_error_is_named_by_a_word(width: int) -> None:
    lines = lines_of(scores_of(("caucasian", 10.0), ("[/] happy", 5.0), ("名前" * 9, None)), width)
    assert max(map(len, lines)) <= width
    caucasian, happy, unknown = lines[-3:]
    assert "10.00 worst" in caucasian
    assert "worst" not in happy + unknown
    assert "[/] ha" in happy
    assert unknown.endswith("—")


def test_equal_errors_share_the_word_and_a_single_group_has_none() -> None:
    assert sum("worst" in line for line in lines_of(scores_of(("a", 5.0), ("b", 5.0)), 80)) == 2
    assert not any("worst" in line for line in lines_of(scores_of(("a", 5.0), ("b", None)), 80))
    for odd in (math.nan, math.inf):
        (worst,) = [line for line in lines_of(scores_of(("a", 5.0), ("b", odd), ("c", 6.0)), 80) if "worst" in line]
        assert worst.split()[0] == "b"


@pytest.mark.parametrize(
    ("width", "said"),
    [
        (30, "gender  0.50  0.25–0.75"),
        (50, "gender  0.50  0.25–0.75  detectable 0.38"),
        (100, "gender  0.50  0.25–0.75  detectable 0.38  signed gap 8.50~  0.00–9.50  detectable 8.75"),
    ],
)
def test_a_bias_is_shown_with_the_details_that_fit(width: int, said: str) -> None:
    heading = next(line for line in lines_of(scores_of(), width) if line.startswith("gender"))
    assert heading.replace("┊", "").rstrip() == said


def test_a_bias_that_is_undefined_says_why() -> None:
    assert any(line.startswith("gender  no image of other in valid") for line in lines_of(scores_of(gender=None), 80))


def test_groups_of_an_epoch_look_alike_without_intervals() -> None:
    axis, gender, male, female, age, young, old = group_lines(GroupErrors(epoch_scores(8.0)), 80).plain.split("\n")
    assert axis.startswith("┊ MAE 8.00")
    assert gender.startswith("gender  0.50")
    assert age.startswith("age  12.00")
    assert "8.25 worst" in female
    assert male.index("●") < male.index("┊")
    assert "●" in young
    assert old.rstrip().endswith("—")
