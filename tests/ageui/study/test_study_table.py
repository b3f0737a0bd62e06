"""Which runs are cells of a study, what is measured of them, and what is left to do."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
from store_rows import claimed, end, queued
from study_rows import LOSSES, QUICK, scored, trained, written

from ageui.compare.averaged_scores import Averages
from ageui.present.marks import NOISE
from ageui.store import MeasuredRun, SplitFigures, Store
from ageui.study import Choice, Study, StudyTable, Variant, describe, find_remaining, load, study_table, with_tests
from ageui.study.measured_cells import StudyFigure, figure_of
from ageui.study.published_and_measured import published_and_measured
from ageui.study.queueing import chosen_here
from ageui.study.study_export import as_data
from ageui.study.variants import cell_config, name_of, normal_form, unlike_file
from ageui.study.wording import figure_title, headline, others_text, progress_text
from engine.config import PRESETS, build_config
from engine.data.spec import DataSpec, SyntheticOptions
from engine.errors import ConfigError
from engine.fairness import score_errors
from engine.image_errors import averaged
from engine.split_result import GapFigure, Interval


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("engine.cuda._DRIVERS", ())


@pytest.fixture
def mine(tmp_path: Path) -> Study:
    return written(tmp_path)


def measured(table: StudyTable, figure: str = "mae") -> dict[str, float | None]:
    return {row.cell.name: row.figures[figure].measured for row in table.rows}


# Presets and settings


def test_a_preset_changes_all_but_what_the_study_compares() -> None:
    study = load("table9")
    cell = study.cells[-1]
    config = cell_config(study, cell, QUICK, registered=(), cuda_available=lambda: False)
    assert (config.backbone, config.size, config.strategy, config.epochs) == ("resnet18@layer3", 64, "scratch", (8,))
    assert (config.loss, config.weights, config.last_batch) == ("mape", ("ethnicity",), "merge")
    published = cell_config(study, cell, Choice("report"), registered=(), cuda_available=lambda: False)
    assert published.model_copy(update={"data": "synthetic"}) == study.config(cell)


def test_a_preset_keeps_of_a_study_what_no_preset_decides(tmp_path: Path) -> None:
    text = LOSSES.replace("[base]", '[base]\naugment = "standard"\nwidths = [16, 8]\nhead = "2fc-sigmoid"')
    study = written(tmp_path, text)
    quick, report = (
        cell_config(study, study.cells[0], Choice(preset), registered=(), cuda_available=lambda: False)
        for preset in ("quick", "report")
    )
    assert (quick.augment, quick.widths, quick.backbone) == ("standard", (128, 32), "resnet18@layer3")
    assert (report.augment, report.widths, report.backbone) == ("standard", (16, 8), "resnet18")


def test_what_follows_from_a_cell_is_filled_in_for_each() -> None:
    study = load("table3")
    configs = [
        cell_config(study, cell, Choice("report"), registered=(), cuda_available=lambda: False) for cell in study.cells
    ]
    assert [config.init for config in configs] == ["random", "imagenet", "imagenet"]
    assert [config.epochs for config in configs] == [(50,), (25, 25), (50,)]
    forms = [normal_form(config.model_dump()) for config in configs]
    shared = [{name: value for name, value in form.items() if name != "strategy"} for form in forms]
    assert shared[0] == shared[1] == shared[2]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"loss": "mae"}, "the study mine compares loss"),
        ({"seed": "3"}, "give their number with --seeds"),
        ({"colour": "red"}, "unknown field 'colour'"),
        ({"size": "huge"}, "give a whole number"),
    ],
)
def test_settings_that_cannot_be_are_refused(store: Store, mine: Study, settings: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        find_remaining(mine, store, Choice("quick", settings=settings))
    with pytest.raises(ConfigError, match=said):
        study_table(mine, store, Choice("quick", settings=settings))


def test_settings_files_change_nothing_but_data_device_and_precision(store: Store, mine: Study) -> None:
    Path("ageui.toml").write_text('size = 96\nloss = "huber"\nbatch = 2\ndevice = "cpu"\nseed = 9\n')
    (config, *_) = [run.config for run in find_remaining(mine, store, QUICK).new]
    assert (config.size, config.loss, config.batch, config.device, config.seed) == (64, "mse", 8, "cpu", 0)


def test_a_preset_of_the_machine_fills_in_only_what_an_own_file_leaves_open(store: Store, tmp_path: Path) -> None:
    text = LOSSES.replace("epochs = [2]", "size = 48")
    own = chosen_here(store, written(tmp_path, text.replace('strategy = "scratch"', "lr = [1e-3]")), Choice())
    assert own.choice == Choice("report", None, {"epochs": "8"}), "the rate is one of the file's strategy"
    assert own.origins == {"preset": "as mine.toml says; quick fills in epochs (no CUDA device was found)"}
    (config, *_) = [run.config for run in find_remaining(written(tmp_path, text), store, own.choice).new]
    assert (config.size, config.epochs, config.backbone) == (48, (8,), "resnet18")
    every = written(tmp_path, text.replace("size = 48", "size = 48\nepochs = [1]\nlr = [1e-4]"))
    assert chosen_here(store, every, Choice()).origins == {"preset": "as mine.toml says"}
    assert chosen_here(store, every, Choice("quick")).choice == Choice("quick")
    assert chosen_here(store, load("table8"), Choice()).choice.preset == "quick"


# What is left to do


def test_cells_are_queued_with_their_arithmetic_settled_and_found_again(
    store: Store, mine: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.arithmetic.cpu_flags", lambda: frozenset({"avx512_bf16"}))
    todo = find_remaining(mine, store, QUICK)
    assert {run.config.precision for run in todo.new} == {"bf16"}
    store.runs.add_many(todo.new)
    assert len(find_remaining(mine, store, QUICK).going) == len(todo.new)
    assert find_remaining(mine, store, Choice("quick", settings={"precision": "fp32"})).going == ()
    assert "precision" not in headline(study_table(mine, store))


def test_only_missing_cells_are_to_be_run_each_seed_once(store: Store, mine: Study) -> None:
    todo = find_remaining(mine, store, QUICK, seeds=2)
    assert [(run.config.loss, run.config.batch, run.config.seed) for run in todo.new] == [
        (loss, batch, seed) for seed in (0, 1) for loss in ("mse", "mape") for batch in (8, 16)
    ]
    done = trained(store, mine, "mse-8")
    failed = trained(store, mine, "mse-16", status="failed")
    waiting = queued(store, **todo.new[2].config.model_dump())
    paused = queued(store, **todo.new[3].config.model_dump())
    store.queue.pause(paused)
    todo = find_remaining(mine, store, QUICK, seeds=1)
    assert [run.id for run in todo.done] == [done]
    assert [run.id for run in todo.again] == [failed]
    assert [run.id for run in todo.going] == [waiting]
    assert [run.id for run in todo.paused] == [paused]
    assert todo.new == ()
    assert len(find_remaining(mine, store, QUICK, seeds=2).new) == 4


def test_a_run_on_another_device_stands_for_a_cell_and_one_of_other_settings_or_data_does_not(
    store: Store, mine: Study
) -> None:
    trained(store, mine, "mse-8", device="cpu", deterministic=False)
    trained(store, mine, "mse-16", size=96)
    store.data.add(DataSpec(name="other", format="synthetic"))
    assert [run.config.loss + str(run.config.batch) for run in find_remaining(mine, store, QUICK).new] == [
        "mse16", "mape8", "mape16",
    ]  # fmt: skip
    assert len(find_remaining(mine, store, Choice("quick", "other")).new) == 4


def test_a_run_on_data_that_is_described_otherwise_now_does_not_stand_for_a_cell(store: Store, mine: Study) -> None:
    faces = DataSpec(name="faces", format="synthetic")
    store.data.add(faces)
    store.runs.add_many(find_remaining(mine, store, Choice("quick", "faces")).new)
    assert len(find_remaining(mine, store, Choice("quick", "faces")).going) == 4
    store.data.add(faces.model_copy(update={"skip_bad": True}), replace=True)
    assert len(find_remaining(mine, store, Choice("quick", "faces")).new) == 4


def test_a_run_that_did_better_stands_before_one_that_failed(store: Store, mine: Study) -> None:
    trained(store, mine, "mse-8", status="failed")
    done = trained(store, mine, "mse-8")
    assert [run.id for run in find_remaining(mine, store, QUICK).done] == [done]
    store.edits.archive([done])
    assert [run.id for run in find_remaining(mine, store, QUICK).again] == [1]


def test_an_interrupted_run_goes_on(store: Store, mine: Study) -> None:
    run_id = queued(store, **find_remaining(mine, store, QUICK).new[0].config.model_dump())
    attempt = claimed(store, run_id, worker=None)
    assert attempt is not None
    end(store, run_id, attempt, "interrupted", "stopped")
    assert [run.id for run in find_remaining(mine, store, QUICK).stopped] == [run_id]


def test_cells_that_are_one_training_are_trained_once(store: Store, tmp_path: Path) -> None:
    cells = '[[cells]]\nname = "a"\nsettings = { loss = "mse" }\n[[cells]]\nname = "b"\n'
    study = written(tmp_path, f'title = "T"\nmeasures = "scores"\n{cells}')
    assert len(find_remaining(study, store, QUICK).new) == 1
    run_id = trained(store, study, "a")
    table = study_table(study, store)
    assert [dict(row.runs) for row in table.rows] == [{0: run_id}, {0: run_id}]


def test_cells_with_weights_files_have_the_runs_that_were_queued_for_them(store: Store, tmp_path: Path) -> None:
    text = LOSSES.replace("[grid]", '[grid]\ninit = ["imagenet", "weights/faces.pt"]').replace('"scratch"', '"freeze"')
    study = written(tmp_path, text.partition("[published]")[0])
    Path("weights").mkdir()
    Path("weights/faces.pt").touch()
    choice = Choice("report", "synthetic")
    store.runs.add_many(find_remaining(study, store, choice).new)
    table = study_table(study, store, choice)
    assert [dict(row.progress) for row in table.rows] == [{"queued": 1}] * 8
    assert find_remaining(study, store, choice).new == ()


@pytest.mark.parametrize("seeds", [0, -1, 1001])
def test_a_number_of_seeds_that_cannot_be_is_refused(store: Store, mine: Study, seeds: int) -> None:
    with pytest.raises(ConfigError, match="give 1 to 1000"):
        find_remaining(mine, store, QUICK, seeds)


# The table


def test_figures_are_means_over_seeds_beside_the_published_ones(store: Store, mine: Study) -> None:
    trained(store, mine, "mse-8", 6.0)
    trained(store, mine, "mse-8", 7.0, seed=1)
    trained(store, mine, "mape-8", 5.0, gender=None)
    table = study_table(mine, store)
    first = table.rows[0].figures["mae"]
    assert (first.published, first.measured, first.n, table.rows[0].difference("mae")) == (7.5, 6.5, 2, -1.0)
    assert first.std == pytest.approx(math.sqrt(0.5))
    third = table.rows[2]
    assert (third.figures["mae"].std, third.figures["mae"].n) == (None, 1)
    assert (third.figures["gender"].measured, third.figures["gender"].n) == (None, 0)
    assert table.rows[3].figures["mae"].measured is None
    assert table.seeds == (0, 1)
    assert table.split == "test"
    assert table.constant["mae"] == 11.5


def test_a_run_that_is_under_way_is_progress_and_no_figure(store: Store, mine: Study) -> None:
    queued(store, **find_remaining(mine, store, QUICK).new[0].config.model_dump())
    trained(store, mine, "mse-16", status="failed")
    trained(store, mine, "mape-8", status="diverged")
    table = study_table(mine, store)
    assert [dict(row.progress) for row in table.rows] == [{"queued": 1}, {"failed": 1}, {"diverged": 1}, {}]
    assert measured(table) == {"mse-8": None, "mse-16": None, "mape-8": 6.0, "mape-16": None}
    (note,) = [note for note in table.warnings if "iverged" in note]
    assert note.startswith("Diverged, scored with weights kept before that: ")


def test_a_table_says_what_dlib_age_was_pretrained_on(store: Store, tmp_path: Path) -> None:
    faces = 'backbone = "dlib-age"\nstrategy = "finetune"'
    study = written(tmp_path, LOSSES.replace('strategy = "scratch"', faces).replace('backbone = "resnet18"\n', ""))
    assert not any("private" in note for note in study_table(study, store).warnings)
    trained(store, study, "mape-8", choice=Choice("report"))
    table = study_table(study, store)
    assert any(note.startswith("Dlib-age was pretrained on") for note in table.warnings)
    assert [row.cell.name for row in table.rows if row.pretraining] == ["mape-8"]


def test_a_diverged_run_without_scores_measures_nothing_and_its_cell_says_so(store: Store, mine: Study) -> None:
    trained(store, mine, "mape-8", status="diverged", splits=())
    table = study_table(mine, store)
    row = next(row for row in table.rows if row.cell.name == "mape-8")
    assert (row.is_measured, table.measured_cells) == (False, 0)
    assert progress_text(row) == "1 diverged without scores"
    assert not [note for note in table.warnings if "iverged" in note]
    shown = published_and_measured(table)
    assert "1 diverged without scores" in [cell.text for line in shown.rows for cell in line]


def test_the_variant_with_the_most_cells_is_shown_unless_one_is_asked_for(store: Store, mine: Study) -> None:
    for cell in ("mse-8", "mape-8"):
        trained(store, mine, cell, 6.0)
    trained(store, mine, "mse-8", 3.0, size=96)
    trained(store, mine, "mse-8", 2.0, choice=Choice("report", "synthetic"))
    assert measured(study_table(mine, store))["mse-8"] == 6.0
    assert [cells for _, cells in study_table(mine, store).others] == [1, 1]
    assert measured(study_table(mine, store, Choice(settings={"size": "96"})))["mse-8"] == 3.0
    assert measured(study_table(mine, store, Choice("quick", settings={"size": "96"})))["mse-8"] == 3.0
    assert measured(study_table(mine, store, Choice("report")))["mse-8"] == 2.0
    nothing = study_table(mine, store, Choice(data="faces"))
    assert nothing.variant is None
    assert len(nothing.others) == 3


def test_a_toy_of_other_data_or_size_is_a_variant_and_never_a_cell_of_the_reports_table(store: Store) -> None:
    table8 = load("table8")
    for cell in table8.cells[:3]:
        trained(store, table8, cell.name, 2.0)
    toys = study_table(table8, store)
    assert (toys.measured_cells, toys.is_comparable) == (3, False), "the only variant there is"
    assert [row.difference("mae") for row in toys.rows] == [None] * 14
    assert toys.agreement["mae"].n == 0
    assert toys.warnings[0].startswith("≠ These runs are on other data")
    course = DataSpec(name="faces", format="course", path="/faces")
    on_course = Choice("report", "faces")
    trained(store, table8, "mse-16", 9.0, choice=on_course, data_spec=course)
    trained(store, table8, "mse-16", 1.0, choice=on_course, data_spec=course, size=64)
    table = study_table(table8, store)
    assert (measured(table)["mse-16"], table.measured_cells) == (9.0, 1), "the data of the report, though fewer cells"
    assert name_of(table8, table.variant, table.variants) == "faces · 224 px · resnet101 · 50 epochs · as published"
    assert [name_of(table8, one, table.variants) for one, _ in table.others] == [
        "faces · 64 px · resnet101 · 50 epochs",
        "synthetic · 64 px · resnet18@layer3 · 8 epochs · preset quick",
    ]
    assert unlike_file(table8, table.others[0][0]) == ("size 64",)
    assert table.rows[0].difference("mae") == pytest.approx(9.0 - 11.6451)


def test_of_ways_with_as_many_runs_the_one_most_like_the_study_is_shown(store: Store, mine: Study) -> None:
    trained(store, mine, "mse-8", 6.0)
    trained(store, mine, "mse-8", 3.0, weights=("gender",))
    assert measured(study_table(mine, store))["mse-8"] == 6.0


def test_ways_that_differ_in_the_description_of_their_data_are_told_apart(store: Store, mine: Study) -> None:
    on_faces = Choice("quick", "faces")
    for path, cells, mae in (("/old", ("mse-8", "mse-16"), 7.0), ("/new", ("mse-8",), 6.0)):
        store.data.add(DataSpec(name="faces", format="synthetic", path=path), replace=True)
        for cell in cells:
            trained(store, mine, cell, mae, choice=on_faces, data_spec=store.data.get("faces"))
    asked = study_table(mine, store, on_faces)
    assert measured(asked)["mse-8"] == 6.0, "the data as it is registered now"
    assert headline(asked).startswith("measured on faces (path /new) · resnet18@layer3")
    assert [line.partition(" · ")[0] for line in others_text(asked)] == ["faces (path /old)"]
    assert measured(study_table(mine, store))["mse-8"] == 7.0, "the most measured cells where nothing is asked for"
    (old, _), *_ = asked.others
    assert measured(study_table(mine, store, on_faces, variant=old))["mse-8"] == 7.0
    store.edits.archive([1, 2])
    alone = study_table(mine, store, on_faces, variant=old)
    assert measured(alone)["mse-8"] == 6.0, "a way without runs is none"
    assert headline(alone).startswith("measured on faces · ")


def test_what_is_nested_in_the_description_of_data_tells_ways_apart_too(mine: Study) -> None:
    normal = normal_form(build_config({**PRESETS["quick"], "data": "drawn"}).model_dump())
    specs = [
        DataSpec(name="drawn", format="synthetic", synthetic=SyntheticOptions(seed=seed)).model_dump(mode="json")
        for seed in (0, 3)
    ]
    first, second = (Variant(normal, spec) for spec in specs)
    assert describe(mine, first, [first, second]).startswith("drawn (synthetic.seed 0) · ")
    assert describe(mine, second, [first, second]).startswith("drawn (synthetic.seed 3) · ")
    assert describe(mine, second, [second]).startswith("drawn · ")


def test_runs_of_another_study_fill_a_cell_that_both_have(store: Store) -> None:
    table8 = load("table8")
    trained(store, table8, "mse-32", 9.0)
    assert measured(study_table(load("table7"), store)) == {"before": 9.0}
    table4 = study_table(load("table4"), store, Choice("quick"))
    assert table4.variant is None  # a preset's own rate is none of those compared


def test_a_split_is_chosen_or_the_best_that_all_have(store: Store, mine: Study) -> None:
    trained(store, mine, "mse-8", 6.0)
    trained(store, mine, "mse-16", 7.0, splits=("valid",))
    table = study_table(mine, store)
    assert (table.split, measured(table)["mse-16"]) == ("test", None)
    assert any("1 of the runs have no scores" in note for note in table.warnings)
    assert measured(study_table(mine, store, split="valid"))["mse-16"] == 7.0
    trained(store, mine, "mse-8", 8.0, seed=1, splits=("test", "valid"))
    store.edits.archive([1])
    assert study_table(mine, store).split == "valid"
    with pytest.raises(ConfigError, match="unknown split 'best'"):
        study_table(mine, store, split="best")


def test_losses_and_minutes_are_those_of_the_run(store: Store) -> None:
    study = load("table6")
    trained(store, study, "adam", 5.0)
    figures = study_table(study, store).rows[0].figures
    assert figures["val_loss"].measured == pytest.approx(0.05)
    assert figures["minutes"].published == 75
    assert "minutes" not in study_table(study, store).agreement


def test_a_single_run_has_its_own_interval_and_test_and_several_wait_for_theirs() -> None:
    runs = [MeasuredRun(seed, "r", "done", {"seed": seed}, {}, None, None) for seed in range(2)]
    scores = {
        seed: SplitFigures(
            seed, "test", "h", {"gender": 0.25 + seed}, {}, {"gender": (0.0, seed + 2.0)}, {"gender": 0.0625}, "valid"
        )
        for seed in range(2)
    }
    one = figure_of("gender", None, runs[:1], scores)
    assert (one.measured, one.interval, one.p_value) == (0.25, Interval(0.0, 2.0), 0.0625)
    assert one.inside_noise
    assert not replace(one, p_value=0.05).inside_noise
    both = figure_of("gender", None, runs, scores)
    assert (both.measured, both.interval, both.p_value, both.inside_noise) == (0.75, None, None, False)
    assert figure_of("age", 2.0, runs, scores) == StudyFigure(2.0, None, None, 0)


def test_cells_over_seeds_are_tested_once_on_the_errors_of_images_averaged_over_them(
    store: Store, mine: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(3):
        trained(store, mine, "mse-8", seed=seed, scored=scored(seed))
    trained(store, mine, "mse-16", scored=scored(5))
    known: Averages = {}
    table = study_table(mine, store)
    tested = with_tests(table, store, known)
    errors = [store.scores.errors(run_id, "test") for run_id in (1, 2, 3)]
    expected = score_errors(averaged([one for one in errors if one is not None]))
    figures = tested.rows[0].figures
    for name in ("gender", "gender_signed"):
        assert table.rows[0].figures[name].p_value is None
        assert figures[name].measured == table.rows[0].figures[name].measured
        figure = expected.figure(name)
        assert isinstance(figure, GapFigure)
        assert figures[name].p_value == figure.p_value
        assert (figures[name].interval.low == 0) == figures[name].inside_noise
    assert figures["gender"].inside_noise, "errors of both genders are about as large"
    assert not figures["gender_signed"].inside_noise, "in which direction they go is apart"
    assert figures["gender_signed"].measured == pytest.approx(3.0, abs=1.5)
    assert figures["mae"].interval == expected.mae_interval
    assert tested.rows[1] == table.rows[1], "a single run was tested when it was scored"
    monkeypatch.setattr(store.scores, "errors", None)
    assert with_tests(study_table(mine, store), store, known) == tested


def test_biases_of_the_constant_are_tested_and_marked(store: Store, mine: Study) -> None:
    trained(store, mine, "mse-8", scored=scored(0))
    table = study_table(mine, store)
    errors, age = store.scores.errors(1, "test"), store.scores.split_figures([1])[0].constant_age
    assert errors is not None
    assert age is not None
    expected = score_errors(errors.of_constant(age)).figure("gender")
    assert isinstance(expected, GapFigure)
    assert expected.p_value is not None
    assert table.constant_p_values == {}
    assert with_tests(table, store, {}).constant_p_values["gender"] == expected.p_value
    for p_value in (0.5, 0.05):
        shown = published_and_measured(replace(table, rows=(), constant_p_values={"gender": p_value}))
        row = next(row for row in shown.rows if row[0].text == "constant")
        place = [column.title for column in shown.columns].index(figure_title("gender"))
        assert row[place].value == table.constant["gender"]
        assert row[place].inside_noise == (p_value > 0.05)
        assert any(note.mark == NOISE for note in shown.legend) == (p_value > 0.05)


def test_a_cell_whose_runs_were_scored_on_different_images_stays_untested(store: Store, mine: Study) -> None:
    for seed, images in enumerate((60, 50)):
        trained(store, mine, "mse-8", seed=seed, scored=scored(seed, images))
    table = study_table(mine, store)
    assert with_tests(table, store, {}).rows == table.rows


def test_scores_on_images_that_chose_the_weights_are_called_selected(store: Store, mine: Study) -> None:
    trained(store, mine, "mse-8", scored=replace(scored(0), split="valid"))
    trained(store, mine, "mse-16", scored=scored(0))
    valid, test = (study_table(mine, store, split=split) for split in ("valid", "test"))
    assert (valid.is_selected, test.is_selected) == (True, False)
    assert headline(valid).endswith("valid (selected) split")
    assert [row.is_selected for row in valid.rows] == [True, False, False, False]
    assert as_data(valid)["selected"]


def test_a_loss_of_another_kind_is_no_figure_of_a_table_of_losses(store: Store) -> None:
    study = load("table6")
    trained(store, study, "adam", loss="mape")
    assert measured(study_table(study, store), "val_loss")["adam"] is None
    with pytest.raises(ConfigError, match="the study table6 compares loss"):
        find_remaining(study, store, Choice(settings={"loss": "mape"}), 1)


def test_a_config_of_an_older_ageui_still_stands_for_its_cell() -> None:
    config = build_config(PRESETS["quick"]).model_dump(mode="json")
    older = {name: value for name, value in config.items() if name not in ("min_delta", "combine")}
    assert normal_form(older) == normal_form(config)
    assert normal_form({**config, "unheard_of": 1}) != normal_form(config)
