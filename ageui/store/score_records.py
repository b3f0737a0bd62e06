"""Records of scores and predictions on a split. Ages, errors and biases are in years."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.fairness import STATISTICS
from engine.image_errors import Refit
from engine.split_result import BiasResult, Figure, GapFigure, Interval, SplitResult

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class SplitScores:
    """A run's scores on a split. Runs with equal `images` (a hash) were scored on the same images and ages.

    `selected_on` is the split that selected the scored weights, if any. `statistics` is the revision of the intervals
    and tests. `in_train` counts the images with a duplicate or near-duplicate in train; None if unknown.
    """

    split: str
    images: str
    target: str
    data_name: str
    result: SplitResult
    selected_on: str | None = None
    statistics: int = STATISTICS
    in_train: int | None = None

    @property
    def is_selected(self) -> bool:
        """Whether these images selected the weights scored on them, which makes the scores too good."""
        return self.selected_on == self.split

    @property
    def is_stale(self) -> bool:
        """Whether the intervals and tests are those of an earlier version, or missing."""
        return self.statistics < STATISTICS

    def to_json(self) -> dict[str, Any]:
        result, biases = self.result, self.result.biases
        intervals = {"mae": _pair(result.mae_interval), **{b.attribute: _pair(b.interval) for b in biases}}
        others = {name: figure for name, figure in result.others.items() if figure.value is not None}
        baseline = result.baseline
        return {
            "split": self.split,
            "images": self.images,
            "target": self.target,
            "data": self.data_name,
            "selected_on": self.selected_on,
            "is_selected": self.is_selected,
            "is_stale": self.is_stale,
            "n": result.n,
            "in_train": self.in_train,
            "mae": result.mae,
            "signed": result.signed,
            "bias": {bias.attribute: bias.value for bias in biases},
            "reasons": {bias.attribute: bias.reason for bias in biases if bias.reason},
            "interval": intervals,
            "p": {bias.attribute: bias.p_value for bias in biases},
            "detectable": {bias.attribute: bias.detectable for bias in biases},
            "untested": {bias.attribute: bias.untested for bias in biases if bias.untested},
            "inside_noise": {bias.attribute: bias.inside_noise for bias in biases},
            "worst": {bias.attribute: bias.worst.group if bias.worst else None for bias in biases},
            "worst_interval": {bias.attribute: _pair(bias.worst_interval) for bias in biases},
            "gap": {bias.attribute: bias.gap for bias in biases},
            "gap_interval": {bias.attribute: _pair(bias.gap_interval) for bias in biases},
            "signed_gap": {bias.attribute: _gap(bias.signed_gap) for bias in biases},
            "figures": {name: _figure(figure) for name, figure in others.items()},
            "missing": {bias.attribute: bias.missing for bias in biases},
            "baseline": asdict(baseline) if baseline else None,
            "groups": [group for bias in biases for group in _groups(bias)],
        }


@dataclass(frozen=True, eq=False)
class Predictions:
    """The predictions (N,) of a run on a split, and their images; ages in years.

    `attributes` maps each attribute to its value per image, None if unknown. `subjects` are the persons in the images,
    if the data names them. `ranges` are the ends (N,) of ages given as ranges, by column. `refit` repeats the fit
    behind predictions of a derived run in bootstrap samples.
    """

    split: str
    images: str
    names: tuple[str, ...]
    ages: NDArray[np.float64]
    attributes: Mapping[str, tuple[str | None, ...]]
    predicted: NDArray[np.float32]
    subjects: tuple[str | None, ...] = ()
    ranges: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    refit: Refit | None = None

    def items(self) -> "pd.DataFrame":
        """The images in the form of `Evaluated.items`."""
        import pandas as pd

        columns = {"image": self.names, "age": self.ages}
        subjects = {"subject": self.subjects} if self.subjects else {}
        return pd.DataFrame({**columns, **self.ranges, **subjects, **self.attributes})

    def frame(self) -> "pd.DataFrame":
        """Columns split, image, age, predicted, the ends of ages given as ranges, and one per attribute."""
        import pandas as pd

        columns = {"split": self.split, "image": self.names, "age": self.ages, "predicted": self.predicted}
        return pd.DataFrame({**columns, **self.ranges, **self.attributes})


def _pair(interval: Interval | None) -> list[float] | None:
    return [interval.low, interval.high] if interval else None


def _figure(figure: Figure) -> dict[str, Any]:
    return {"value": figure.value, "interval": _pair(figure.interval), "note": figure.note}


def _gap(gap: GapFigure) -> dict[str, Any]:
    return {
        **_figure(gap),
        "p": gap.p_value,
        "inside_noise": gap.inside_noise,
        "detectable": gap.detectable,
    }


def _groups(bias: BiasResult) -> list[dict[str, Any]]:
    return [{"attribute": bias.attribute, **asdict(group), "interval": _pair(group.interval)} for group in bias.groups]
