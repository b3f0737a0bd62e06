"""A comparison as the columns and lines of a `SideBySide`: settings, figures and the MAE of groups."""

import math
from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from rich.text import Text

from ageui.compare import ComparedRow, Comparison
from ageui.compare.comparison import MAE
from ageui.compare.comparison_table import RANK, figure_cells, legend
from ageui.compare.figure_names import better, figure_title
from ageui.present.figures import Unit, change, number
from ageui.present.marks import APART, BEST, FRONT, MEANINGS, NO_BETTER, NOISE, REAL, marks_of, marks_of_difference
from ageui.present.table import Cell, Note, Tone
from ageui.present.terminal import shortened
from ageui.present.wording import note_text, uncertainty
from ageui.text.clean import clean
from ageui.text.sentences import counted
from ageui.text.states import PUBLISHED
from ageui.tui.themes import run_marker, series_color
from ageui.tui.widgets.side_by_side import Piece, Pieces, SideColumn, SideLine

LOWER, HIGHER, SAME = "−", "+", "="
_CALLED = {FRONT: "on it", RANK: "average rank"}
"""The words of this view for the marks of other formats."""
_LONGEST_NAME, _LONGEST_SETTING = 22, 22
_MARK, _VALUE, _GROUP = 2, 5, 14


def columns_of(
    comparison: Comparison, states: Mapping[int, str], places: Mapping[int, int], *, dark: bool
) -> list[SideColumn]:
    """A column per row of the comparison.

    `states` describe the progress of unfinished runs; `places` determine the colour and marker of each run. A column's
    key is the id of its first run; constants are numbered.
    """
    constants = 0
    columns = []
    for row in comparison.rows:
        constants += not row.runs
        key = str(row.runs[0]) if row.runs else f"constant {constants}"
        columns.append(SideColumn(key, (_name(row, places, dark=dark), _about(row, states))))
    return columns


def _name(row: ComparedRow, places: Mapping[int, int], *, dark: bool) -> Pieces:
    name = Piece(shortened(clean(row.name), _LONGEST_NAME), "strong" if row.kind == "run" else "dim")
    if not row.runs:
        return (name,)
    place = places[row.runs[0]]
    return (Piece(f"{run_marker(place)} ", color=series_color(place, dark=dark)), name)


def _about(row: ComparedRow, states: Mapping[int, str]) -> Pieces:
    parts: list[Piece] = []
    if row.is_baseline:
        parts.append(Piece("◂ baseline", "accent"))
    if row.is_apart:
        parts.append(Piece(f"{APART} not comparable", "warn"))
    if len(row.runs) > 1:
        parts.append(Piece(counted(len(row.runs), "seed"), "dim"))
    if row.kind == "published":
        parts.append(Piece(PUBLISHED, "dim"))
    if row.kind == "run" and row.status != "done":
        state = states.get(row.runs[0], row.status) if len(row.runs) == 1 else row.status
        parts.append(Piece(shortened(state, _LONGEST_NAME), "accent"))
    if row.kind == "constant" and not row.is_baseline:
        parts.append(Piece("train mean", "dim"))
    return tuple(piece for part in parts for piece in (part, Piece(" ")))[:-1]


def lines_of(comparison: Comparison, *, group_intervals: bool = False) -> list[SideLine]:
    """Settings, MAE and biases with their intervals, ranks, then the MAE of every group.

    With `group_intervals`, groups have intervals, too.
    """
    rows = comparison.rows
    figures = [figure_cells(row, comparison) for row in rows]
    lines = [
        SideLine(
            (Piece(name, "dim"),),
            tuple((Piece(shortened(clean(row.settings.get(name, "")), _LONGEST_SETTING)),) for row in rows),
            right=False,
        )
        for name in comparison.settings
    ]
    if lines:
        lines.append(_blank(comparison))
    value = max(_VALUE, *(len(number(cell.value, cell.unit)) for own in figures for cell in own), 0)
    widths = [_left_width(cells, comparison, value) for cells in figures]
    rooms = [max((len(_size(cell)) for cell in row.cells), default=0) for row in rows]
    names = max((cell_len(clean(group.name)) for group in comparison.groups.values()), default=0)
    shown_group = ""
    ranks = _rank_lines(comparison, widths, rooms)
    for place, column in enumerate(comparison.columns):
        group = comparison.groups.get(column)
        if group is not None:
            lines, ranks = lines + ranks, []
        if group is not None and group.attribute != shown_group:
            shown_group = group.attribute
            title = f"MAE by {clean(group.attribute)}"
            lines += [_blank(comparison), SideLine((Piece(title, "strong"),), ((),) * len(rows))]
        cells = [own[place] for own in figures]
        label = _figure_label(column, comparison)
        if group is not None:
            label = _group_label(clean(group.name), min(names, _GROUP), group.n)
        shapes = list(zip(cells, rows, widths, rooms, strict=True))
        lines.append(SideLine(label, tuple(_figures(column, value, *shape) for shape in shapes)))
        below = list(map(uncertainty, cells))
        if any(below) and (group is None or group_intervals):
            ends = (
                f"{text:>{width - 1}} {'':{room and room + 4}}"
                for text, (_, _, width, room) in zip(below, shapes, strict=True)
            )
            lines.append(SideLine((), tuple((Piece(end, "dim"),) for end in ends)))
    return lines + ranks


