"""What a comparison says, on examples worked by hand."""

import dataclasses
import math
import subprocess
import sys
from typing import Any

import pytest
from compare_rows import bias, predictions, run, scores

from ageui.compare import ComparedRow, Comparison, compare
from ageui.compare.comparison_table import legend
from ageui.store import RunDetail
from engine.errors import ConfigError
from engine.split_result import Baseline, Interval

CONSTANT = Baseline(30.0, 11.0, {"gender": 2.0, "ethnicity": None})


def _rows(comparison: Comparison) -> dict[str, ComparedRow]:
    return {row.name: row for row in comparison.rows}


def _best(comparison: Comparison) -> dict[str, list[str]]:
    return {
        column: [row.name for row in comparison.rows if row.cells[place].best]
        for place, column in enumerate(comparison.columns)
    }


@pytest.fixture
def three() -> list[RunDetail]:
    lone = "no image of asian in valid"
    return [
        run(
            1,
            "one",
            scores(6.0, bias("gender", 0.5, p_value=0.01), bias("ethnicity", None, lone), constant=CONSTANT),
            loss="mse",
        ),
        run(
            2,
            "two",
            scores(7.0, bias("gender", 0.25, p_value=0.2), bias("ethnicity", None, lone), constant=CONSTANT),
            loss="mape",
        ),
        run(3, "three", scores(6.0, bias("gender", math.nan), bias("ethnicity", 0.5)), loss="mse", weights="gender"),
    ]


def test_best_ties_and_undefined(three: list[RunDetail]) -> None:
    comparison = compare(three)
    assert comparison.columns == ("mae", "gender", "ethnicity")
    assert _best(comparison) == {"mae": ["one", "three"], "gender": ["two"], "ethnicity": []}
    rows = _rows(comparison)
    assert rows["one"].cells[2].value is None
    assert rows["one"].cells[2].reason == "no image of asian in valid"
    assert [rows[name].cells[1].inside_noise for name in ("one", "two", "three")] == [False, True, False]
    assert (comparison.split, comparison.n, comparison.baseline, comparison.notes) == ("valid", 4, None, ())


def test_a_bias_that_could_not_be_tested_is_named_with_the_reason() -> None:
    """Without its mark of noise, it would look like a bias beyond chance."""
    lone = dataclasses.replace(bias("gender", 0.5), untested="fewer than 5 images of b")
    runs = [run(place, name, scores(6.0, lone)) for place, name in enumerate("abcde", 1)]
    tested = run(6, "f", scores(6.0, bias("gender", 0.5, p_value=0.2)))
    note = "no test of gender, so no ~: fewer than 5 images of b (a, b, c, d and 1 more)"
    assert note in compare([*runs, tested]).notes
    assert not any("no test" in one for one in compare([tested]).notes)


def test_a_reason_that_holds_for_several_figures_and_rows_is_given_once() -> None:
    biases = [bias(name, None, "no image of x in valid") for name in ("gender", "ethnicity")]
    runs = [run(1, "one", scores(6.0, *biases)), run(2, "two", scores(7.0, *biases))]
    told = [note.text for note in legend(compare(runs)) if "no image" in note.text]
    assert told == ["gender, ethnicity of one, two: no image of x in valid"]
    alone = [runs[0], run(3, "three", scores(7.0, biases[0], bias("ethnicity", 0.5)))]
    told = [note.text for note in legend(compare(alone)) if "no image" in note.text]
    assert told == ["gender of one, three: no image of x in valid", "ethnicity of one: no image of x in valid"]


def test_the_best_is_shared_by_figures_that_are_printed_the_same_but_never_with_selected_scores() -> None:
    runs = [
        run(1, "printed alike", scores(6.004, bias("gender", 0.251))),
        run(2, "lowest", scores(6.001, bias("gender", 0.254))),
        run(3, "apart", scores(6.006, bias("gender", 0.256))),
        run(4, "selected", scores(6.001, bias("gender", 0.251), selected_on="valid")),
    ]
    assert _best(compare(runs)) == {"mae": ["printed alike", "lowest"], "gender": ["printed alike", "lowest"]}
    every = [dataclasses.replace(one, results=(runs[3].results[0],)) for one in runs[:2]]
    assert _best(compare(every)) == {
        "mae": ["printed alike", "lowest"],
        "gender": ["printed alike", "lowest"],
    }, "selected scores share among themselves"


def test_only_settings_that_differ_are_shown(three: list[RunDetail]) -> None:
    comparison = compare(three)
    assert comparison.settings == ("loss", "weights")
    assert [dict(row.settings) for row in comparison.rows if row.kind == "run"] == [
        {"loss": "mse", "weights": "none"},
        {"loss": "mape", "weights": "none"},
        {"loss": "mse", "weights": "gender"},
    ]


