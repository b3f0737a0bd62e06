"""The MAE of every group as a bar, below the bias of its attribute."""

from collections.abc import Iterator

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
from engine.split_result import GapFigure

_NARROWEST_BAR, _WIDEST_BAR = 3, 12
# The indent, the count, the MAE and the word "worst", with their gaps.
_OTHER_CELLS = 2 + 8 + 7 + len(" worst")
_SHORTEST_NAME, _LONGEST_NAME = 7, 16
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
    """Lines on each attribute, then one per group: name, count, bar, MAE, its interval if it fits, the word `worst`."""
    groups = [group for bias in scores.result.biases for group in bias.groups]
    has_room = cells >= _OTHER_CELLS + _SHORTEST_NAME + _INTERVAL_CELLS
    has_intervals = has_room and any(group.interval is not None for group in groups)
    whole = cells
    cells -= _INTERVAL_CELLS if has_intervals else 0
    largest = max((group.mae for group in groups if group.mae is not None), default=1.0)
    longest = max((cell_len(clean(group.group)) for group in groups), default=0)
    width = min(_LONGEST_NAME, longest, max(_SHORTEST_NAME, cells - _OTHER_CELLS - _NARROWEST_BAR))
    bar = min(_WIDEST_BAR, max(0, cells - width - _OTHER_CELLS))
    lines: list[Text] = []
    for bias in scores.result.biases:
        lines += _titles(bias, whole)
        worst = bias.worst.group if bias.worst is not None and len(bias.groups) > 1 else None
        for group in bias.groups:
            line = Text(f"  {set_cell_size(shortened(clean(group.group), width), width)}")
            line.append(f" {group.n:>6,} ", style="dim")
            line.append(f"{fine_bar(group.mae or 0.0, largest, bar) if bar else ''} {number(group.mae):>6}")
            if has_intervals:
                line.append(f"{between(group.interval):>{_INTERVAL_CELLS}}", style="dim")
            lines.append(line.append(" worst" if group.group == worst else "", style="bold"))
    return Text("\n").join(lines)


def _titles(bias: BiasResult, cells: int) -> Iterator[Text]:
    """`gender  0.53 ~  0.05–1.20  detectable 0.60`: the bias, a mark if it is inside noise, its interval, and the
    smallest bias that could be found, as far as they fit; then the same of the signed gap. Or the reason for a missing
    bias."""
    name = Text(clean(bias.attribute), style="bold")
    if bias.value is None:
        yield name.append(f"  {clean(bias.reason or NOTHING)}", style="dim not bold")
        return
    yield _gap(name, bias, cells)
    yield _gap(Text("  signed gap"), bias.signed_gap, cells)


def _gap(name: Text, gap: GapFigure, cells: int) -> Text:
    name.append(f"  {number(gap.value)}{f' {NOISE}' if gap.inside_noise else ''}", style="not bold")
    interval = f"  {between(gap.interval)}" if gap.interval is not None else ""
    detectable = f"  detectable {number(gap.detectable)}" if gap.detectable is not None else ""
    for text in (interval, detectable):
        name.append(text if name.cell_len + len(text) <= cells else "", style="dim not bold")
    return name
