"""Any figure or field of compared rows: values, order, and the front of two figures."""

import pytest
from compare_rows import bias, run, scores

from ageui.compare import Comparison, compare
from ageui.compare.measures import front_by, measure_names, measure_title, sorted_by, values_of
from engine.split_result import Baseline

pytestmark = pytest.mark.fast

FIGURES = ((6.0, 3.0), (7.0, 1.0), (8.0, 2.0), (5.5, 4.0))


@pytest.fixture
def comparison() -> Comparison:
    """Four runs with another batch each, the second of which is the baseline, and a run on other images."""
    runs = [
        run(
            place,
            f"run {place}",
            scores(mae, bias("gender", gender), constant=Baseline(30.0, 11.0, {})),
            batch=2**place,
        )
        for place, (mae, gender) in enumerate(FIGURES, 1)
    ]
    apart = run(9, "apart", scores(1.0, bias("gender", 0.1), images="h2"), batch=64, loss="huber")
    return compare([*runs, apart], baseline="2")


def test_values_are_numbers_where_all_rows_have_some(comparison: Comparison) -> None:
    assert values_of(comparison, "mae") == [6.0, 7.0, 8.0, 5.5, 1.0, 11.0]
    assert values_of(comparison, "batch") == [2.0, 4.0, 8.0, 16.0, 64.0, None], "not as text"
    assert values_of(comparison, "loss") == ["mse", "mse", "mse", "mse", "huber", None]
    assert values_of(comparison, "n") == [1.0] * 5 + [None]
    names = measure_names(comparison)
    assert names[:2] == ["mae", "gender"]
    assert {"rank", "n", "batch", "loss"} <= set(names)
    titles = [measure_title(comparison, name) for name in ("mae", "gender", "rank", "batch")]
    assert titles == ["MAE", "gender bias", "average rank", "batch"]


def test_rows_are_sorted_with_the_baseline_on_top_or_in_its_place(comparison: Comparison) -> None:
    def ids(found: Comparison) -> list[int | None]:
        return [row.id for row in found.rows]

    assert ids(sorted_by(comparison, "mae")) == [2, 9, 4, 1, 3, None]
    assert ids(sorted_by(comparison, "mae", pins_baseline=False)) == [9, 4, 1, 2, 3, None]
    assert ids(sorted_by(comparison, "gender", descending=True, pins_baseline=False)) == [4, 1, 3, 2, 9, None]
    assert ids(sorted_by(comparison, "batch", pins_baseline=False))[-1] is None, "rows without a value come last"
    assert sorted_by(comparison, "mae").baseline == comparison.baseline


def test_numbers_among_words_are_sorted_by_size() -> None:
    runs = [
        run(place, f"run {place}", scores(6.0), patience=patience, batch=8 * place)
        for place, patience in enumerate((None, 10, 5), 1)
    ]
    found = compare(runs)
    assert [row.settings["patience"] for row in sorted_by(found, "patience").rows] == ["5", "10", "none"]
    runs = [run(place, f"run {place}", scores(6.0), batch=batch) for place, batch in enumerate((16, 8), 1)]
    assert [row.label for row in sorted_by(compare(runs), "setting").rows] == ["batch 8", "batch 16"]


def test_the_front_is_among_comparable_runs_and_of_figures_alone(comparison: Comparison) -> None:
    assert front_by(comparison, "mae", "gender") == [True, True, False, True, False, False]
    assert front_by(comparison, "batch", "mae") == [False] * 6


def test_scores_whose_images_chose_the_weights_are_on_no_front_with_others() -> None:
    runs = [
        run(1, "fair", scores(6.0, bias("gender", 3.0))),
        run(2, "selected", scores(5.0, bias("gender", 1.0), selected_on="valid"), loss="mape"),
    ]
    assert front_by(compare(runs), "mae", "gender") == [True, False]
    assert front_by(compare(runs[1:]), "mae", "gender") == [True]
