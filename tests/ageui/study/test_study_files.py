"""The studies that are shipped, and what is said of a file that is wrong."""

from pathlib import Path

import pytest
from study_rows import LOSSES, written

from ageui.study import load, studies
from ageui.study.publish import published_runs
from engine.config import PRESETS, build_config
from engine.errors import ConfigError


def test_every_table_and_figure_of_the_report_is_a_study() -> None:
    names = [*(f"table{number}" for number in range(1, 12)), "figure1", "figure2", "best", "final"]
    assert [study.name for study in studies()] == names
    counts = {study.name: len(study.cells) for study in studies()}
    assert (counts["table1"], counts["table8"], counts["table9"], counts["table11"]) == (6, 14, 12, 3)


def test_every_cell_of_a_table_has_its_published_figures() -> None:
    for study in studies():
        for cell in study.cells if study.name != "best" else ():
            expected = {"scores": 5, "loss": 1 if study.name == "table1" else 2, "curve": 0}[study.measures]
            assert len(cell.published) == expected, (study.name, cell.name)


def test_the_final_model_is_that_of_the_preset_report() -> None:
    final = load("final")
    assert final.config(final.cells[0]) == build_config(PRESETS["report"])


def test_the_best_single_model_is_that_of_the_preset_best() -> None:
    best = load("best")
    cell = next(one for one in best.cells if one.name == "age")
    assert best.config(cell) == build_config(PRESETS["best"])


def test_tables_that_share_a_training_have_equal_configs() -> None:
    def config(name: str, cell: str) -> str:
        study = load(name)
        return study.config(next(one for one in study.cells if one.name == cell)).hash

    same = [("table3", "freeze"), ("table4", "1e-5"), ("table5", "32"), ("table6", "adam"), ("table7", "before"),
            ("table8", "mse-32"), ("table11", "before"), ("figure1", "before")]  # fmt: skip
    assert len({config(*one) for one in same}) == 1
    finals = [("table9", "mape-gender"), ("table10", "final"), ("table11", "after"), ("figure2", "final")]
    assert len({config(*one) for one in finals}) == 1
    assert config("table2", "resnet101") == config("table3", "scratch")
    assert config("table1", "2fc-sigmoid") == config("table2", "resnet50")


def test_the_illegible_row_of_table_5_is_there_and_cannot_be_run() -> None:
    study = load("table5")
    row = study.cells[2]
    assert row.unknown == "the batch size of the third row is illegible"
    assert row.published == {"val_loss": 0.016, "minutes": 75}
    assert [cell.name for cell in study.runnable] == ["32", "16"]
    assert "report/table5/third-row" not in [run.name for run in published_runs()]


@pytest.mark.parametrize(("study", "said"), [("table8", "absolute"), ("table9", "0.1982"), ("table10", "0.1992")])
def test_the_oddities_of_the_report_are_noted(study: str, said: str) -> None:
    assert any(said in note for note in load(study).notes)


def test_a_study_of_ones_own_is_read_from_its_path(tmp_path: Path) -> None:
    study = written(tmp_path)
    assert study.name == "mine"
    assert [cell.name for cell in study.cells] == ["mse-8", "mse-16", "mape-8", "mape-16"]
    assert study.cells[0].label == "mse · batch 8"


def test_a_field_that_only_some_cells_set_is_as_in_the_base_for_the_others(tmp_path: Path) -> None:
    cells = '[[cells]]\nname = "a"\nsettings = { loss = "mae" }\n[[cells]]\nname = "b"\nsettings = { batch = 4 }\n'
    study = written(tmp_path, f'title = "T"\nmeasures = "loss"\n[base]\nbatch = 64\n{cells}')
    assert study.fields == ("loss", "batch")
    assert [dict(cell.settings) for cell in study.cells] == [{"loss": "mae", "batch": 64}, {"loss": "mse", "batch": 4}]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('title = "Losses | two"', "", "title is missing"),
        ('title = "Losses | two"', "title = 3", "title takes text in quotes, not 3"),
        ('"scores"', '"speed"', "measures takes scores, loss or curve, not 'speed'"),
        ("mae = 7.5", 'mae = "7.5"', "published.mse-8.mae takes a number, not '7.5'"),
        ("gender = 0.25", "gendre = 0.25", "unknown key published.mse-8.gendre; choose one of mae, gender"),
        ("shows =", "show =", "unknown key show; choose one of title, shows"),
        ("gender = 0.25", "minutes = 3", "published.mse-8: unknown figure 'minutes'; measures = \"scores\" allows mae"),
        ("mse-8 =", "mse-9 =", "published: unknown cell 'mse-9'; choose one of mse-8, mse-16, mape-8, mape-16"),
        ('loss = ["mse", "mape"]', 'loss = ["mse", "mpae"]', "cell mpae-8: loss 'mpae': choose one of mse"),
        ('loss = ["mse", "mape"]', 'loss = "mse"', "grid.loss takes a list in [ ], not 'mse'"),
        ('loss = ["mse", "mape"]', "loss = []", "grid.loss: give at least one value"),
        ("batch = [8", "btach = [8", "grid: unknown field 'btach'; choose one of data"),
        ('backbone = "resnet18"', "seed = 3", "base.seed: ageui study run chooses this field"),
        (
            "batch = [8",
            'data = ["a", "b"]\nbatch = [8',
            "grid.data: all cells are trained on the same data",
        ),
        ("[grid]", '[[cells]]\nname = "x"\n[grid]', "not both or none"),
        ("[grid]", "[grid", "cannot be read as TOML"),
        ("[8, 16]", f"{list(range(1, 10_001))}", "the grid has 20,000 runs; give at most 10,000"),
        ("[8, 16]", "[8, " + "[" * 5000 + "]" * 5000 + "]", "nested more than 20 deep"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_file_and_key(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = LOSSES.replace(old, new).replace("mape-", "mpae-") if "mpae" in new else LOSSES.replace(old, new)
    with pytest.raises(ConfigError) as raised:
        written(tmp_path, text)
    assert said in str(raised.value)
    assert "mine.toml" in str(raised.value)


def test_a_grid_is_counted_before_it_is_expanded(tmp_path: Path) -> None:
    values = list(range(1, 2001))
    grid = "".join(f"{field} = {values}\n" for field in ("batch", "patience", "size"))
    with pytest.raises(ConfigError, match="the grid has 8,000,000,000 runs"):
        written(tmp_path, f'title = "T"\nmeasures = "loss"\n[grid]\n{grid}')


def test_cells_that_cannot_be_told_apart_or_run_are_refused(tmp_path: Path) -> None:
    head = 'title = "T"\nmeasures = "loss"\n'
    twice = '[[cells]]\nname = "a"\n[[cells]]\nname = "a"\n'
    with pytest.raises(ConfigError, match="two cells are named 'a'"):
        written(tmp_path, head + twice)
    with pytest.raises(ConfigError, match="none of them can be run"):
        written(tmp_path, head + '[[cells]]\nname = "a"\nunknown = "torn off"\n')
    with pytest.raises(ConfigError, match="leave its settings out"):
        written(tmp_path, head + '[[cells]]\nname = "a"\nunknown = "torn off"\nsettings = { batch = 3 }\n')


def test_a_name_that_is_none_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown study 'tabel8'; did you mean 'table8'.*figure1"):
        load("tabel8")
    with pytest.raises(ConfigError, match="does not exist; check the path"):
        load(str(tmp_path / "gone.toml"))
