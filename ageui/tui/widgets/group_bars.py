"""The MAE of every group as a bar, below the bias of its attribute."""

from rich.cells import cell_len, set_cell_size
from rich.console import RenderableType
from rich.text import Text
from textual.widgets import Static

from ageui.present.bars import fine_bar
from ageui.present.figures import NOTHING, between, number
from ageui.present.marks import NOISE
from ageui.present.terminal import shortened
from ageui.store import BiasResult, SplitScores
from ageui.text.clean import clean

_NARROWEST_BAR, _WIDEST_BAR = 3, 12
# The indent, the count, the MAE and the mark, with their gaps.
_OTHER_CELLS = 2 + 8 + 7 + 2
_SHORTEST_NAME, _LONGEST_NAME = 8, 16
_INTERVAL_CELLS = 12


class GroupBars(Static):
    """Shows the scores of one split; `show` replaces them."""

    DEFAULT_CSS = """
    GroupBars { height: auto; padding: 0 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._scores: SplitScores | None = None

    def show(self, scores: SplitScores | None, instead: RenderableType) -> None:
        """Shows the bars of `scores`, or `instead` if it is None."""
        self._scores = scores
        self.update(instead if scores is None else _groups(scores, self.size.width))

    def on_resize(self) -> None:
        if self._scores is not None:
            self.update(_groups(self._scores, self.size.width))


def _groups(scores: SplitScores, cells: int) -> Text:
    """A line per attribute, then one per group: name, count, bar, MAE, its interval if it fits, and a mark if worst."""
    groups = [group for bias in scores.result.biases for group in bias.groups]
    has_room = cells >= _OTHER_CELLS + _NARROWEST_BAR + _SHORTEST_NAME + _INTERVAL_CELLS
    has_intervals = has_room and any(group.interval is not None for group in groups)
    whole = cells
    cells -= _INTERVAL_CELLS if has_intervals else 0
    largest = max((group.mae for group in groups if group.mae is not None), default=1.0)
    longest = max((cell_len(clean(group.group)) for group in groups), default=0)
    width = min(_LONGEST_NAME, longest, max(_SHORTEST_NAME, cells - _OTHER_CELLS - _NARROWEST_BAR))
    bar = min(_WIDEST_BAR, max(_NARROWEST_BAR, cells - width - _OTHER_CELLS))
    lines = []
    for bias in scores.result.biases:
        lines.append(_title(bias, whole))
        worst = bias.worst.group if bias.worst is not None and len(bias.groups) > 1 else None
        for group in bias.groups:
            line = Text(f"  {set_cell_size(shortened(clean(group.group), width), width)}")
            line.append(f" {group.n:>6,} ", style="dim")
            line.append(f"{fine_bar(group.mae or 0.0, largest, bar)} {number(group.mae):>6}")
            if has_intervals:
                line.append(f"{between(group.interval):>{_INTERVAL_CELLS}}", style="dim")
            lines.append(line.append(" ▲" if group.group == worst else "", style="bold"))
    return Text("\n").join(lines)


def _title(bias: BiasResult, cells: int) -> Text:
    """`gender  0.53 ~  0.05–1.20  noise 0.60`: the bias, a mark if it is inside noise, its interval, and the 95th
    percentile of noise if it fits; or the reason for a missing bias."""
    title = Text(clean(bias.attribute), style="bold")
    if bias.value is None:
        return title.append(f"  {clean(bias.reason or NOTHING)}", style="dim not bold")
    title.append(f"  {number(bias.value)}{f' {NOISE}' if bias.inside_noise else ''}", style="not bold")
    if bias.interval is not None:
        title.append(f"  {between(bias.interval)}", style="dim not bold")
    noise = f"  noise {number(bias.noise.p95)}" if bias.noise is not None else ""
    return title.append(noise if title.cell_len + len(noise) <= cells else "", style="dim not bold")
