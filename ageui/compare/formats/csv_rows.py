"""A comparison as CSV: full precision, one column per figure, interval, mark and difference. No legend: it is data."""

import csv
import io

from ageui.compare.comparison import MAE, Cell, Comparison, Row
from ageui.compare.formats.escaping import harmless as _harmless

_SPREAD = ("_std", "_seeds")
_PARTS = ("", "_low", "_high", "_noise", "_inside_noise", "_best", "_difference", "_difference_low", "_difference_high")


def as_csv(comparison: Comparison) -> str:
    """Figures in years; an empty cell is one that is not defined. Text that a spreadsheet would run starts with `'`."""
    names = [_name(column, comparison) for column in comparison.columns]
    parts = [*_PARTS, "_real", *(_SPREAD if comparison.folded else ())]
    heads = ["run", "id", "status", "split", "images", "comparable", "reason", *comparison.settings]
    heads += [f"{name}{part}" for name in names for part in parts]
    heads += ["average_rank", "pareto_front"] if comparison.ranked_over else []
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([_harmless(text) for text in heads])
    for row in comparison.rows:
        writer.writerow([_harmless(value) for value in _values(row, comparison)])
    return file.getvalue()


def _values(row: Row, comparison: Comparison) -> list[object]:
    settings = [row.settings.get(name) for name in comparison.settings]
    ids = row.id if row.id is not None else " ".join(map(str, row.runs)) or None
    first = [row.name, ids, row.status, comparison.split, row.n, row.comparable, row.reason]
    figures = [value for cell in row.cells for value in _parts(cell, folded=comparison.folded)]
    return [*first, *settings, *figures, *((row.rank, row.on_front) if comparison.ranked_over else ())]


def _name(column: str, comparison: Comparison) -> str:
    if column in comparison.groups:
        return f"{column}_mae"
    return column if column == MAE else f"{column}_bias"


def _parts(cell: Cell, *, folded: bool) -> list[object]:
    interval, difference = cell.interval, cell.difference
    between = difference.interval if difference else None
    spread = [cell.spread.std, cell.spread.n] if cell.spread else [None, None]
    return [
        cell.value,
        interval.low if interval else None,
        interval.high if interval else None,
        cell.noise,
        cell.inside_noise if cell.noise is not None else None,
        cell.best,
        difference.value if difference else None,
        between.low if between else None,
        between.high if between else None,
        difference.real if difference else None,
        *(spread if folded else ()),
    ]
