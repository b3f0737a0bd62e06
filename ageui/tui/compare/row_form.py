"""A comparison with a line per row: the setting, MAE and biases first, then everything else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from ageui.compare import ComparedRow, Comparison
from ageui.compare.figure_names import short_title
from ageui.compare.measures import RANK, SEEDS, SETTING, is_main
from ageui.present.figures import number
from ageui.present.marks import APART, FRONT
from ageui.present.table import Cell as FigureCell
from ageui.present.table import Tone
from ageui.present.terminal import shortened
from ageui.text.clean import clean
from ageui.tui.compare.cells import (
    BASELINE,
    Order,
    RunLooks,
    baseline_label,
    change_piece,
    change_width,
    figure_pieces,
    figures_of,
    named,
    row_keys,
    uncertainty_piece,
    value_width,
)
from ageui.tui.widgets.side_table import LazyLines, Piece, Pieces, SideColumn, SideLine, SideTable, width_of

_LONGEST_TITLE, _LONGEST_SETTING = 14, 22
_SHORTEST_LABEL, _ENOUGH_LABEL = 12, 24
_MARGINS = 3


Cell = Callable[[int], Pieces]
"""The pieces of a column in the row at a place."""


@dataclass(frozen=True)
class _Column:
    key: str
    title: str
    width: int
    cell: Cell
    below: Cell
    is_right: bool = True


def row_form(comparison: Comparison, looks: RunLooks, order: Order, width: int, *, shows_below: bool) -> SideTable:
    """The table for a terminal of `width` cells.

    Differences to the baseline stand beside the figures if there is room for the settings, too; else below them.
    Intervals are below if differences are not.
    """
    rows = comparison.rows
    labels = [row.label or row.name for row in rows]
    figures = {column: _Figure.of(column, comparison, order) for column in comparison.columns}
    main = [column for column in comparison.columns if is_main(comparison, column)]
    others = [column for column in comparison.columns if column not in main]
    seeds, rank, front = _seeds(comparison, order), _rank(comparison, order), _front(comparison)
    wanted = min(max(map(cell_len, labels), default=0) + 4, _ENOUGH_LABEL)
    for is_beside, ranks in ((True, [*rank, *front]), (True, front), (False, [*rank, *front])):
        widths = [
            *(one.width for one in seeds),
            *(figures[column].width(is_beside) for column in main),
            *(one.width for one in ranks),
        ]
        room = width - _MARGINS - sum(widths) - len(widths)
        if room >= wanted or not any(figures[column].room for column in main):
            break
    columns = [
        *seeds,
        *(figures[column].as_column(is_beside) for column in main),
        *ranks,
        *(column for column in rank if column not in ranks),
        *(figures[column].as_column(is_beside) for column in others),
        *(_setting(name, comparison, order) for name in comparison.settings),
    ]
    keys = tuple(row_keys(comparison))
    room = max(room, _SHORTEST_LABEL)
    below_label = () if shows_below else _below_label(comparison, room, is_beside)
    label_width = min(room, max(width_of(below_label), *(cell_len(label) + 4 for label in labels)))

    def line(place: int) -> SideLine:
        row = rows[place]
        below = tuple(column.below(place) for column in columns)
        return SideLine(
            _label(row, labels[place], label_width, looks),
            tuple(column.cell(place) for column in columns),
            key=keys[place],
            below=below,
            below_label=below_label if any(piece.text.strip() for pieces in below for piece in pieces) else (),
            instead=_instead(row, looks),
        )

    return SideTable(
        tuple(
            SideColumn(column.key, ((Piece(column.title, "strong"),),), column.is_right, column.width)
            for column in columns
        ),
        LazyLines(len(rows), line),
        keys,
        by_line=True,
        fixed=len(seeds),
        label_width=label_width,
        corner=(Piece(order.titled(SETTING, "  setting"), "strong"),),
        shows_below=shows_below,
    )


def _label(row: ComparedRow, label: str, width: int, looks: RunLooks) -> Pieces:
    marks = "".join((f" {BASELINE}" if row.is_baseline else "", f" {APART}" if row.is_apart else ""))
    return (*named(row, label, width - len(marks), looks), Piece(marks, "warn" if row.is_apart else "accent"))


def _instead(row: ComparedRow, looks: RunLooks) -> Pieces:
    """The state of a run without any figure, instead of dashes; a failed run says why."""
    if any(cell.value is not None for cell in row.cells):
        return ()
    state = looks.state(row) or row.status
    reason = clean(row.reason or "").removeprefix(row.status).removeprefix(": ")
    return (Piece(state, "accent"), Piece(f"  {reason}", "dim"))


def _below_label(comparison: Comparison, width: int, is_beside: bool) -> Pieces:
    baseline = "" if is_beside else baseline_label(comparison)
    text = f"− + to {baseline}" if baseline else "± or interval"
    return (Piece(f"  {shortened(clean(text), width - 2)}", "dim"),)


@dataclass(frozen=True)
class _Figure:
    """A figure of all rows, in `value` + 2 cells, and its differences in `room` + 1 cells, 0 without any."""

    column: str
    title: str
    rows: Sequence[ComparedRow]
    cells: Sequence[FigureCell]
    value: int
    room: int

    @classmethod
    def of(cls, column: str, comparison: Comparison, order: Order) -> "_Figure":
        cells = figures_of(column, comparison)
        short = shortened(clean(short_title(column)), _LONGEST_TITLE)
        # The title keeps a cell for the arrow, so that nothing moves when rows are sorted.
        value = max(value_width(cells), cell_len(short) - 1, 4)
        return cls(column, order.titled(column, short), comparison.rows, cells, value, change_width(cells))

    def width(self, is_beside: bool) -> int:
        return self.value + 2 + (self.room + 2 if is_beside and self.room else 0)

    def as_column(self, is_beside: bool) -> _Column:
        """The figure with its difference beside or below it. Its uncertainty is below if differences are not."""
        title = f"{self.title:>{self.value + 1}} " if cell_len(self.title) <= self.value + 1 else self.title
        if is_beside and self.room:
            return _Column(
                self.column, title + " " * (self.room + 2), self.width(True), self._with_change, self._uncertainty
            )
        below = self._change if self.room else self._uncertainty
        return _Column(self.column, title, self.width(False), self._figure, below)

    def _figure(self, place: int) -> Pieces:
        return figure_pieces(self.cells[place], self.rows[place], self.value)

    def _change(self, place: int) -> Pieces:
        return (change_piece(self.column, self.cells[place], self.room),)

    def _with_change(self, place: int) -> Pieces:
        return (*self._figure(place), Piece(" "), *self._change(place))

    def _uncertainty(self, place: int) -> Pieces:
        piece = uncertainty_piece(self.cells[place])
        return (piece,) if cell_len(piece.text) <= self.width(bool(self.room)) else ()


def _seeds(comparison: Comparison, order: Order) -> list[_Column]:
    """The number of runs of each row, if any has several; with the number of scored runs if some have no scores."""
    if all(len(row.runs) < 2 for row in comparison.rows):
        return []
    texts = []
    for row in comparison.rows:
        scored = max((cell.spread.n for cell in row.cells if cell.spread), default=min(len(row.runs), 1))
        is_whole = row.n is None or scored == len(row.runs)
        texts.append("" if row.kind != "run" else str(len(row.runs)) if is_whole else f"{scored}/{len(row.runs)}")
    return [_words(SEEDS, order.titled(SEEDS, "n").rjust(2), texts)]


def _rank(comparison: Comparison, order: Order) -> list[_Column]:
    if not comparison.ranked_over:
        return []
    texts = ["" if row.rank is None else number(row.rank) for row in comparison.rows]
    return [_words(RANK, f"{order.titled(RANK, RANK):>5}", texts)]


def _front(comparison: Comparison) -> list[_Column]:
    if not comparison.ranked_over:
        return []
    return [_words("", "", [FRONT if row.on_front else " " for row in comparison.rows], tone="good")]


def _setting(name: str, comparison: Comparison, order: Order) -> _Column:
    texts = [shortened(clean(row.settings.get(name, "")), _LONGEST_SETTING) for row in comparison.rows]
    title = shortened(clean(order.titled(name, name)), _LONGEST_SETTING)
    return _words(name, title, texts, tone="plain", is_right=False)


def _words(key: str, title: str, texts: Sequence[str], *, tone: Tone = "dim", is_right: bool = True) -> _Column:
    width = max(map(cell_len, (title, *texts)))
    return _Column(key, title, width, lambda place: (Piece(texts[place], tone),), lambda place: (), is_right)
