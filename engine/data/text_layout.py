"""Splits the lines of a text table into cells: separator, quotes, and lines above the names. Needs no pandas."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from io import StringIO
from itertools import chain
from pathlib import Path
from typing import Final

from engine.csv_text import restored
from engine.data.image_files import is_image_name

SEPARATORS: Final = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".psv": "|"}
"""The usual separators by file ending."""
HEAD_BYTES: Final = 1 << 18
"""The beginning of a table from which its layout is guessed."""
_CANDIDATES: Final = ",;\t|"
_NAMES: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "space"}
_SAMPLE_LINES: Final = 400
_LONGEST_LINE: Final = 1_000_000
_MOST_LINES_A_ROW: Final = 10_000
_END: Final = "\x1fend"
_TOLD: Final = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)
_NUMBER: Final = re.compile(r"[+-]?\d+([.,]\d+)?")


@dataclass(frozen=True)
class Layout:
    """How lines become cells.

    above, comments
        The number of lines above the names, and the number of comments among these.
    commented
        The line of names begins with `#`.
    spaced
        Spaces before a cell do not belong to it.
    wrapped
        Each line is quoted as a whole.
    """

    separator: str
    above: int = 0
    comments: int = 0
    quote: str = '"'
    commented: bool = False
    spaced: bool = False
    wrapped: bool = False

    @property
    def separator_name(self) -> str:
        """`semicolon`, `tab`."""
        return _NAMES.get(self.separator, self.separator)


def usual_separator(path: Path) -> str | None:
    """The separator implied by a file's ending, such as `.csv` and `.csv.gz`."""
    endings = [ending.lower() for ending in path.suffixes if ending.lower() != ".gz"]
    return SEPARATORS.get(endings[-1]) if endings else None


def layout_of(head: str, usual: str | None) -> Layout:
    """The layout of a table that begins with `head`; `usual` is the separator implied by its file's ending."""
    lines = list(StringIO(head, newline=""))[:_SAMPLE_LINES]
    above, told = _above(lines)
    below = lines[above:]
    separator = told if told and _fit(below, told) else _separator(below, usual)
    wrapped = False
    inner: list[str] = []
    if separator is None:
        with suppress(csv.Error):
            inner = list(_unwrapped(below))
        separator = _separator(inner, usual)
        wrapped = separator is not None
        below = inner if wrapped else below
    separator = separator or usual or ","
    first = below[0].strip() if below else ""
    layout = Layout(
        separator,
        above,
        sum(line.startswith("#") for line in lines[:above]),
        quote="'" if re.match(rf"'[^']*'({re.escape(separator)}|$)", first) else '"',
        spaced=separator == " " or f'{separator} "' in first,
        wrapped=wrapped,
    )
    return _with_commented_names(lines, layout) if layout.comments and not wrapped else layout


