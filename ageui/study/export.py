"""A study's table in the formats that are written to files, and as plain data."""

import csv
import io
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from ageui.compare.formats.escaping import harmless, plain_html, plain_latex, plain_markdown
from ageui.compare.formats.html_page import STYLE
from ageui.study.table import CellRow, StudyTable
from ageui.study.wording import Line, headline, heads, legend, lines
from engine.config import format_value
from engine.errors import ConfigError

_FIGURE_PARTS = ("_published", "_measured", "_std", "_seeds", "_low", "_high", "_noise_p95", "_difference")


def export_text(table: StudyTable, format: str) -> str:
    """The table in one of `FORMATS`, ending in a line feed. Raises `ConfigError` for another."""
    if format not in _TEXT:
        raise ConfigError(f"there is no format {format!r}; choose one of {', '.join(FORMATS)}")
    return _TEXT[format](table)


def as_data(table: StudyTable) -> dict[str, Any]:
    """Plain data with full precision; floats may be NaN or infinite."""
    return {
        "study": table.study.name,
        "title": table.study.title,
        "shows": table.study.shows,
        "variant": dict(table.variant.normal) if table.variant else None,
        "split": table.split,
        "seeds": list(table.seeds),
        "rows": [_row_data(row) for row in table.rows],
        "constant": dict(table.constant),
        "agreement": {name: asdict(one) for name, one in table.agreement.items()},
        "notes": list(table.notes),
        "others": [{"variant": dict(variant.normal), "cells": cells} for variant, cells in table.others],
    }


def _row_data(row: CellRow) -> dict[str, Any]:
    figures = {name: {**asdict(figure), "difference": row.difference(name)} for name, figure in row.figures.items()}
    return {
        "cell": row.cell.name,
        "label": row.cell.label,
        "settings": dict(row.cell.settings),
        "unknown": row.cell.unknown,
        "figures": figures,
        "runs": {str(seed): run_id for seed, run_id in row.runs.items()},
        "progress": dict(row.progress),
    }


def _as_markdown(table: StudyTable) -> str:
    titles = heads(table)
    rules = ["---", "---", *["---:"] * (len(titles) - 2)]
    body = [_markdown_line([plain_markdown(text) for text in (line.cell, line.what)] + _markdown_figures(line))
            for line in lines(table)]  # fmt: skip
    return "\n".join([
        f"## {plain_markdown(table.study.title)}",
        "",
        *_paragraphs([plain_markdown(table.study.shows), plain_markdown(headline(table))]),
        _markdown_line([plain_markdown(title) for title in titles]),
        _markdown_line(rules),
        *body,
        "",
        *(f"- {plain_markdown(note)}" for note in legend(table)),
    ]) + "\n"  # fmt: skip


def _markdown_figures(line: Line) -> list[str]:
    shown = [(plain_markdown(text), line.is_strong(text)) for text in line.figures]
    return [f"**{text}**" if is_strong else text for text, is_strong in shown]


def _markdown_line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _paragraphs(texts: list[str]) -> list[str]:
    return [line for text in texts if text for line in (text, "")]


def _as_latex(table: StudyTable) -> str:
    titles = heads(table)
    body: list[str] = []
    for line in lines(table):
        if line.starts and body:
            body.append(r"\addlinespace")
        figures = [(plain_latex(text), line.is_strong(text)) for text in line.figures]
        shown = [rf"\textbf{{{text}}}" if is_strong else text for text, is_strong in figures]
        body.append(_latex_line([plain_latex(line.cell), plain_latex(line.what), *shown]))
    return "\n".join([
        r"% needs \usepackage{booktabs}",
        rf"% {plain_latex(table.study.title)}",
        rf"\begin{{tabular}}{{ll{'r' * (len(titles) - 2)}}}",
        r"\toprule",
        _latex_line([plain_latex(title) for title in titles]),
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        r"{\footnotesize",
        *(rf"\par {plain_latex(note)}" for note in (headline(table), *legend(table))),
        r"\par}",
    ]) + "\n"  # fmt: skip


def _latex_line(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"


def _as_html(table: StudyTable) -> str:
    first, second, *figures = heads(table)
    head = [f"<th>{plain_html(first)}</th><th>{plain_html(second)}</th>"]
    head += [f'<th class="figure">{plain_html(name)}</th>' for name in figures]
    title = plain_html(table.study.title)
    return "\n".join([
        "<!DOCTYPE html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title>',
        f"<style>{STYLE}</style></head><body>",
        f"<h1>{title}</h1>",
        *(f"<p>{plain_html(text)}</p>" for text in (table.study.shows, headline(table)) if text),
        "<table>",
        f"<thead><tr>{''.join(head)}</tr></thead>",
        "<tbody>",
        *map(_html_line, lines(table)),
        "</tbody></table>",
        "<ul>",
        *(f"<li>{plain_html(note)}</li>" for note in legend(table)),
        "</ul>",
        "</body></html>",
    ]) + "\n"  # fmt: skip


def _html_line(line: Line) -> str:
    figures = [(plain_html(text), line.is_strong(text)) for text in line.figures]
    shown = [f"<strong>{text}</strong>" if is_strong else text for text, is_strong in figures]
    cells = "".join(f'<td class="figure">{text}</td>' for text in shown)
    return f"<tr><th>{plain_html(line.cell)}</th><td>{plain_html(line.what)}</td>{cells}</tr>"


def _as_csv(table: StudyTable) -> str:
    """A row per cell with full precision; an empty cell is a figure that there is not."""
    fields = table.study.fields
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    figures = [f"{name}{part}" for name in table.study.figures for part in _FIGURE_PARTS]
    writer.writerow([harmless(text) for text in ("cell", "label", *fields, "split", *figures, "runs", "note")])
    for row in table.rows:
        settings = [format_value(row.cell.settings[name]) if row.cell.settings else None for name in fields]
        values = [part for name in table.study.figures for part in _parts(row, name)]
        runs = " ".join(map(str, row.runs.values()))
        cells = [
            row.cell.name,
            row.cell.label,
            *settings,
            table.split,
            *values,
            runs,
            row.cell.unknown or row.cell.note,
        ]
        writer.writerow([harmless(value) for value in cells])
    return file.getvalue()


def _parts(row: CellRow, name: str) -> tuple[float | None, ...]:
    figure = row.figures[name]
    low, high = (figure.interval.low, figure.interval.high) if figure.interval is not None else (None, None)
    return (figure.published, figure.measured, figure.std, figure.n, low, high, figure.noise, row.difference(name))


_TEXT: dict[str, Callable[[StudyTable], str]] = {"md": _as_markdown, "csv": _as_csv, "tex": _as_latex, "html": _as_html}
FORMATS = tuple(_TEXT)
