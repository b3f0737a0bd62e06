"""Cells of tables as text."""

from numbers import Real
from typing import Final

import pandas as pd

_MARKS: Final = frozenset(("nan", "na", "n/a", "#n/a", "<na>", "null"))
"""The texts that programs write for a missing cell."""
_EMPTY: Final = _MARKS | {"", "none"}


def is_missing(cell: object) -> bool:
    """Whether a cell is empty: None or any kind of not-a-number."""
    return cell is None or cell is pd.NA or cell is pd.NaT or (isinstance(cell, Real) and bool(cell != cell))


def cell_text(cell: object) -> str:
    """The cell's text, with single spaces; "" for a missing cell, which may also say `NaN`, `None` or the like."""
    if not isinstance(cell, str):
        cell = "" if is_missing(cell) else str(cell)
    text = " ".join(cell.split())
    return "" if text.casefold() in _EMPTY else text


def label_text(cell: object) -> str | None:
    """The cell's text as the name of a group or subject; None for a missing cell, which may also say `NA`.

    `none` is a name, since it may be a group, such as faces without glasses.
    """
    text = "" if is_missing(cell) else str(cell).strip()
    return None if text == "" or is_mark(text) else text


def is_mark(cell: object) -> bool:
    """Whether a cell is text that stands for a missing one, such as R's `NA`."""
    return isinstance(cell, str) and cell.strip().casefold() in _MARKS
