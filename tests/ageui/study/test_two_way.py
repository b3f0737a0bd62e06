"""Grids of two fields: their levels, the means of rows and columns, and tests against models fitted to every seed."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import f

from ageui.present.wording import in_line
from ageui.study import CellRow, StudyFigure, StudyTable, load, study_table
from ageui.study.two_way import effects_of, effects_table, grid_of

TABLE9 = load("table9")


def _measured(values: dict[tuple[int, int], Sequence[float]]) -> StudyTable:
    """Table 9 with the given MAEs of the seeds of each cell, by row and column of its grid."""
    grid = grid_of(TABLE9)
    assert grid is not None
    empty = study_table(TABLE9, None)
    rows = list(empty.rows)
    for (row, column), seeds in values.items():
        place = grid.places[row][column]
        std = float(np.std(seeds, ddof=1)) if len(seeds) > 1 else None
        figure = StudyFigure(None, float(np.mean(seeds)), std, len(seeds))
        rows[place] = _with_mae(rows[place], figure)
    return replace(empty, rows=tuple(rows))


def _with_mae(row: CellRow, figure: StudyFigure) -> CellRow:
    return replace(row, figures={**row.figures, "mae": figure})


def _draws(seeds: int) -> dict[tuple[int, int], list[float]]:
    random = np.random.default_rng(seeds)
    return {
        (row, column): list(random.normal(6 + 0.3 * row + 0.2 * (column == 2), 0.2, seeds))
        for row in range(4)
        for column in range(3)
    }


def test_studies_of_two_fields_are_grids_with_the_longer_field_down() -> None:
    grids = {name: grid_of(load(name)) for name in ("table1", "table8", "table9", "table10", "table11")}
    assert [name for name, grid in grids.items() if grid is not None] == ["table8", "table9"]
    table8, table9 = grids["table8"], grids["table9"]
    assert table8 is not None
    assert table9 is not None
    assert (table8.row_field, table8.column_levels) == ("loss", ("16", "32"))
    assert (table9.row_levels, table9.column_levels) == (
        ("gender", "age", "expression", "ethnicity"),
        ("mse", "logcosh", "mape"),
    )
    assert [TABLE9.cells[place].name for place in table9.places[1]] == ["mse-age", "logcosh-age", "mape-age"]


def test_effects_are_means_of_complete_rows_and_columns() -> None:
    draws = _draws(1)
    del draws[3, 2]
    grid = grid_of(TABLE9)
    assert grid is not None
    effects = effects_of(_measured(draws), grid)["mae"]
    assert effects.rows[0] == pytest.approx(np.mean([draws[0, column][0] for column in range(3)]))
    assert effects.columns[1] == pytest.approx(np.mean([draws[row, 1][0] for row in range(4)]))
    assert (effects.rows[3], effects.columns[2], effects.all) == (None, None, None)
    assert (effects.seeds, effects.tests, effects.difference(effects.rows[0])) == ((0, 1), None, None)


def test_tests_agree_with_models_fitted_to_all_seeds() -> None:
    draws = _draws(4)
    grid = grid_of(TABLE9)
    assert grid is not None
    tests = effects_of(_measured(draws), grid)["mae"].tests
    assert tests is not None
    row, column, value = (
        np.array(part) for part in zip(*((*at, one) for at, seeds in draws.items() for one in seeds), strict=True)
    )
    rows = np.eye(4)[row.astype(int)][:, 1:] - np.eye(4)[row.astype(int)][:, :1]
    columns = np.eye(3)[column.astype(int)][:, 1:] - np.eye(3)[column.astype(int)][:, :1]
    both = (rows[:, :, None] * columns[:, None, :]).reshape(len(value), -1)

    def squares(*parts: np.ndarray) -> float:
        design = np.column_stack([np.ones(len(value)), *parts])
        return float(((value - design @ np.linalg.lstsq(design, value, rcond=None)[0]) ** 2).sum())

    error = squares(rows, columns, both) / (4 * 3 * 3)
    raw = [
        float(f.sf((squares(*others) - squares(rows, columns, both)) / df / error, df, 4 * 3 * 3))
        for others, df in (((columns, both), 3), ((rows, both), 2), ((rows, columns), 6))
    ]
    holm = sorted(raw)
    expected = [min(1.0, max((3 - k) * holm[k] for k in range(holm.index(p) + 1))) for p in raw]
    assert (tests.rows, tests.columns, tests.interaction) == pytest.approx(expected, rel=1e-6)
    assert tests.count == 3


def test_the_table_of_effects_states_how_they_were_tested() -> None:
    grid = grid_of(TABLE9)
    assert grid is not None
    tested = effects_table(_measured(_draws(3)), grid)
    p_of_weights, _ = [row for row in tested.rows if in_line(row[1]) == "p over seeds"]
    assert [in_line(cell) for cell in p_of_weights[2:4]] == ["<0.001", ""], "of MAE alone there are seeds"
    assert "3 tests" in tested.legend[0].text
    alone = effects_table(_measured(_draws(1)), grid)
    assert [in_line(row[0]) for row in alone.rows if row[0].text][:2] == ["all cells", "weights"]
    assert "two seeds or more" in alone.legend[0].text
    mean, whole = alone.rows[1][2], alone.rows[0][2]
    assert mean.difference is not None
    assert mean.value is not None
    assert whole.value is not None
    assert mean.difference.value == pytest.approx(mean.value - whole.value)


@pytest.mark.parametrize("seeds", [(6.0, 6.0), (6.0, float("nan"))])
def test_two_seeds_that_cannot_be_tested_are_not_said_to_be_missing(seeds: tuple[float, ...]) -> None:
    table = _measured({place: seeds for place in _draws(1)})
    grid = grid_of(TABLE9)
    assert grid is not None
    (note,) = effects_table(table, grid).legend
    assert note.text.endswith("; not tested: a figure is not finite, or seeds do not change it")
    assert effects_of(table, grid)["gender"].why_untested == "some cells are missing"
