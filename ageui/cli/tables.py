"""Tables that fit the terminal: a column that does not fit is left out whole, and named, instead of cut to dots."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from ageui.text.clean import clean

_GAP = 2
_SHORTEST = 12


@dataclass(frozen=True)
class Column:
    """One column; that with the lowest `leaves` is left out first, one with None never."""

    title: str
    values: Sequence[str]
    right: bool = False
    leaves: int | None = None

    @property
    def width(self) -> int:
        return max(cell_len(clean(text)) for text in (self.title, *self.values))


def fitted_table(columns: Sequence[Column], width: int) -> tuple[Table, list[str]]:
    """The table of as many columns as `width` holds, and the titles of those left out."""
    kept, left_out = list(columns), []
    for column in sorted((c for c in columns if c.leaves is not None), key=lambda c: c.leaves or 0):
        if sum(c.width + _GAP for c in kept) - _GAP <= width:
            break
        kept.remove(column)
        left_out.append(column.title)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, _GAP, 0, 0))
    for column in kept:
        # Where even these do not fit, long names fold; figures are never cut.
        narrowest = column.width if column.right else min(column.width, _SHORTEST)
        title = Text(clean(column.title))
        table.add_column(title, justify="right" if column.right else "left", overflow="fold", min_width=narrowest)
    for number in range(len(columns[0].values)):
        table.add_row(*(Text(clean(column.values[number])) for column in kept))
    return table, left_out
