"""The heat map of a study's grid as text."""

import math

import pytest
from small_study import trained

from ageui.store import Store
from ageui.study import Study
from ageui.study.measured_cells import study_table
from ageui.study.two_way import effects_of, grid_of
from ageui.tui.studies.heat_map_text import MapContents, heat_map


@pytest.mark.parametrize("odd", [math.nan, math.inf])
def test_a_figure_that_is_not_finite_is_dark_and_leaves_the_shades_of_others(
    store: Store, study: Study, odd: float
) -> None:
    for cell, mae in zip(study.cells, (odd, 5.0, 6.0, 7.0), strict=True):
        trained(store, study, cell.name, mae)
    table, grid = study_table(study, store), grid_of(study)
    assert grid is not None
    lines = heat_map(MapContents(table, grid, "mae", effects_of(table, grid)["mae"]), 80, None).plain.splitlines()
    assert [line.split()[1][:2] for line in lines[1:3]] == ["██", "▓▓"]
    assert "░░★5.00" in lines[1]
    assert "██ 7.00" in lines[2]
