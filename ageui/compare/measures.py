"""Looks up any figure or field of compared rows by name, to sort rows and to plot one by another."""

import math
import re
from dataclasses import replace

from ageui.compare.comparison import Comparison
from ageui.compare.figure_names import better, figure_name, figure_unit
from ageui.compare.ranking import fair_places, pareto_front
from ageui.present.figures import NUMBER, YEARS, Unit

SETTING, RANK, SEEDS = "setting", "rank", "n"
PLOT_FORMATS = ("svg", "pdf")
Value = float | str | None
_NUMBERS = re.compile(r"(\d+(?:\.\d+)?(?:e-?\d+)?)")


def measure_names(comparison: Comparison) -> list[str]:
    """MAE and biases, the rank, further figures, groups, the number of runs, then the fields that differ."""
    ranks = [RANK] if comparison.ranked_over else []
    main = [column for column in comparison.columns if is_main(comparison, column)]
    others = [column for column in comparison.columns if column not in main]
    return [*main, *ranks, *others, SEEDS, *comparison.settings]


def is_main(comparison: Comparison, column: str) -> bool:
    """Whether a column is the MAE or a bias."""
    return column not in comparison.groups and column not in comparison.further


def measure_title(comparison: Comparison, name: str) -> str:
    """The name in running text: `MAE`, `gender bias`, `MAE of gender female`, `average rank`, `lr`."""
    if name in comparison.groups:
        return f"MAE of {name}"
    if name in comparison.columns:
        return figure_name(name)
    return {RANK: "average rank", SEEDS: "seeds"}.get(name, name)


def measure_unit(comparison: Comparison, name: str) -> Unit | None:
    """The unit of a figure; None for ranks and fields."""
    if name in comparison.groups:
        return YEARS
    return figure_unit(name) if name in comparison.columns else NUMBER if name == SEEDS else None


def values_of(comparison: Comparison, name: str) -> list[Value]:
    """A value per row: numbers, or texts of a field that is not a number in every row; None for a missing value."""
    rows = comparison.rows
    if name in comparison.columns:
        place = comparison.columns.index(name)
        return [_number(row.cells[place].value) for row in rows]
    if name == RANK:
        return [row.rank for row in rows]
    if name == SEEDS:
        return [float(len(row.runs)) if row.kind == "run" else None for row in rows]
    texts = [row.label or row.name if name == SETTING else row.settings.get(name) for row in rows]
    numbers = [_parsed(text) for text in texts]
    are_numbers = all(number is not None or text is None for number, text in zip(numbers, texts, strict=True))
    return list(numbers) if are_numbers else list(texts)


def sorted_by(comparison: Comparison, name: str, *, descending: bool = False, pins_baseline: bool = True) -> Comparison:
    """The comparison with its rows by a measure, those without a value last.

    `pins_baseline` keeps the baseline's row on top.
    """
    values = values_of(comparison, name)
    known = [place for place, value in enumerate(values) if value is not None]
    # A stable sort in reverse keeps equal rows in their order, too.
    known.sort(key=lambda place: by_size(values[place]), reverse=descending)
    places = [*known, *(place for place, value in enumerate(values) if value is None)]
    if pins_baseline:
        places.sort(key=lambda place: not comparison.rows[place].is_baseline)
    return replace(comparison, rows=tuple(comparison.rows[place] for place in places))


def front_by(comparison: Comparison, *names: str) -> list[bool]:
    """Whether each row is on the Pareto front of some figures.

    Only comparable runs can be; if their images chose the weights, only if this holds for all runs. Fields have no
    better values, so they have no front.
    """
    if not all(name == RANK or name in comparison.columns for name in names):
        return [False] * len(comparison.rows)
    competing = set(fair_places(comparison.rows))
    figures = [
        own if place in competing else (None,) * len(names)
        for place, own in enumerate(zip(*(losses(comparison, name) for name in names), strict=True))
    ]
    return [bool(is_on) for is_on in pareto_front(figures)]


def losses(comparison: Comparison, name: str) -> list[float | None]:
    """The comparable values of a figure, such that lower ones are better; a signed error is good near 0."""
    if name == RANK:
        return [row.rank for row in comparison.rows]
    place, direction = comparison.columns.index(name), better(name)
    cells = [row.cells[place] for row in comparison.rows]
    values = [_number(cell.value) if cell.comparable else None for cell in cells]
    if direction == "low":
        return values
    return [None if value is None else -value if direction == "high" else abs(value) for value in values]


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _parsed(text: str | None) -> float | None:
    try:
        return _number(float(text)) if text is not None else None
    except ValueError:
        return None


def by_size(value: Value) -> list[float | str]:
    """The key that sorts values: numbers by their size, also those in texts, and texts of a number before others.

    >>> sorted(["none", "batch 16", "batch 8", "16", "8"], key=by_size)
    ['8', '16', 'batch 8', 'batch 16', 'none']
    """
    if isinstance(value, float):
        return [value]
    parts = _NUMBERS.split((value or "").casefold())
    return [float(part) if place % 2 else part for place, part in enumerate(parts)]
