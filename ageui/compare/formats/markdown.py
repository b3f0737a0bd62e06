"""A comparison as a Markdown table."""

import re

from ageui.compare.formats.wording import (
    BEST,
    NOISE,
    REAL,
    change,
    figure,
    head,
    legend,
    named,
    uncertainty,
)
from ageui.compare.records import Cell, Comparison, Row
from ageui.text import clean

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|!~&])")


def as_markdown(comparison: Comparison) -> str:
    """A table with the best figures bold and starred, and the legend as a list below it."""
    heads = ["run", *comparison.settings, *(head(column) for column in comparison.columns)]
    rules = ["---"] * (1 + len(comparison.settings)) + ["---:"] * len(comparison.columns)
    body = [line(_row(row, comparison)) for row in comparison.rows]
    notes = [f"- {plain(f'{mark} {text}'.strip())}" for mark, text in legend(comparison)]
    return "\n".join([line([plain(text) for text in heads]), line(rules), *body, "", *notes]) + "\n"


def _row(row: Row, comparison: Comparison) -> list[str]:
    settings = (row.settings.get(setting, "") for setting in comparison.settings)
    return [plain(named(row)), *map(plain, settings), *map(_figures, row.cells, comparison.columns)]


def _figures(cell: Cell, column: str) -> str:
    parts = [f"**{figure(cell.value)}** {BEST}" if cell.best else figure(cell.value), plain(uncertainty(cell, column))]
    if cell.inside_noise:
        parts.append(plain(NOISE))
    if cell.difference is not None:
        parts.append(f"({change(cell.difference.value)}{f' {REAL}' if cell.difference.real else ''})")
    return " ".join(part for part in parts if part)


def line(cells: list[str]) -> str:
    """A row of a table."""
    return f"| {' | '.join(cells)} |"


def plain(text: str) -> str:
    """Text from outside as nothing but text."""
    return _SPECIAL.sub(r"\\\1", clean(text))
