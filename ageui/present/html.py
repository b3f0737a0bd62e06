"""Tables in HTML, and pages that need no scripts and no other file."""

from html import escape

from ageui.present.table import Cell, Column, ExportSheet, Table
from ageui.present.wording import BRACKETS, Part, is_strong, is_words, note_text, parts_of
from ageui.text.clean import clean

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem}table{border-collapse:collapse}"
    "th,td{padding:.3rem .8rem;border-bottom:1px solid #bbb;text-align:left}"
    "td.figure,th.figure{text-align:right;font-variant-numeric:tabular-nums}small{color:#555}ul{list-style:none;padding:0}"
)

NOTEBOOK_STYLE = (
    "<style>.ageui{overflow-x:auto}.ageui table{border-collapse:collapse}.ageui caption{text-align:left}"
    ".ageui td,.ageui th{text-align:left;vertical-align:top;padding:.2rem .6rem}.ageui .figure{text-align:right;"
    "white-space:nowrap;font-variant-numeric:tabular-nums}.ageui small{opacity:.75}"
    ".ageui ul{list-style:none;padding:0}.ageui svg{max-width:100%;height:auto}</style>"
)
"""For tables within `<div class="ageui">`, on light and dark pages."""


def escaped(text: str) -> str:
    """Clean text in one line, escaped for content and quoted attributes."""
    return escape(clean(text))


def table_text(table: Table, *, with_title: bool = False) -> str:
    """A table element, with the title as its caption if `with_title`."""
    heads = "".join(f'<th scope="col"{_class(column)}>{escaped(column.title)}</th>' for column in table.columns)
    caption = [f"<caption>{escaped(table.title)}</caption>"] if with_title else []
    lines = [
        "<table>",
        *caption,
        f"<thead><tr>{heads}</tr></thead>",
        "<tbody>",
        *(_row(table, row) for row in table.rows),
    ]
    return "\n".join([*lines, "</tbody></table>"])


def page(sheet: ExportSheet) -> str:
    """A complete page: title, paragraphs, table and legend, ending in a line feed."""
    lines = [
        "<!DOCTYPE html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{escaped(sheet.title or sheet.table.title)}</title>',
        f"<style>{_STYLE}</style></head><body>",
        *([f"<h1>{escaped(sheet.title)}</h1>"] if sheet.title else []),
        *(f"<p>{escaped(text)}</p>" for text in sheet.about),
        table_text(sheet.table),
        "<ul>",
        *(f"<li>{escaped(note_text(note))}</li>" for note in sheet.table.legend),
        "</ul>",
        "</body></html>",
    ]
    return "\n".join(lines) + "\n"


def _class(column: Column) -> str:
    return ' class="figure"' if column.kind == "figure" else ""


def _row(table: Table, row: tuple[Cell, ...]) -> str:
    """A row; a name in the first column is its heading."""
    found = [f"<td{_class(column)}>{_cell(cell)}</td>" for column, cell in zip(table.columns, row, strict=True)]
    if table.columns[0].kind == "name":
        found[0] = f'<th scope="row">{_cell(row[0])}</th>'
    return f"<tr>{''.join(found)}</tr>"


def _cell(cell: Cell) -> str:
    main, *others = parts_of(cell)
    text = f"<strong>{escape(main.text)}</strong>" if is_strong(cell) else escape(main.text)
    found = [*main.marks, text] if is_words(cell) else [text, *main.marks]
    return " ".join([*found, *map(_part, others)])


def _part(part: Part) -> str:
    text = " ".join((escape(part.text), *part.marks))
    if part.role == "change":
        return f"<br>{text}"
    opening, closing = BRACKETS[part.role] if part.role == "range" else ("", "")
    return f"<small>{opening}{text}{closing}</small>"