def cells(lines: Iterable[str], layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """Rows of cells, starting with the names, each with the number of its last line. Skips blank rows.

    Raises `ValueError` if a quote is never closed, or a line is too long.
    """
    seen = row_end = 0
    ended = False

    def counted() -> Iterator[str]:
        nonlocal seen, ended
        for line in lines:
            seen += 1
            if len(line) > _LONGEST_LINE:
                raise ValueError(
                    f"line {seen:,} has more than {_LONGEST_LINE:,} characters; check that the file is a table"
                )
            if seen - row_end > _MOST_LINES_A_ROW:
                raise ValueError(_open_quote(row_end + 1))
            yield line
        ended = True
        yield _END

    source = counted()
    for _ in range(layout.above):
        next(source, None)
    if layout.commented:
        source = chain([next(source).lstrip("#").lstrip()], source)
    row_end = seen
    row: list[str] = []
    try:
        for row in _reader(_unwrapped(source) if layout.wrapped else source, layout):
            if ended:
                break
            if any(cell.strip() for cell in row):
                yield seen, row
            row_end = seen
    except csv.Error as error:
        raise ValueError(f"line {row_end + 1:,}: {error}; is a quote not closed?") from None
    if row != [_END]:
        raise ValueError(_open_quote(row_end + 1))


def plain_name(cell: str) -> str:
    """The name of a column, as in its cell."""
    return restored(cell).strip().strip("\ufeff").strip()


def names_of(plain: Sequence[str]) -> list[str]:
    """Distinct names of columns, in pandas' form: `Unnamed: 0`, `age.1`."""
    plain = [name or f"Unnamed: {place}" for place, name in enumerate(plain)]
    names: list[str] = []
    taken: set[str] = set()
    for first in plain:
        name, more = first, 0
        while name in taken or (more and name in plain):
            more += 1
            name = f"{first}.{more}"
        taken.add(name)
        names.append(name)
    return names


def reads_like_data(names: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the row in the place of the names is data, judged by some rows below it.

    It then holds the name of an image file, or numbers wherever the rows below hold numbers.
    """
    if any(is_image_name(name.strip()) for name in names):
        return True
    above_numbers = [
        _NUMBER.fullmatch(name.strip()) is not None
        for place, name in enumerate(names)
        if _are_numbers([row[place] for row in rows if place < len(row)])
    ]
    return bool(above_numbers) and all(above_numbers)


def _are_numbers(column: Sequence[str]) -> bool:
    known = [cell.strip() for cell in column if cell.strip()]
    return bool(known) and all(_NUMBER.fullmatch(cell) for cell in known)


def _above(lines: Sequence[str]) -> tuple[int, str | None]:
    """The number of lines above the names, and the separator that one of them declares, as Excel's `sep=;` does."""
    told = None
    for place, line in enumerate(lines):
        if found := _TOLD.fullmatch(line):
            told = found[1]
        elif line.strip() and not line.startswith("#"):
            return place, told
    return (len(lines), told) if told else (0, None)


def _with_commented_names(lines: Sequence[str], layout: Layout) -> Layout:
    """The layout with names from the comment line right above the first row, if that row is data."""
    first = lines[layout.above - 1].lstrip("#").lstrip()
    rows = list(_rows(lines[layout.above :], layout))
    names = next(_rows([first], layout), [])
    if not rows or len(names) != len(rows[0]) or reads_like_data(names, rows) or not reads_like_data(rows[0], rows[1:]):
        return layout
    return replace(layout, above=layout.above - 1, comments=layout.comments - 1, commented=True)


def _separator(lines: Sequence[str], usual: str | None) -> str | None:
    """The separator that splits the first line into names and most other lines likewise; None if none does."""
    fits = {one: fit for one in _CANDIDATES if (fit := _fit(lines, one)) is not None}
    if not fits and (fit := _fit(lines, " ")) is not None and fit[1] > 0.5:
        return " "
    return max(fits, key=lambda one: (*fits[one][:2], one == usual, fits[one][2]), default=None)


def _fit(lines: Sequence[str], separator: str) -> tuple[bool, float, int] | None:
    """Whether the first name contains no other separator, the share of rows that match the names, and their number."""
    try:
        rows = list(_rows(lines, Layout(separator, spaced=separator == " ")))
    except csv.Error:
        return None
    names = _trimmed(rows[0]) if rows else []
    if (width := len(names)) < 2:
        return None
    fitting = sum(len(row) in (width, width + 1) or len(_trimmed(row)) == width for row in rows[1:])
    return not set(_CANDIDATES) & set(names[0]), round(fitting / max(len(rows) - 1, 1), 1), width


def _rows(lines: Iterable[str], layout: Layout) -> Iterator[list[str]]:
    return (row for row in _reader(lines, layout) if any(cell.strip() for cell in row))


def _reader(lines: Iterable[str], layout: Layout) -> Iterator[list[str]]:
    return csv.reader(lines, delimiter=layout.separator, quotechar=layout.quote, skipinitialspace=layout.spaced)


def _trimmed(row: list[str]) -> list[str]:
    """The row without empty cells at its end."""
    width = len(row)
    while width and not row[width - 1].strip():
        width -= 1
    return row[:width]


def _unwrapped(lines: Iterable[str]) -> Iterator[str]:
    """The content of lines quoted as a whole."""
    return ("".join(row) for row in csv.reader(lines, delimiter="\x1e"))


def _open_quote(line: int) -> str:
    return f"a quote that opens in line {line:,} is never closed; close or remove it"
