"""A comparison in the terminal: best figures are starred and bold, never told by colour alone."""

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ageui.compare.formats.wording import (
    APART,
    BEST,
    NOISE,
    REAL,
    change,
    figure,
    head,
    is_apart,
    legend,
    state,
    uncertainty,
)
from ageui.compare.records import Cell, Comparison, Row
from ageui.text import clean

_SHORTEST_NAME, _LONGEST_NAME = 14, 24
_LONGEST_SETTINGS = 30
_SEPARATOR = " · "


def as_table(comparison: Comparison) -> RenderableType:
    """One row per run, one column per figure, its interval and its difference to the baseline below it, a legend."""
    table = Table(box=box.HORIZONTALS, show_lines=True, padding=(0, 0, 0, 1), pad_edge=False)
    longest = max(len(clean(row.name)) for row in comparison.rows)
    table.add_column("run", overflow="fold", min_width=min(longest, _SHORTEST_NAME), max_width=_LONGEST_NAME)
    if comparison.settings:
        title = Text(_SEPARATOR.join(clean(name) for name in comparison.settings))
        table.add_column(title, overflow="fold", max_width=_LONGEST_SETTINGS)
    for column in comparison.columns:
        table.add_column(Text(head(column)), justify="right", no_wrap=True)
    for row in comparison.rows:
        settings = [Text(_SEPARATOR.join(clean(text) for text in row.settings.values()))] if comparison.settings else []
        table.add_row(_name(row), *settings, *map(_figures, row.cells, comparison.columns))
    return Group(table, *(Text(f"{mark} {text}".strip()) for mark, text in legend(comparison)))


def _name(row: Row) -> Text:
    text = Text(f"{APART} " if is_apart(row) else "")
    text.append(clean(row.name), style="italic" if row.kind == "constant" else "")
    if said := state(row):
        text.append(f"\n{said}", style="dim")
    return text


def _figures(cell: Cell, column: str) -> Text:
    """The marks stand in front, so that the digits of a column stay below each other."""
    marks = f"{BEST if cell.best else ''}{NOISE if cell.inside_noise else ''}"
    text = Text(f"{marks} " if marks else "")
    text.append(figure(cell.value), style="bold" if cell.best else "")
    if interval := uncertainty(cell, column):
        text.append(f"\n{interval}", style="dim")
    if cell.difference is not None:
        text.append(f"\n{f'{REAL} ' if cell.difference.real else ''}{change(cell.difference.value)}")
    return text
