"""Average ranks and Pareto fronts against loops over all pairs, and what a comparison makes of them."""

import math
from itertools import product

import pytest
from compare_rows import bias, run, scores
from hypothesis import given
from hypothesis import strategies as st

from ageui.compare import ComparedRow, compare
from ageui.compare.ranking import average_ranks, pareto_front
from engine.split_result import Baseline

FIGURE = st.none() | st.sampled_from([0.0, 1.0, 1.5, 2.0, math.inf, math.nan])
ROWS = st.lists(st.lists(FIGURE, min_size=3, max_size=3), max_size=7)


def test_ties_share_the_mean_of_their_places() -> None:
    assert average_ranks([[1.0, 5.0], [2.0, 4.0], [2.0, 3.0], [9.0, 3.0]]) == [2.5, 2.75, 2.0, 2.75]
    assert average_ranks([[3.0], [3.0], [3.0]]) == [2.0, 2.0, 2.0]


def test_a_row_that_lacks_a_figure_counts_for_none() -> None:
    rows = [[1.0, 2.0], [None, 0.0], [2.0, math.nan], [3.0, 1.0]]
    assert average_ranks(rows) == [1.5, None, None, 1.5]
    assert pareto_front(rows) == [True, None, None, True]


def test_equal_rows_are_on_the_front_together_and_a_worse_one_is_not() -> None:
    assert pareto_front([[1.0, 2.0], [1.0, 2.0], [1.0, 3.0], [0.5, 9.0]]) == [True, True, False, True]


@given(ROWS)
def test_ranks_are_those_of_a_loop_over_pairs(rows: list[list[float | None]]) -> None:
    whole = [row for row in rows if all(value is not None and not math.isnan(value) for value in row)]
    for row, rank in zip(rows, average_ranks(rows), strict=True):
        if row not in whole:
            assert rank is None
            continue
        # Each other row takes a place of ours where it is better, and half a place where it ties.
        places = [1.0] * 3
        for other, column in product(whole, range(3)):
            places[column] += 1.0 if other[column] < row[column] else 0.5 * (other[column] == row[column])
        assert rank == pytest.approx(sum(places) / 3 - 0.5)


@given(ROWS)
def test_the_front_is_that_of_a_loop_over_pairs(rows: list[list[float | None]]) -> None:
    whole = [row for row in rows if all(value is not None and not math.isnan(value) for value in row)]
    for row, on_front in zip(rows, pareto_front(rows), strict=True):
        if row not in whole:
            assert on_front is None
            continue
        beaten = False
        for other in whole:
            beaten |= other != row and all(other[column] <= row[column] for column in range(3))
        assert on_front is not beaten


def _named(rows: tuple[ComparedRow, ...]) -> dict[str, tuple[float | None, bool | None]]:
    return {row.name: (row.rank, row.on_front) for row in rows}


def test_runs_on_the_same_images_are_ranked_and_a_constant_is_not() -> None:
    constant = Baseline(30.0, 1.0, {"gender": 0.0, "age": 0.0})
    runs = [
        run(1, "one", scores(6.0, bias("gender", 1.0), bias("age", 2.0), constant=constant)),
        run(2, "two", scores(5.0, bias("gender", 1.0), bias("age", 3.0), constant=constant)),
        run(3, "worse", scores(6.0, bias("gender", 2.0), bias("age", 2.5), constant=constant)),
        run(4, "apart", scores(1.0, bias("gender", 0.0), bias("age", 0.0), images="h2")),
        run(5, "lacks one", scores(1.0, bias("gender", 0.1), bias("age", None, "no image of <20"))),
        run(6, "queued", status="queued"),
    ]
    comparison = compare(runs, groups=True)
    assert comparison.ranked_over == ("mae", "gender", "age")
    assert _named(comparison.rows) == {
        "one": (pytest.approx((2.5 + 1.5 + 1) / 3), True),
        "two": (pytest.approx((1 + 1.5 + 3) / 3), True),
        "worse": (pytest.approx((2.5 + 3 + 2) / 3), False),
        "apart": (None, None),
        "lacks one": (None, None),
        "queued": (None, None),
        "constant 30.0": (None, None),
    }


def test_a_bias_that_no_run_has_is_left_out_of_the_rank() -> None:
    lone = "no image of asian in valid"
    runs = [
        run(place, f"run {place}", scores(place, bias("ethnicity", None, lone), bias("gender", 1.0)))
        for place in (5, 6)
    ]
    comparison = compare(runs)
    assert comparison.ranked_over == ("mae", "gender")
    assert _named(comparison.rows) == {"run 5": (1.25, True), "run 6": (1.75, False)}


def test_a_run_alone_has_no_rank() -> None:
    comparison = compare([run(1, "one", scores(6.0, bias("gender", 1.0)))])
    assert (comparison.ranked_over, comparison.rows[0].rank, comparison.rows[0].on_front) == ((), None, None)


def test_scores_whose_images_chose_the_weights_are_not_ranked_with_others() -> None:
    fair = [run(place, f"run {place}", scores(place, bias("gender", 1.0))) for place in (5, 6)]
    selected = run(1, "selected", scores(1.0, bias("gender", 0.5), selected_on="valid"))
    assert _named(compare([*fair, selected]).rows) == {
        "run 5": (1.25, True),
        "run 6": (1.75, False),
        "selected": (None, None),
    }
