"""Draws a grid of two fields: a shade and a number for each cell, with the means of rows and columns."""

import math
from dataclasses import dataclass
from functools import cached_property

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual.color import Color

from ageui.present.figures import NOTHING, change, number
from ageui.present.marks import BEST, NOISE, PUBLISHED
from ageui.present.terminal import shortened
from ageui.study import StudyFigure, StudyTable
from ageui.study.overview import best_texts
from ageui.study.published_and_measured import signed_unit, unit_of
from ageui.study.two_way import Effects, Grid, means_of, p_text
from ageui.study.wording import figure_title
from ageui.text.clean import clean
from ageui.text.sentences import counted

_SHADES = "░▒▓█"
_SHADE = 2
"""The cells of a shade."""
_LONGEST_LABEL, _LONGEST_LEVEL, _MEAN, _DIFFERENCE, _GAP = 16, 12, 8, 8, 2
_STRONGEST = 0.5
_MINUS_ALL = "− all"


@dataclass(frozen=True)
class MapContents:
    """A figure of a study's grid, and its effects. Without measured values, published values take their place."""

    table: StudyTable
    grid: Grid
    name: str
    effects: Effects

    @cached_property
    def figures(self) -> list[list[StudyFigure]]:
        """The figures by row and column."""
        return [[self.table.rows[place].figures[self.name] for place in line] for line in self.grid.places]

    @cached_property
    def is_measured(self) -> bool:
        """Whether any cell has a measured value."""
        return any(one.measured is not None for line in self.figures for one in line)

    @cached_property
    def values(self) -> list[list[float | None]]:
        """The values that are shaded, by row and column."""
        return [[one.measured if self.is_measured else one.published for one in line] for line in self.figures]

    @cached_property
    def means(self) -> tuple[tuple[float | None, ...], tuple[float | None, ...], float | None]:
        """The means of rows, of columns, and of all values."""
        effects = self.effects
        return (effects.rows, effects.columns, effects.all) if self.is_measured else means_of(self.values)

    @cached_property
    def ends(self) -> tuple[float, float]:
        """The smallest and the largest finite value."""
        known = [value for line in self.values for value in line if value is not None and math.isfinite(value)]
        return min(known, default=0.0), max(known, default=0.0)

    def shade(self, value: float) -> float:
        """0 for the smallest value to 1 for the largest, or for a non-finite value."""
        low, high = self.ends
        if not math.isfinite(value):
            return 1.0
        return (value - low) / (high - low) if high > low else 0.0


def heat_map(
    contents: MapContents, width: int, cursor: tuple[int, int] | None, colors: tuple[Color, Color] | None = None
) -> Text:
    """The map in lines. Published values stand beside measured ones if all columns then fit `width`.

    Colours, from the background to the strongest, repeat what the shades say.
    """
    return _Drawing.of(contents, width, colors).text(cursor)


def statements(contents: MapContents) -> list[str]:
    """The lines below a map: the legend of shades and means, the number of seeds, and the tests over seeds."""
    grid, tests = contents.grid, contents.effects.tests
    least, most = contents.effects.seeds
    shades = f"{_SHADES[0]} smallest to {_SHADES[-1]} largest {figure_title(contents.name)}"
    if not any(value is not None for line in contents.values for value in line):
        return ["no figures yet"]
    if not contents.is_measured:
        return [f"{shades}, {PUBLISHED} published; single figures, so differences of means are not tested"]
    seeds = f"{least} to {most} seeds" if least != most else counted(most, "seed")
    about = f"{shades}; n={seeds} a cell; {_MINUS_ALL}: minus the mean of all cells"
    if tests is None:
        return [about, f"differences of means are not tested: {contents.effects.why_untested}"]
    named = {
        grid.row_field: tests.rows,
        grid.column_field: tests.columns,
        f"{grid.row_field} × {grid.column_field}": tests.interaction,
    }
    return [about, f"{', '.join(f'{name} {p_text(p)}' for name, p in named.items())}: {tests.method}"]