def test_runs_from_weights_pretrained_on_private_faces_are_named() -> None:
    finetuned = {"backbone": "dlib-age", "strategy": "finetune"}
    plain, own = run(1, "plain", scores(5.0)), run(2, "own", scores(4.0), backbone="dlib-age", init="random")
    assert compare([plain, own]).notes == ()
    (note,) = compare([plain, run(3, "tuned", scores(4.0), **finetuned), own]).notes
    assert note.startswith("dlib-age was pretrained on a private set of about 110,000 faces")
    assert note.endswith("cannot be excluded (tuned)")
    tuned = [run(seed, f"tuned-{seed}", scores(4.0), seed=seed, **finetuned) for seed in (3, 4)]
    rows = compare([plain, *tuned, own], fold_seeds=True).rows
    assert [row.runs for row in rows if row.pretraining] == [(3, 4)]


def test_the_constant_predictor_is_always_there_and_never_best() -> None:
    low = Baseline(30.0, 1.0, {"gender": 0.0})
    runs = [run(i, f"run {i}", scores(5.0 + i, bias("gender", 1.0 + i), constant=low)) for i in (1, 2)]
    comparison = compare(runs)
    assert [(row.kind, row.name) for row in comparison.rows] == [
        ("run", "run 1"),
        ("run", "run 2"),
        ("constant", "constant 30.0"),
    ]
    assert [cell.value for cell in comparison.rows[2].cells] == [1.0, 0.0]
    assert _best(comparison) == {"mae": ["run 1"], "gender": ["run 1"]}
    assert comparison.notes == ("no better than the constant predictor on MAE: run 1, run 2",)
    assert "constant:" in [note.mark for note in legend(comparison)]
    assert "constant:" not in [note.mark for note in legend(compare([run(1, "one", scores(5.0))]))]


def test_a_run_alone_is_not_the_best() -> None:
    assert _best(compare([run(1, "one", scores(6.0))])) == {"mae": []}


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"images": "h2", "n": 3}, "measured on other images (3; the others on 4)"),
        ({"images": "h2", "target": "real"}, "measured on real ages, the others on apparent ages"),
        ({"images": "h2", "data": "utk"}, "measured on data utk, the others on faces"),
    ],
)
def test_rows_on_other_images_are_kept_apart_with_the_reason(other: dict[str, Any], reason: str) -> None:
    runs = [
        run(1, "apart", scores(1.0, bias("gender", 0.0), **other)),
        run(2, "two", scores(6.0, bias("gender", 1.0))),
        run(3, "three", scores(7.0, bias("gender", 0.5))),
    ]
    comparison = compare(runs, baseline="two")
    apart = _rows(comparison)["apart"]
    assert (apart.comparable, apart.reason, apart.cells[0].value) == (False, reason, 1.0)
    assert _best(comparison) == {"mae": ["two"], "gender": ["three"]}
    assert [cell.difference for cell in apart.cells] == [None, None]
    assert comparison.notes == ("best figures and differences are among rows on the same images, those of two",)
    by_majority = compare(runs)
    assert _rows(by_majority)["apart"].comparable is False
    assert by_majority.notes[-1].endswith("those of most runs")
    turned = compare(runs, baseline="apart")
    assert [row.comparable for row in turned.rows] == [True, False, False]


def test_biases_over_other_groups_are_not_compared_but_the_mae_is() -> None:
    runs = [
        run(1, "one", scores(6.0, bias("age", 4.0, groups=("<20", ">=20")))),
        run(2, "two", scores(5.0, bias("age", 1.0, groups=("<30", ">=30"))), age_edges="30"),
    ]
    comparison = compare(runs, baseline="one")
    cell = _rows(comparison)["two"].cells[1]
    assert (cell.comparable, cell.best, cell.difference) == (False, False, None)
    assert cell.reason == "over the groups <30 >=30, the others over <20 >=20"
    assert _best(comparison) == {"mae": ["two"], "age": []}


def test_runs_without_scores_are_shown_with_their_status(three: list[RunDetail]) -> None:
    runs = [*three, run(4, "four", status="diverged", error="the loss is NaN"), run(5, "five", status="queued")]
    rows = _rows(compare(runs, baseline="one"))
    assert (rows["four"].status, rows["four"].reason, rows["four"].n) == ("diverged", "diverged: the loss is NaN", None)
    assert rows["five"].reason == "queued"
    assert all(cell.value is None and not cell.best and cell.difference is None for cell in rows["four"].cells)
    unscored = compare([runs[3], runs[4]])
    assert (unscored.split, unscored.notes) == (None, ("none of these runs has scores yet",))


