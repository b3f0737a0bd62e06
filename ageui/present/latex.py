"""Tables in LaTeX, in the style of booktabs."""

import re
from collections.abc import Iterable

from ageui.present.marks import NOISE
from ageui.present.table import Cell, ExportSheet, Note, Table
from ageui.present.wording import in_line
from ageui.text.clean import clean

_ESCAPES = {
    "[": "{[}", "]": "{]}",
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "★": r"$\star$", "✔": r"$\dagger$", "≠": r"$\neq$", "◆": r"$\bullet$", "◇": r"$\diamond$", "±": r"$\pm$",
    "−": "$-$", "×": r"$\times$", "ρ": r"$\rho$", "·": r"$\cdot$", "—": "---", "–": "--",
}  # fmt: skip
_SPECIAL = re.compile("|".join(map(re.escape, _ESCAPES)))


def escaped(text: str) -> str:
    """Clean text in one line, with commands escaped and marks as symbols."""
    return _SPECIAL.sub(lambda found: _ESCAPES[found[0]], clean(text))


def page(sheet: ExportSheet) -> str:
    """A tabular that needs the booktabs package, paragraphs and legend in small print below it."""
    kinds = "".join("r" if column.kind == "figure" else "l" for column in sheet.table.columns)
    lines = [
        r"% needs \usepackage{booktabs}",
        *([f"% {escaped(sheet.title)}"] if sheet.title else []),
        rf"\begin{{tabular}}{{{kinds}}}",
        r"\toprule",
        _line(escaped(column.title) for column in sheet.table.columns),
        r"\midrule",
        *_body(sheet.table),
        r"\bottomrule",
        r"\end{tabular}",
        r"{\footnotesize",
        *(rf"\par {escaped(text)}" for text in sheet.about),
        *(rf"\par {_note(note)}" for note in sheet.table.legend),
        r"\par}",
    ]
    return "\n".join(lines) + "\n"


def _body(table: Table) -> list[str]:
    """A line per row, with space above the first row of each group if rows come in groups."""
    is_grouped = any(row[0].text == "" for row in table.rows)
    found: list[str] = []
    for row in table.rows:
        if is_grouped and found and row[0].text:
            found.append(r"\addlinespace")
        found.append(_line(map(_cell, row)))
    return found


def _line(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"


def _cell(cell: Cell) -> str:
    return in_line(cell, escaped, lambda text: rf"\textbf{{{text}}}", _mark)


def _mark(mark: str) -> str:
    return r"$\sim$" if mark == NOISE else escaped(mark)


def _note(note: Note) -> str:
    return f"{_mark(note.mark)} {escaped(note.text)}".strip()
