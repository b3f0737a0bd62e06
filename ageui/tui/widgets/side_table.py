"""The contents of a `SideBySide`: columns, lines and pieces of text."""

from dataclasses import dataclass
from typing import NamedTuple

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

    `is_right` aligns the head, and the cells of a table whose things are lines, to the right.
    """

    key: str
    head: tuple[Pieces, ...]
    is_right: bool = False


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


@dataclass(frozen=True)
class SideTable:
    """The contents. The things compared are the lines if `by_line`, else the columns.

    The first `fixed` columns do not scroll. `corner` is the title of the labels. `shows_below` puts second lines below
    their first ones; otherwise the last line of the widget has that of the cursor.
    """

    columns: tuple[SideColumn, ...] = ()
    lines: tuple[SideLine, ...] = ()
    by_line: bool = False
    fixed: int = 0
    corner: Pieces = ()
    shows_below: bool = False


def width_of(pieces: Pieces) -> int:
    """In cells."""
    return sum(cell_len(piece.text) for piece in pieces)
