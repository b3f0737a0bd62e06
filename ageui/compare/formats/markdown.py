"""A comparison as a Markdown table."""

from ageui.compare.comparison import Cell, Comparison, Row
from ageui.compare.formats.escaping import plain_markdown as _plain
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


def as_markdown(comparison: Comparison) -> str:
    """A table with the best figures bold and starred, and the legend as a list below it."""
    ranks = [RANK] if comparison.ranked_over else []
    heads = ["run", *comparison.settings, *(head(column) for column in comparison.columns), *ranks]
    rules = ["---"] * (1 + len(comparison.settings)) + ["---:"] * (len(comparison.columns) + len(ranks))
    body = [_line(_row(row, comparison)) for row in comparison.rows]
    notes = [f"- {_plain(f'{mark} {text}'.strip())}" for mark, text in legend(comparison)]
    return "\n".join([_line([_plain(text) for text in heads]), _line(rules), *body, "", *notes]) + "\n"


def _row(row: Row, comparison: Comparison) -> list[str]:
    said = f" ({state(row)})" if state(row) else ""
    name = f"{mark_of(row)}{row.name}{said}"
    settings = (row.settings.get(setting, "") for setting in comparison.settings)
    ranks = [f"{rank(row)}{f' {FRONT}' if row.on_front else ''}"] if comparison.ranked_over else []
    return [_plain(name), *map(_plain, settings), *map(_figures, row.cells, comparison.columns), *ranks]


def _figures(cell: Cell, column: str) -> str:
    parts = [f"**{figure(cell.value)}** {BEST}" if cell.best else figure(cell.value), _plain(uncertainty(cell, column))]
    if cell.inside_noise:
        parts.append(_plain(NOISE))
    if cell.difference is not None:
        parts.append(f"({change(cell.difference.value)}{f' {REAL}' if cell.difference.real else ''})")
    return " ".join(part for part in parts if part)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
