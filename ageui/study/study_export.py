"""A study as files: its table for people, and its figures in full precision for programs."""

from dataclasses import asdict
from typing import Any

from ageui.present.formats import WRITERS, refuse_format
from ageui.present.table import ExportSheet, Records
from ageui.study.measured_cells import CellRow, StudyTable
from ageui.study.published_and_measured import published_and_measured
from ageui.study.wording import headline
from engine.config import format_value

FORMATS = tuple(format for format in WRITERS if format != "json")
_MEASURED_PARTS = ("_measured", "_std", "_seeds", "_low", "_high", "_p_no_bias")
_FIGURE_PARTS = ("_published", *_MEASURED_PARTS, "_difference")


def export_text(table: StudyTable, format: str) -> str:
    """The table in one of `FORMATS`, ending in a line feed. Raises `ConfigError` for other formats."""
    refuse_format(format, FORMATS)
    about = tuple(filter(None, (table.study.shows, headline(table))))
    return WRITERS[format](
        ExportSheet(published_and_measured(table), _records(table), table.study.title, about, "study")
    )


def as_data(table: StudyTable) -> dict[str, Any]:
    """Plain data in full precision; floats may be NaN or infinite."""
    return {
        "study": table.study.name,
        "title": table.study.title,
        "shows": table.study.shows,
        "variant": dict(table.variant.normal) if table.variant else None,
        "split": table.split,
        "selected": table.is_selected,
        "seeds": list(table.seeds),
        "rows": [_row_data(row) for row in table.rows],
        "constant": dict(table.constant),
        "agreement": {name: asdict(one) for name, one in table.agreement.items()},
        "notes": [*table.notes, *table.warnings],
        "others": [{"variant": dict(variant.normal), "cells": cells} for variant, cells in table.others],
    }


def _row_data(row: CellRow) -> dict[str, Any]:
    figures = {name: {**asdict(figure), "difference": row.difference(name)} for name, figure in row.figures.items()}
    return {
        "cell": row.cell.name,
        "label": row.cell.label,
        "settings": dict(row.cell.settings),
        "unknown": row.cell.unknown,
        "figures": figures,
        "runs": {str(seed): run_id for seed, run_id in row.runs.items()},
        "progress": dict(row.progress),
        "pretraining": row.pretraining,
    }


def _records(table: StudyTable) -> Records:
    """A row per cell; None for a figure that does not exist."""
    figures = [f"{name}{part}" for name in table.study.figures for part in _FIGURE_PARTS]
    figures += [f"{name}{part}" for name in table.study.signed_gaps.values() for part in _MEASURED_PARTS]
    heads = ["cell", "label", *table.study.fields, "split", "selected", *figures, "runs", "note", "pretraining"]
    return Records(heads, [_record(row, table) for row in table.rows])


def _record(row: CellRow, table: StudyTable) -> list[object]:
    cell = row.cell
    settings = [format_value(cell.settings[name]) if cell.settings else None for name in table.study.fields]
    values = [value for name in table.study.figures for value in _values(row, name)]
    values += [value for name in table.study.signed_gaps.values() for value in _measured_values(row, name)]
    runs = " ".join(map(str, row.runs.values()))
    shown = (cell.name, cell.label, *settings, table.split, row.is_selected)
    return [*shown, *values, runs, cell.unknown or cell.note, row.pretraining]


def _values(row: CellRow, name: str) -> tuple[float | None, ...]:
    """The values of `_FIGURE_PARTS`."""
    return (row.figures[name].published, *_measured_values(row, name), row.difference(name))


def _measured_values(row: CellRow, name: str) -> tuple[float | None, ...]:
    """The values of `_MEASURED_PARTS`."""
    figure = row.figures[name]
    low, high = (figure.interval.low, figure.interval.high) if figure.interval is not None else (None, None)
    return (figure.measured, figure.std, figure.n, low, high, figure.p_value)
