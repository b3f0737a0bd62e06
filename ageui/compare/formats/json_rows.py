"""A comparison as JSON: the metric names of `ageui show --json`, best flags, differences, and spread over seeds."""

import json
import math
from typing import Any

from ageui.compare.comparison import MAE, Cell, Comparison, Difference, Group, Row
from ageui.compare.formats.wording import legend
from engine.fairness import Interval


def as_json(comparison: Comparison) -> str:
    """Full precision; floats that are not finite are the strings `nan`, `inf` and `-inf`."""
    value = {
        "split": comparison.split,
        "images": comparison.n,
        "baseline": comparison.baseline,
        "settings": comparison.settings,
        "ranked_over": comparison.ranked_over,
        "rows": [_row(row, comparison) for row in comparison.rows],
        "legend": [f"{mark} {text}".strip() for mark, text in legend(comparison)],
    }
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _row(row: Row, comparison: Comparison) -> dict[str, Any]:
    every = dict(zip(comparison.columns, row.cells, strict=True))
    cells = {name: cell for name, cell in every.items() if name not in comparison.groups}
    biases = {name: cell for name, cell in cells.items() if name != MAE}
    found: dict[str, Any] = {
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
        "average_rank": row.rank,
        "pareto_front": row.on_front,
    }
    if comparison.folded:
        found |= {"runs": row.runs, "spread": {name: _spread(cell) for name, cell in cells.items()}}
    if comparison.groups:
        found["groups"] = [_group(group, every[name]) for name, group in comparison.groups.items()]
    return found


def _group(group: Group, cell: Cell) -> dict[str, Any]:
    return {
        "attribute": group.attribute,
        "group": group.name,
        "n": cell.n,
        "mae": _number(cell.value),
        "interval": _pair(cell.interval),
        "spread": _spread(cell),
        "best": cell.best,
        "difference": _difference(cell.difference),
    }


def _spread(cell: Cell) -> dict[str, Any] | None:
    if cell.spread is None:
        return None
    return {"std": _number(cell.spread.std), "n": cell.spread.n}


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
