"""The lines of a paged table: its header and its rows."""

from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ageui.present.table import Tone
from ageui.present.terminal import shortened
from ageui.present.wording import tone_of
from ageui.tui.widgets.table_rows import TableColumn, TableRow, aligned_figure, aligned_title

_SELECTED, _NOT_SELECTED = "● ", "  "
_SHORT_END = 6
PREFIX = len(_SELECTED)
"""The cells in front of the first column."""


def header_strip(columns: Sequence[TableColumn], widths: Sequence[int], order: str, *, has_selected: bool) -> Strip:
    """The titles, with an arrow at the sorted column; `order` begins with `-` if descending."""
    segments = [Segment(_SELECTED if has_selected else _NOT_SELECTED)]
    for column, width in zip(columns, widths, strict=True):
        mark = ""
        if column.order is not None and order.removeprefix("-") == column.order:
            mark = "↓" if order.startswith("-") else "↑"
        if column.holds_figures:
            shown = aligned_title(column.title, mark, width)
        else:
            shown = _fitted(f"{column.title}{mark}", width, right=column.right)
        segments.append(Segment(shown + " " * column.gap))
    return Strip(segments)


def row_strip(
    row: TableRow,
    columns: Sequence[TableColumn],
    widths: Sequence[int],
    tones: Mapping[Tone, Style],
    bar: Style,
    *,
    is_selected: bool,
) -> Strip:
    """A row. Text that is too long for its column continues over blank cells; `bar` is the style of faint bars."""
    segments = [Segment(_SELECTED if is_selected else _NOT_SELECTED, tones["accent"])]
    place = 0
    while place < len(columns):
        column, width, cell = columns[place], widths[place], row.cells[place]
        style, gap, first = tones[tone_of(cell)], column.gap, place
        if column.holds_figures:
            shown = aligned_figure(cell, width) if cell.text != "" else " " * width
        else:
            text = row.texts[place]
            while not column.right and cell_len(text) > width and _is_blank(row, place + 1):
                place += 1
                width += gap + widths[place]
                gap = columns[place].gap
            shown = _fitted(text, width, right=column.right)
        covered = round(width * row.bars.get(first, 0.0))
        if covered:
            segments.append(Segment(shown[:covered], style + bar))
        segments.append(Segment(shown[covered:] + " " * gap, style))
        place += 1
    return Strip(segments)


def _is_blank(row: TableRow, place: int) -> bool:
    return place < len(row.cells) and row.cells[place].text == ""


def _fitted(text: str, width: int, *, right: bool) -> str:
    """Pads or shortens text to exactly `width` cells; keeps a short last part, such as a seed.

    >>> _fitted("dldl · age,none · calibrated, mean of 2 · s4", 30, right=False)
    'dldl · age,none · calibr… · s4'
    """
    end = "".join(text.rpartition(" · ")[1:])
    end = end if cell_len(end) <= min(_SHORT_END, width - 1) else ""
    shown = text if cell_len(text) <= width else shortened(text.removesuffix(end), width - cell_len(end)) + end
    padding = " " * (width - cell_len(shown))
    return padding + shown if right else shown + padding
