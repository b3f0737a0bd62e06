"""Cells of a study that are made of other cells' runs, seed by seed."""

from pathlib import Path

import pytest
from study_rows import QUICK, scored, trained, written

from ageui.derive.deriving import calibrate, make_ensemble
from ageui.store import Store
from ageui.study import Study, StudyTable, find_remaining, study_table
from ageui.study.derived_cells import make_missing
from ageui.study.queueing import remaining_text
from engine.errors import ConfigError

CELLS = """
title = "Mean and calibration"
measures = "scores"

[base]
data = "synthetic"

[[cells]]
name = "mse"
settings = { loss = "mse" }

[[cells]]
name = "mape"
settings = { loss = "mape" }

[[cells]]
name = "both"
mean_of = ["mse", "mape"]

[[cells]]
name = "stretched"
calibrated = "both"
"""


@pytest.fixture
def mine(tmp_path: Path) -> Study:
    return written(tmp_path, CELLS)


def _trained(store: Store, study: Study, *seeds: int) -> None:
    for seed in seeds:
        for place, cell in enumerate(("mse", "mape")):
            trained(store, study, cell, seed=seed, scored=scored(10 * seed + place))


def _make(store: Store, study: Study) -> tuple[list[int], list[str]]:
    return make_missing(study, store, find_remaining(study, store, QUICK).variant)


def _runs(table: StudyTable) -> dict[str, dict[int, int]]:
    return {row.cell.name: dict(row.runs) for row in table.rows}


def test_runs_are_made_once_of_the_runs_of_their_seed(store: Store, mine: Study) -> None:
    _trained(store, mine, 0, 1)
    made, problems = _make(store, mine)
    assert problems == []
    assert _runs(study_table(mine, store)) == {
        "mse": {0: 1, 1: 3},
        "mape": {0: 2, 1: 4},
        "both": {0: made[0], 1: made[1]},
        "stretched": {0: made[2], 1: made[3]},
    }
    sources = [{source.id for source in store.runs.detail(run_id).derived_from.sources} for run_id in made]
    assert sources == [{1, 2}, {3, 4}, {made[0]}, {made[1]}]
    assert _make(store, mine) == ([], [])


def test_a_cell_shows_the_figures_of_its_runs(store: Store, mine: Study) -> None:
    _trained(store, mine, 0, 1)
    made, _ = _make(store, mine)
    row = study_table(mine, store).rows[2]
    own = [store.runs.detail(run_id).scores("test").result.mae for run_id in made[:2]]
    assert row.figures["mae"].measured == pytest.approx(sum(own) / 2)
    assert row.figures["mae"].n == 2


def test_nothing_is_made_of_runs_that_have_not_ended(store: Store, mine: Study) -> None:
    _trained(store, mine, 0)
    trained(store, mine, "mse", seed=1, scored=scored(10))
    trained(store, mine, "mape", seed=1, status="interrupted", scored=scored(11))
    made, problems = _make(store, mine)
    assert [len(made), problems] == [2, []]


def test_what_cannot_be_made_is_told_and_the_rest_is_made(store: Store, mine: Study) -> None:
    _trained(store, mine, 0)
    trained(store, mine, "mse", seed=1, scored=scored(10))
    trained(store, mine, "mape", seed=1, scored=scored(11, images=40))
    made, problems = _make(store, mine)
    assert len(made) == 2
    assert len(problems) == 1
    assert problems[0].startswith("both, seed 1: ")
    assert "have no split with stored predictions for the same images" in problems[0]


def test_a_run_that_was_made_with_options_is_no_run_of_a_cell(store: Store, mine: Study) -> None:
    _trained(store, mine, 0)
    make_ensemble(store, [1, 2], weights=[1, 3])
    calibrate(store, [1])
    assert set(_runs(study_table(mine, store))) == {"mse", "mape", "both", "stretched"}
    assert _runs(study_table(mine, store))["both"] == {}
    plain = make_ensemble(store, [2, 1])
    calibrate(store, [plain], slope=1.1)
    assert _runs(study_table(mine, store))["both"] == {0: plain}
    assert _runs(study_table(mine, store))["stretched"] == {}


def test_only_trained_cells_are_queued(store: Store, mine: Study) -> None:
    assert [run.config.loss for run in find_remaining(mine, store, QUICK).new] == ["mse", "mape"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('calibrated = "both"', 'calibrated = "later"', "'later' is not an earlier cell"),
        ('calibrated = "both"', 'calibrated = "both"\nmean_of = ["mse", "mape"]', "give either mean_of or calibrated"),
        ('["mse", "mape"]', '["mse", "mse"]', "two or more different cells"),
        ('calibrated = "both"', 'calibrated = "both"\nsettings = { loss = "mae" }', "it is made of other cells"),
    ],
)
def test_a_cell_that_is_made_of_nothing_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        written(tmp_path, CELLS.replace(old, new))


def test_a_cell_without_its_weights_file_is_left_out_and_told(store: Store, tmp_path: Path) -> None:
    study = written(tmp_path, CELLS.replace('{ loss = "mape" }', '{ loss = "mape", init = "gone.pth" }'))
    remaining = find_remaining(study, store)
    assert [run.config.loss for run in remaining.new] == ["mse"]
    gone = Path("gone.pth").resolve()
    assert remaining_text(study, remaining).endswith(f"1 to queue; a cell is left out, because {gone} is missing")