def _rank_lines(comparison: Comparison, widths: Sequence[int], rooms: Sequence[int]) -> list[SideLine]:
    """The average rank and the Pareto front; empty with fewer than two runs to rank."""
    if not comparison.ranked_over:
        return []
    ranks: list[Pieces] = []
    fronts: list[Pieces] = []
    for row, width, room in zip(comparison.rows, widths, rooms, strict=True):
        end = " " * (1 + (room and room + 4))
        ranks.append((Piece(f"{number(row.rank):>{width - 1}}{end}", "dim" if row.rank is None else "plain"),))
        fronts.append((Piece(f"{'on it' if row.on_front else '':>{width - 1}}{end}", "good"),))
    return [
        SideLine((Piece("average rank", "strong"),), tuple(ranks)),
        SideLine((Piece("Pareto front", "strong"),), tuple(fronts)),
    ]


def explained(comparison: Comparison) -> list[str]:
    """Explains every mark in use, then lists the notes."""
    return [note_text(Note(_CALLED.get(mark, mark), f" {text}")) for mark, text in legend(comparison)]


def about_row(row: ComparedRow, comparison: Comparison) -> str:
    """The details of a row: why it is not comparable, why figures are missing, and intervals of its differences."""
    figures = [pair for pair in zip(comparison.columns, row.cells, strict=True) if pair[0] not in comparison.groups]
    said = [row.reason] if row.reason else []
    said += [f"{figure_title(column)}: {cell.reason}" for column, cell in figures if cell.reason]
    said += [
        f"{figure_title(column)} {change(cell.difference.value, cell.unit)} "
        f"({change(interval.low, cell.unit)} to {change(interval.high, cell.unit)})"
        for column, cell in figures
        if cell.difference and (interval := cell.difference.interval)
    ]
    return clean(" · ".join(said))


def legend_of(comparison: Comparison) -> Text:
    """The marks in use, in one line."""
    cells = [cell for row in comparison.rows for cell in row.cells]
    are_low = all(better(column) == "low" for column in comparison.columns)
    lower, higher = ("better", "worse") if are_low else ("lower", "higher")
    marks = (
        (any(cell.best for cell in cells), f"{BEST} best"),
        (any(cell.inside_noise for cell in cells), f"{NOISE} inside noise"),
        (any(cell.no_better for cell in cells), f"{NO_BETTER} {MEANINGS[NO_BETTER]}"),
        (comparison.baseline is not None, f"{LOWER} {lower} {HIGHER} {higher} than the baseline"),
        (any(cell.difference and cell.difference.real for cell in cells), f"{REAL} settings differ"),
        (any(cell.interval for cell in cells), "±, – 95% interval"),
        (any(cell.spread for cell in cells), "±(n) std over seeds"),
        (any(row.is_apart for row in comparison.rows), f"{APART} other images"),
        (any(row.on_front for row in comparison.rows), "rank and Pareto front over MAE and biases"),
        (any(cell.value is not None for cell in cells), "E explains"),
    )
    text = "  ".join(text for is_used, text in marks if is_used)
    return Text(text or "years, lower is better")


def _blank(comparison: Comparison) -> SideLine:
    return SideLine((), ((),) * len(comparison.rows))


def _figure_label(column: str, comparison: Comparison) -> Pieces:
    if column == MAE:
        return (Piece("MAE", "strong"), Piece(" years", "dim"))
    if column in comparison.further:
        return (Piece(f" {shortened(clean(figure_title(column)), 19)}"),)
    return (Piece(shortened(clean(figure_title(column)), 14), "strong"), Piece(" bias", "dim"))


def _group_label(name: str, width: int, n: int | None) -> Pieces:
    shown = shortened(name, width)
    count = "" if n is None else f"{n:,}"
    return (Piece(f" {shown}{' ' * (width - cell_len(shown))}"), Piece(f"{count:>6}", "dim"))


def _left_width(cells: Sequence[Cell], comparison: Comparison, value: int) -> int:
    """The width of mark, value and noise mark, or of the longest interval below them."""
    pairs = zip(cells, comparison.columns, strict=True)
    below = [len(uncertainty(cell)) for cell, column in pairs if column not in comparison.groups]
    return max(_MARK + value, *below) + 1


def _figures(column: str, value: int, cell: Cell, row: ComparedRow, width: int, room: int) -> Pieces:
    """`★  6.12~ −0.54 ✔`: other marks before the figure; the noise mark and the difference to the baseline after it."""
    marks = marks_of(cell)
    front = next((mark for mark in (BEST, APART, NO_BETTER) if mark in marks), "")
    is_dim = cell.value is None or row.is_apart or front == APART
    tone: Tone = "strong" if cell.best else "dim" if is_dim else "plain"
    pieces = (
        Piece(" " * (width - _MARK - value - 1)),
        Piece(f"{front:<{_MARK}}", "good" if cell.best else "warn"),
        Piece(f"{number(cell.value, cell.unit):>{value}}", tone),
        Piece(NOISE if NOISE in marks else " ", "dim"),
    )
    return (*pieces, _change(column, cell, room)) if room else pieces


def _size(cell: Cell) -> str:
    """The absolute difference to the baseline; empty without one."""
    difference = cell.difference
    return "" if difference is None or math.isnan(difference.value) else _unsigned(difference.value, cell.unit)


def _unsigned(value: float, unit: Unit) -> str:
    return number(abs(value), unit).lstrip("+")


def _change(column: str, cell: Cell, room: int) -> Piece:
    """A difference in `room` + 4 cells, `room` of them for its size."""
    difference, size = cell.difference, _size(cell)
    if difference is None or not size:
        return Piece(" " * (room + 4))
    sign = SAME if size == _unsigned(0, cell.unit) else LOWER if difference.value < 0 else HIGHER
    tone: Tone = "dim"
    if difference.real and (direction := better(column)):
        tone = "good" if (difference.value < 0) == (direction == "low") else "bad"
    mark = "".join(marks_of_difference(difference)) or " "
    return Piece(f" {sign}{size:>{room}} {mark}", tone)
