"""The errors of single images on a split: by true age, and the largest first."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ageui.store import Interval, Predictions, SplitScores
from ageui.tui.chart.raster import Floats, Ints
from engine.image_errors import subject_codes
from engine.resampling import Codes
from engine.split_result import Figure

_TAIL = 0.975
_MOST_BINS = 11
_BIN_YEARS = (5, 10, 20, 50)


@dataclass(frozen=True)
class AgeBin:
    """The mean signed error, in years, of `n` images of true ages from `low` to below `high`, and its 95% interval."""

    low: int
    high: int
    n: int
    signed: float
    interval: Interval | None


@dataclass(frozen=True)
class ImageError:
    """One image: its true and predicted age in years, and its attributes."""

    name: str
    age: float
    predicted: float
    attributes: Mapping[str, str | None]


@dataclass(frozen=True, eq=False)
class SplitErrors:
    """The predictions (N,) behind `scores`, in years. `order` holds the places of images, the largest error first.

    Their names start in `folder`, empty if unknown. Bins and `slope`, in years of signed error per year of age, exclude
    non-finite predictions.
    """

    scores: SplitScores
    predictions: Predictions
    folder: str
    order: Ints
    by_age: tuple[AgeBin, ...]
    slope: Figure

    @classmethod
    def of(cls, scores: SplitScores, predictions: Predictions, folder: str = "") -> "SplitErrors":
        signed = predictions.predicted.astype(np.float64) - predictions.ages
        order = np.argsort(-np.nan_to_num(np.abs(signed), nan=math.inf), kind="stable")
        is_finite = np.isfinite(signed)
        subjects = subject_codes(predictions.subjects)
        ages, signed = predictions.ages[is_finite], signed[is_finite]
        known = subjects[is_finite] if subjects is not None else np.arange(len(ages))
        stored = scores.result.figure("slope")
        slope = stored if stored is not None and stored.interval is not None else _least_squares(ages, signed)
        return cls(scores, predictions, folder, order, tuple(_by_age(ages, signed, known)), slope)

    def worst(self, first: int, count: int) -> Iterator[ImageError]:
        """`count` images from place `first` of `order` on."""
        for place in self.order[first : first + count].tolist():
            attributes = {name: values[place] for name, values in self.predictions.attributes.items()}
            age, predicted = float(self.predictions.ages[place]), float(self.predictions.predicted[place])
            yield ImageError(self.predictions.names[place], age, predicted, attributes)


def _by_age(ages: Floats, signed: Floats, subjects: Codes) -> Iterator[AgeBin]:
    """Bins of 5, 10, 20 or 50 years, as narrow as a few rows allow, without empty bins."""
    if not len(ages):
        return
    low, high = float(ages.min()), float(ages.max())
    years = next((one for one in _BIN_YEARS if high // one - low // one < _MOST_BINS), _BIN_YEARS[-1])
    bins = np.floor(ages / years).astype(np.int64)
    for place in np.unique(bins).tolist():
        chosen = bins == place
        own = signed[chosen]
        mean, n = float(own.mean()), len(own)
        _, unit = np.unique(subjects[chosen], return_inverse=True)
        off = np.bincount(unit, weights=own - mean)
        interval = None
        if len(off) > 1:
            error = math.sqrt(float((off**2).sum()) * len(off) / (len(off) - 1)) / n
            interval = _around(mean, error, len(off) - 1)
        yield AgeBin(place * years, (place + 1) * years, n, mean, interval)


def _least_squares(ages: Floats, signed: Floats) -> Figure:
    """The slope of a line through signed errors over age. Its interval assumes independent images."""
    if len(ages) < 3 or np.ptp(ages) == 0:
        return Figure(None, "needs three images of different ages")
    off = ages - ages.mean()
    squares = float((off**2).sum())
    slope = float((off * signed).sum()) / squares
    rest = signed - signed.mean() - slope * off
    error = math.sqrt(float((rest**2).sum()) / (len(ages) - 2) / squares)
    return Figure(slope, interval=_around(slope, error, len(ages) - 2))


def _around(value: float, error: float, degrees: int) -> Interval:
    """The 95% interval of a value with a standard error from `degrees` degrees of freedom."""
    from scipy.special import stdtrit  # takes a tenth of a second, not needed to open a run

    half = float(stdtrit(degrees, _TAIL)) * error
    return Interval(value - half, value + half)
