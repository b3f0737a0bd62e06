"""Reads text tables as written by spreadsheets, R, pandas and people. No cell moves into another column."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from io import BytesIO, TextIOWrapper

import pandas as pd

from engine.counted import counted
from engine.csv_text import restored
from engine.data.image_files import is_image_name
from engine.data.report import RowProblem
from engine.data.sources.raw_table import RawTable, refuse_size
from engine.data.text_encoding import encoding_of, title_of
from engine.data.text_layout import HEAD_BYTES, Layout, cells, layout_of, names_of, plain_name, reads_like_data
from engine.short_text import short_list

_SAMPLE_ROWS = 50
Row = list[str]


def text_table(content: bytes, usual: str | None, named: Collection[str]) -> RawTable:
    """The table of a text file's content.

    Parameters
    ----------
    content
        The bytes of the file.
    usual
        The separator implied by the file's ending; None if the ending implies none.
    named
        Columns named by the user. A first line with one of these is a line of names, whatever it looks like.

    Raises
    ------
    ValueError
        If the content is not text, has no column names, or has rows that do not match them.
    """
    encoding = encoding_of(content)
    head = content[:HEAD_BYTES].decode(encoding, "replace")
    layout = layout_of(head, usual)
    rows = cells(TextIOWrapper(BytesIO(content), encoding, newline=""), layout)
    last, header = next(rows, (0, []))
    refuse_size(len(header), 0)
    lines: list[int] = []
    body: list[Row] = []
    for line, row in rows:
        if line > last + 1:
            _refuse_rows_in_quotes(last + 1, row, layout.separator, len(header))
        last = line
        lines.append(line)
        body.append(row)
        refuse_size(0, len(body))
    if not any(cell.strip() for cell in header):
        raise ValueError("it is empty; write a line with the column names, then a line for each image")
    if reads_like_data(header, body[:_SAMPLE_ROWS]) and not set(named) & set(map(plain_name, header)):
        raise ValueError(
            f"its first line looks like data, not like column names: {short_list(header)}; add a line of names above "
            "it, such as image,age,gender"
        )
    notes = _layout_notes(layout, usual, encoding)
    header, body, problems, more = _fitted(header, lines, body, layout, head)
    notes += more
    frame, repeated = _frame(header, body)
    if repeated:
        notes.append(f"several columns of the same name ({short_list(sorted(repeated))})")
    return RawTable(frame, (f"read with {', '.join(notes)}",) if notes else (), problems, repeated=repeated)


def _layout_notes(layout: Layout, usual: str | None, encoding: str) -> list[str]:
    title = title_of(encoding)
    return [
        *([f"separator {layout.separator.strip() or layout.separator_name}"] if layout.separator != usual else []),
        *([title] if title else []),
        *(["names in a comment line"] if layout.commented else []),
        *([f"{counted(layout.comments, 'comment line')} above the names"] if layout.comments else []),
        *([f"{layout.quote} as quotes"] if layout.quote != '"' else []),
        *(["each line quoted as a whole"] if layout.wrapped else []),
    ]


def _fitted(
    header: Row, lines: Sequence[int], body: list[Row], layout: Layout, head: str
) -> tuple[Row, list[Row], tuple[RowProblem, ...], list[str]]:
    """The names, the rows with a cell for each, the problems of other rows, and notes."""
    while header and not header[-1].strip() and not any("".join(row[len(header) - 1 :]).strip() for row in body):
        header = header[:-1]
    width = len(header)
    named = max((place for place, name in enumerate(header, start=1) if name.strip()), default=0)
    notes: list[str] = []
    lengths = Counter(map(len, body))
    if set(lengths) <= {width}:
        return header, body, (), notes
    if numbered := _has_row_numbers(body, width, layout, head):
        width, named = width + 1, named + 1
        notes.append("row numbers in front")
    fitting: list[Row] = []
    problems: list[RowProblem] = []
    ended = comments = 0
    unfit: Row = []
    for line, row in zip(lines, body, strict=True):
        if len(row) > width and not "".join(row[named:]).strip():
            row = row[:width]
            ended += 1
        if len(row) == width:
            fitting.append(row)
        elif row[0].startswith("#"):
            comments += 1
        else:
            unfit = unfit or row
            problems.append(RowProblem(f"line {line}", f"it has {counted(len(row), 'cell')} for {width} columns"))
    if unfit and not fitting:
        decimals = ", such as decimal commas" if layout.separator == "," else ""
        raise ValueError(
            f"its first line names {counted(width, 'column')} ({short_list(header)}), but its rows have "
            f"{counted(len(unfit), 'cell')} ({short_list(unfit)}); name every column, put a {layout.separator_name} "
            f"between all cells, and quote cells that contain it{decimals}"
        )
    notes += ["separators at the end of rows"] if ended else []
    notes += [f"{counted(comments, 'comment line')} skipped"] if comments else []
    if numbered:
        fitting = [row[1:] for row in fitting]
    return header, fitting, tuple(problems), notes


def _refuse_rows_in_quotes(line: int, row: Row, separator: str, width: int) -> None:
    """Raises `ValueError` for a cell that contains whole rows, because its quote is not closed."""
    inner = [part.split(separator) for cell in row if "\n" in cell or "\r" in cell for part in cell.splitlines()[1:]]
    if any(len(parts) >= width and any(is_image_name(part.strip(' "')) for part in parts) for parts in inner):
        raise ValueError(f"a quote that opens in line {line:,} swallows the rows below it; close or remove the quote")


def _has_row_numbers(body: Sequence[Row], width: int, layout: Layout, head: str) -> bool:
    """Whether rows begin with a number without a column name, as R writes them: quoted, or in rising order."""
    wide = [row for row in body if len(row) == width + 1]
    if len(wide) * 10 < len(body) * 9:
        return False
    separator = re.escape(layout.separator)
    if not any(row[-1].strip() for row in wide) and not re.search(rf'^"\d+"{separator}.*""\r?$', head, re.MULTILINE):
        return False  # separators at the end of rows
    numbers = [row[0].strip() for row in wide]
    if len(set(numbers)) < len(numbers) or not all(number.isdecimal() and len(number) < 18 for number in numbers):
        return False
    if re.search(rf'^"\d+"{separator}', head, re.MULTILINE) is not None:
        return True
    values = list(map(int, numbers))
    if layout.separator == "," and all(row[1].strip().isdecimal() for row in wide):  # maybe 25,5 without quotes
        return values in ([*range(len(values))], [*range(1, len(values) + 1)])
    return values == sorted(values) and (len(values) > 3 or values[0] in (0, 1))


def _frame(header: Row, body: list[Row]) -> tuple[pd.DataFrame, frozenset[str]]:
    """The columns by name, and the names shared by columns with different cells."""
    plain = [plain_name(cell) for cell in header]
    names = names_of(plain)
    columns: dict[str, list[str]] = {}
    repeated = set()
    for place, (name, first) in enumerate(zip(names, plain, strict=True)):
        column = [restored(row[place]) for row in body]
        if first and name != first:
            if column == columns.get(first):
                continue
            repeated.add(first)
        columns[name] = column
    frame = pd.DataFrame({name: pd.Series(column, dtype=object) for name, column in columns.items()})
    return frame, frozenset(repeated)
