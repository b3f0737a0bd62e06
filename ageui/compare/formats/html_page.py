"""A comparison as a web page of its own, without scripts or anything from elsewhere."""

from ageui.compare.comparison import Cell, Comparison, Row
from ageui.compare.formats.escaping import plain_html as _plain
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

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem}table{border-collapse:collapse}"
    "th,td{padding:.3rem .8rem;border-bottom:1px solid #bbb;text-align:left}"
    "td.figure,th.figure{text-align:right;font-variant-numeric:tabular-nums}small{color:#555}ul{list-style:none;padding:0}"
)


def as_html(comparison: Comparison) -> str:
    """A complete page with the table and its legend."""
    heads = ["<th>run</th>", *(f"<th>{_plain(name)}</th>" for name in comparison.settings)]
    heads += [f'<th class="figure">{_plain(head(column))}</th>' for column in comparison.columns]
    heads += [f'<th class="figure">{RANK}</th>'] if comparison.ranked_over else []
    rows = [_row(row, comparison) for row in comparison.rows]
    notes = [f"<li>{_plain(f'{mark} {text}'.strip())}</li>" for mark, text in legend(comparison)]
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8"><title>ageui comparison</title>',
        f"<style>{STYLE}</style></head><body>",
        "<table>",
        f"<thead><tr>{''.join(heads)}</tr></thead>",
        "<tbody>",
        *rows,
        "</tbody></table>",
        "<ul>",
        *notes,
        "</ul>",
        "</body></html>",
    ]
    return "\n".join(lines) + "\n"


def _row(row: Row, comparison: Comparison) -> str:
    said = f" <small>{_plain(state(row))}</small>" if state(row) else ""
    settings = [f"<td>{_plain(row.settings.get(name, ''))}</td>" for name in comparison.settings]
    figures = [f'<td class="figure">{_figures(*pair)}</td>' for pair in zip(row.cells, comparison.columns, strict=True)]
    if comparison.ranked_over:
        figures.append(f'<td class="figure">{rank(row)}{f" {FRONT}" if row.on_front else ""}</td>')
    return f"<tr><th>{mark_of(row)}{_plain(row.name)}{said}</th>{''.join(settings)}{''.join(figures)}</tr>"


def _figures(cell: Cell, column: str) -> str:
    value = figure(cell.value)
    parts = [f"<strong>{value}</strong> {BEST}" if cell.best else value]
    if width := uncertainty(cell, column):
        parts.append(f"<small>{width}</small>")
    if cell.inside_noise:
        parts.append(NOISE)
    if cell.difference is not None:
        parts.append(f"<br>{change(cell.difference.value)}{f' {REAL}' if cell.difference.real else ''}")
    return " ".join(parts)