def test_the_split_is_the_best_that_all_have() -> None:
    both = run(1, "both", scores(1.0, split="test"), scores(2.0, split="valid"))
    valid = run(2, "valid", scores(3.0, split="valid"))
    train = run(3, "train", scores(4.0, split="train"))
    assert compare([both]).split == "test"
    assert compare([both, valid]).split == "valid"
    mixed = compare([both, valid, train])
    assert mixed.split == "test"
    assert "no split was scored by all runs" in mixed.notes[0]
    assert _rows(mixed)["valid"].reason == "not scored on test"
    assert compare([both, valid], split="test").split == "test"
    with pytest.raises(ConfigError, match="none of these runs has scores on train; choose one of test, valid"):
        compare([both, valid], split="train")
    with pytest.raises(ConfigError, match="unknown split 'tset'"):
        compare([both], split="tset")


def test_no_runs_and_unknown_baselines_are_errors(three: list[RunDetail]) -> None:
    with pytest.raises(ConfigError, match="no runs to compare"):
        compare([])
    with pytest.raises(ConfigError, match=r"'four' is none of .*; choose constant or one of one, two, three"):
        compare(three, baseline="four")


def test_a_run_named_twice_is_one_row(three: list[RunDetail]) -> None:
    assert len([row for row in compare([three[0], three[1], three[0]]).rows if row.kind == "run"]) == 2


def test_differences_without_predictions_have_no_interval(three: list[RunDetail]) -> None:
    comparison = compare(three, baseline="2")
    assert comparison.baseline == "two"
    rows = _rows(comparison)
    assert rows["two"].is_baseline
    assert all(cell.difference is None for cell in rows["two"].cells)
    mae, gender, ethnicity = (cell.difference for cell in rows["one"].cells)
    assert mae is not None
    assert (mae.value, mae.interval, mae.real) == (-1.0, None, None)
    assert gender is not None
    assert gender.value == 0.25
    assert ethnicity is None
    constant = rows["constant 30.0"].cells[0].difference
    assert constant is not None
    assert constant.value == 4.0


def test_a_baseline_without_scores_is_said(three: list[RunDetail]) -> None:
    comparison = compare([*three, run(4, "four", status="queued")], baseline="four")
    assert comparison.baseline is None
    assert comparison.notes == ("the baseline four has no scores here, so no differences are shown",)


AGES = [10.0, 20.0, 30.0, 40.0, 50.0, 60.0]
GENDER: list[str | None] = ["male", "male", "male", "female", "female", None]
PREDICTED = {1: [11.0, 21.0, 31.0, 41.0, 51.0, 61.0], 2: [15.0, 25.0, 35.0, 41.0, 51.0, 61.0]}


def _measured(run_id: int) -> RunDetail:
    groups = ("male", "female")
    constant = Baseline(30.0, 15.0, {"gender": 15.0 - 10.0})
    figures = {1: (1.0, 0.0), 2: (3.0, 4.0)}[run_id]
    found = scores(
        figures[0], bias("gender", figures[1], groups=groups), n=6, constant=constant, interval=Interval(0, 1)
    )
    return run(run_id, f"run {run_id}", found)


def test_differences_on_the_same_images_have_paired_intervals() -> None:
    loaded: list[tuple[int, str]] = []

    def load(run_id: int, split: str) -> Any:
        loaded.append((run_id, split))
        return predictions(PREDICTED[run_id], AGES, GENDER)

    comparison = compare([_measured(1), _measured(2)], baseline="run 1", predictions=load, resamples=500)
    assert sorted(loaded) == [(1, "valid"), (2, "valid")]
    mae, gender = (cell.difference for cell in _rows(comparison)["run 2"].cells)
    assert mae is not None
    assert mae.interval is not None
    assert mae.value == pytest.approx(2.0)
    assert 0 <= mae.interval.low < 2.0 < mae.interval.high <= 4.0
    assert gender is not None
    assert gender.interval is not None
    assert (gender.value, gender.interval.low, gender.interval.high) == pytest.approx((4.0, 4.0, 4.0))
    assert gender.real is None


def test_the_constant_predictor_can_be_the_baseline_and_is_scored_like_a_run() -> None:
    load = {run_id: predictions(PREDICTED[run_id], AGES, GENDER) for run_id in (1, 2)}
    comparison = compare(
        [_measured(1), _measured(2)], baseline="constant", predictions=lambda run_id, _: load[run_id], resamples=500
    )
    assert comparison.baseline == "constant 30.0"
    rows = _rows(comparison)
    constant = rows["constant 30.0"]
    assert constant.is_baseline
    # |30 - age|: 20 10 0 | 10 20 | 30, so MAE 90/6, male 10 and female 15.
    assert [cell.value for cell in constant.cells] == pytest.approx([15.0, 5.0])
    assert constant.cells[1].interval is not None
    difference = rows["run 1"].cells[0].difference
    assert difference is not None
    assert difference.value == pytest.approx(-14.0)
    assert difference.interval is not None


def test_comparing_needs_neither_a_database_nor_torch() -> None:
    code = "import sys, ageui.compare; print({'torch', 'sqlalchemy', 'sqlmodel', 'textual'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
