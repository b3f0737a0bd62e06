"""The curves of a run over epochs, steps or elapsed time, and vertical lines at its events."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from ageui.compare.epoch_biases import bias_of, scored_attributes
from ageui.compare.epoch_figures import figure_of_epoch
from ageui.compare.figure_names import figure_title
from ageui.present.figures import LEARNING_RATE, LOSS, SPEED, YEARS, Unit, number
from ageui.store import Epoch
from ageui.tui.chart.raster import Floats
from ageui.tui.chart.series import MarkedPoint, Series, VerticalLine

Axis = Literal["epoch", "step", "time"]

AXES: tuple[Axis, ...] = ("epoch", "step", "time")
AXIS_NAMES: dict[Axis, str] = {"epoch": "epoch", "step": "step", "time": "elapsed time"}


Figure = Callable[[Epoch], float | None]

_val_loss, _train_loss, _val_mae, _lr, _speed = map(
    figure_of_epoch, ("val_loss", "train_loss", "val_mae", "lr", "images_per_second")
)


@dataclass(frozen=True)
class Curve:
    """Figures to draw over epochs, steps or time; `y_name` includes their unit.

    `kept` is the figure, in `unit`, that names the kept epoch; None for curves of several figures.
    """

    key: str
    title: str
    y_name: str
    unit: Unit
    kept: Figure | None


def _loss(epoch: Epoch) -> float | None:
    return epoch.train_loss if epoch.val_loss is None else epoch.val_loss


CURVES = (
    Curve("loss", "train and validation loss", "loss", LOSS, _loss),
    Curve("val_loss", "validation loss", "validation loss", LOSS, _val_loss),
    Curve("steps", "train loss of every step", "train loss", LOSS, _train_loss),
    Curve("val_mae", "validation MAE", "MAE, years", YEARS, _val_mae),
    Curve("bias", "validation biases", "bias, years", YEARS, None),
    Curve("lr", "learning rate", "learning rate", LEARNING_RATE, _lr),
    Curve("speed", "images per second", "images/s", SPEED, _speed),
)


@dataclass(frozen=True, eq=False)
class CurveData:
    """The ended epochs of a run, and its `steps` with their losses, both of shape (P,).

    Elapsed time counts training only, in seconds, and is linear within an epoch. `steps_per_epoch` and
    `seconds_per_step` are estimates for the first epoch. `kept` is the epoch whose weights are kept so far.
    """

    history: Sequence[Epoch]
    steps: Floats
    step_losses: Floats
    steps_per_epoch: float = 1.0
    seconds_per_step: float = 1.0
    kept: Epoch | None = None
    has_ended: bool = False

    def x_of_epochs(self, axis: Axis) -> Floats:
        match axis:
            case "epoch":
                return np.array([epoch.epoch for epoch in self.history], dtype=np.float64)
            case "step":
                return np.array([epoch.step for epoch in self.history], dtype=np.float64)
            case "time":
                elapsed: Floats = np.cumsum([epoch.seconds for epoch in self.history], dtype=np.float64)
                return elapsed

    def x_of_steps(self, axis: Axis) -> Floats:
        """Extrapolates the steps of the current epoch at the pace of the previous one."""
        if axis == "step":
            return self.steps
        if not self.history:
            return self.steps / self.steps_per_epoch if axis == "epoch" else self.steps * self.seconds_per_step
        ends = np.concatenate([[0.0], self.x_of_epochs("step")])
        at = np.concatenate([[0.0], self.x_of_epochs(axis)])
        inside = np.interp(self.steps, ends, at)
        pace = (at[-1] - at[-2]) / max(1.0, ends[-1] - ends[-2])
        beyond: Floats = at[-1] + (self.steps - ends[-1]) * pace
        along: Floats = np.where(self.steps > ends[-1], beyond, inside)
        return along

    def x_of_kept(self, axis: Axis) -> float | None:
        """The x of the kept epoch."""
        at = zip(self.history, self.x_of_epochs(axis), strict=True)
        return next((float(x) for epoch, x in at if self.kept is not None and epoch.epoch == self.kept.epoch), None)


def series_of(data: CurveData, curve: Curve, axis: Axis, colors: Sequence[str]) -> list[Series]:
    """The series to draw; the first `colors` are those of train and validation."""
    train, valid = colors[0], colors[1]
    match curve.key:
        case "loss":
            steps = Series("step", "train loss, steps", data.x_of_steps(axis), data.step_losses, train, faint=True)
            return [
                *([steps] if len(data.steps) else []),
                *_over_epochs(data, axis, "train loss", _train_loss, LOSS, train),
                *_over_epochs(data, axis, "val loss", _val_loss, LOSS, valid),
            ]
        case "steps":
            return [Series("step", "train loss", data.x_of_steps(axis), data.step_losses, train)]
        case "val_loss":
            return _over_epochs(data, axis, "val loss", _val_loss, LOSS, valid)
        case "val_mae":
            return _over_epochs(data, axis, "val MAE", _val_mae, YEARS, valid)
        case "bias":
            return [
                one
                for place, attribute in enumerate(scored_attributes(data.history))
                for one in _over_epochs(
                    data, axis, figure_title(attribute), partial(bias_of, attribute), YEARS, colors[place % len(colors)]
                )
            ]
        case "lr":
            return _over_epochs(data, axis, "learning rate", _lr, LEARNING_RATE, train)
        case _:
            return _over_epochs(data, axis, "images/s", _speed, SPEED, train)


def event_lines(data: CurveData, curve: Curve, axis: Axis, planned: Sequence[int]) -> list[VerticalLine]:
    """Vertical lines at starts of stages, early stops, divergence and the kept epoch, which the curve's figure names.

    `planned` are the epochs of each stage.
    """
    history, x = data.history, data.x_of_epochs(axis)
    lines: list[VerticalLine] = []
    for place in range(1, len(history)):
        before, after = history[place - 1], history[place]
        if after.stage != before.stage:
            early = ", stopped early" if _stopped_early(history, before.stage, planned) else ""
            lines.append(VerticalLine(float(x[place - 1]), f"stage {after.stage}{early}"))
    if data.has_ended and history and _stopped_early(history, history[-1].stage, planned):
        lines.append(VerticalLine(float(x[-1]), "stopped early" if history[-1].is_finite else "diverged"))
    at = data.x_of_kept(axis)
    if data.kept is not None and at is not None:
        value = curve.kept(data.kept) if curve.kept is not None else None
        figure = f" {number(value, curve.unit)}" if value is not None else ""
        lines.append(VerticalLine(at, f"kept{figure} @ {data.kept.epoch}"))
    return lines


def _stopped_early(history: Sequence[Epoch], stage: int, planned: Sequence[int]) -> bool:
    """Whether an ended stage had fewer epochs than planned."""
    return stage <= len(planned) and sum(epoch.stage == stage for epoch in history) < planned[stage - 1]


def _over_epochs(data: CurveData, axis: Axis, label: str, figure: Figure, unit: Unit, color: str) -> list[Series]:
    """The curve of a figure over the epochs with that figure, with the kept epoch marked; none without such epochs.

    Once the run has ended, the legend gives the figure of the kept epoch, as tables do.
    """
    points = [
        (x, value)
        for epoch, x in zip(data.history, data.x_of_epochs(axis), strict=True)
        if (value := figure(epoch)) is not None
    ]
    if not points:
        return []
    x, y = np.array(points, dtype=np.float64).T
    kept, at = figure(data.kept) if data.kept is not None else None, data.x_of_kept(axis)
    marked = None
    if data.kept is not None and kept is not None and at is not None:
        marked = MarkedPoint(at, f"{number(kept, unit)} @ {data.kept.epoch}" if data.has_ended else "")
    return [Series(label, label, x, y, color, marked=marked, write=partial(number, unit=unit))]
