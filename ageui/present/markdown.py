"""Tables in Markdown, as GitHub shows it."""

import re
from collections.abc import Iterable

from ageui.present.table import Cell, ExportSheet, Table
from ageui.present.wording import in_line, note_text
from ageui.text.clean import clean

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|!~&])")


def escaped(text: str) -> str:
    """Clean text in one line, with markup escaped."""
    return _SPECIAL.sub(r"\\\1", clean(text))


def code(text: str) -> str:
    """Text as code in a cell of a table."""
    escaped_bars = text.replace("|", r"\|")
    return f"`{escaped_bars}`"


def bullets(texts: Iterable[str]) -> str:
    """A list with an item per text."""
    return "\n".join(f"- {escaped(text)}" for text in texts)


def table_text(table: Table) -> str:
    """The columns and rows, without title and legend."""
    heads = [escaped(column.title) for column in table.columns]
    rules = ["---:" if column.kind == "figure" else "---" for column in table.columns]
    return "\n".join(_line(cells) for cells in (heads, rules, *(map(_cell, row) for row in table.rows)))


def page(sheet: ExportSheet) -> str:
    """Title, paragraphs, table and legend, ending in a line feed."""
    title = [f"## {escaped(sheet.title)}"] if sheet.title else []
    legend = [bullets(map(note_text, sheet.table.legend))] if sheet.table.legend else []
    return "\n\n".join([*title, *map(escaped, sheet.about), table_text(sheet.table), *legend]) + "\n"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell) -> str:
    return in_line(cell, escaped, lambda text: f"**{text}**")
