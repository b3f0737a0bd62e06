"""The plots of a report. Each shows the figures of the table beside it."""

import math
from collections.abc import Sequence
from itertools import cycle, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ageui.compare import ComparedRow, Comparison
from ageui.compare.figure_names import figure_name
from ageui.report.drawing import INK, Drawing, draw
from ageui.text.clean import clean
from engine.split_result import SplitResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ageui.store import Epoch, Predictions

# Distinct for any colour vision, with a contrast of at least 3 on white and on black.
SERIES = _BLUE, _ORANGE, _GREEN = "#2b83c6", "#d55e00", "#009e73"
COLORS = dict(zip(("run", "constant", "published"), SERIES, strict=True))
"""The colour of each kind of row in every plot."""
_LOGARITHMIC_FROM = 20.0
_LAYERS = 4
_LEGEND_COLUMNS = 4
_LONGEST_LABEL = 28


def curves(name: str, history: "Sequence[Epoch]") -> Drawing | None:
    """Losses by epoch, with the beginnings of stages and the best epoch; None without a finite loss."""
    train = [epoch.train_loss for epoch in history]
    valid = [math.nan if epoch.val_loss is None else epoch.val_loss for epoch in history]
    finite = [value for value in (*train, *valid) if math.isfinite(value)]
    if not finite:
        return None
    epochs = [epoch.epoch for epoch in history]
    best = next((epoch for epoch in reversed(history) if epoch.is_best), None)

    def paint(figure: "Figure") -> None:
        axes = figure.subplots()
        axes.plot(epochs, train, color=_ORANGE, linestyle="--", marker=".", label="train loss")
        if any(math.isfinite(value) for value in valid):
            axes.plot(epochs, valid, color=_BLUE, marker=".", label="validation loss")
        if best is not None and best.val_loss is not None and math.isfinite(best.val_loss):
            axes.plot(best.epoch, best.val_loss, "o", color=_BLUE, fillstyle="none", markersize=9, label="best epoch")
        for before, after in pairwise(history):
            if before.stage != after.stage:
                axes.axvline(before.epoch + 0.5, color=INK, linestyle=":", label=f"stage {after.stage} begins")
        _loss_by_epoch(axes, "loss", finite)

    return draw(name, (6.6, 3.0), paint)


