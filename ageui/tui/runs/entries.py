"""The rows of the table of runs: runs, runs folded over seeds, headings of groups, and constant predictors."""

import math
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from ageui.compare.comparison import MAE
from ageui.present.figures import number
from ageui.store.listing import ListedConstant
from engine.choices import REPORT_ATTRIBUTES

FIGURES = (MAE, *REPORT_ATTRIBUTES)
"""MAE and the biases of the report, in the order of their columns."""
STD = "_std"
"""The suffix of orders by the standard deviation of a figure over seeds."""
NO_FIGURES: tuple[float | None, ...] = (None,) * len(FIGURES)
NEVER = (False,) * len(FIGURES)


class Entry(NamedTuple):
    """A row. `runs` are the ids behind it: one for a `run`, those of all seeds, in order, for a `fold`.

    `figures` are in years, means over seeds for a fold and over the rows of a group for a heading; `stds` are the
    sample standard deviations of a fold, whose `scored` runs have scores; `p_values` are the least over its seeds, None
    unless all were tested. `competes` says for each figure whether it may be the best of its column. `depth` is 1 for
    the runs of an open fold. `title` is the value of a heading's group, or the name of a constant; `best` is the lowest
    MAE of a group. `is_open` says whether the rows of a fold or group follow.
    """

    kind: Literal["run", "fold", "heading", "constant"]
    key: int
    runs: tuple[int, ...]
    figures: tuple[float | None, ...] = NO_FIGURES
    competes: tuple[bool, ...] = NEVER
    stds: tuple[float | None, ...] = NO_FIGURES
    scored: int = 0
    statuses: tuple[str, ...] = ()
    no_better: bool = False
    p_values: tuple[float | None, ...] = NO_FIGURES
    depth: int = 0
    title: str = ""
    best: float | None = None
    is_open: bool = False


def without_std(order: str) -> str:
    """The order by a figure in place of its standard deviation, which unfolded rows lack.

    >>> without_std("-mae_std"), without_std("val_loss_std")
    ('-mae', 'val_loss_std')
    """
    figure = order.removesuffix(STD)
    return figure if figure.removeprefix("-") in FIGURES else order


def mean_and_std(values: Iterable[float | None]) -> tuple[float | None, float | None]:
    """The mean of the known figures and their sample standard deviation (over n - 1), None for fewer than two."""
    known = [value for value in values if value is not None]
    if not known:
        return None, None
    if not all(map(math.isfinite, known)):
        return sum(known) / len(known), math.nan if len(known) > 1 else None
    mean = math.fsum(known) / len(known)
    if len(known) == 1:
        return mean, None
    return mean, math.sqrt(math.fsum((value - mean) ** 2 for value in known) / (len(known) - 1))


def constant_name(constant: ListedConstant, among: Sequence[ListedConstant]) -> str:
    """`constant 30.2`, plus data and split if they differ from those of other constants."""
    where = (constant.data_name, constant.split)
    differs = any((other.data_name, other.split) != where for other in among)
    name = f"{_CONSTANT} {constant.age:.1f}"
    return f"{name} · {constant.data_name} {constant.split}" if differs else name


def printed_best(entries: Iterable[Entry]) -> tuple[str | None, ...]:
    """The lowest printed figure of each column among competing rows; None if fewer than two compete."""
    columns: list[list[float]] = [[] for _ in FIGURES]
    for entry in entries:
        for place, may in enumerate(entry.competes):
            value = entry.figures[place]
            if may and value is not None and not math.isnan(value):
                columns[place].append(value)
    return tuple(number(min(values)) if len(values) > 1 else None for values in columns)


def is_missing(value: float | None) -> bool:
    return value is None or math.isnan(value)


def sorted_by(entries: Iterable[Entry], place: int, *, of_std: bool = False, descending: bool = False) -> list[Entry]:
    """The rows by a figure, or by its standard deviation; rows without one come last, in their order."""

    def value(entry: Entry) -> float | None:
        return (entry.stds if of_std else entry.figures)[place]

    known: list[Entry] = []
    unknown: list[Entry] = []
    for entry in entries:
        (unknown if is_missing(value(entry)) else known).append(entry)
    known.sort(key=lambda entry: value(entry) or 0.0, reverse=descending)
    return known + unknown


_CONSTANT = "constant"
