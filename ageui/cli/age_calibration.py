"""Calibrates the intervals of `ageui predict` on a run's predictions for images outside its train split."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.conformal import CONFIDENCE, LEAST_IMAGES, AgeIntervals, age_intervals

if TYPE_CHECKING:
    from ageui.store import RunDetail
    from ageui.store.score_records import Predictions

    LoadPredictions = Callable[[int, str], Predictions | None]

_PREFERENCE = ("test", "valid")  # errors on the train split are smaller than on new faces


@dataclass(frozen=True)
class AgeCalibration:
    """A run's intervals and their split; `sentence` describes them, or says why they are missing."""

    sentence: str
    split: str | None = None
    intervals: AgeIntervals | None = None

    @property
    def coverage(self) -> float | None:
        """The measured share of true ages inside the intervals; None without intervals."""
        return self.intervals.coverage if self.intervals else None

    def around(self, years: float | None) -> list[float] | None:
        """The ends of the interval around a predicted age; None without intervals or age."""
        if self.intervals is None or years is None or not np.isfinite(years):
            return None
        return [float(end) for end in self.intervals.around(np.array(years))]


def age_calibration(run: "RunDetail", predictions: "LoadPredictions") -> AgeCalibration:
    """The calibration on the run's test split, which did not choose its weights, or else on its validation split."""
    loaded = (predictions(run.id, split) for split in _PREFERENCE)
    found = next((one for one in loaded if one is not None), None)
    if found is None:
        return AgeCalibration(f"no intervals: run {run.id} has no stored predictions for a test or validation split")
    intervals = age_intervals(found.ages, found.predicted.astype(np.float64))
    if intervals is None:
        count = np.isfinite(found.predicted).sum()
        why = f"they need {LEAST_IMAGES} images with finite predictions, but {found.split} has {count}"
        return AgeCalibration(f"no intervals: {why}")
    images = f"{found.split} of {run.data_spec['name']}{_chose_epoch(run, found.split)}"
    sentence = (
        f"{CONFIDENCE:.0%} intervals, calibrated on {images}: fitted on one half, they contained "
        f"{100 * intervals.coverage:.1f}% of the ages of the other ({len(found.ages):,} images)"
    )
    return AgeCalibration(sentence, found.split, intervals)


def _chose_epoch(run: "RunDetail", split: str) -> str:
    scores = run.scores(split)
    return ", which chose the epoch" if scores is not None and scores.is_selected else ""
