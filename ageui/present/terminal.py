"""Tables in the terminal: no figure is cut or folded, and nothing depends on colour alone."""

import itertools
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from rich import box
from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table as RichTable
from rich.text import Text

from ageui.present.marks import marks_in
from ageui.present.table import Cell, Column, Table
from ageui.present.wording import BRACKETS, Part, is_strong, note_text, parts_of, tone_of
from ageui.text.clean import clean

_GAP = 2
_SHORTEST_NAME, _LONGEST_NAME = 14, 30
_LONGEST_NAME_BESIDE_SETTINGS = 24
_SHORTEST_SETTINGS, _LONGEST_SETTINGS = 8, 30
_SEPARATOR = " · "


def shortened(text: str, width: int) -> str:
    """At most `width` cells of a text, with an ellipsis in place of what does not fit."""
    return text if cell_len(text) <= width else set_cell_size(text, width - 1) + "…" if width > 0 else ""


def cell_text(cell: Cell) -> str:
    """A cell with its marks in front, so that the digits of a column align: `★~ 6.25 ±0.25 (✔ −0.75)`."""
    main, *others = parts_of(cell)
    if not others:
        return _marked(main)
    texts = [_marked(main)]
    for part in others:
        opening, closing = BRACKETS[part.role]
        texts.append(f"{opening}{_marked(part)}{closing}")
    return " ".join(texts)


def rich_table(table: Table) -> RichTable:
    """The table as wide as its cells need; names fold if the terminal is narrower."""
    shown = _laid_out(table)
    shown.title, shown.title_justify = Text(clean(table.title)) if table.title else None, "left"
    return shown


def plain_lines(table: Table) -> Iterator[str]:
    """The lines of the table without styles, however long: for files and pipes, where rich would take minutes for
    thousands of rows."""
    if table.title:
        yield clean(table.title)
    rights = [column.kind == "figure" for column in table.columns]
    heads = [_title(table, place) for place in range(len(table.columns))]
    rows = [[cell_text(cell).split("\n") for cell in row] for row in table.rows]
    if any(heads):
        rows.insert(0, [head.split("\n") for head in heads])
    widths = [max(_cells(line) for lines in column for line in lines) for column in zip(*rows, strict=True)]
    for row in rows:
        for line in itertools.zip_longest(*row, fillvalue=""):
            padded = (
                " " * (width - _cells(text)) + text if is_right else text + " " * (width - _cells(text))
                for text, width, is_right in zip(line, widths, rights, strict=True)
            )
            yield (" " * _GAP).join(padded).rstrip()


def fit(table: Table, width: int) -> tuple[Table, list[str]]:
    """The table without the columns that do not fit into `width` cells, and the titles of those left out."""
    kept = {place: _width(table, place) for place in range(len(table.columns))}
    leaving = {place: column.leaves for place, column in enumerate(table.columns) if column.leaves is not None}
    left_out = []
    for place in sorted(leaving, key=leaving.__getitem__):
        if sum(needed + _GAP for needed in kept.values()) - _GAP <= width:
            break
        del kept[place]
        left_out.append(table.columns[place].title)
    return table.only(list(kept)), left_out


@dataclass(frozen=True)
class Blocks:
    """The table, broken into several blocks if not all figures fit beside the names.

    Settings are joined in one column of the first block, unless the names say the same. Columns that may be left out go
    before a second block begins. The legend follows if `has_legend`, without what only left-out columns show.
    """

    table: Table
    has_legend: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        joined, left_out = fit(_with_joined_settings(self.table), options.max_width)
        names, figures = joined.places("name", "setting"), joined.places("figure")
        longest_name = _LONGEST_NAME_BESIDE_SETTINGS if joined.places("setting") else _LONGEST_NAME
        start = 0
        while start < len(figures):
            if start == len(figures) - 1 > 0 and not joined.columns[figures[start]].stands_alone:
                left_out.append(joined.columns[figures[start]].title)
                joined = joined.only(joined.places("name", "setting") + figures[:start])
                break
            for stop, padding in itertools.product(range(len(figures), start, -1), (1, 0)):
                part = joined.only(names + figures[start:stop])
                unbounded = options.update(max_width=sys.maxsize)
                narrowest = _laid_out(part, longest_name, _SHORTEST_SETTINGS, padding)
                room = options.max_width - Measurement.get(console, unbounded, narrowest).minimum
                if room >= 0:
                    break
            yield _laid_out(part, longest_name, min(_SHORTEST_SETTINGS + max(room, 0), _LONGEST_SETTINGS), padding)
            names, start = joined.places("name"), stop
        if left_out:
            yield Text(f"not shown in {options.max_width} columns: {', '.join(map(clean, left_out))}", style="dim")
        if self.has_legend:
            hidden = _explained(self.table) - _explained(joined)
            yield from (Text(note_text(note)) for note in self.table.legend if note.mark.rstrip(":") not in hidden)


