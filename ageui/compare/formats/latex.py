"""A comparison as a LaTeX table in the style of booktabs."""

from ageui.compare.comparison import Cell, Comparison, Row
from ageui.compare.formats.escaping import LATEX_MARKS
from ageui.compare.formats.escaping import plain_latex as _plain
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

_MARKS = {**LATEX_MARKS, NOISE: r"$\sim$"}


def as_latex(comparison: Comparison) -> str:
    """A tabular that needs the booktabs package, with the legend in small print below it."""
    ranks = [RANK] if comparison.ranked_over else []
    heads = ["run", *comparison.settings, *(head(column) for column in comparison.columns), *ranks]
    kinds = "l" * (1 + len(comparison.settings)) + "r" * (len(comparison.columns) + len(ranks))
    body = [_line(_row(row, comparison)) for row in comparison.rows]
    notes = [
        rf"\par {_MARKS.get(mark, _plain(mark))} {_plain(text)}".replace("  ", " ") for mark, text in legend(comparison)
    ]
    lines = [
        r"% needs \usepackage{booktabs}",
        rf"\begin{{tabular}}{{{kinds}}}",
        r"\toprule",
        _line([_plain(text) for text in heads]),
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        r"{\footnotesize",
        *notes,
        r"\par}",
    ]
    return "\n".join(lines) + "\n"


def _row(row: Row, comparison: Comparison) -> list[str]:
    said = f" ({state(row)})" if state(row) else ""
    name = f"{mark_of(row)}{row.name}{said}"
    settings = (row.settings.get(setting, "") for setting in comparison.settings)
    ranks = [_plain(f"{rank(row)}{f' {FRONT}' if row.on_front else ''}")] if comparison.ranked_over else []
    return [_plain(name), *map(_plain, settings), *map(_figures, row.cells, comparison.columns), *ranks]


def _figures(cell: Cell, column: str) -> str:
    value = _plain(figure(cell.value))
    parts = [rf"\textbf{{{value}}} {_MARKS[BEST]}" if cell.best else value, _plain(uncertainty(cell, column))]
    if cell.inside_noise:
        parts.append(_MARKS[NOISE])
    if cell.difference is not None:
        real = f" {_MARKS[REAL]}" if cell.difference.real else ""
        parts.append(f"({_plain(change(cell.difference.value))}{real})")
    return " ".join(part for part in parts if part)


def _line(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"
