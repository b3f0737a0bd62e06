"""The MAE of every group as a dot with its interval, below the bias of its attribute."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.style import StyleType
from rich.text import Text

from ageui.present.figures import NOTHING, between, number
from ageui.present.marks import NOISE
from ageui.store import BiasResult, SplitScores
from ageui.tui.chart.dot_plot import REFERENCE, DotHeading, DotRow, dot_plot
from ageui.tui.tones import tone_styles
from ageui.tui.widgets.fitted_text import FittedText
from engine.epoch_scores import EpochScores, GroupError
from engine.split_result import GapFigure, GroupResult

Entries = Sequence[DotRow | DotHeading]


@dataclass(frozen=True)
class GroupErrors:
    """The errors of groups on a split: final errors with intervals and tests, or errors after an epoch."""

    scores: SplitScores | EpochScores

    @property
    def mae(self) -> float:
        """The MAE of all images, in years."""
        return self.scores.result.mae if isinstance(self.scores, SplitScores) else self.scores.mae

    def entries(self, worst_style: StyleType = "") -> Entries:
        """A heading per attribute and a row per group; the worst group of an attribute is marked."""
        if isinstance(self.scores, SplitScores):
            return [entry for bias in self.scores.result.biases for entry in _bias_entries(bias, worst_style)]
        by_attribute = groupby(self.scores.groups, key=lambda group: group.attribute)
        return [
            entry for name, groups in by_attribute for entry in self._epoch_entries(name, list(groups), worst_style)
        ]

    def _epoch_entries(
        self, attribute: str, groups: list[GroupError], worst_style: StyleType
    ) -> Iterator[DotRow | DotHeading]:
        assert isinstance(self.scores, EpochScores)
        yield DotHeading(attribute, (number(self.scores.bias.get(attribute)),))
        yield from _rows([GroupResult(one.group, one.n, one.mae, one.signed) for one in groups], worst_style)


def group_lines(errors: GroupErrors, width: int, worst_style: StyleType = "") -> Text:
    """The groups on one axis, with the MAE of all images as a line."""
    legend = f"{REFERENCE} MAE {number(errors.mae)}"
    return Text("\n").join(dot_plot(errors.entries(worst_style), width, line=errors.mae, legend=legend))


class GroupDots(FittedText):
    """Shows the errors of groups; `show` replaces them."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown: tuple[GroupErrors | None, Text | str] | None = None

    def show(self, errors: GroupErrors | None, instead: Text | str = "") -> None:
        """Shows errors, or `instead` if they are None."""
        if (errors, instead) == self._shown:
            return
        self._shown = errors, instead
        if errors is None:
            self.fit(lambda width: instead)
        else:
            self.fit(lambda width: group_lines(errors, width, tone_styles(self.app.theme_variables)["bad"]))


def _bias_entries(bias: BiasResult, worst_style: StyleType) -> Iterator[DotRow | DotHeading]:
    if bias.value is None:
        yield DotHeading(bias.attribute, (bias.reason or NOTHING,))
    else:
        gap, *more = _figure(bias.signed_gap)
        yield DotHeading(bias.attribute, (*_figure(bias), f"signed gap {gap}", *more))
    yield from _rows(bias.groups, worst_style)


def _figure(gap: GapFigure) -> tuple[str, ...]:
    """The value with its mark, then its interval and the smallest detectable figure, if known."""
    return (
        f"{number(gap.value)}{NOISE if gap.inside_noise else ''}",
        *([between(gap.interval)] if gap.interval else []),
        *([f"detectable {number(gap.detectable)}"] if gap.detectable is not None else []),
    )


def _rows(groups: Sequence[GroupResult], worst_style: StyleType) -> Iterator[DotRow]:
    # NaN is as bad as an infinite error.
    maes = [math.inf if group.mae is not None and math.isnan(group.mae) else group.mae for group in groups]
    known = [mae for mae in maes if mae is not None]
    worst = max(known) if len(known) > 1 else None
    for group, mae in zip(groups, maes, strict=True):
        is_worst = mae is not None and mae == worst
        yield DotRow(
            group.group,
            group.mae,
            group.interval.low if group.interval else None,
            group.interval.high if group.interval else None,
            group.n,
            marks="worst" if is_worst else "",
            note=between(group.interval),
            style=worst_style if is_worst else "",
        )
