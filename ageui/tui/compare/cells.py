"""The figures of compared rows as pieces of text, which both forms of the table arrange."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ageui.compare import ComparedRow, Comparison
from ageui.compare.comparison_table import shown_figure
from ageui.compare.figure_names import better
from ageui.present.figures import change, number
from ageui.present.marks import APART, BEST, NO_BETTER, NOISE, PUBLISHED, marks_of, marks_of_difference
from ageui.present.table import Cell, Tone
from ageui.present.terminal import shortened
from ageui.present.wording import uncertainty
from ageui.text.clean import clean
from ageui.tui.themes import run_marker, series_color
from ageui.tui.widgets.side_table import Piece, Pieces
from engine.number_text import MINUS

BASELINE = "◂"


@dataclass(frozen=True)
class RunLooks:
    """How runs look everywhere on the screen: `places` decide colour and marker by run id, `states` describe the
    progress of unfinished runs."""

    places: Mapping[int, int]
    states: Mapping[int, str]
    dark: bool

    def color(self, row: ComparedRow) -> str:
        """The colour of a row, #rrggbb; empty for a constant."""
        return series_color(self.places[row.runs[0]], dark=self.dark) if row.runs else ""

    def marker(self, row: ComparedRow) -> str:
        if row.kind == "published":
            return PUBLISHED
        return run_marker(self.places[row.runs[0]]) if row.runs else " "

    def state(self, row: ComparedRow) -> str:
        """The state of a row that is not done: that of a single run, else how many of its runs are in which."""
        if row.kind != "run" or row.status == "done":
            return ""
        return self.states.get(row.runs[0], row.status) if len(row.runs) == 1 else row.status


@dataclass(frozen=True, eq=False)
class PlottedRows:
    """The rows to draw, their looks, and the place of the one under the cursor."""

    comparison: Comparison
    looks: RunLooks
    cursor: int


@dataclass(frozen=True)
class Order:
    """The measure that rows are sorted by; empty for the order in which runs were chosen."""

    name: str = ""
    descending: bool = False

    def titled(self, name: str, title: str) -> str:
        """A title, with an arrow if the rows are sorted by it."""
        return f"{title}{'↓' if self.descending else '↑'}" if name == self.name else title


def row_keys(comparison: Comparison) -> list[str]:
    """A key for each row: the id of its first run; constants are numbered."""
    constants = 0
    keys = []
    for row in comparison.rows:
        constants += not row.runs
        keys.append(str(row.runs[0]) if row.runs else f"constant {constants}")
    return keys


def baseline_label(comparison: Comparison) -> str:
    """The label of the baseline; empty without one."""
    return next((row.label or row.name for row in comparison.rows if row.is_baseline), "")


def named(row: ComparedRow, name: str, width: int, looks: RunLooks) -> Pieces:
    """The marker of a row and a name, in at most `width` cells."""
    return (
        Piece(f"{looks.marker(row)} ", color=looks.color(row)),
        Piece(shortened(clean(name), width - 2), "strong" if row.kind == "run" else "dim"),
    )


def figures_of(column: str, comparison: Comparison) -> list[Cell]:
    """The cells of a figure by row, as they are shown."""
    place = comparison.columns.index(column)
    return [shown_figure(column, row.cells[place]) for row in comparison.rows]


def value_width(cells: Iterable[Cell]) -> int:
    """The cells that the numbers of a figure need."""
    return max((len(number(cell.value, cell.unit)) for cell in cells), default=0)


def figure_pieces(cell: Cell, row: ComparedRow, width: int) -> Pieces:
    """`★6.12~` in `width` + 2 cells: ★ or ≠ in front of the value, ~ or ∅ behind it."""
    marks = marks_of(cell)
    front = next((mark for mark in (BEST, APART) if mark in marks), "")
    behind = next((mark for mark in (NOISE, NO_BETTER) if mark in marks), " ")
    is_dim = cell.value is None or row.is_apart or front == APART
    tone: Tone = "strong" if cell.best else "dim" if is_dim else "plain"
    value = number(cell.value, cell.unit)
    return (
        Piece(f"{front:>{width - len(value) + 1}}", "good" if cell.best else "warn"),
        Piece(value, tone),
        Piece(behind, "warn" if behind == NO_BETTER else "dim"),
    )


def change_width(cells: Iterable[Cell]) -> int:
    """The cells that the differences of a figure need, without marks; 0 if there are none."""
    return max((len(_change_text(cell)) for cell in cells), default=0)


def change_piece(column: str, cell: Cell, width: int) -> Piece:
    """`−0.75✔` in `width` + 1 cells: a difference to the baseline. Differences that may be chance are fainter."""
    difference, text = cell.difference, _change_text(cell)
    if difference is None or not text:
        return Piece(" " * (width + 1))
    tone: Tone = "dim"
    if difference.value and (direction := better(column)):
        tone = "good" if (difference.value < 0) == (direction == "low") else "bad"
    mark = "".join(marks_of_difference(difference)) or " "
    return Piece(f"{text:>{width}}{mark}", tone, is_faint=not difference.real)


def uncertainty_piece(cell: Cell) -> Piece:
    return Piece(uncertainty(cell), "dim")


def _change_text(cell: Cell) -> str:
    difference = cell.difference
    if difference is None or math.isnan(difference.value):
        return ""
    text = change(difference.value, cell.unit)
    return text if any(digit in text for digit in "123456789") else text.replace(MINUS, "+")