@dataclass(frozen=True)
class _Drawing:
    """The cells of the parts of a line: `label`, `digits`, `beside` for a published value, and a whole map `cell`."""

    contents: MapContents
    colors: tuple[Color, Color] | None
    label: int
    digits: int
    beside: int
    cell: int

    @classmethod
    def of(cls, contents: MapContents, width: int, colors: tuple[Color, Color] | None) -> "_Drawing":
        grid, unit = contents.grid, unit_of(contents.name)
        known = [number(value, unit) for line in contents.values for value in line if value is not None]
        published = [
            number(one.published, unit) for line in contents.figures for one in line if one.published is not None
        ]
        digits = max(map(len, known), default=4)
        beside = 2 + max(map(len, published), default=0) if published and contents.is_measured else 0
        label = min(_LONGEST_LABEL, max(map(cell_len, (*grid.row_levels, _corner(grid), _MINUS_ALL))))
        plain = _SHADE + 1 + digits + 1
        others = label + _MEAN + _DIFFERENCE
        if others + (_GAP + plain + beside) * len(grid.column_levels) > width:
            beside = 0
        level = min(_LONGEST_LEVEL, max(map(cell_len, grid.column_levels)))
        return cls(contents, colors, label, digits, beside, max(plain + beside, level))

    @property
    def _plain(self) -> int:
        """The cells of shade, star, number and mark."""
        return _SHADE + 1 + self.digits + 1

    def text(self, cursor: tuple[int, int] | None) -> Text:
        contents, name = self.contents, self.contents.name
        by_row, by_column, whole = contents.means
        best = best_texts(contents.table).get(name) if contents.is_measured else None
        text = Text()
        text.append(self._label(_corner(contents.grid)), style="dim")
        for level in contents.grid.column_levels:
            text.append(self._padded(shortened(clean(level), self.cell).rjust(self._plain - 1)), style="bold")
        text.append(f"{'mean':>{_MEAN}}{_MINUS_ALL:>{_DIFFERENCE}}\n", style="bold")
        for row, level in enumerate(contents.grid.row_levels):
            text.append(self._label(clean(level)), style="bold")
            for column in range(len(contents.grid.column_levels)):
                text.append_text(self._cell(row, column, best, is_here=cursor == (row, column)))
            mean, difference = _number_text(name, by_row[row]), _difference_text(name, by_row[row], whole)
            text.append(f"{mean:>{_MEAN}}{difference:>{_DIFFERENCE}}\n")
        text.append(self._label("mean"), style="bold")
        for mean in (_number_text(name, one) for one in by_column):
            text.append(self._padded(mean.rjust(self._plain - 1)))
        text.append(f"{_number_text(name, whole):>{_MEAN}}\n")
        text.append(self._label(_MINUS_ALL), style="bold")
        for difference in (_difference_text(name, one, whole) for one in by_column):
            text.append(self._padded(difference.rjust(self._plain - 1)))
        return text

    def _label(self, text: str) -> str:
        shown = shortened(text, self.label)
        return shown + " " * (self.label - cell_len(shown))

    def _padded(self, text: str) -> str:
        return " " * _GAP + text + " " * (self.cell - cell_len(text))

    def _cell(self, row: int, column: int, best: str | None, *, is_here: bool) -> Text:
        contents = self.contents
        figure, value, unit = contents.figures[row][column], contents.values[row][column], unit_of(contents.name)
        is_best = best is not None and number(value, unit) == best
        if value is None:
            block, style = " " * (_SHADE + 1) + NOTHING.rjust(self.digits), Style()
        else:
            shade = contents.shade(value)
            glyph = _SHADES[min(len(_SHADES) - 1, int(shade * len(_SHADES)))]
            block = glyph * _SHADE + (BEST if is_best else " ") + number(value, unit).rjust(self.digits)
            style = _background(shade, self.colors)
        mark = (
            " " if value is None else PUBLISHED if not contents.is_measured else NOISE if figure.inside_noise else " "
        )
        text = Text(" " * _GAP)
        text.append(f"{block}{mark}", style=style + Style(reverse=is_here, bold=is_best))
        has_published = self.beside and figure.published is not None
        beside = f"{PUBLISHED}{number(figure.published, unit)}" if has_published else ""
        text.append(beside.rjust(self.beside).ljust(self.cell - self._plain), style="dim")
        return text


def _corner(grid: Grid) -> str:
    return clean(f"{grid.row_field} \\ {grid.column_field}")


def _background(shade: float, colors: tuple[Color, Color] | None) -> Style:
    return Style(bgcolor=colors[0].blend(colors[1], _STRONGEST * shade).rich_color) if colors is not None else Style()


def _number_text(name: str, mean: float | None) -> str:
    return number(mean, unit_of(name))


def _difference_text(name: str, mean: float | None, whole: float | None) -> str:
    return "" if mean is None or whole is None else change(mean - whole, signed_unit(name))
