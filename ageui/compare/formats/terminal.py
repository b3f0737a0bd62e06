"""A comparison in the terminal: best figures are starred and bold, never told by colour alone."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from ageui.compare.comparison import Cell, Comparison, Row
from ageui.compare.formats.wording import (
    BEST,
    FRONT,
    NOISE,
    RANK,
    REAL,
    change,
    figure,
    head,
    legend,
    mark_of,
    rank,
    state,
    uncertainty,
)
from ageui.text.clean import clean

_SHORTEST_NAME, _LONGEST_NAME = 14, 24
_SHORTEST_SETTINGS, _LONGEST_SETTINGS = 8, 30
_SEPARATOR = " · "


def as_table(comparison: Comparison) -> RenderableType:
    """One row per run, one column per figure, its interval and its difference to the baseline below it, a legend."""
    return Group(_Fitted(comparison), *(Text(f"{mark} {text}".strip()) for mark, text in legend(comparison)))


@dataclass(frozen=True)
class _Fitted:
    """The table, broken into several below each other where not all figures fit beside the names: none is cut."""

    comparison: Comparison

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        unbounded = options.update(max_width=sys.maxsize)
        columns = _columns(self.comparison)
        start, end = 0, len(columns)
        while start < end:
            settings = _SHORTEST_SETTINGS if start == 0 else 0
            for stop in range(end, start, -1):
                table = _table(self.comparison, columns[start:stop], settings)
                room = options.max_width - Measurement.get(console, unbounded, table).minimum
                if room >= 0:
                    break
            yield _table(
                self.comparison, columns[start:stop], settings and min(settings + max(room, 0), _LONGEST_SETTINGS)
            )
            start = stop


@dataclass(frozen=True)
class _Column:
    title: Text
    cells: tuple[Text, ...]


def _columns(comparison: Comparison) -> list[_Column]:
    """The figures, with the rank behind those it is over: before the MAEs of groups."""
    columns = [
        _Column(Text(head(column)), tuple(_figures(row.cells[place], column) for row in comparison.rows))
        for place, column in enumerate(comparison.columns)
    ]
    if comparison.ranked_over:
        ranks = _Column(Text(RANK), tuple(_rank(row) for row in comparison.rows))
        columns.insert(len(columns) - len(comparison.groups), ranks)
    return columns


def _table(comparison: Comparison, columns: Sequence[_Column], settings_width: int) -> Table:
    """Some of the columns; `settings_width` 0 leaves out that of settings."""
    table = Table(box=box.HORIZONTALS, show_lines=True, padding=(0, 0, 0, 1), pad_edge=False)
    longest = max(len(clean(row.name)) for row in comparison.rows)
    table.add_column("run", overflow="fold", min_width=min(longest, _SHORTEST_NAME), max_width=_LONGEST_NAME)
    with_settings = bool(settings_width and comparison.settings)
    if with_settings:
        title = Text(_SEPARATOR.join(clean(name) for name in comparison.settings))
        table.add_column(title, overflow="fold", min_width=_SHORTEST_SETTINGS, max_width=settings_width)
    for column in columns:
        widest = max(cell_len(line) for text in (column.title, *column.cells) for line in text.plain.splitlines())
        table.add_column(column.title, justify="right", no_wrap=True, min_width=widest)
    for place, row in enumerate(comparison.rows):
        settings = [Text(_SEPARATOR.join(clean(text) for text in row.settings.values()))] if with_settings else []
        table.add_row(_name(row), *settings, *(column.cells[place] for column in columns))
    return table


def _name(row: Row) -> Text:
    text = Text(mark_of(row))
    text.append(clean(row.name), style="" if row.kind == "run" else "italic")
    if said := state(row):
        text.append(f"\n{said}", style="dim")
    return text


def _figures(cell: Cell, column: str) -> Text:
    """The marks stand in front, so that the digits of a column stay below each other."""
    marks = f"{BEST if cell.best else ''}{NOISE if cell.inside_noise else ''}"
    text = Text(f"{marks} " if marks else "")
    text.append(figure(cell.value), style="bold" if cell.best else "")
    if interval := uncertainty(cell, column):
        text.append(f"\n{interval.strip('[]')}", style="dim")
    if cell.difference is not None:
        text.append(f"\n{f'{REAL} ' if cell.difference.real else ''}{change(cell.difference.value)}")
    return text


def _rank(row: Row) -> Text:
    return Text(f"{FRONT} {rank(row)}" if row.on_front else rank(row))
