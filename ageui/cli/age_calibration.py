"""What the intervals of `ageui predict` are calibrated on: a run's predictions of images that it was not trained on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.conformal import CONFIDENCE, LEAST_IMAGES, AgeIntervals, age_intervals

if TYPE_CHECKING:
    from ageui.store import RunDetail
    from ageui.store.records import Predictions

    LoadPredictions = Callable[[int, str], Predictions | None]

_PREFERENCE = ("test", "valid")  # errors on the train split are smaller than on new faces


@dataclass(frozen=True)
class AgeCalibration:
    """The intervals of a run and the split they come from; `sentence` names it, or says why intervals are missing."""

    sentence: str
    split: str | None = None
    intervals: AgeIntervals | None = None

    @property
    def coverage(self) -> float | None:
        """The share of true ages inside, measured; None without intervals."""
        return self.intervals.coverage if self.intervals else None

    def around(self, years: float | None) -> list[float] | None:
        """Low and high end of the interval around a predicted age; None without either."""
        if self.intervals is None or years is None or not np.isfinite(years):
            return None
        return [float(end) for end in self.intervals.around(np.array(years))]


def age_calibration(run: "RunDetail", predictions: "LoadPredictions") -> AgeCalibration:
    """The calibration on the run's test split, which chose nothing, or on its validation split."""
    loaded = (predictions(run.id, split) for split in _PREFERENCE)
    found = next((one for one in loaded if one is not None), None)
    if found is None:
        return AgeCalibration(f"no intervals: run {run.id} has no stored predictions of a test or validation split")
    intervals = age_intervals(found.ages, found.predicted.astype(np.float64))
    if intervals is None:
        count = np.isfinite(found.predicted).sum()
        why = f"{LEAST_IMAGES} images with finite predictions are needed, {found.split} has {count}"
        return AgeCalibration(f"no intervals: {why}")
    sentence = (
        f"{CONFIDENCE:.0%} intervals, calibrated on {found.split}{_chose_epoch(run, found.split)}: they held "
        f"{100 * intervals.coverage:.1f}% of the ages there when one half calibrated and the other measured "
        f"({len(found.ages):,} images)"
    )
    return AgeCalibration(sentence, found.split, intervals)


def _chose_epoch(run: "RunDetail", split: str) -> str:
    scores = run.scores(split)
    return ", which chose the epoch" if scores is not None and scores.is_selected else ""
