"""RawTable: a table as it was read, before its columns and cells have a meaning."""

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
        What was guessed, a line each.
    problems
        Rows that were left out because their cells do not fit the names.
    pictures
        The pictures in the table itself, by the name of their column.
    repeated
        Names that several columns with different cells have; the later ones are called `age.1`, `age.2`.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...] = ()
    problems: tuple[RowProblem, ...] = ()
    pictures: Mapping[str, TablePictures] = field(default_factory=dict)
    repeated: frozenset[str] = frozenset()


def refuse_size(columns: int, rows: int) -> None:
    """Raises `ValueError` for a table of too many columns or rows."""
    if columns > MOST_COLUMNS:
        raise ValueError(f"it has {columns:,} columns, more than the limit of {MOST_COLUMNS:,}; keep those to use")
    if rows > MOST_ROWS:
        raise ValueError(f"it has more than {MOST_ROWS:,} rows; split it into several data sets")
