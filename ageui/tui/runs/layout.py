"""The columns of the table of runs and their widths, a function of the table's width, so that nothing moves."""

from collections.abc import Sequence
from dataclasses import dataclass

from ageui.tui.runs.columns import COLUMNS, FROZEN
from ageui.tui.runs.entries import FIGURES
from ageui.tui.widgets.table_rows import WITH_SPREAD, TableColumn

_PREFIX, _GAP = 2, 1
_ALWAYS = ("state", "differs", "progress", *FIGURES)
_SETTING = 20
_LONGEST_SETTING = 48
_PLACES = ("state", "run", "differs", "progress", *FIGURES, "epoch", "tags", "created", "ended", "split", "note")
"""The default columns, from left to right."""


@dataclass(frozen=True)
class Layout:
    """The columns from left to right, of which the first `fixed` do not scroll sideways."""

    columns: tuple[TableColumn, ...]
    fixed: int

    def widths(self) -> dict[str, int]:
        return {column.key: column.width for column in self.columns}


def automatic(width: int, *, folded: bool) -> Layout:
    """The columns of a table `width` cells wide: the setting and all figures first, then others by usefulness.

    If there is room, folded rows have standard deviations. They have no names, because names belong to single runs.
    """
    widths = {name: _narrow(name) for name in _ALWAYS}
    widths["differs"] = _SETTING
    left = width - _PREFIX - sum(cells + _GAP for cells in widths.values())
    for names, cells in _steps(folded):
        more = sum(cells + _GAP if name not in widths else cells - widths[name] for name in names)
        if more > left:
            break
        widths |= dict.fromkeys(names, cells)
        left -= more
    widths["differs"] = max(1, min(widths["differs"] + left, _LONGEST_SETTING))
    return _layout([name for name in _PLACES if name in widths], widths, width, folded=folded)


def chosen(names: Sequence[str], width: int, *, folded: bool) -> Layout:
    """The columns chosen by a person. If they do not fit, names and figures come first and stay in view."""
    widths = {name: COLUMNS[name].width for name in names}
    spread = widths | {name: WITH_SPREAD for name in names if name in FIGURES and folded}
    if _total(spread) <= width:
        widths = spread
    elif _total(widths) > width:
        widths |= {name: _narrow(name) for name in names}
    rest = _total(widths) - width
    if rest > 0:
        frozen = [name for name in names if name in FROZEN]
        if "differs" in frozen and "run" in frozen:
            frozen.remove("run")
        names = [*frozen, *(name for name in names if name not in frozen)]
        over = _total({name: widths[name] for name in frozen}) - width
        naming = "differs" if "differs" in frozen else "run"
        widths[naming] = max(8, min(_LONGEST_SETTING, widths[naming] - over)) if over > 0 else widths[naming]
    elif "differs" in widths:
        widths["differs"] = min(_LONGEST_SETTING, widths["differs"] - rest)
    return _layout(names, widths, width, folded=folded)


def _steps(folded: bool) -> list[tuple[tuple[str, ...], int]]:
    """The columns that a wider table adds or widens, in order, each with its width."""
    if folded:
        spreads = [(FIGURES[:1], WITH_SPREAD), (FIGURES[1:], WITH_SPREAD)]
        return [*spreads, (("differs",), 30), _whole("state"), _whole("split"), (("differs",), 40)]
    first = [(("run",), 16), _whole("progress"), (("differs",), 30)]
    return [
        *first,
        *map(_whole, ("epoch", "tags", "created", "state", "ended", "split")),
        (("run",), 24),
        _whole("note"),
    ]


def _whole(name: str) -> tuple[tuple[str, ...], int]:
    return (name,), COLUMNS[name].width


def _layout(names: Sequence[str], widths: dict[str, int], width: int, *, folded: bool) -> Layout:
    columns = tuple(_column(name, widths[name], folded=folded) for name in names)
    fits = _PREFIX + sum(column.width + column.gap for column in columns) <= width
    frozen = next((place for place, name in enumerate(names) if name not in FROZEN), len(names))
    return Layout(columns, 0 if fits else min(frozen, len(columns)))


def _column(name: str, width: int, *, folded: bool) -> TableColumn:
    column = COLUMNS[name]
    if name == "state" and width < column.width:  # a symbol alone, without room for a title
        return TableColumn(name, "", width, is_fixed=True, gap=_GAP)
    title = "n" if name == "progress" and folded else column.title
    return TableColumn(name, title, width, column.right, column.order, is_fixed=True, gap=_GAP)


def _narrow(name: str) -> int:
    return COLUMNS[name].narrow or COLUMNS[name].width


def _total(widths: dict[str, int]) -> int:
    return _PREFIX + sum(cells + _GAP for cells in widths.values())
