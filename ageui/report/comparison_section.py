"""Runs side by side, as a section."""

from ageui.compare import Comparison
from ageui.compare.formats.wording import BEST, NOISE, REAL, change, figure, head, legend, mark_of, state, uncertainty
from ageui.compare.records import Cell, Row
from ageui.report.document import Block, Bullets, Figure, Section, Table
from ageui.report.plots import side_by_side


def comparison_section(comparison: Comparison, name: str = "comparison") -> Section:
    """A table and a plot of a comparison; `name` is the plot's own in the document."""
    heads = ("run", *comparison.settings, *(head(column) for column in comparison.columns))
    rows = tuple(_row(row, comparison) for row in comparison.rows)
    notes = tuple(f"{mark} {text}".strip() for mark, text in legend(comparison))
    blocks: list[Block] = [Table("MAE and biases in years", heads, rows, words=1 + len(comparison.settings))]
    if drawing := side_by_side(name, comparison):
        caption = (
            "The same figures: lower is better. Lines are 95% intervals, upright strokes what chance alone gives "
            "(95%), diamonds the constant predictor, crosses published figures and others that cannot be set against "
            "the rest."
        )
        blocks.append(Figure(name, caption, f"Dots. {caption}", drawing))
    return Section("Comparison", (*blocks, Bullets(notes)))


def _row(row: Row, comparison: Comparison) -> tuple[str, ...]:
    said = f" ({state(row)})" if state(row) else ""
    settings = (row.settings.get(setting, "") for setting in comparison.settings)
    return (f"{mark_of(row)}{row.name}{said}", *settings, *map(_figures, row.cells, comparison.columns))


def _figures(cell: Cell, column: str) -> str:
    marks = (BEST if cell.best else "", NOISE if cell.inside_noise else "")
    parts = [" ".join((figure(cell.value), *filter(None, marks))), uncertainty(cell, column)]
    if cell.difference is not None:
        parts.append(f"({change(cell.difference.value)}{f' {REAL}' if cell.difference.real else ''})")
    return "\n".join(part for part in parts if part)
