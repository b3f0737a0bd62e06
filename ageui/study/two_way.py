"""Studies whose cells differ in two fields, as grids: means of rows and columns, and tests of these main effects.

The tests are those of a two-way analysis of variance over seeds, with unweighted means and the harmonic mean of seeds
where cells have different numbers of them (Winer, Statistical Principles in Experimental Design, 1971). They cover
seeds, not the images that all cells were scored on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, harmonic_mean

import numpy as np

from ageui.compare.differing_settings import setting
from ageui.compare.many_tests import adjusted
from ageui.present.table import BLANK, Cell, Column, Difference, Note, Table, words
from ageui.study.measured_cells import UNCOMPARED, CellRow, StudyFigure, StudyTable
from ageui.study.published_and_measured import unit_of
from ageui.study.study import Study
from ageui.study.wording import figure_title
from ageui.text.sentences import counted


@dataclass(frozen=True)
class Grid:
    """The fields of rows and columns, their levels as text, and the place of each cell in `study.cells`."""

    row_field: str
    column_field: str
    row_levels: tuple[str, ...]
    column_levels: tuple[str, ...]
    places: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class EffectTests:
    """The p-values of no difference between rows, between columns, and of no interaction, adjusted for all tests."""

    rows: float
    columns: float
    interaction: float
    count: int

    @property
    def method(self) -> str:
        """The kind of the tests and what they cover, in words."""
        correction = f"Holm's correction for {counted(self.count, 'test')}"
        return f"analysis of variance over seeds, with {correction}; it covers these images only"


@dataclass(frozen=True)
class Effects:
    """The means of one figure over the rows and columns of a grid; None where a cell of them is missing.

    `seeds` are the smallest and the largest number in a cell. `tests` is None unless all cells have two seeds or more,
    between which finite figures vary.
    """

    rows: tuple[float | None, ...]
    columns: tuple[float | None, ...]
    all: float | None
    seeds: tuple[int, int]
    tests: EffectTests | None = None

    @property
    def why_untested(self) -> str:
        """Why there are no `tests`, as the end of a sentence."""
        if self.seeds[0] == 0:
            return "some cells are missing"
        if self.seeds[0] == 1:
            return "that takes two seeds or more in every cell"
        return "a figure is not finite, or seeds do not change it"

    def difference(self, mean: float | None) -> float | None:
        """A mean minus that of all cells; None if either is missing."""
        return None if mean is None or self.all is None else mean - self.all


def grid_of(study: Study) -> Grid | None:
    """The grid of a study with a cell for each combination of two fields; the field with more levels has the rows."""
    texts = {place: _texts(study, place) for place, cell in enumerate(study.cells) if cell in study.trained}
    levels = {field: tuple(dict.fromkeys(one[field] for one in texts.values())) for field in study.fields}
    fields = sorted((field for field in study.fields if len(levels[field]) > 1), key=lambda one: -len(levels[one]))
    if len(fields) != 2:
        return None
    rows, columns = fields
    by_levels = {(one[rows], one[columns]): place for place, one in texts.items()}
    if len(by_levels) != len(texts) or len(texts) != len(levels[rows]) * len(levels[columns]):
        return None
    places = tuple(tuple(by_levels[row, column] for column in levels[columns]) for row in levels[rows])
    return Grid(rows, columns, levels[rows], levels[columns], places)


def effects_of(table: StudyTable, grid: Grid) -> Mapping[str, Effects]:
    """The effects on each figure, tests adjusted by Holm's correction for those of all figures."""
    cells = {
        name: [[_figure(table.rows[place], name) for place in row] for row in grid.places] for name in _names(table)
    }
    tests = {name: tested for name, values in cells.items() if (tested := _tests(values)) is not None}
    corrected = iter(adjusted([p for tested in tests.values() for p in tested]))
    count = 3 * len(tests)
    known = {name: EffectTests(next(corrected), next(corrected), next(corrected), count) for name in tests}
    found: dict[str, Effects] = {}
    for name, values in cells.items():
        measured = [[one.measured for one in row] for row in values]
        seeds = [one.n for row in values for one in row]
        means = means_of(measured)
        found[name] = Effects(*means, (min(seeds), max(seeds)), known.get(name))
    return found


