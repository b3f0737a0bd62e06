"""Cells of tables as text."""

from typing import Final

import pandas as pd

MOST_SHOWN: Final = 40
_EMPTY: Final = frozenset(("", "nan", "na", "n/a", "#n/a", "<na>", "none", "null"))


def is_missing(cell: object) -> bool:
    """Whether a cell holds nothing: None or any kind of not-a-number."""
    return not isinstance(cell, str) and bool(pd.api.types.is_scalar(cell) and pd.isna(cell))


def cell_text(cell: object) -> str:
    """The cell's text, with single spaces; "" for one that is missing, also if it says `NaN`, `None` or the like."""
    text = "" if is_missing(cell) else " ".join(str(cell).split())
    return "" if text.casefold() in _EMPTY else text


def shown(text: object) -> str:
    """The text in quotes, cut if it is long."""
    return repr(cut(text))


def cut(text: object) -> str:
    """The text, cut if it is long."""
    text = str(text)
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 1]}…"
