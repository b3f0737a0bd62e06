"""A comparison as files: its table for people, and its figures in full precision for programs."""

from collections.abc import Sequence
from typing import Any

from ageui.compare.comparison import MAE, ComparedRow, Comparison, Group
from ageui.compare.comparison_table import comparison_table
from ageui.compare.paper_table import paper_table
from ageui.present.formats import WRITERS, refuse_format
from ageui.present.table import Cell, Difference, ExportSheet, Note, Records
from ageui.present.wording import note_text
from engine.split_result import Interval

FORMATS = ("table", *WRITERS)
_LABEL = "comparison"
_PARTS = (
    "", "_low", "_high", "_p_no_bias", "_detectable", "_inside_noise", "_best",
    "_difference", "_difference_low", "_difference_high", "_p", "_p_adjusted", "_real", "_equivalent",
)  # fmt: skip
_SPREAD_PARTS = ("_std", "_seeds")


def render_text(comparison: Comparison, format: str) -> str:
    """The comparison as text.

    Parameters
    ----------
    comparison
        The result of `compare`.
    format
        One of `FORMATS` except `table`: `md`, `csv`, `tex`, `html` or `json`.

    Returns
    -------
    str
        The text, ending in a line feed. `tex` holds the `paper_table` alone. `csv` and `json` hold figures in years in
        full precision; in `csv` an undefined figure is empty, in `json` it is null, and floats that are not finite are
        the strings `nan`, `inf` and `-inf`.

    Raises
    ------
    ConfigError
        If the format is unknown.
    """
    refuse_format(format, FORMATS)
    if format == "tex":
        table = paper_table(comparison)
        remarks = (*comparison.answer, *comparison.notes)
        return WRITERS[format](ExportSheet(table, Records((), ()), table.title, label=_LABEL, remarks=remarks))
    table = comparison_table(comparison)
    return WRITERS[format](ExportSheet(table, records(comparison), data=_data(comparison, table.legend)))


def records(comparison: Comparison) -> Records:
    """A row per row of the comparison, in full precision: identity, settings, and every figure with its parts."""
    parts = (*_PARTS, *(_SPREAD_PARTS if comparison.folded else ()))
    heads = ["run", "id", "status", "split", "selected", "images", "comparable", "reason", *comparison.settings]
    heads += [f"{_field(column, comparison)}{part}" for column in comparison.columns for part in parts]
    heads += [*(["average_rank", "pareto_front"] if comparison.ranked_over else []), "pretraining"]
    return Records(heads, [_record(row, comparison) for row in comparison.rows])


def _field(column: str, comparison: Comparison) -> str:
    if column in comparison.groups:
        return f"{column}_mae"
    return column if column == MAE or column in comparison.further else f"{column}_bias"


def _record(row: ComparedRow, comparison: Comparison) -> list[object]:
    ids = row.id if row.id is not None else " ".join(map(str, row.runs)) or None
    first = [row.name, ids, row.status, comparison.split, row.is_selected, row.n, row.comparable, row.reason]
    settings = [row.settings.get(name) for name in comparison.settings]
    figures = [value for cell in row.cells for value in _values(cell, folded=comparison.folded)]
    ranks = (row.rank, row.on_front) if comparison.ranked_over else ()
    return [*first, *settings, *figures, *ranks, row.pretraining]


def _values(cell: Cell, *, folded: bool) -> list[object]:
    """The values of `_PARTS`, then, if `folded`, of `_SPREAD_PARTS`."""
    difference = cell.difference
    between = _pair(difference.interval if difference else None) or (None, None)
    spread = (cell.spread.std, cell.spread.n) if cell.spread else (None, None)
    return [
        cell.value,
        *(_pair(cell.interval) or (None, None)),
        cell.p_value,
        cell.detectable,
        cell.inside_noise if cell.p_value is not None else None,
        cell.best,
        difference.value if difference else None,
        *between,
        *_test_values(difference),
        *(spread if folded else ()),
    ]


def _test_values(difference: Difference | None) -> tuple[object, ...]:
    if difference is None:
        return (None,) * 4
    return (difference.p_value, difference.adjusted, difference.real, difference.equivalent)


def _data(comparison: Comparison, legend: Sequence[Note]) -> dict[str, Any]:
    return {
        "split": comparison.split,
        "images": comparison.n,
        "baseline": comparison.baseline,
        "settings": comparison.settings,
        "ranked_over": comparison.ranked_over,
        **({"winner": comparison.winner} if comparison.winner else {}),
        "tests": {
            "figures": comparison.tests,
            "further": comparison.further_tests,
            "correction": comparison.marking.correction,
            "margin": comparison.marking.margin,
        },
        "rows": [_row_data(row, comparison) for row in comparison.rows],
        "legend": [note_text(note) for note in legend],
    }


def _row_data(row: ComparedRow, comparison: Comparison) -> dict[str, Any]:
    """The metric names of `ageui show --json`, marks, differences, and spread over seeds."""
    every = dict(zip(comparison.columns, row.cells, strict=True))
    cells = {name: cell for name, cell in every.items() if name not in comparison.groups}
    biases = {name: cell for name, cell in cells.items() if name != MAE and name not in comparison.further}
    found: dict[str, Any] = {
        "kind": row.kind,
        "id": row.id,
        "name": row.name,
        "status": row.status,
        "config": dict(row.settings),
        "is_baseline": row.is_baseline,
        "comparable": row.comparable,
        "selected": row.is_selected,
        "reason": row.reason,
        "n": row.n,
        "mae": cells[MAE].value,
        "bias": {name: cell.value for name, cell in biases.items()},
        "figures": {name: cells[name].value for name in comparison.further},
        "reasons": {name: cell.reason for name, cell in cells.items() if cell.reason is not None},
        "interval": {name: _pair(cell.interval) for name, cell in cells.items()},
        "noise": {name: _noise(cell) for name, cell in cells.items() if name != MAE},
        "best": {name: cell.best for name, cell in cells.items()},
        "difference": {name: _difference(cell.difference) for name, cell in cells.items()},
        "average_rank": row.rank,
        "pareto_front": row.on_front,
        "pretraining": row.pretraining,
    }
    if comparison.folded:
        found |= {"runs": row.runs, "spread": {name: _spread(cell) for name, cell in cells.items()}}
    if comparison.groups:
        found["groups"] = [_group_data(group, every[name]) for name, group in comparison.groups.items()]
    return found


def _group_data(group: Group, cell: Cell) -> dict[str, Any]:
    return {
        "attribute": group.attribute,
        "group": group.name,
        "n": cell.n,
        "mae": cell.value,
        "interval": _pair(cell.interval),
        "spread": _spread(cell),
        "best": cell.best,
        "difference": _difference(cell.difference),
    }


def _spread(cell: Cell) -> dict[str, Any] | None:
    return {"std": cell.spread.std, "n": cell.spread.n} if cell.spread else None


def _noise(cell: Cell) -> dict[str, Any] | None:
    if cell.p_value is None:
        return None
    return {"p": cell.p_value, "inside": cell.inside_noise, "detectable": cell.detectable}


def _difference(difference: Difference | None) -> dict[str, Any] | None:
    if difference is None:
        return None
    return {
        "value": difference.value,
        "interval": _pair(difference.interval),
        "p": difference.p_value,
        "p_adjusted": difference.adjusted,
        "real": difference.real,
        "equivalent": difference.equivalent,
    }


def _pair(interval: Interval | None) -> tuple[float, float] | None:
    return None if interval is None else (interval.low, interval.high)
