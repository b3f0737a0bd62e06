"""Writes text cells of CSV files so that no spreadsheet or terminal executes them, and reads them back exactly."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pandas as pd

HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, which begin escape sequences
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks of the direction of writing
    "\u180e\u200b\u2028\u2029\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"  # invisible characters
    "\ud800-\udfff]"  # bytes of file names that are not text
)
"""Characters that are invisible, or that change how others are displayed."""

_FORMULA: Final = re.compile(r"['\"\s]*[\t\n=+@＝＋－＠﹢﹣﹦﹫-]")
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_ESCAPED: Final = re.compile(r"\\(?:u([0-9a-f]{4})|U([0-9a-f]{8}))")


def defused(text: str) -> str:
    r"""The text as a cell: hidden characters as `\u001b`, and `'` in front of text that a spreadsheet would run.

    >>> defused("=1+1"), defused(" -cmd"), defused("-1e-5"), defused("age \x1b[2J")
    ("'=1+1", "' -cmd", '-1e-5', 'age \\u001b[2J')
    """
    text = HIDDEN.sub(
        _escape, _ESCAPED.sub(lambda found: rf"\u005c{found[0][1:]}" if _decode(found) else found[0], text)
    )
    return f"'{text}" if _would_run(text) else text


def restored(cell: str) -> str:
    r"""The text that `defused` turned into the cell; other cells unchanged.

    >>> restored("'=1+1"), restored("'tis"), restored("'-5"), restored("age \\u001b[2J")
    ('=1+1', "'tis", "'-5", 'age \x1b[2J')
    """
    if "'" not in cell[:1] and "\\" not in cell:
        return cell
    text = cell[1:] if cell.startswith("'") and _would_run(cell[1:]) else cell
    return _ESCAPED.sub(lambda found: _decode(found) or found[0], text)


def with_text(table: "pd.DataFrame", change: Callable[[str], str]) -> "pd.DataFrame":
    """The table with `change` applied to all column names and text cells. Numbers stay."""
    changed = table.rename(columns=lambda name: change(name) if isinstance(name, str) else name)
    for place, kind in enumerate(changed.dtypes):
        if kind.kind not in "biufc":
            column = changed.iloc[:, place]
            cells = column.astype(object).map(lambda cell: change(cell) if isinstance(cell, str) else cell)
            changed.isetitem(place, cells.array)
    return changed


def _would_run(text: str) -> bool:
    return _FORMULA.match(text) is not None and _NUMBER.fullmatch(text) is None


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _decode(found: re.Match[str]) -> str | None:
    """The character that an escape stands for; None for a character that is never escaped."""
    code = int(found[1] or found[2], 16)
    character = chr(code) if code <= 0x10FFFF else ""
    return character if character == "\\" or HIDDEN.fullmatch(character) else None
