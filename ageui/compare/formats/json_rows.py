"""A comparison as JSON: the metric names of `ageui show --json`, best flags and differences."""

import json
import math
from typing import Any

from ageui.compare.formats.wording import legend
from ageui.compare.records import MAE, Cell, Comparison, Difference, Row
from engine.fairness import Interval


def as_json(comparison: Comparison) -> str:
    """Full precision; floats that are not finite are the strings `nan`, `inf` and `-inf`."""
    value = {
        "split": comparison.split,
        "images": comparison.n,
        "baseline": comparison.baseline,
        "settings": comparison.settings,
        "rows": [_row(row, comparison.columns) for row in comparison.rows],
        "legend": [f"{mark} {text}".strip() for mark, text in legend(comparison)],
    }
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _row(row: Row, columns: tuple[str, ...]) -> dict[str, Any]:
    cells = dict(zip(columns, row.cells, strict=True))
    biases = {name: cell for name, cell in cells.items() if name != MAE}
    return {
        "kind": row.kind,
        "id": row.id,
        "name": row.name,
        "status": row.status,
        "config": dict(row.settings),
        "is_baseline": row.is_baseline,
        "comparable": row.comparable,
        "reason": row.reason,
        "n": row.n,
        "mae": _number(cells[MAE].value),
        "bias": {name: _number(cell.value) for name, cell in biases.items()},
        "reasons": {name: cell.reason for name, cell in cells.items() if cell.reason is not None},
        "interval": {name: _pair(cell.interval) for name, cell in cells.items()},
        "noise": {name: _noise(cell) for name, cell in biases.items()},
        "best": {name: cell.best for name, cell in cells.items()},
        "difference": {name: _difference(cell.difference) for name, cell in cells.items()},
    }


def _noise(cell: Cell) -> dict[str, Any] | None:
    return None if cell.noise is None else {"p95": _number(cell.noise), "inside": cell.inside_noise}


def _difference(difference: Difference | None) -> dict[str, Any] | None:
    if difference is None:
        return None
    return {"value": _number(difference.value), "interval": _pair(difference.interval), "real": difference.real}


def _pair(interval: Interval | None) -> list[float | str | None] | None:
    return None if interval is None else [_number(interval.low), _number(interval.high)]


def _number(value: float | None) -> float | str | None:
    return value if value is None or math.isfinite(value) else str(value)
