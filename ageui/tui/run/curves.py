"""The curves of one run over epochs, steps or elapsed time, and vertical lines at its events."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ageui.store import Epoch
from ageui.tui.chart.raster import Floats
from ageui.tui.chart.series import Series, VerticalLine

Axis = Literal["epoch", "step", "time"]

AXES: tuple[Axis, ...] = ("epoch", "step", "time")
AXIS_NAMES: dict[Axis, str] = {"epoch": "epoch", "step": "step", "time": "elapsed time"}


@dataclass(frozen=True)
class Curve:
    """A figure to draw over epochs, steps or time; `y_name` includes its unit."""

    key: str
    title: str
    y_name: str


CURVES = (
    Curve("loss", "train and validation loss", "loss"),
    Curve("val_loss", "validation loss", "validation loss"),
    Curve("steps", "train loss of every step", "train loss"),
    Curve("val_mae", "validation MAE", "MAE, years"),
    Curve("lr", "learning rate", "learning rate"),
    Curve("speed", "images per second", "images/s"),
)


@dataclass(frozen=True, eq=False)
class CurveData:
    """The ended epochs of a run, and its `steps` with their losses, both of shape (P,).

    Elapsed time counts training only, in seconds, and is linear within an epoch. `steps_per_epoch` and
    `seconds_per_step` are estimates for the first epoch.
    """

    history: Sequence[Epoch]
    steps: Floats
    step_losses: Floats
    steps_per_epoch: float = 1.0
    seconds_per_step: float = 1.0

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


def series_of(data: CurveData, curve: Curve, axis: Axis, colors: tuple[str, str]) -> list[Series]:
    """The series to draw; `colors` are those of train and validation."""
    x, train, valid = data.x_of_epochs(axis), colors[0], colors[1]
    history = data.history
    match curve.key:
        case "loss":
            steps = Series("step", "train, steps", data.x_of_steps(axis), data.step_losses, train, faint=True)
            return [
                *([steps] if len(data.steps) else []),
                Series("train", "train", x, _values([epoch.train_loss for epoch in history]), train),
                *_measured("validation", x, [epoch.val_loss for epoch in history], valid),
            ]
        case "steps":
            return [Series("step", "train", data.x_of_steps(axis), data.step_losses, train)]
        case "val_loss" | "val_mae":
            return _measured("validation", x, [getattr(epoch, curve.key) for epoch in history], valid)
        case "lr":
            return [Series("lr", "learning rate", x, _values([epoch.lr for epoch in history]), train)]
        case _:
            return [Series("speed", "training", x, _values([epoch.images_per_second for epoch in history]), train)]


def event_lines(data: CurveData, axis: Axis, planned: Sequence[int], *, ended: bool) -> list[VerticalLine]:
    """Vertical lines at starts of stages, early stops and the best epoch.

    `planned` are the epochs of each stage; `ended` is whether the run has ended.
    """
    history, x = data.history, data.x_of_epochs(axis)
    lines: list[VerticalLine] = []
    for place in range(1, len(history)):
        before, after = history[place - 1], history[place]
        if after.stage != before.stage:
            early = ", stopped early" if _stopped_early(history, before.stage, planned) else ""
            lines.append(VerticalLine(float(x[place - 1]), f"stage {after.stage}{early}"))
    if ended and history and _stopped_early(history, history[-1].stage, planned):
        lines.append(VerticalLine(float(x[-1]), "stopped early"))
    best = [place for place, epoch in enumerate(history) if epoch.is_best and epoch.val_loss is not None]
    if best:
        epoch = history[best[-1]]
        lines.append(VerticalLine(float(x[best[-1]]), f"best {epoch.val_loss:.4g} @ {epoch.epoch}"))
    return lines


def _stopped_early(history: Sequence[Epoch], stage: int, planned: Sequence[int]) -> bool:
    """Whether an ended stage had fewer epochs than planned."""
    return stage <= len(planned) and sum(epoch.stage == stage for epoch in history) < planned[stage - 1]


def _measured(label: str, x: Floats, values: Sequence[float | None], color: str) -> list[Series]:
    """A curve of values on validation images; none if these have no labels."""
    if all(value is None for value in values):
        return []
    return [Series(label, label, x, _values(values), color)]


def _values(values: Sequence[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
