"""The contents of a `SideBySide`: columns, lines and pieces of text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, overload

from rich.cells import cell_len

from ageui.present.table import Tone


class Piece(NamedTuple):
    """Clean text and its tone; `color` (#rrggbb) overrides the tone's colour, and `is_faint` makes it weaker."""

    text: str
    tone: Tone = "plain"
    color: str = ""
    is_faint: bool = False


Pieces = tuple[Piece, ...]


@dataclass(frozen=True)
class SideColumn:
    """A column and its key. The `head` of all columns has the same number of lines.

    `is_right` aligns the head, and the cells of a table whose things are lines, to the right. A `width` of None is that
    of the widest cell.
    """

    key: str
    head: tuple[Pieces, ...]
    is_right: bool = False
    width: int | None = None


@dataclass(frozen=True)
class SideLine:
    """A line and its key: its label and a cell per column. `right` aligns cells of a table whose things are columns.

    `below`, if any, are cells of a second line, which `below_label` names. `instead` replaces all cells.
    """

    label: Pieces
    cells: tuple[Pieces, ...]
    right: bool = True
    key: str = ""
    below: tuple[Pieces, ...] = ()
    below_label: Pieces = ()
    instead: Pieces = ()


class LazyLines(Sequence[SideLine]):
    """Lines made when first shown, because only a few of many are in view."""

    def __init__(self, count: int, make: Callable[[int], SideLine]) -> None:
        self._count, self._make = count, make
        self._made: dict[int, SideLine] = {}

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int) -> SideLine: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[SideLine]: ...
    def __getitem__(self, place: int | slice) -> SideLine | Sequence[SideLine]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(self._count))]
        if not -self._count <= place < self._count:
            raise IndexError(place)
        place %= self._count
        if place not in self._made:
            self._made[place] = self._make(place)
        return self._made[place]


@dataclass(frozen=True)
class SideTable:
    """The contents. The things compared are the lines if `by_line`, else the columns; `keys` are theirs.

    A table by line has columns of given widths, of which the first `fixed` do not scroll, labels of `label_width` cells
    with the title `corner`, and second lines: below all lines if `shows_below`, else that of the cursor at the bottom.
    """

    columns: tuple[SideColumn, ...] = ()
    lines: Sequence[SideLine] = ()
    keys: tuple[str, ...] = ()
    by_line: bool = False
    fixed: int = 0
    label_width: int | None = None
    corner: Pieces = ()
    shows_below: bool = False


def width_of(pieces: Pieces) -> int:
    """In cells."""
    return sum(cell_len(piece.text) for piece in pieces)
