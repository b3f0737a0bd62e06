"""The columns and rows of a paged table."""

from dataclasses import dataclass
from functools import cached_property

from ageui.present.table import Cell
from ageui.present.terminal import cell_text


@dataclass(frozen=True)
class TableColumn:
    """A column of at most `width` cells, narrower if its cells need less.

    A click on its title asks for rows ordered by `order`, if any.
    """

    key: str
    title: str
    width: int
    right: bool = False
    order: str | None = None


@dataclass(frozen=True)
class TableRow:
    """A row: its key, and one cell per column."""

    key: int
    cells: tuple[Cell, ...]

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The texts of the cells, each in one line."""
        return tuple(cell_text(cell).replace("\n", " ") for cell in self.cells)
