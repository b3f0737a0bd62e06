"""Text from anywhere as each format takes it: nothing in it is read as markup or run."""

import re
from html import escape

from ageui.text.clean import clean

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|!~&])")
_LATEX = {
    "[": "{[}", "]": "{]}",
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}",
}  # fmt: skip
LATEX_MARKS = {
    "★": r"$\star$", "✔": r"$\dagger$", "≠": r"$\neq$", "◆": r"$\diamond$", "▲": r"$\triangle$", "±": r"$\pm$",
    "−": "$-$", "×": r"$\times$", "ρ": r"$\rho$", "·": r"$\cdot$", "—": "---", "–": "--",
}  # fmt: skip
_ESCAPED = re.compile("|".join(re.escape(character) for character in (*_LATEX, *LATEX_MARKS)))
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\0")


def plain_markdown(text: str) -> str:
    """Text for Markdown: cleaned, in one line, its marks escaped."""
    return _MARKDOWN.sub(r"\\\1", clean(text))


def plain_latex(text: str) -> str:
    """Text for LaTeX: cleaned, in one line, its commands escaped; marks of tables become symbols."""
    return _ESCAPED.sub(lambda found: _LATEX.get(found[0]) or LATEX_MARKS[found[0]], clean(text))


def plain_html(text: str) -> str:
    """Text for HTML, between tags or in a quoted attribute: cleaned, in one line, its tags escaped."""
    return escape(clean(text))


def harmless(value: object) -> object:
    """A value for CSV. Text that a spreadsheet would run starts with `'`."""
    if isinstance(value, str):
        text = value.replace("\r\n", "\n").replace("\r", "\n")
        return f"'{text}" if value.startswith(_FORMULA_STARTS) else text
    return str(value).lower() if isinstance(value, bool) else value
