"""Errors of single images as plots: predicted by true age, and the signed error by age."""

import numpy as np
from rich.style import Style
from rich.text import Text

from ageui.compare.figure_names import split_title
from ageui.present.figures import SIGNED_YEARS, SLOPE, between, number
from ageui.text.clean import clean
from ageui.text.sentences import counted
from ageui.tui.chart.dot_plot import REFERENCE, DotRow, dot_plot
from ageui.tui.chart.scatter_axis import ScatterAxis
from ageui.tui.chart.scatter_plot import DotCloud, ScatterPlot
from ageui.tui.run.split_errors import SplitErrors


def predicted_by_age(errors: SplitErrors, dots: Style, diagonal: Style) -> ScatterPlot:
    """A dot per image, with a diagonal where the predicted is the true age."""
    ages, predicted = errors.predictions.ages, errors.predictions.predicted.astype(np.float64)
    nothing = "none of the predictions is a finite number"
    x, y = ScatterAxis("true age", "years"), ScatterAxis("predicted age", "years")
    return ScatterPlot(x, y, clouds=[DotCloud(ages, predicted, dots)], diagonal=diagonal, nothing=nothing)


def error_by_age(errors: SplitErrors, width: int) -> Text:
    """The mean signed error of each bin of ages, with a line at 0, then how it changes with age."""
    rows = [
        DotRow(
            f"{one.low}–{one.high - 1}",
            one.signed,
            one.interval.low if one.interval else None,
            one.interval.high if one.interval else None,
            one.n,
            note=between(one.interval, SIGNED_YEARS, " to "),
        )
        for one in errors.by_age
    ]
    slope = errors.slope
    said = Text(f"slope {number(slope.value, SLOPE)} years of error per year of age")
    if slope.interval is not None:
        said.append(f" ({between(slope.interval, SLOPE, ' to ')})", style="dim")
    if slope.value is None and slope.reason:
        said.append(f": {clean(slope.reason)}")
    lines = dot_plot(rows, width, line=0.0, legend=f"{REFERENCE} no error", unit=SIGNED_YEARS)
    meaning = Text("above 0: guessed too old; below 0: too young", style="dim")
    return Text("\n").join([*lines, Text(), said, meaning])


def errors_title(name: str, errors: SplitErrors) -> str:
    """`signed error by true age, valid (selected), 1,482 images, 3 without a finite prediction`."""
    n = len(errors.predictions.ages)
    left_out = n - sum(one.n for one in errors.by_age)
    without = f", {left_out:,} without a finite prediction" if left_out else ""
    return f"{name}, {split_title(errors.scores)}, {counted(n, 'image')}{without}"
