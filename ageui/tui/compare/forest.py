"""A forest plot: one figure of all compared rows, or the groups of an attribute, as dots with whiskers on one axis."""

from collections.abc import Sequence

from rich.style import Style
from rich.text import Text

from ageui.compare import ComparedRow, Comparison
from ageui.compare.measures import is_main, measure_title
from ageui.present.figures import change
from ageui.present.marks import APART, marks_of, marks_of_difference
from ageui.present.table import Cell
from ageui.text.clean import clean
from ageui.tui.chart.dot_plot import DotHeading, DotRow, dot_plot
from ageui.tui.compare.cells import BASELINE, PlottedRows, RunLooks

_GROUPS = "groups of "


def forest_names(comparison: Comparison) -> list[str]:
    """The choices for a forest plot: every figure, and the groups of each attribute."""
    attributes = dict.fromkeys(group.attribute for group in comparison.groups.values())
    figures = [column for column in comparison.columns if column not in comparison.groups]
    return [*figures, *(f"{_GROUPS}{attribute}" for attribute in attributes)]


def forest_title(comparison: Comparison, name: str) -> str:
    """`gender bias`, `MAE by gender`."""
    return f"MAE by {name.removeprefix(_GROUPS)}" if name.startswith(_GROUPS) else measure_title(comparison, name)


def forest_lines(plotted: PlottedRows, name: str, width: int) -> list[Text]:
    """The plot in lines of at most `width` cells, without constants, which are far from all runs.

    A vertical line marks the baseline's figure. Axes of biases begin at 0.
    """
    comparison, looks, cursor = plotted.comparison, plotted.looks, plotted.cursor
    attribute = name.removeprefix(_GROUPS) if name.startswith(_GROUPS) else ""
    rows = [row for row in comparison.rows if row.runs]
    under = comparison.rows[cursor] if cursor < len(comparison.rows) else None
    entries: list[DotRow | DotHeading] = []
    for column in _columns(comparison, name, attribute):
        place, group = comparison.columns.index(column), comparison.groups.get(column)
        if attribute and group is not None:
            entries.append(DotHeading(group.name, () if group.n is None else (f"{group.n:,} images",)))
        entries += [
            _dot(row, row.cells[place], looks, is_under_cursor=row is under)
            for row in rows
            if row.cells[place].value is not None
        ]
    if not any(isinstance(entry, DotRow) for entry in entries):
        return [Text("no row has this figure", style="dim")]
    if attribute:
        return dot_plot(entries, width)
    cells = [(row, row.cells[comparison.columns.index(name)]) for row in rows]
    line = next((cell.value for row, cell in cells if row.is_baseline), None)
    unit = cells[0][1].unit
    zero = [0.0] if is_main(comparison, name) and name != "mae" else []
    return dot_plot(
        entries, width, line=line, legend=f"┊ {BASELINE}" if line is not None else "", include=zero, unit=unit
    )


def _columns(comparison: Comparison, name: str, attribute: str) -> Sequence[str]:
    if not attribute:
        return [name]
    return [column for column, group in comparison.groups.items() if group.attribute == attribute]


def _dot(row: ComparedRow, cell: Cell, looks: RunLooks, *, is_under_cursor: bool) -> DotRow:
    low, high = cell.ends or (None, None)
    difference = cell.difference
    marks = [
        *([APART] if row.is_apart else []),
        *marks_of(cell),
        *(marks_of_difference(difference) if difference else ()),
    ]
    return DotRow(
        clean(row.label or row.name),
        cell.value,
        low,
        high,
        marks="".join(dict.fromkeys(marks)),
        note=change(difference.value, cell.unit) if difference else "",
        marker=looks.marker(row),
        style=Style(color=looks.color(row) or None, reverse=is_under_cursor),
    )
