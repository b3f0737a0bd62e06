"""The curves of compared runs, in the colours of their columns."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from operator import attrgetter

import numpy as np

from ageui.compare import Comparison
from ageui.compare.figure_names import figure_name
from ageui.present.figures import LOSS, YEARS, Unit, number
from ageui.store import Epoch, RunDetail
from ageui.tui.chart.raster import Floats
from ageui.tui.chart.series import MarkedPoint, Series
from ageui.tui.run.curves import bias_of, scored_attributes
from ageui.tui.themes import run_marker, series_color

CurveName = str
"""`val_loss`, `val_mae`, or an attribute for its bias."""

CURVE_NAMES: dict[CurveName, str] = {"val_loss": "validation loss", "val_mae": "validation MAE, years"}


def curve_names(runs: Iterable[RunDetail]) -> dict[CurveName, str]:
    """The curves of runs, with their names and units: loss, MAE, and each bias that was measured after epochs."""
    newest = (next((epoch for epoch in reversed(run.history) if epoch.scores is not None), None) for run in runs)
    attributes = scored_attributes([epoch for epoch in newest if epoch is not None])
    return CURVE_NAMES | {name: f"validation {figure_name(name)}, years" for name in attributes}


def next_curve(shown: CurveName, runs: Iterable[RunDetail]) -> CurveName:
    """The curve after the one shown, the first after the last."""
    names = list(curve_names(runs))
    return names[(names.index(shown) + 1) % len(names)] if shown in names else names[0]


def fitting_curve(runs: Sequence[RunDetail]) -> CurveName:
    """The validation loss if all runs have the same loss, else the MAE, since different losses are not comparable."""
    return "val_loss" if len({run.config.get("loss") for run in runs}) <= 1 else "val_mae"


def series_of(
    comparison: Comparison, runs: Mapping[int, RunDetail], curve: CurveName, places: Mapping[int, int], *, dark: bool
) -> list[Series]:
    """A curve over epochs for each row of the comparison; the mean over the seeds of a row."""
    figure, write = _figure(curve), partial(number, unit=_unit(curve))
    series: list[Series] = []
    for row in comparison.rows:
        drawn = {run_id: points for run_id in row.runs if len((points := _points(runs[run_id], figure))[0])}
        if not drawn:
            continue
        place = places[row.runs[0]]
        color, marker = series_color(place, dark=dark), run_marker(place)
        marked = _kept_point([runs[run_id] for run_id in drawn], curve)
        x, y = _mean(list(drawn.values()))
        name = row.label or row.name
        series.append(Series(str(row.runs[0]), name, x, y, color, marker=marker, marked=marked, write=write))
    return series


def _figure(curve: CurveName) -> Callable[[Epoch], float | None]:
    return attrgetter(curve) if curve in CURVE_NAMES else partial(bias_of, curve)


def _unit(curve: CurveName) -> Unit:
    return LOSS if curve == "val_loss" else YEARS


def _points(run: RunDetail, figure: Callable[[Epoch], float | None]) -> tuple[Floats, Floats]:
    """Epochs and values, each of shape (E,)."""
    values = [(epoch.epoch, value) for epoch in run.history if (value := figure(epoch)) is not None]
    points = np.array(values, dtype=np.float64).reshape(-1, 2)
    return points[:, 0], points[:, 1]


def _mean(curves: Sequence[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    """The mean of curves at their common epochs."""
    common = curves[0][0]
    for x, _ in curves[1:]:
        common = np.intersect1d(common, x)
    return common, np.mean([y[np.isin(x, common)] for x, y in curves], axis=0)


def _kept_point(runs: Sequence[RunDetail], curve: CurveName) -> MarkedPoint | None:
    """The kept epoch, marked if the runs share it. Once they have ended, the legend gives the mean of its figures."""
    figure, kept = _figure(curve), [run.kept_epoch for run in runs]
    values = [value for epoch in kept if epoch is not None and (value := figure(epoch)) is not None]
    if len(values) < len(runs):
        return None
    epochs = {epoch.epoch for epoch in kept if epoch is not None}
    text = number(float(np.mean(values)), _unit(curve))
    text = f"{text} @ {min(epochs)}" if len(epochs) == 1 else text
    has_ended = all(run.status in ("done", "diverged") for run in runs)
    return MarkedPoint(min(epochs) if len(epochs) == 1 else math.nan, text if has_ended else "")