def _explained(table: Table) -> set[str]:
    """What a legend may explain: marks in cells, and the last words of titles, such as `signed` and `rank`."""
    return {*marks_in(*table.rows), *(column.title.rpartition(" ")[2] for column in table.columns)}


def _laid_out(
    table: Table, longest_name: int | None = None, longest_settings: int | None = None, padding: int = 1
) -> RichTable:
    if table.is_stacked:
        shown = RichTable(box=box.HORIZONTALS, show_lines=True, padding=(0, 0, 0, padding), pad_edge=False)
    else:
        has_heads = any(column.title for column in table.columns)
        shown = RichTable(box=None, pad_edge=False, header_style="bold", padding=(0, _GAP, 0, 0), show_header=has_heads)
    for place, column in enumerate(table.columns):
        title, width = Text(_title(table, place)), _width(table, place)
        match column.kind:
            case "figure":
                shown.add_column(title, justify="right", no_wrap=True, min_width=width)
            case "setting":
                shown.add_column(title, overflow="fold", min_width=_SHORTEST_SETTINGS, max_width=longest_settings)
            case "name":
                shortest = min(width, _SHORTEST_NAME)
                shown.add_column(title, overflow="fold", min_width=shortest, max_width=longest_name)
    for row in table.rows:
        shown.add_row(*(_rich(cell, is_stacked=table.is_stacked) for cell in row))
    return shown


def _rich(cell: Cell, *, is_stacked: bool) -> Text:
    style = "bold" if is_strong(cell) else "dim" if tone_of(cell) == "dim" else ""
    if not is_stacked:
        return Text(cell_text(cell), style=style)
    main, *others = parts_of(cell)
    text = Text().append(_marked(main), style=style)
    for part in others:
        text.append(f"\n{_marked(part)}", style="" if part.role == "change" else "dim")
    return text


def _marked(part: Part) -> str:
    return f"{''.join(part.marks)} {part.text}" if part.marks else part.text


def _width(table: Table, place: int) -> int:
    """The cells that a column needs."""
    shown: Callable[[Cell], str] = _stacked_text if table.is_stacked else cell_text
    texts = (shown(row[place]) for row in table.rows)
    return max(_cells(part) for text in (_title(table, place), *texts) for part in text.split("\n"))


def _stacked_text(cell: Cell) -> str:
    return _rich(cell, is_stacked=True).plain


def _cells(text: str) -> int:
    return len(text) if text.isascii() else cell_len(text)


def _title(table: Table, place: int) -> str:
    """The title of a column. In a table whose cells have several lines, that of figures has a line for each word."""
    column = table.columns[place]
    title = clean(column.title)
    return title.replace(" ", "\n") if table.is_stacked and column.kind == "figure" else title


def _with_joined_settings(table: Table) -> Table:
    """The table with one column for all settings, in the place of the first; without it if the names say the same."""
    places, others = table.places("setting"), table.places("name", "figure")
    settings = [_SEPARATOR.join(filter(None, (row[place].text for place in places))) for row in table.rows]
    if all(text in ("", row[0].text) for text, row in zip(settings, table.rows, strict=True)):
        return table.only(others)
    title = _SEPARATOR.join(table.columns[place].title for place in places)
    rows = []
    for text, kept in zip(settings, table.only(others).rows, strict=True):
        rows.append((*kept[: places[0]], Cell(text=text), *kept[places[0] :]))
    columns = [table.columns[place] for place in others]
    columns.insert(places[0], Column(title, "setting"))
    return replace(table, columns=tuple(columns), rows=tuple(rows))