def curves_of_cells(name: str, cells: "Sequence[tuple[str, Sequence[Sequence[Epoch]]]]") -> Drawing | None:
    """Validation losses by epoch, a line per run; `cells` are labels and histories, and runs of a cell look alike.

    None without a finite loss.
    """
    points = [(label, [own for history in runs if (own := _validation_losses(history))]) for label, runs in cells]
    finite = [loss for _, runs in points for own in runs for _, loss in own]
    if not finite:
        return None
    # Colours repeat after three cells, pairs of colour and dashes after twelve.
    looks = [(color, dashes) for dashes in ("-", "--", ":", "-.") for color in SERIES]

    def paint(figure: "Figure") -> None:
        axes = figure.subplots()
        for (label, runs), (color, dashes) in zip(points, cycle(looks), strict=False):
            for place, own in enumerate(runs):
                epochs, losses = zip(*own, strict=True)
                named = short_label(label) if place == 0 else None
                axes.plot(epochs, losses, color=color, linestyle=dashes, marker=".", label=named)
        _loss_by_epoch(axes, "validation loss", finite)

    return draw(name, (6.6, 3.0 + 0.2 * (len(points) // _LEGEND_COLUMNS)), paint)


def predicted_by_age(name: str, predictions: "Predictions") -> Drawing | None:
    """A dot per image: predicted by true age, with the line where they are equal; None without a finite prediction."""
    finite = np.isfinite(predictions.predicted)
    if not finite.any():
        return None
    ages, predicted = predictions.ages[finite], predictions.predicted[finite].astype(np.float64)
    low, high = (float(side) for side in (min(ages.min(), predicted.min()), max(ages.max(), predicted.max())))

    def paint(figure: "Figure") -> None:
        axes = figure.subplots()
        axes.axline((low, low), slope=1.0, color=INK, linewidth=0.8, linestyle="--", label="predicted = true")
        # A line paints each place only once, however many dots it has there: several layers show where dots are dense.
        for layer in range(_LAYERS):
            x, y = (_dots(values[layer::_LAYERS]) for values in (ages, predicted))
            axes.plot(x, y, color=_BLUE, alpha=0.45, linewidth=2.6, solid_capstyle="round")
        axes.set_xlim(low - 1, high + 1)
        axes.set_ylim(low - 1, high + 1)
        axes.set_aspect("equal")
        axes.set_xlabel("true age, years")
        axes.set_ylabel("predicted age, years")
        _legend(axes)

    return draw(name, (5.0, 4.8), paint)


def group_bars(name: str, result: SplitResult) -> Drawing | None:
    """A bar per group with its MAE and, if known, its interval; None without a finite MAE."""
    shown = [
        (bias.attribute, group.group, group.mae, group.interval)
        for bias in result.biases
        for group in bias.groups
        if group.mae is not None and math.isfinite(group.mae)
    ]
    if not shown:
        return None
    attributes = list(dict.fromkeys(attribute for attribute, *_ in shown))
    colours = dict(zip(attributes, SERIES * len(attributes), strict=False))
    # A free line between attributes.
    places = [place + attributes.index(attribute) for place, (attribute, *_) in enumerate(shown)]

    def paint(figure: "Figure") -> None:
        axes = figure.subplots()
        for place, (attribute, _, mae, interval) in zip(places, shown, strict=True):
            axes.barh(place, mae, height=0.75, color=colours[attribute], alpha=0.75)
            if interval is not None:
                reach = [[max(mae - interval.low, 0.0)], [max(interval.high - mae, 0.0)]]
                axes.errorbar(mae, place, xerr=reach, color=INK, capsize=2.5, linewidth=1.0)
        if math.isfinite(result.mae):
            axes.axvline(result.mae, color=INK, linestyle="--", linewidth=0.8, label="MAE of all images")
        axes.set_yticks(places, [short_label(f"{attribute}: {group}") for attribute, group, *_ in shown])
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.set_xlim(left=0)
        axes.set_xlabel("MAE, years")
        _legend(axes)

    return draw(name, (6.6, 1.2 + 0.22 * (places[-1] + 1)), paint)


def side_by_side(name: str, comparison: Comparison) -> Drawing | None:
    """A panel per figure and a line per row of a comparison; None without a finite figure.

    Strokes through dots are one standard deviation over seeds to each side of a mean, else intervals. Hollow dots are
    inside noise.
    """
    rows = [row for row in comparison.rows if any(_is_finite(cell.value) for cell in row.cells)]
    if not rows:
        return None
    others = {*comparison.further, *comparison.groups}
    columns = [(place, column) for place, column in enumerate(comparison.columns) if column not in others]

    def paint(figure: "Figure") -> None:
        panels = figure.subplots(1, len(columns), sharey=True, squeeze=False)[0]
        for axes, (place, column) in zip(panels, columns, strict=True):
            for line, row in enumerate(rows):
                cell = row.cells[place]
                if cell.value is None or not _is_finite(cell.value):
                    continue
                marker = marker_of(row, is_comparable=row.comparable and cell.comparable)
                color = COLORS[row.kind]
                face = "none" if cell.inside_noise else color
                axes.plot(cell.value, line, marker, color=color, markersize=5, markerfacecolor=face)
                if ends := cell.ends:
                    axes.plot(ends, [line, line], color=INK, linewidth=1.0, solid_capstyle="butt")
            axes.set_title(short_label(figure_name(column)))
            axes.set_xlim(left=0)
            axes.grid(visible=False, axis="y")
        panels[0].set_yticks(range(len(rows)), [short_label(row.name) for row in rows])
        panels[0].set_ylim(len(rows) - 0.5, -0.5)
        figure.supxlabel("years", fontsize=9.0)

    return draw(name, (max(6.6, 1.4 + 1.3 * len(columns)), 1.0 + 0.28 * len(rows)), paint)


def marker_of(row: ComparedRow, *, is_comparable: bool) -> str:
    """The marker of a row in every plot: a diamond for published figures (◆), a square for the constant predictor, a
    cross for figures that cannot be compared, else a dot."""
    if row.kind == "published":
        return "D"
    return "x" if not is_comparable else "s" if row.kind == "constant" else "o"


def _validation_losses(history: "Sequence[Epoch]") -> list[tuple[int, float]]:
    """Finite validation losses, each with its epoch."""
    return [(one.epoch, one.val_loss) for one in history if one.val_loss is not None and math.isfinite(one.val_loss)]


def _loss_by_epoch(axes: "Axes", name: str, finite: Sequence[float]) -> None:
    from matplotlib.ticker import MaxNLocator

    if min(finite) > 0 and max(finite) / min(finite) > _LOGARITHMIC_FROM:
        axes.set_yscale("log")
    axes.set_xlabel("epoch")
    axes.set_ylabel(name)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _legend(axes)


def _dots(values: Any) -> Any:
    """Values as line segments of no length, separated by NaN for matplotlib."""
    return np.stack([values, values, np.full(len(values), np.nan)], axis=1).ravel()


def _legend(axes: "Axes") -> None:
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=_LEGEND_COLUMNS)


def _is_finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def short_label(text: str) -> str:
    """The text, clean and cut to the room that a plot has."""
    text = clean(text)
    return text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 1]}…"
