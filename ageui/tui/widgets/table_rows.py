"""The columns and rows of a paged table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ageui.present.figures import fitting_number, number
from ageui.present.table import Cell
from ageui.present.terminal import cell_text
from ageui.present.wording import parts_of

WITH_SPREAD = 13
"""The width of a column with room for standard deviations."""
_FOR_SPREAD = 6
_MARKS = 2


@dataclass(frozen=True)
class TableColumn:
    """A column of at most `width` cells, narrower if its cells need less and it is not `is_fixed`.

    `gap` empty cells follow it. Figures of a fixed column are written by `aligned_figure`. A click on its title asks
    for rows ordered by `order`, if any.
    """

    key: str
    title: str
    width: int
    right: bool = False
    order: str | None = None
    is_fixed: bool = False
    gap: int = 2

    @property
    def holds_figures(self) -> bool:
        """Whether the digits of its figures align, with marks behind them."""
        return self.is_fixed and self.right


@dataclass(frozen=True)
class TableRow:
    """A row: its key, and one cell per column.

    Selecting the row selects its `members`, by default its key. `bars` are the shares of cells, by place, covered by a
    faint bar.
    """

    key: int
    cells: tuple[Cell, ...]
    members: tuple[int, ...] | None = None
    bars: Mapping[int, float] = field(default_factory=dict)
    is_heading: bool = False

    @property
    def selects(self) -> tuple[int, ...]:
        return (self.key,) if self.members is None else self.members

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The texts of the cells, each in one line."""
        return tuple(cell_text(cell).replace("\n", " ") for cell in self.cells)


def aligned_figure(cell: Cell, width: int) -> str:
    """A figure in `width` cells with its marks behind it. Digits of a column align and are never cut.

    A standard deviation over seeds follows if there is room.

    Examples
    --------
    >>> [aligned_figure(Cell(value, p_value=p), 7) for value, p in ((0.5, 0.3), (12.25, None), (123456.7, 0.5))]
    [' 0.50~ ', '12.25  ', '123457~']
    """
    main, *_ = parts_of(cell)
    marks, room = "".join(main.marks), _room(width)
    text = main.text
    if cell.text is None and cell.value is not None:
        text = fitting_number(cell.value, cell.unit, room - len(marks))
    digits = room - _MARKS
    shown = text.rjust(digits) + marks.ljust(_MARKS) if len(text) <= digits else f"{text}{marks}".rjust(room)
    spread = cell.spread.std if cell.spread is not None else None
    after = f" ±{number(spread, cell.unit)}" if spread is not None else ""
    return (shown + after if len(shown) + len(after) <= width else shown).ljust(width)


def aligned_title(title: str, mark: str, width: int) -> str:
    """The title of a column of figures, above their digits; `mark` is the arrow of the order."""
    return (title.rjust(_room(width) - _MARKS) + mark).ljust(width)


def _room(width: int) -> int:
    """The cells of a figure with its marks, before its standard deviation."""
    return width - _FOR_SPREAD if width >= WITH_SPREAD else width
