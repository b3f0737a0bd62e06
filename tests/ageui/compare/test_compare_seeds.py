"""Runs that differ in their seed alone: means and spreads against NumPy, and differences between such means."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from compare_rows import bias, predictions, run, scores
from raw_errors import bias_differences, bias_of, mae_differences

from ageui.compare import ComparedRow, Comparison, compare
from ageui.compare.comparison import Marking
from ageui.compare.comparison_cache import ComparisonCache
from ageui.compare.difference_test import Side, difference_test
from ageui.compare.many_tests import adjusted
from ageui.compare.seed_variance import seed_variance
from ageui.compare.seeds import mean_and_spread
from ageui.present.marks import EQUIVALENT, REAL, marks_of_difference
from ageui.present.table import Difference, Spread
from ageui.store import RunDetail
from ageui.store.scores import ScoredConfig
from engine.split_result import Baseline, Figure, Interval


def _rows(comparison: Comparison) -> dict[str, ComparedRow]:
    return {row.name: row for row in comparison.rows}


def _trained(run_id: int, mae: float, gender: float, seed: int, **changes: Any) -> RunDetail:
    found = scores(
        mae,
        bias("gender", gender, p_value=0.5, interval=Interval(0, 1)),
        interval=Interval(mae - 1, mae + 1),
        constant=Baseline(30.0, 11.0, {"gender": 2.0}),
    )
    return run(run_id, f"run {run_id}", found, seed=seed, **changes)


MAES = {1: 6.0, 2: 7.0, 3: 5.5}
GENDERS = {1: 0.5, 2: 0.75, 3: 0.25}


@pytest.fixture
def five() -> list[RunDetail]:
    """Three seeds of one config, then one of another with two seeds."""
    mse = [_trained(i, MAES[i], GENDERS[i], seed=i, loss="mse") for i in (1, 2, 3)]
    return [*mse, _trained(4, 5.0, 1.0, seed=1, loss="mape"), _trained(5, 5.25, 0.5, seed=2, loss="mape")]


@pytest.mark.parametrize(("dtype", "notes"), [("float32", 0), ("bfloat16", 1)])
def test_only_runs_computed_in_another_way_are_said_to_be(five: list[RunDetail], dtype: str, notes: int) -> None:
    """A second run of the same config and seed is a row of its own, too."""
    twin = replace(five[0], row=replace(five[0].row, id=9, name="twin"), manifest={"dtype": dtype, "recipe": 1})
    runs = [replace(one, manifest={"dtype": "float32", "recipe": 1}) for one in five]
    found = compare([*runs, twin], fold_seeds=True).notes
    assert sum("computed in another arithmetic or recipe" in note for note in found) == notes


def test_repeats_become_one_row_of_mean_and_sample_deviation(five: list[RunDetail]) -> None:
    comparison = compare(five, fold_seeds=True)
    assert [(row.name, row.runs) for row in comparison.rows] == [
        ("mse", (1, 2, 3)),
        ("mape", (4, 5)),
        ("constant 30.0", ()),
    ]
    mae, gender = comparison.rows[0].cells
    values = list(MAES.values())
    assert (mae.value, mae.spread) == (np.mean(values), Spread(float(np.std(values, ddof=1)), 3))
    assert mae.interval is None
    assert gender.spread is not None
    assert gender.spread.std == np.std(list(GENDERS.values()), ddof=1)
    assert gender.p_value is None, "without predictions there is nothing to test over seeds"
    assert comparison.folded
    assert comparison.settings == ("loss", "seed")
    assert dict(comparison.rows[0].settings) == {"loss": "mse", "seed": "1,2,3"}


def test_without_folding_every_run_is_a_row(five: list[RunDetail]) -> None:
    comparison = compare(five)
    assert [row.runs for row in comparison.rows] == [(1,), (2,), (3,), (4,), (5,), ()]
    assert not comparison.folded
    assert all(cell.spread is None for row in comparison.rows for cell in row.cells)


def test_the_best_is_the_lowest_mean_and_a_lucky_single_run_is_said_to_be_one(five: list[RunDetail]) -> None:
    comparison = compare([*five, _trained(6, 4.0, 2.0, seed=1, loss="huber")], fold_seeds=True)
    best = {column: [row.name for row in comparison.rows if row.cells[place].best]
            for place, column in enumerate(comparison.columns)}  # fmt: skip
    assert best == {"mae": ["run 6"], "gender": ["mse"]}
    assert any("luck of its seed" in note and note.endswith("run 6") for note in comparison.notes)
    assert not any("luck" in note for note in compare(five, fold_seeds=True).notes)


def test_other_images_and_other_settings_are_no_repeats() -> None:
    runs = [
        _trained(1, 6.0, 0.5, seed=1),
        _trained(2, 6.0, 0.5, seed=2, batch=8),
        run(3, "run 3", scores(6.0, images="h2", n=3), seed=3),
        _trained(4, 6.0, 0.5, seed=4),
    ]
    comparison = compare(runs, fold_seeds=True)
    assert [row.runs for row in comparison.rows if row.runs] == [(1, 4), (2,), (3,)]
    assert _rows(comparison)["run 3"].comparable is False


def test_a_second_run_of_the_same_seed_is_a_row_of_its_own() -> None:
    runs = [run(1, "queued", status="queued", seed=1), *(_trained(i, 6.0, 0.5, seed=i - 1) for i in (2, 3))]
    again = _trained(4, 6.0, 0.5, seed=2)
    comparison = compare([*runs, again], fold_seeds=True)
    assert [row.runs for row in comparison.rows if row.runs] == [(2, 3), (1,), (4,)]


def test_seeds_without_scores_belong_to_the_others_and_are_named() -> None:
    runs = [
        _trained(1, 6.0, 0.5, seed=3),
        run(2, "wild", status="diverged", error="the loss is NaN", seed=2),
        _trained(3, 7.0, 0.5, seed=1),
        run(4, "waiting", status="queued", seed=4),
    ]
    comparison = compare(runs, fold_seeds=True)
    row = comparison.rows[0]
    assert (row.name, row.runs, row.status) == ("mse · none", (3, 2, 1, 4), "2 done, 1 diverged, 1 queued")
    assert (row.cells[0].value, row.cells[0].spread) == (6.5, Spread(math.sqrt(0.5), 2))
    assert comparison.notes == ("mse · none: 2 of 4 seeds have scores; without wild (diverged), waiting (queued)",)
    alone = compare(runs[:2], fold_seeds=True).rows[0]
    assert (alone.cells[0].value, alone.cells[0].spread, alone.cells[0].interval) == (6.0, None, Interval(5.0, 7.0))
    unscored = compare([runs[1], runs[3]], fold_seeds=True).rows[0]
    assert (unscored.runs, unscored.n, unscored.reason) == ((2, 4), None, "diverged: the loss is NaN")


def test_differences_of_means_without_predictions_have_no_interval(five: list[RunDetail]) -> None:
    comparison = compare(five, fold_seeds=True, baseline="2")
    assert comparison.baseline == "mse"
    assert comparison.rows[0].is_baseline
    mae = _rows(comparison)["mape"].cells[0].difference
    assert mae == Difference(pytest.approx(5.125 - np.mean(list(MAES.values()))), None)


AGES = [float(age) for age in np.random.default_rng(0).uniform(5, 80, 60)]
GENDER: list[str | None] = ["male", "female", "female", None] * 15
CODES = np.array([0, 1, 1, -1] * 15)


def _predicted(seed: int, skill: float) -> list[float]:
    return [age + skill * error for age, error in zip(AGES, np.random.default_rng(seed).normal(0, 1, 60), strict=True)]


def _measured(run_id: int, seed: int, skill: float, **changes: Any) -> tuple[RunDetail, list[float]]:
    predicted = _predicted(run_id, skill)
    errors = np.abs(np.array(predicted, dtype=np.float32).astype(float) - AGES)
    found = scores(
        float(errors.mean()),
        bias("gender", bias_of(errors, CODES, 2), groups=("male", "female")),
        n=60,
        constant=Baseline(30.0, 20.0, {"gender": 1.0}),
        cs5=Figure(100 * float((errors <= 5).mean())),
    )
    return run(run_id, f"run {run_id}", found, seed=seed, **changes), predicted


def _compare_measured(seeds: dict[str, tuple[int, ...]], baseline: str = "1", **options: Any) -> Comparison:
    """Runs of both losses with these seeds, numbered from 1 on."""
    made = [(loss, seed) for loss, own in seeds.items() for seed in own]
    skills = {"mse": 8.0, "mape": 4.0}
    measured = {
        run_id: _measured(run_id, seed, skills[loss] + seed / 10, loss=loss)
        for run_id, (loss, seed) in enumerate(made, start=1)
    }
    load = {run_id: predictions(predicted, AGES, GENDER) for run_id, (_, predicted) in measured.items()}
    return compare(
        [detail for detail, _ in measured.values()],
        baseline=baseline,
        predictions=lambda run_id, _: load[run_id],
        resamples=400,
        **{"fold_seeds": True, **options},
    )


def _difference(comparison: Comparison, name: str, column: str = "mae") -> Difference:
    found = _rows(comparison)[name].cells[comparison.columns.index(column)].difference
    assert found is not None
    return found


@pytest.mark.parametrize("column", ["mae", "gender"])
def test_a_difference_of_means_is_tested_over_images_and_seeds(column: str) -> None:
    comparison = _compare_measured({"mse": (1, 2, 3), "mape": (1, 2, 3)})
    found = _difference(comparison, "mape", column)
    errors = [np.abs(np.float32(_predicted(i, skill)).astype(float) - AGES)
              for i, skill in zip(range(1, 7), (8.1, 8.2, 8.3, 4.1, 4.2, 4.3), strict=True)]  # fmt: skip
    ours, theirs = np.stack(errors[3:]), np.stack(errors[:3])
    if column == "mae":
        (images,) = mae_differences([ours], theirs, resamples=400)
        sides = [ours.mean(axis=1), theirs.mean(axis=1)]
    else:
        (images,) = bias_differences([ours], theirs, CODES, 2, resamples=400)
        sides = [np.array([bias_of(one, CODES, 2) for one in side]) for side in (ours, theirs)]
    assert images.variance is not None
    variances = [float(side.var(ddof=1)) for side in sides]
    common, value = seed_variance(variances, [2, 2]), float(sides[0].mean() - sides[1].mean())
    expected = difference_test(value, images.variance, 60, [Side(3, variance) for variance in variances], common)
    assert expected is not None
    assert found.value == pytest.approx(value)
    assert found.p_value == pytest.approx(expected.p_value)
    ends = expected.interval()
    assert found.interval == Interval(pytest.approx(ends.low), pytest.approx(ends.high))


def test_p_values_are_adjusted_within_their_family() -> None:
    seeds: dict[str, tuple[int, ...]] = {"mse": (1, 2), "mape": (1, 2)}
    comparison = _compare_measured(seeds, groups=True)
    assert (comparison.tests, comparison.further_tests) == (4, 4)
    for columns in (("mae", "gender"), ("gender male", "gender female")):
        found = [_difference(comparison, name, column) for name in ("mape", "constant 30.0") for column in columns]
        raw = [difference.p_value for difference in found]
        assert [difference.adjusted for difference in found] == pytest.approx(adjusted(raw))
    plain = _compare_measured(seeds, groups=True, marking=Marking("none"))
    difference = _difference(plain, "mape")
    assert difference.adjusted == difference.p_value


def test_a_margin_marks_what_lies_within_it_unless_the_settings_differ() -> None:
    seeds: dict[str, tuple[int, ...]] = {"mse": (1, 2, 3), "mape": (1, 2, 3)}
    wide = _difference(_compare_measured(seeds, marking=Marking(margin=60.0)), "mape", "gender")
    assert wide.equivalent
    assert marks_of_difference(wide) == ((REAL,) if wide.real else (EQUIVALENT,))
    assert _difference(_compare_measured(seeds, marking=Marking(margin=0.001)), "mape").equivalent is False
    assert _difference(_compare_measured(seeds), "mape").equivalent is None


def test_a_margin_in_years_marks_no_figure_in_another_unit() -> None:
    seeds: dict[str, tuple[int, ...]] = {"mse": (1, 2, 3), "mape": (1, 2, 3)}
    comparison = _compare_measured(seeds, marking=Marking(margin=1000.0), further=["cs5"])
    share = _difference(comparison, "mape", "cs5")
    assert share.p_value is not None
    assert share.equivalent is None
    assert _difference(comparison, "mape").equivalent is True


def test_seed_variances_come_from_all_runs_on_the_same_images() -> None:
    asked = []

    def scored(split: str, images: str) -> list[ScoredConfig]:
        asked.append((split, images))
        return [ScoredConfig({"lr": lr, "seed": seed}, {}, {"mae": 9.0 * seed}) for lr in (1, 2) for seed in (1, 2)]

    seeds: dict[str, tuple[int, ...]] = {"mse": (1, 2, 3), "mape": (1, 2, 3)}
    noisy, calm = _compare_measured(seeds, scored=scored), _compare_measured(seeds)
    assert asked == [("valid", "h1")]
    p_value, least = (_difference(comparison, "mape").p_value for comparison in (noisy, calm))
    assert p_value is not None
    assert least is not None
    assert p_value > 10 * least


def test_other_seeds_are_two_samples_and_the_constant_has_no_chance() -> None:
    comparison = _compare_measured({"mse": (1, 2, 3), "mape": (4, 5)})
    assert _difference(comparison, "mape").interval is not None
    assert _difference(comparison, "constant 30.0").interval is not None
    against_constant = _compare_measured({"mse": (1, 2, 3), "mape": (4, 5)}, baseline="constant")
    found, turned = _difference(against_constant, "mse"), _difference(comparison, "constant 30.0")
    assert found.interval is not None
    assert turned.interval is not None
    assert found.value == pytest.approx(-turned.value)
    assert found.interval.low == pytest.approx(-turned.interval.high, abs=0.2)


def test_a_single_seed_carries_no_mark_and_the_note_says_how_many_would_settle_it() -> None:
    comparison = _compare_measured({"mse": (1, 2, 3), "mape": (1,)})
    single = _difference(comparison, "run 4")
    assert (single.interval, single.p_value, single.real) == (None, None, None)
    assert _difference(comparison, "constant 30.0").real
    (note,) = (note for note in comparison.notes if note.startswith("no ✔"))
    assert "more seeds cannot settle 0.25 years of MAE here, more images can" in note
    alone = _compare_measured({"mse": (1,), "mape": (1,)})
    between = _difference(alone, "run 2")
    assert between.interval is not None
    assert (between.p_value, between.real) == (None, None)
    assert any(note.startswith("no ✔ without a second seed on both sides") for note in alone.notes)


def test_repeats_that_are_not_folded_are_not_set_against_each_other() -> None:
    comparison = _compare_measured({"mse": (1, 2), "mape": (1,)}, fold_seeds=False)
    assert [cell.difference for cell in _rows(comparison)["run 2"].cells] == [None, None]
    assert _difference(comparison, "run 3").interval is not None
    assert any("only in their seed" in note and "run 1 and run 2" in note for note in comparison.notes)


def test_groups_are_figures_of_their_own_with_counts_and_differences() -> None:
    comparison = _compare_measured({"mse": (1, 2), "mape": (1, 2)}, groups=True)
    assert comparison.columns == ("mae", "gender", "gender male", "gender female")
    assert [(group.attribute, group.name, group.n) for group in comparison.groups.values()] == [
        ("gender", "male", 2), ("gender", "female", 2),
    ]  # fmt: skip
    assert _difference(comparison, "mape", "gender male").interval is not None


def test_what_is_known_is_neither_loaded_nor_computed_again() -> None:
    known = ComparisonCache()
    first = _compare_measured({"mse": (1, 2), "mape": (1, 2)}, cache=known, groups=True)
    made = [(loss, seed) for loss in ("mse", "mape") for seed in (1, 2)]
    skills = {"mse": 8.0, "mape": 4.0}
    runs = [_measured(i, s, skills[loss] + s / 10, loss=loss)[0] for i, (loss, s) in enumerate(made, start=1)]
    again = compare(runs, baseline="1", fold_seeds=True, groups=True, cache=known)
    assert repr(again) == repr(first)
    assert compare(runs, baseline="3", fold_seeds=True, groups=True, cache=known).rows[0].cells[0].difference == (
        Difference(pytest.approx(-_difference(first, "mape").value), None)
    )


def test_a_group_without_images_and_figures_that_are_none_have_no_interval() -> None:
    """As a run may have stored them under other groups: nothing fails, and no difference is called real."""
    lone = [scores(6.0 + i, bias("gender", 0.5 + i, groups=("male", "other"))) for i in range(2)]
    runs = [run(place, f"run {place}", found, seed=place) for place, found in enumerate(lone, start=1)]
    wrong = predictions([math.nan] * 4, [10.0] * 4, ["male"] * 4)
    comparison = compare(runs, baseline="1", predictions=lambda run_id, split: wrong, resamples=50)
    assert [cell.difference and cell.difference.real for cell in comparison.rows[1].cells] == [None, None]


def test_means_equal_numpy() -> None:
    values = [6.0, 7.5, 5.25, 6.5]
    assert mean_and_spread(values) == (np.mean(values), Spread(float(np.std(values, ddof=1)), 4))
    assert mean_and_spread([6.0]) == (6.0, Spread(None, 1))


@pytest.mark.simulation
def test_equal_settings_are_rarely_told_apart() -> None:
    """Two equally good configs, whose figures vary by seed and image."""
    random = np.random.default_rng(4)
    p_values = []
    for _ in range(300):
        hard = random.gamma(2, 2, 80)
        ours, theirs = (
            hard + random.normal(0, 1, 80) + random.normal(0, 0.5, (4, 1)) + random.normal(0, 1, (4, 80)) for _ in "ab"
        )
        (images,) = mae_differences([ours], theirs, resamples=300)
        assert images.variance is not None
        sides = [Side(4, float(side.mean(axis=1).var(ddof=1))) for side in (ours, theirs)]
        test = difference_test(images.value, images.variance, 80, sides, None)
        assert test is not None
        p_values.append(test.p_value)
    assert 0.005 <= (np.array(p_values) <= 0.05).mean() <= 0.06
