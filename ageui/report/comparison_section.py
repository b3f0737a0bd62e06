"""Runs side by side, as a section."""

from ageui.compare import Comparison
from ageui.compare.comparison import Cell, Row
from ageui.compare.formats.wording import (
    BEST,
    FRONT,
    NOISE,
    RANK,
    REAL,
    change,
    figure,
    head,
    legend,
    mark_of,
    rank,
    state,
    uncertainty,
)
from ageui.report.document import Block, Bullets, Figure, Section, Table
from ageui.report.plots import side_by_side

_BESIDE_FIGURES = 4


def comparison_section(comparison: Comparison, name: str = "comparison") -> Section:
    """A table and a plot of a comparison; `name` is the plot's own in the document."""
    settings = comparison.settings
    beside = settings if len(settings) <= _BESIDE_FIGURES else ()
    has_ranks = bool(comparison.ranked_over)
    heads = ("run", *beside, *(head(column) for column in comparison.columns), *((RANK,) if has_ranks else ()))
    rows = tuple(
        (
            _name(row),
            *_settings(row, beside),
            *map(_figures, row.cells, comparison.columns),
            *((_rank(row),) if has_ranks else ()),
        )
        for row in comparison.rows
    )
    blocks: list[Block] = [Table("MAE and biases in years", heads, rows, words=1 + len(beside))]
    if len(beside) < len(settings):
        own = tuple((_name(row), *_settings(row, settings)) for row in comparison.rows if row.settings)
        blocks.append(Table("Settings that differ", ("run", *settings), own, words=1 + len(settings)))
    if drawing := side_by_side(name, comparison):
        caption = _caption(comparison)
        blocks.append(Figure(name, caption, f"Dots. {caption}", drawing))
    notes = tuple(f"{mark} {text}".strip() for mark, text in legend(comparison))
    return Section("Comparison", (*blocks, Bullets(notes)))


def _caption(comparison: Comparison) -> str:
    cells = [cell for row in comparison.rows for cell in row.cells]
    lines = ["95% intervals"] if any(cell.interval for cell in cells) else []
    if any(cell.spread and cell.spread.std is not None for cell in cells):
        lines.append("a standard deviation over seeds to each side of a mean")
    said = f"Lines are {' or '.join(lines)}, upright strokes" if lines else "Upright strokes are"
    return (
        f"The same figures: lower is better. {said} what chance alone gives (95%), diamonds the constant predictor, "
        "crosses published figures and others that cannot be set against the rest."
    )


def _name(row: Row) -> str:
    return f"{mark_of(row)}{row.name}" + (f" ({state(row)})" if state(row) else "")


def _rank(row: Row) -> str:
    return f"{rank(row)} {FRONT}" if row.on_front else rank(row)


def _settings(row: Row, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(row.settings.get(name, "") for name in names)


def _figures(cell: Cell, column: str) -> str:
    marks = (BEST if cell.best else "", NOISE if cell.inside_noise else "")
    parts = [" ".join((figure(cell.value), *filter(None, marks))), uncertainty(cell, column)]
    if cell.difference is not None:
        parts.append(f"({change(cell.difference.value)}{f' {REAL}' if cell.difference.real else ''})")
    return "\n".join(part for part in parts if part)
