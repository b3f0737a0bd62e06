"""Intervals and noise of stored results, computed again from predictions."""

from dataclasses import replace

import numpy as np
import pytest
from compare_rows import predictions, run

from ageui.compare import compare
from ageui.compare.comparison_cache import ComparisonCache
from ageui.compare.image_errors import with_all_intervals
from ageui.store import Predictions, RunDetail, SplitScores
from engine.fairness import BiasResult, Interval, Noise, SplitResult, evaluate_split

AGES = np.linspace(1, 80, 40)
PREDICTED = (AGES + np.tile([1.0, -8.0, 3.0, 2.0, 12.0], 8)).astype(np.float32)
GENDER = [None, *(["male", "female", "female"] * 13)]
OLD = Interval(0.0, 99.0)


def _load(run_id: int, split: str) -> Predictions | None:
    return predictions(PREDICTED.tolist(), AGES.tolist(), GENDER) if run_id == 1 else None


def _measured() -> SplitResult:
    codes = np.array([-1 if gender is None else ("male", "female").index(gender) for gender in GENDER])
    return evaluate_split(AGES, PREDICTED.astype(np.float64), {"gender": (codes, ("male", "female"))}, None)


@pytest.fixture
def old() -> RunDetail:
    """As an older version stored it: other intervals and noise, and none of groups and gaps."""
    new = _measured()
    bias = new.biases[0]
    groups = tuple(replace(group, interval=None) for group in bias.groups)
    stored = BiasResult("gender", bias.value, None, OLD, Noise(50.0, 90.0), groups, bias.missing)
    result = replace(new, mae_interval=OLD, biases=(stored,))
    return run(1, "old", SplitScores("valid", "h1", "apparent", "faces", result))


def test_a_stored_run_gets_the_intervals_it_would_have_now(old: RunDetail) -> None:
    assert with_all_intervals(old, _load).results[0].result == _measured()


def test_a_run_without_predictions_stays_as_it_was_stored(old: RunDetail) -> None:
    published = replace(old, row=replace(old.row, id=2))
    assert with_all_intervals(published, _load) == published


def test_compared_runs_have_intervals_of_this_version_and_of_groups(old: RunDetail) -> None:
    new, known = _measured(), ComparisonCache()
    bias = new.biases[0]
    for comparison in (
        compare([old], groups=True, predictions=_load, cache=known),
        compare([old], groups=True, cache=known),
    ):
        cells = dict(zip(comparison.columns, comparison.rows[0].cells, strict=True))
        assert cells["mae"].interval == new.mae_interval
        assert bias.noise is not None
        assert (cells["gender"].interval, cells["gender"].noise) == (bias.interval, bias.noise.p95)
        assert cells["gender male"].interval == bias.groups[0].interval is not None
    stored = compare([old], groups=True).rows[0].cells
    assert [cell.interval for cell in stored] == [OLD, OLD, None, None]
