"""Tables in LaTeX for papers: figures aligned at the decimal point, with uncertainty and marks beside them."""

import re
from collections.abc import Iterable, Sequence

from ageui.present.marks import APART, BEST, EQUIVALENT, FRONT, NO_BETTER, NOISE, PUBLISHED, REAL
from ageui.present.table import Cell, Column, ExportSheet, Note, Table
from ageui.present.wording import Part, is_strong, is_words, parts_of
from ageui.text.clean import clean

_SYMBOLS = {
    BEST: r"\star", REAL: r"\dagger", APART: r"\neq", PUBLISHED: r"\blacklozenge", FRONT: r"\diamond",
    NOISE: r"\sim", EQUIVALENT: r"\approx", NO_BETTER: r"\varnothing",
}  # fmt: skip
_ESCAPES = {
    "[": "{[}", "]": "{]}", "*": "{*}",
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "±": r"$\pm$", "−": "$-$", "×": r"$\times$", "ρ": r"$\rho$", "·": r"$\cdot$", "—": "---", "–": "--",
} | {mark: f"${symbol}$" for mark, symbol in _SYMBOLS.items() if mark != NOISE}  # fmt: skip
_SPECIAL = re.compile("|".join(map(re.escape, _ESCAPES)))
_LONGEST, _WRAPPED = 32, 0.3
"""Letters of the longest name that stays in one line, and the share of the width that longer ones are wrapped to."""
_NUMBER = re.compile(r"([+−]?)(\d+)(?:\.(\d+))?")
_PREAMBLE = (
    r"% needs \usepackage[T1]{fontenc} and \usepackage{booktabs,siunitx,amssymb,etoolbox}, then \robustify\bfseries",
    "% write table* instead of table to span both columns of a paper; caption and label are yours to change",
)


def escaped(text: str) -> str:
    """Clean text in one line, with commands escaped and marks as symbols."""
    return _SPECIAL.sub(lambda found: _ESCAPES[found[0]], clean(text))


def page(sheet: ExportSheet) -> str:
    """A table environment: caption, figures in S columns of siunitx, paragraphs and legend in small print below.

    Ranges and differences are left out, as a column of a paper has no room for them; the marks of differences stay.
    Best figures are bold. The packages that it needs are named in its first line.
    """
    lines = [
        *_PREAMBLE,
        *(f"% {escaped(remark)}" for remark in sheet.remarks),
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escaped(sheet.title)}}}",
        rf"\label{{tab:{sheet.label}}}",
        r"\footnotesize",
        r"\setlength{\tabcolsep}{3pt}",
        r"\sisetup{detect-weight = true, retain-explicit-plus = true}",
        rf"\begin{{tabular}}{{{' '.join(_kinds(sheet.table))}}}",
        r"\toprule",
        _line(map(_head, sheet.table.columns)),
        r"\midrule",
        *_body(sheet.table),
        r"\bottomrule",
        r"\end{tabular}",
        r"\par\smallskip{\footnotesize\raggedright",
        *(rf"{escaped(text)}\par" for text in sheet.about),
        *(rf"{_note(note)}\par" for note in sheet.table.legend),
        "}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _kinds(table: Table) -> Iterable[str]:
    """The kind of each column of the tabular; figures have a second one for what stands beside them."""
    for place, column in enumerate(table.columns):
        if column.kind == "figure":
            yield rf"S[table-format={_format([row[place] for row in table.rows])}]@{{\,}}l"
        else:
            longest = max((len(parts_of(row[place])[0].text) for row in table.rows), default=0)
            yield "l" if longest <= _LONGEST else rf">{{\raggedright\arraybackslash}}p{{{_WRAPPED}\linewidth}}"


def _format(cells: Sequence[Cell]) -> str:
    """The room that numbers of a column need, as siunitx writes it: a sign, digits before the point and behind."""
    found = [match.groups() for cell in cells if (match := _NUMBER.fullmatch(parts_of(cell)[0].text))]
    sign = "+" if any(sign for sign, _, _ in found) else ""
    before = max((len(digits) for _, digits, _ in found), default=1)
    return f"{sign}{before}.{max((len(digits or '') for _, _, digits in found), default=0)}"


def _head(column: Column) -> str:
    return rf"\multicolumn{{2}}{{c}}{{{escaped(column.title)}}}" if column.kind == "figure" else escaped(column.title)


def _body(table: Table) -> list[str]:
    """A line per row, with space above the first row of each group if rows come in groups."""
    is_grouped = any(row[0].text == "" for row in table.rows)
    found: list[str] = []
    for row in table.rows:
        if is_grouped and found and row[0].text:
            found.append(r"\addlinespace")
        cells = zip(table.columns, row, strict=True)
        found.append(_line(_figure(cell) if column.kind == "figure" else _words(cell) for column, cell in cells))
    return found


def _line(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"


def _words(cell: Cell) -> str:
    """A cell of words or of one figure in one line, its marks raised behind it."""
    main, *others = parts_of(cell)
    text = rf"\textbf{{{escaped(main.text)}}}" if is_strong(cell) else escaped(main.text)
    notes = "".join(f" ({escaped(part.text)})" for part in others if part.role == "note")
    return f"{text}{_raised(main.marks)}{notes}"


def _figure(cell: Cell) -> str:
    """A figure as two cells: its number, then its spread and its marks."""
    main, *others = parts_of(cell)
    if is_words(cell):
        return rf"\multicolumn{{2}}{{c}}{{{escaped(main.text)}}}" if main.text else " & "
    if _NUMBER.fullmatch(main.text):
        text = main.text.replace("−", "-")
        first = rf"\bfseries {text}" if is_strong(cell) else text
    else:
        first = f"{{{_words(Cell(text=main.text, tone=cell.tone))}}}"
    beside = "".join(map(_beside, others))
    marks = _raised([mark for part in (main, *others) for mark in part.marks if mark != BEST])
    tail = (rf"\scriptsize {beside}" if beside else "") + marks
    return f"{first} & {tail}"


def _beside(part: Part) -> str:
    return escaped(part.text) if part.role in ("width", "note") else ""


def _raised(marks: Iterable[str]) -> str:
    symbols = "".join(_SYMBOLS[mark] for mark in marks)
    return f"$^{{{symbols}}}$" if symbols else ""


def _note(note: Note) -> str:
    if note.mark == BEST:
        return rf"\textbf{{bold}} {escaped(note.text)}"
    mark = _raised([note.mark]) if note.mark in _SYMBOLS else escaped(note.mark)
    return f"{mark} {escaped(note.text)}".strip()
