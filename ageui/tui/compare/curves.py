"""The curves of compared runs, in the colours of their columns."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from ageui.compare import Comparison
from ageui.store import RunDetail
from ageui.tui.chart.raster import Floats
from ageui.tui.chart.series import Series
from ageui.tui.themes import run_marker, series_color

CurveName = Literal["val_loss", "val_mae"]

CURVE_NAMES: dict[CurveName, str] = {"val_loss": "validation loss", "val_mae": "validation MAE, years"}


def fitting_curve(runs: Sequence[RunDetail]) -> CurveName:
    """The validation loss if all runs have the same loss, else the MAE, since different losses are not comparable."""
    return "val_loss" if len({run.config.get("loss") for run in runs}) <= 1 else "val_mae"


def series_of(
    comparison: Comparison, runs: Mapping[int, RunDetail], curve: CurveName, places: Mapping[int, int], *, dark: bool
) -> list[Series]:
    """A curve over epochs for each row of the comparison; the mean over the seeds of a row."""
    series: list[Series] = []
    for row in comparison.rows:
        points_of_runs = [points for run_id in row.runs if len((points := _points(runs[run_id], curve))[0])]
        if not points_of_runs:
            continue
        place = places[row.runs[0]]
        color = series_color(place, dark=dark)
        series.append(Series(str(row.runs[0]), row.name, *_mean(points_of_runs), color, marker=run_marker(place)))
    return series


def _points(run: RunDetail, curve: CurveName) -> tuple[Floats, Floats]:
    """Epochs and values, each of shape (E,)."""
    values = [(epoch.epoch, getattr(epoch, curve)) for epoch in run.history if getattr(epoch, curve) is not None]
    points = np.array(values, dtype=np.float64).reshape(-1, 2)
    return points[:, 0], points[:, 1]


def _mean(curves: Sequence[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    """The mean of curves at their common epochs."""
    common = curves[0][0]
    for x, _ in curves[1:]:
        common = np.intersect1d(common, x)
    return common, np.mean([y[np.isin(x, common)] for x, y in curves], axis=0)
