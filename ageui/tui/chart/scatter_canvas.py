"""A grid of cells for a scatter plot: dots below, then marked points, then labels where they cover nothing."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ageui.present.terminal import shortened
from ageui.tui.chart import raster
from ageui.tui.chart.raster import Dots

_BRAILLE = 0x2800


class ScatterCanvas:
    """`height` x `width` cells. Text that is put later lies above."""

    def __init__(self, width: int, height: int, ground: Style) -> None:
        self.width, self.height = width, height
        self._texts = [[" "] * width for _ in range(height)]
        self._styles = [[ground] * width for _ in range(height)]
        self._patterns = np.zeros((height, width), np.uint8)
        self._taken: NDArray[np.bool_] = np.zeros((height, width), np.bool_)

    def put(self, row: int, column: int, text: str, style: Style) -> None:
        """Writes a text that fits into its row."""
        for character in text:
            size = cell_len(character)
            if not size:
                continue
            self._texts[row][column : column + size] = [character, *[""] * (size - 1)]
            self._styles[row][column : column + size] = [style] * size
            self._taken[row, column : column + size] = True
            column += size

    def grid_line(self, row: int, style: Style) -> None:
        self._texts[row] = ["┈"] * self.width
        self._styles[row] = [style] * self.width

    def dots(self, dots: Dots, style: Style) -> None:
        """Adds dots, shape (4 x height, 2 x width), to those that are there; a cell has the style of the latest."""
        patterns = raster.braille(dots)
        self._patterns |= patterns
        for row, column in np.argwhere(patterns).tolist():
            self._texts[row][column] = chr(_BRAILLE + int(self._patterns[row, column]))
            self._styles[row][column] = style

    def label(self, row: int, column: int, text: str, style: Style) -> bool:
        """Writes a label beside, above or below a cell, where it covers nothing; False if there is no such place.

        Dots of lines yield if no place is free of them.
        """
        size = cell_len(text)
        places = [place for place in _beside(row, column, size) if self._holds(*place, size)]
        for covered in (self._taken | (self._patterns > 0), self._taken):
            for at, begin in places:
                # A cell on either side stays free, except that of the marker itself.
                around = range(max(begin - 1, 0), min(begin + size + 1, self.width))
                if not any(covered[at, cell] for cell in around if (at, cell) != (row, column)):
                    self.put(at, begin, text, style)
                    return True
        return False

    def _holds(self, row: int, begin: int, size: int) -> bool:
        return 0 <= row < self.height and begin >= 0 and begin + size <= self.width

    def message(self, text: str, style: Style) -> None:
        """Writes a text into the middle."""
        text = shortened(text, self.width)
        self.put(self.height // 2, (self.width - cell_len(text)) // 2, text, style)

    def strips(self) -> list[Strip]:
        return [Strip(list(_segments(*line)), self.width) for line in zip(self._texts, self._styles, strict=True)]


def _beside(row: int, column: int, size: int) -> Iterator[tuple[int, int]]:
    """Places for a label around a cell, best first: right, left, above, below."""
    right, left, middle = column + 2, column - 1 - size, column - size // 2
    yield from ((row, right), (row, left))
    for beside in (row - 1, row + 1):
        yield from ((beside, middle), (beside, column + 1), (beside, column - size))


def _segments(texts: Sequence[str], styles: Sequence[Style]) -> Iterator[Segment]:
    for style, cells in groupby(zip(texts, styles, strict=True), key=lambda pair: pair[1]):
        yield Segment("".join(text for text, _ in cells), style)
