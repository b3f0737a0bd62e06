"""A grid of two fields as a heat map: a shade and a number for each cell, with the means of rows and columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static

from ageui.present.figures import change, number
from ageui.present.marks import BEST, NOISE, PUBLISHED
from ageui.present.terminal import shortened
from ageui.study import StudyTable
from ageui.study.overview import best_texts
from ageui.study.published_and_measured import signed_unit, unit_of
from ageui.study.two_way import Effects, Grid, means_of
from ageui.study.wording import figure_title
from ageui.text.clean import clean

_SHADES = "░▒▓█"
_LONGEST_LABEL, _MEAN, _DIFFERENCE = 16, 8, 8
_GAP = 2
_STRONGEST = 0.5


@dataclass(frozen=True)
class MapContents:
    """One figure of a study's grid, and its effects."""

    table: StudyTable
    grid: Grid
    name: str
    effects: Effects


class HeatMap(Static, can_focus=True):
    """Shows `MapContents`. Its cursor is on a cell."""

    DEFAULT_CSS = """
    HeatMap { height: auto; width: auto; min-width: 100%; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1, 0)", "up", show=False),
        Binding("down,j", "move(1, 0)", "down", show=False),
        Binding("left", "move(0, -1)", "left", show=False),
        Binding("right", "move(0, 1)", "right", show=False),
    ]

    cursor: reactive[tuple[int, int]] = reactive((0, 0))

    @dataclass
    class Moved(Message):
        """The cursor is on the cell at this place in the study."""

        place: int

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._contents: MapContents | None = None

    def show(self, contents: MapContents, place: int | None) -> None:
        """Shows contents with the cursor on the cell at `place`, if the grid has it."""
        self._contents = contents
        where = {at: (row, column) for row, line in enumerate(contents.grid.places) for column, at in enumerate(line)}
        self.set_reactive(HeatMap.cursor, where.get(place if place is not None else -1, (0, 0)))
        self._redraw()

    def on_resize(self) -> None:
        self._redraw()

    def action_move(self, down: int, right: int) -> None:
        if self._contents is None:
            return
        row, column = self.cursor
        lines = self._contents.grid.places
        self.cursor = min(max(0, row + down), len(lines) - 1), min(max(0, column + right), len(lines[0]) - 1)

    def watch_cursor(self) -> None:
        if self._contents is not None:
            self._redraw()
            row, column = self.cursor
            self.post_message(self.Moved(self._contents.grid.places[row][column]))

    def _redraw(self) -> None:
        if self._contents is not None:
            theme = self.app.theme_variables
            colors = Color.parse(theme["surface"]), Color.parse(theme["warning"])
            width = self.parent.size.width - 2 if self.parent is not None else 80  # type: ignore[attr-defined]
            self.update(drawn(self._contents, width, self.cursor, colors))


def drawn(
    contents: MapContents, width: int, cursor: tuple[int, int] | None, colors: tuple[Color, Color] | None = None
) -> Text:
    """The map in lines. Published values stand beside measured ones if all columns then fit `width`.

    Colours, from the background to the strongest, repeat what the shades say.
    """
    table, grid, name, effects = contents.table, contents.grid, contents.name, contents.effects
    values = [[table.rows[place].figures[name] for place in line] for line in grid.places]
    is_measured = any(one.measured is not None for line in values for one in line)
    shaded = [[one.measured if is_measured else one.published for one in line] for line in values]
    unit = unit_of(name)
    digits = max((len(number(value, unit)) for line in shaded for value in line if value is not None), default=4)
    label = min(_LONGEST_LABEL, max(map(cell_len, (*grid.row_levels, f"{grid.row_field} \\ {grid.column_field}", "− all"))))
    beside = digits + 2 if is_measured and any(one.published is not None for line in values for one in line) else 0
    plain = len(_SHADES[:2]) + 2 + digits + 1
    columns = len(grid.column_levels)
    if label + (plain + beside + _GAP) * columns + _MEAN + _DIFFERENCE > width:
        beside = 0
    cell = max(plain + beside, min(12, max(map(cell_len, grid.column_levels))))
    low, high = _ends(shaded)
    best = best_texts(table).get(name) if is_measured else None
    means = effects.rows, effects.columns, effects.all
    rows, bottom, whole = means if is_measured else means_of(shaded)

    text = Text()
    corner = f"{grid.row_field} \\ {grid.column_field}"
    text.append(shortened(corner, label).ljust(label), style="dim")
    for level in grid.column_levels:
        text.append(" " * _GAP + shortened(clean(level), cell).rjust(plain).ljust(cell), style="bold")
    text.append(f"{'mean':>{_MEAN}}{'− all':>{_DIFFERENCE}}\n", style="bold")
    for row, level in enumerate(grid.row_levels):
        text.append(shortened(clean(level), label).ljust(label), style="bold")
        for column in range(columns):
            figure, value = values[row][column], shaded[row][column]
            shade = 0.0 if value is None else (value - low) / (high - low) if high > low else 0.5
            block = _block(value, shade, number(value, unit), digits)
            mark = NOISE if figure.inside_noise and is_measured else "" if is_measured or value is None else PUBLISHED
            star = BEST if best is not None and number(value, unit) == best else " "
            here = cursor == (row, column)
            style = _style(value, shade, colors) + Style(reverse=here, bold=star == BEST)
            text.append(" " * _GAP)
            text.append(f"{block[:2]}{star}{block[2:]}{mark:<1}".ljust(plain), style=style)
            published = figure.published if beside else None
            shown = f" {PUBLISHED}{number(published, unit)}" if published is not None else ""
            text.append(shown.rjust(beside).ljust(cell - plain), style="dim")
        text.append(_mean_text(name, rows[row], whole)).append("\n")
    for title, texts in (
        ("mean", [number(one, unit) if one is not None else "—" for one in bottom]),
        ("− all", [_difference_text(name, one, whole) for one in bottom]),
    ):
        text.append(title.ljust(label), style="bold")
        for said in texts:
            text.append(" " * _GAP + f"{said:>{plain - 1}}".ljust(cell))
        text.append(f"{number(whole, unit) if title == 'mean' and whole is not None else '':>{_MEAN}}\n")
    return text


def statements(contents: MapContents) -> list[str]:
    """What the means and shades stand for, how many seeds they are over, and what tests over these say."""
    effects, grid = contents.effects, contents.grid
    least, most = effects.seeds
    shades = f"{_SHADES[0]} smallest to {_SHADES[-1]} largest {figure_title(contents.name)}"
    if most == 0:
        return [f"{shades}, published; means of single figures, which nothing here can test"]
    seeds = f"n={least} to {most} seeds" if least != most else f"n={most} {'seed' if most == 1 else 'seeds'}"
    about = f"{shades}; {seeds} a cell; − all: minus the mean of all cells"
    if effects.tests is None:
        why = "some cells are missing" if least == 0 else "that takes two seeds or more in every cell"
        return [about, f"differences of rows and columns are not tested: {why}"]
    tests = effects.tests
    parts = [
        f"{what} {_p_text(p)}"
        for what, p in (
            (grid.row_field, tests.rows),
            (grid.column_field, tests.columns),
            (f"{grid.row_field} × {grid.column_field}", tests.interaction),
        )
    ]
    return [
        about,
        f"{', '.join(parts)}: analysis of variance over seeds, Holm's correction for {tests.count} tests; it covers "
        "these images alone",
    ]


def _p_text(p: float) -> str:
    return "p<0.001" if p < 0.001 else f"p={p:.3f}"


def _ends(values: Sequence[Sequence[float | None]]) -> tuple[float, float]:
    known = [value for line in values for value in line if value is not None]
    return min(known, default=0.0), max(known, default=0.0)


def _block(value: float | None, shade: float, digits_text: str, digits: int) -> str:
    """Two cells of shade and the number."""
    if value is None:
        return "  " + "—".rjust(digits)
    return _SHADES[min(len(_SHADES) - 1, int(shade * len(_SHADES)))] * 2 + digits_text.rjust(digits)


def _style(value: float | None, shade: float, colors: tuple[Color, Color] | None) -> Style:
    if value is None or colors is None:
        return Style()
    return Style(bgcolor=colors[0].blend(colors[1], _STRONGEST * shade).rich_color)


def _mean_text(name: str, mean: float | None, whole: float | None) -> str:
    shown = number(mean, unit_of(name)) if mean is not None else "—"
    return f"{shown:>{_MEAN}}{_difference_text(name, mean, whole):>{_DIFFERENCE}}"


def _difference_text(name: str, mean: float | None, whole: float | None) -> str:
    return "" if mean is None or whole is None else change(mean - whole, signed_unit(name))
