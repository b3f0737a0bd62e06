"""Compared runs show what is stored, and compute only what cannot be."""

from typing import Any

import numpy as np
import pytest
from compare_rows import predictions, run

from ageui.compare import compare
from ageui.compare.comparison_cache import ComparisonCache
from ageui.store import Predictions, RunDetail, SplitScores
from engine.choices import AGE_EDGES
from engine.fairness import evaluate_split, score_errors
from engine.groups import age_group_names
from engine.image_errors import ImageErrors, averaged
from engine.split_result import SplitResult

AGES = np.random.default_rng(0).uniform(1, 80, 120)
GENDER = [None, *(["male", "female", "female"] * 40)][:120]
CODES = np.array([-1 if gender is None else ("male", "female").index(gender) for gender in GENDER])
GROUPS = {"gender": (CODES, ("male", "female")), "age": (np.digitize(AGES, AGE_EDGES), age_group_names())}


def _predicted(seed: int) -> Any:
    off = np.random.default_rng(seed).normal(0, 6, 120) * np.where(CODES == 1, 2.0, 1.0)
    return (AGES + off).astype(np.float32)


def _load(run_id: int, split: str) -> Predictions:
    return predictions(_predicted(run_id).tolist(), AGES.tolist(), GENDER)


def _result(seed: int) -> SplitResult:
    return evaluate_split(AGES, _predicted(seed).astype(np.float64), GROUPS, 40.0)


def _run(run_id: int, **changes: Any) -> RunDetail:
    scores = SplitScores("valid", "h1", "apparent", "faces", _result(run_id))
    return run(run_id, f"run {run_id}", scores, **{"seed": run_id, **changes})


def test_single_runs_are_compared_without_a_resample(monkeypatch: pytest.MonkeyPatch) -> None:
    runs, bias, interval = [_run(1), _run(2, loss="mape")], _result(1).biases[0], _result(1).mae_interval
    known = ComparisonCache()
    compare(runs[:1], predictions=_load, cache=known)

    def draw(*arguments: Any, **options: Any) -> None:
        raise AssertionError("a resample was drawn")

    monkeypatch.setattr("engine.figure_samples.image_draws", draw)
    monkeypatch.setattr("engine.gap_test._shuffled_sums", draw)
    comparison = compare(runs, groups=True, further=["signed"], predictions=_load, cache=known)
    cells = dict(zip(comparison.columns, comparison.rows[0].cells, strict=True))
    assert cells["mae"].interval == interval
    assert (cells["gender"].interval, cells["gender"].p_value) == (bias.interval, bias.p_value)
    assert (cells["gender"].detectable, cells["gender"].inside_noise) == (bias.detectable, bias.inside_noise)
    assert cells["gender_signed"].p_value == bias.signed_gap.p_value
    assert cells["gender male"].interval == bias.groups[0].interval is not None


def test_a_row_over_seeds_is_tested_on_errors_averaged_over_them() -> None:
    comparison = compare([_run(1), _run(2), _run(3)], fold_seeds=True, further=["signed"], predictions=_load)
    trainings = [ImageErrors.of_predictions(AGES, _predicted(seed).astype(np.float64), GROUPS) for seed in (1, 2, 3)]
    expected = score_errors(averaged(trainings)).biases[0]
    _, gender, gap, *_ = comparison.rows[0].cells
    assert (gender.p_value, gender.detectable) == (expected.p_value, expected.detectable)
    assert gap.p_value == expected.signed_gap.p_value
    assert gender.value == pytest.approx(np.mean([_result(seed).biases[0].value for seed in (1, 2, 3)]))


def test_crossed_groups_are_scored_from_predictions() -> None:
    comparison = compare([_run(1)], crossed=["gender*age"], predictions=_load)
    names = [group.name for group in comparison.groups.values()]
    assert names[:2] == ["male, <20", "male, 20-40"]
    errors, own = np.abs(_predicted(1).astype(np.float64) - AGES), (CODES == 0) & (AGES < 20)
    cells = dict(zip(comparison.columns, comparison.rows[0].cells, strict=True))
    assert cells["gender*age male, <20"].value == pytest.approx(errors[own].mean())
    assert cells["gender*age male, <20"].n == own.sum()
    assert cells["gender*age"].value is not None
    assert not comparison.notes


def test_crossed_groups_without_predictions_are_missing_for_a_reason() -> None:
    comparison = compare([_run(1), _run(2)], crossed=["gender*age"], predictions=lambda run_id, _: None)
    assert not comparison.groups
    assert any("need stored predictions, which are missing for run 1, run 2" in note for note in comparison.notes)
