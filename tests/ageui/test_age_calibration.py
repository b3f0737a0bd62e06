"""The calibration of the intervals of `ageui predict`."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ageui.cli.age_calibration import AgeCalibration, age_calibration
from ageui.store.score_records import Predictions


def _predictions(split: str, n: int) -> Predictions:
    random = np.random.default_rng(0)
    ages = random.uniform(1, 80, n)
    predicted = (ages + random.normal(0, 5, n)).astype(np.float32)
    return Predictions(split, "hash", tuple(map(str, range(n))), ages, {}, predicted)


def _calibrated(counts: dict[str, int], selected_on: str | None = "valid") -> AgeCalibration:
    run: Any = SimpleNamespace(
        id=7, data_spec={"name": "mine"}, scores=lambda split: SimpleNamespace(is_selected=split == selected_on)
    )
    stored = {split: _predictions(split, n) for split, n in counts.items()}
    return age_calibration(run, lambda run_id, split: stored.get(split))


def test_a_test_split_that_chose_nothing_comes_first() -> None:
    found = _calibrated({"train": 500, "valid": 200, "test": 100})
    assert found.split == "test"
    assert found.sentence.startswith("90% intervals, calibrated on test of mine: fitted on one half, they contained ")
    assert found.sentence.endswith("(100 images)")
    assert found.coverage == pytest.approx(0.9, abs=0.06)
    ends = found.around(30.0)
    assert ends is not None
    assert ends[0] < 30 < ends[1]
    assert found.around(None) is None


@pytest.mark.parametrize("selected_on", ["valid", None])
def test_a_validation_split_that_chose_the_epoch_is_named(selected_on: str | None) -> None:
    found = _calibrated({"valid": 200}, selected_on)
    assert found.split == "valid"
    assert ("calibrated on valid of mine, which chose the epoch: " in found.sentence) == (selected_on == "valid")


@pytest.mark.parametrize(
    ("counts", "why"),
    [
        ({"train": 500}, "no intervals: run 7 has no stored predictions for a test or validation split"),
        ({"test": 39}, "no intervals: they need 40 images with finite predictions, but test has 39"),
    ],
)
def test_without_intervals_the_reason_is_told(counts: dict[str, int], why: str) -> None:
    found = _calibrated(counts)
    assert (found.sentence, found.coverage, found.around(30.0)) == (why, None, None)