def effects_table(table: StudyTable, grid: Grid) -> Table:
    """The means of all figures over each level of both fields, minus the mean of all cells."""
    effects = effects_of(table, grid)
    columns = (*map(Column, ("main effects", "")), *(Column(figure_title(name), "figure") for name in effects))
    rows: list[tuple[Cell, ...]] = [
        (words("all cells"), BLANK, *(Cell(one.all, unit=unit_of(name)) for name, one in effects.items()))
    ]
    for field, levels, at in ((grid.row_field, grid.row_levels, 0), (grid.column_field, grid.column_levels, 1)):
        for place, level in enumerate(levels):
            means = {name: (one.rows, one.columns)[at][place] for name, one in effects.items()}
            cells = (_mean_cell(name, means[name], effects[name]) for name in effects)
            rows.append((BLANK if place else words(field), words(level), *cells))
        tests = [one.tests for one in effects.values()]
        if any(tests):
            p_values = (None if one is None else (one.rows, one.columns)[at] for one in tests)
            rows.append((BLANK, words("p over seeds"), *map(_p_cell, p_values)))
    told = sorted(effects.values(), key=lambda one: one.tests is None)[:1]
    return Table(columns, tuple(rows), legend=tuple(Note("", _about_tests(one)) for one in told))


def p_text(p: float) -> str:
    """`p<0.001`, `p=0.022`."""
    return "p<0.001" if p < 0.001 else f"p={p:.3f}"


def _p_cell(p: float | None) -> Cell:
    return BLANK if p is None else words(p_text(p).removeprefix("p=").removeprefix("p"))


def _mean_cell(name: str, mean: float | None, effects: Effects) -> Cell:
    difference = effects.difference(mean)
    return Cell(mean, unit=unit_of(name), difference=None if difference is None else Difference(difference))


def _about_tests(effects: Effects) -> str:
    means, tests = "main effects: means of the cells of each level (minus the mean of all cells)", effects.tests
    if tests is None:
        return f"{means}; not tested: {effects.why_untested}"
    return f"{means}; p of no difference, interactions included: {tests.method}"


def means_of(
    values: Sequence[Sequence[float | None]],
) -> tuple[tuple[float | None, ...], tuple[float | None, ...], float | None]:
    """The means of rows, of columns, and of all values; None where a value is missing.

    Examples
    --------
    >>> means_of([[1.0, 3.0], [2.0, None]])
    ((2.0, None), (1.5, None), None)
    """
    rows = tuple(map(_mean, values))
    columns = tuple(_mean(column) for column in zip(*values, strict=True))
    return rows, columns, _mean([value for row in values for value in row])


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known and len(known) == len(values) else None


def _names(table: StudyTable) -> list[str]:
    return [name for name in table.shown_figures if name not in UNCOMPARED]


def _figure(row: CellRow, name: str) -> StudyFigure:
    return row.figures[name]


def _texts(study: Study, place: int) -> dict[str, str]:
    return {field: setting(study.cells[place].settings, field) for field in study.fields}


def _tests(cells: Sequence[Sequence[StudyFigure]]) -> tuple[float, float, float] | None:
    """The p-values of rows, columns and interaction; None without seeds to test with, or without any spread."""
    every = [one for row in cells for one in row]
    if any(one.measured is None or one.std is None for one in every):
        return None
    means = np.array([[one.measured for one in row] for row in cells], dtype=np.float64)
    degrees = np.array([one.n - 1 for one in every], dtype=np.float64)
    variances = np.array([one.std for one in every], dtype=np.float64) ** 2
    error, seeds = float(degrees @ variances / degrees.sum()), harmonic_mean([one.n for one in every])
    if not (np.isfinite(means).all() and np.isfinite(error) and error > 0):
        return None
    from scipy.special import fdtrc  # takes a tenth of a second, which screens without a test need not wait for

    rows, columns = means.shape
    row_parts = means.mean(axis=1, keepdims=True) - means.mean()
    column_parts = means.mean(axis=0, keepdims=True) - means.mean()
    rest = means - means.mean() - row_parts - column_parts
    parts = (
        (rows - 1, columns * float((row_parts**2).sum())),
        (columns - 1, rows * float((column_parts**2).sum())),
        ((rows - 1) * (columns - 1), float((rest**2).sum())),
    )
    first, second, third = (float(fdtrc(df, degrees.sum(), seeds * squares / df / error)) for df, squares in parts)
    return first, second, third
