"""RawTable: a table as read, before its columns and cells are interpreted."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from engine.data.report import RowProblem
from engine.data.sources.table_pictures import TablePictures

MOST_COLUMNS = 1_000
MOST_ROWS = 5_000_000


@dataclass(frozen=True)
class RawTable:
    """Named columns of cells.

    frame
        The cells of text tables are text, and empty ones `""`. The columns of `pictures` hold the pictures' names.
    notes
        Guesses made while reading, one per line.
    problems
        Rows left out because their cells do not match the column names.
    pictures
        The pictures in the table itself, by column.
    repeated
        Names shared by several columns with different cells; later columns are named `age.1`, `age.2`.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...] = ()
    problems: tuple[RowProblem, ...] = ()
    pictures: Mapping[str, TablePictures] = field(default_factory=dict)
    repeated: frozenset[str] = frozenset()


def refuse_size(columns: int, rows: int) -> None:
    """Raises `ValueError` for a table with too many columns or rows."""
    if columns > MOST_COLUMNS:
        raise ValueError(f"it has {columns:,} columns, more than the limit of {MOST_COLUMNS:,}; keep those you need")
    if rows > MOST_ROWS:
        raise ValueError(f"it has more than {MOST_ROWS:,} rows; split it into several data sets")
