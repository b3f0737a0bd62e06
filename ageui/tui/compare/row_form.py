"""A comparison with a line per row: the setting, MAE and biases first, then everything else."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from ageui.compare import ComparedRow, Comparison
from ageui.compare.figure_names import figure_title
from ageui.compare.measures import RANK, SEEDS, SETTING, is_main
from ageui.present.figures import number
from ageui.present.marks import APART, FRONT
from ageui.present.table import Cell
from ageui.present.terminal import shortened
from ageui.text.clean import clean
from ageui.tui.compare.cells import (
    BASELINE,
    Order,
    RunLooks,
    change_piece,
    change_width,
    figure_pieces,
    figures_by_column,
    named,
    row_keys,
    uncertainty_piece,
    value_width,
)
from ageui.tui.widgets.side_table import Piece, Pieces, SideColumn, SideLine, SideTable, width_of

_TITLES = {"expression": "expr.", "ethnicity": "ethn."}
_LONGEST_TITLE, _LONGEST_SETTING = 14, 22
_SHORTEST_LABEL, _ENOUGH_LABEL = 12, 24
_MARGINS = 3


@dataclass(frozen=True)
class _Column:
    key: str
    title: str
    cells: Sequence[Pieces]
    below: Sequence[Pieces]
    is_right: bool = True

    @property
    def width(self) -> int:
        return max(cell_len(self.title), *map(width_of, (*self.cells, *self.below)), 0)


def row_form(comparison: Comparison, looks: RunLooks, order: Order, width: int, *, shows_below: bool) -> SideTable:
    """The table for a terminal of `width` cells.

    Differences to the baseline stand beside the figures if settings still have room, else below them; then intervals
    are below.
    """
    rows = comparison.rows
    if not rows:
        return SideTable(by_line=True)
    figures = figures_by_column(comparison)
    main = [column for column in comparison.columns if is_main(comparison, column)]
    labels = [row.label or row.name for row in rows]
    wanted = min(max(map(cell_len, labels)) + 4, _ENOUGH_LABEL)
    rank = [_rank(comparison, order)] if comparison.ranked_over else []
    front = [_front(comparison)] if comparison.ranked_over else []
    for beside, ranks in ((True, [*rank, *front]), (True, front), (False, [*rank, *front])):
        leading = [_seeds(comparison), *(_figure(column, figures[column], rows, order, beside) for column in main)]
        leading += ranks
        room = width - _MARGINS - sum(column.width + 1 for column in leading)
        if room >= wanted or not any(change_width(figures[column]) for column in main):
            break
    room = max(room, _SHORTEST_LABEL)
    others = [column for column in comparison.columns if column not in main]
    columns = [
        *leading,
        *(column for column in rank if column not in ranks),
        *(_figure(column, figures[column], rows, order, beside) for column in others),
        *(_setting(name, comparison, order) for name in comparison.settings),
    ]
    below_label = () if shows_below else _below_label(comparison, room, beside)
    lines = [
        SideLine(
            _label(row, label, room, looks),
            tuple(column.cells[place] for column in columns),
            key=key,
            below=(below := _below(columns, place)),
            below_label=below_label if below else (),
            instead=_instead(row, looks),
        )
        for place, (row, label, key) in enumerate(zip(rows, labels, row_keys(comparison), strict=True))
    ]
    return SideTable(
        tuple(SideColumn(column.key, ((Piece(column.title, "strong"),),), column.is_right) for column in columns),
        tuple(lines),
        by_line=True,
        fixed=1,
        corner=(Piece(order.titled(SETTING, "  setting"), "strong"),),
        shows_below=shows_below,
    )


def _below(columns: Sequence[_Column], place: int) -> tuple[Pieces, ...]:
    """The cells below a row; none if all are blank."""
    below = tuple(column.below[place] for column in columns)
    return below if any(piece.text.strip() for pieces in below for piece in pieces) else ()


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


def _below_label(comparison: Comparison, width: int, beside: bool) -> Pieces:
    text = "± or interval" if beside or comparison.baseline is None else f"− + to {comparison.baseline}"
    return (Piece(f"  {shortened(clean(text), width - 2)}", "dim"),)


def _figure(column: str, cells: Sequence[Cell], rows: Sequence[ComparedRow], order: Order, beside: bool) -> _Column:
    """A figure, its difference beside or below it, and its uncertainty below it if there is room."""
    short = shortened(clean(_TITLES.get(column, figure_title(column))), _LONGEST_TITLE)
    title, room = order.titled(column, short), change_width(cells)
    # The title keeps a cell for the arrow, so that nothing moves when rows are sorted.
    value = max(value_width(cells), cell_len(short) - 1, 4)
    title = f"{title:>{value + 1}} " if cell_len(title) <= value + 1 else title
    figures = [figure_pieces(cell, row, value) for cell, row in zip(cells, rows, strict=True)]
    changes = [change_piece(column, cell, room) for cell in cells]
    if beside and room:
        gap = Piece(" ")
        return _Column(
            column,
            title + " " * (room + 2),
            [(*figure, gap, change) for figure, change in zip(figures, changes, strict=True)],
            [(uncertainty_piece(cell),) for cell in cells],
        )
    below = [(change,) for change in changes] if room else [(uncertainty_piece(cell),) for cell in cells]
    return _Column(column, title, figures, below)


def _seeds(comparison: Comparison) -> _Column:
    """The number of runs of each row; of those with scores and all, if some have none."""
    texts = []
    for row in comparison.rows:
        scored = max((cell.spread.n for cell in row.cells if cell.spread), default=min(len(row.runs), 1))
        all_scored = row.n is None or scored == len(row.runs)
        texts.append("" if row.kind != "run" else str(len(row.runs)) if all_scored else f"{scored}/{len(row.runs)}")
    return _plain(SEEDS, "n", [(Piece(text, "dim"),) for text in texts])


def _rank(comparison: Comparison, order: Order) -> _Column:
    cells = [(Piece("" if row.rank is None else number(row.rank), "dim"),) for row in comparison.rows]
    return _plain(RANK, f"{order.titled(RANK, RANK):>5}", cells)


def _front(comparison: Comparison) -> _Column:
    return _plain("", "", [(Piece(FRONT if row.on_front else " ", "good"),) for row in comparison.rows])


def _setting(name: str, comparison: Comparison, order: Order) -> _Column:
    texts = [shortened(clean(row.settings.get(name, "")), _LONGEST_SETTING) for row in comparison.rows]
    title = shortened(clean(order.titled(name, name)), _LONGEST_SETTING)
    return _plain(name, title, [(Piece(text),) for text in texts], is_right=False)


def _plain(key: str, title: str, cells: Sequence[Pieces], *, is_right: bool = True) -> _Column:
    return _Column(key, title, cells, [()] * len(cells), is_right)
