"""Cells of tables as text."""

from numbers import Real
from typing import Final

import pandas as pd

_EMPTY: Final = frozenset(("", "nan", "na", "n/a", "#n/a", "<na>", "none", "null"))


def is_missing(cell: object) -> bool:
    """Whether a cell holds nothing: None or any kind of not-a-number."""
    return cell is None or cell is pd.NA or cell is pd.NaT or (isinstance(cell, Real) and bool(cell != cell))


def cell_text(cell: object) -> str:
    """The cell's text, with single spaces; "" for one that is missing, also if it says `NaN`, `None` or the like."""
    if not isinstance(cell, str):
        cell = "" if is_missing(cell) else str(cell)
    text = " ".join(cell.split())
    return "" if text.casefold() in _EMPTY else text
