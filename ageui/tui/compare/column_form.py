"""A comparison with a column per row: figures, ranks, settings and the MAE of groups from top to bottom."""

from rich.cells import cell_len

from ageui.compare import ComparedRow, Comparison
from ageui.compare.comparison import MAE
from ageui.compare.figure_names import figure_title
from ageui.compare.measures import RANK
from ageui.present.figures import number
from ageui.present.marks import APART, FRONT
from ageui.present.table import Cell
from ageui.present.terminal import shortened
from ageui.text.clean import clean
from ageui.text.sentences import counted
from ageui.tui.compare.cells import (
    BASELINE,
    Order,
    RunLooks,
    change_piece,
    change_width,
    figure_pieces,
    figures_of,
    named,
    row_keys,
    uncertainty_piece,
    value_width,
)
from ageui.tui.widgets.side_table import Piece, Pieces, SideColumn, SideLine, SideTable

_LONGEST_NAME, _LONGEST_SETTING = 24, 22
_VALUE, _GROUP = 5, 14


def column_form(comparison: Comparison, looks: RunLooks, order: Order, *, group_intervals: bool) -> SideTable:
    """The table; with `group_intervals`, groups have intervals, too."""
    rows = comparison.rows
    figures = {column: figures_of(column, comparison) for column in comparison.columns}
    every = [cell for own in figures.values() for cell in own]
    value, room = max(value_width(every), _VALUE), change_width(every)
    # What stands right of the digits: ~ or ∅, and the difference.
    after = Piece(" " * (1 + (room and room + 2)))
    blank = SideLine((), ((),) * len(rows))
    settings = [_setting_line(name, comparison, order) for name in comparison.settings]
    lines: list[SideLine] = []
    names = max((cell_len(clean(group.name)) for group in comparison.groups.values()), default=0)
    between, attribute = _rank_lines(comparison, order, after) + ([blank, *settings] if settings else []), ""
    for column, own in figures.items():
        group = comparison.groups.get(column)
        label = _figure_label(column, comparison, order)
        if group is not None:
            lines, between = lines + between, []
            label = _group_label(order.titled(column, clean(group.name)), min(names, _GROUP) + 1, group.n)
            if group.attribute != attribute:
                attribute = group.attribute
                lines += [blank, SideLine((Piece(f"MAE by {clean(attribute)}", "strong"),), blank.cells)]
        cells = tuple(_figure(column, cell, row, value, room) for cell, row in zip(own, rows, strict=True))
        lines.append(SideLine(label, cells, key=column))
        below = [uncertainty_piece(cell) for cell in own]
        if any(piece.text for piece in below) and (group is None or group_intervals):
            lines.append(SideLine((), tuple((piece, after) for piece in below)))
    keys = row_keys(comparison)
    return SideTable(
        tuple(SideColumn(key, _head(row, looks)) for row, key in zip(rows, keys, strict=True)),
        tuple(lines + between),
        tuple(keys),
    )


def _head(row: ComparedRow, looks: RunLooks) -> tuple[Pieces, Pieces]:
    """The name of the row and its details."""
    parts: list[Piece] = []
    if row.is_baseline:
        parts.append(Piece(f"{BASELINE} baseline", "accent"))
    if row.is_apart:
        parts.append(Piece(f"{APART} not comparable", "warn"))
    if len(row.runs) > 1:
        parts.append(Piece(counted(len(row.runs), "seed"), "dim"))
    if row.kind == "published":
        parts.append(Piece(row.status, "dim"))
    if state := looks.state(row):
        parts.append(Piece(shortened(state, _LONGEST_NAME), "accent"))
    if row.kind == "constant" and not row.is_baseline:
        parts.append(Piece("train mean", "dim"))
    about = tuple(piece for part in parts for piece in (part, Piece(" ")))[:-1]
    return named(row, row.name, _LONGEST_NAME, looks), about


def _setting_line(name: str, comparison: Comparison, order: Order) -> SideLine:
    texts = (shortened(clean(row.settings.get(name, "")), _LONGEST_SETTING) for row in comparison.rows)
    cells = tuple((Piece(text),) for text in texts)
    return SideLine((Piece(order.titled(name, clean(name)), "dim"),), cells, right=False, key=name)


def _rank_lines(comparison: Comparison, order: Order, after: Piece) -> list[SideLine]:
    """The average rank and the Pareto front; empty with fewer than two runs to rank."""
    if not comparison.ranked_over:
        return []
    ranks = ((Piece(number(row.rank), "dim" if row.rank is None else "plain"), after) for row in comparison.rows)
    fronts = ((Piece(FRONT if row.on_front else "", "good"), after) for row in comparison.rows)
    return [
        SideLine((Piece(order.titled(RANK, "average rank"), "strong"),), tuple(ranks), key=RANK),
        SideLine((Piece("Pareto front", "strong"),), tuple(fronts)),
    ]


def _figure_label(column: str, comparison: Comparison, order: Order) -> Pieces:
    if column == MAE:
        return (Piece(order.titled(column, "MAE"), "strong"), Piece(" years", "dim"))
    title = clean(figure_title(column))
    if column in comparison.further:
        return (Piece(f" {order.titled(column, shortened(title, 19))}"),)
    return (Piece(order.titled(column, shortened(title, 14)), "strong"), Piece(" bias", "dim"))


def _group_label(name: str, width: int, n: int | None) -> Pieces:
    shown = shortened(name, width)
    count = "" if n is None else f"{n:,}"
    return (Piece(f" {shown}{' ' * (width - cell_len(shown))}"), Piece(f"{count:>6}", "dim"))


def _figure(column: str, cell: Cell, row: ComparedRow, value: int, room: int) -> Pieces:
    figure = figure_pieces(cell, row, value)
    return (*figure, Piece(" "), change_piece(column, cell, room)) if room else figure
