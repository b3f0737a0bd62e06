"""What a report says, to the letter where it matters, of runs of every kind."""

import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from report_rows import done_run, measured, texts, titles
from store_rows import config, end, epoch, evaluated, queued, running

from ageui.present.table import Table
from ageui.report import as_markdown, report
from ageui.report.document import Document, Folded, Plot, Section
from ageui.report.drawing import Drawing
from ageui.report.run_sections import worst_places
from ageui.store import Predictions, PublishedRun, RunDetail, Store
from engine.data.spec import BUILT_IN
from engine.errors import ConfigError
from engine.events import Evaluated
from engine.fairness import RESAMPLES, score_errors
from engine.image_errors import ImageErrors
from engine.split_result import Baseline, SplitResult


@pytest.fixture(autouse=True)
def _nothing_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ageui.report.plots.draw", lambda name, inches, paint: Drawing(*inches, ""))


def _of(store: Store, *runs: RunDetail, split: str | None = None) -> Document:
    return report(runs, store.scores.predictions, split)


def _section(document: Document, *titles: str) -> Section:
    """The section of that title, or the part of a part of it."""
    sections = document.sections
    for title in titles:
        (found,) = (section for section in sections if section.title == title)
        sections = found.parts
    return found


def _text(document: Document, *titles: str) -> str:
    alone = Document("", (), (_section(document, *titles),))
    return as_markdown(alone, "x")[0].partition("\n\n")[2]


def test_scores(store: Store) -> None:
    assert (
        _text(_of(store, done_run(store)), "Scores")
        == r"""## Scores

valid, 3 images; in years, lower is better:

| figure | value | 95% interval | inside noise | p | detectable | constant 30.2 |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
| MAE | 6.00 | 5.00–7.00 | — | — | — | 21.75 (5.25–39.75) |
| gender bias | 0.50 | 0.25–0.75 | no | 0.031 | 0.38 | — |
| gender signed gap | 8.50 | 0.00–9.50 | yes | 0.125 | 8.75 | — |
| signed error | −0.50 | — | — | — | — | — |

- A bias is the mean gap between the MAEs of an attribute's groups, over all pairs of groups.
- Inside noise: cannot be told from no bias, since p, its p-value in a permutation test, is above 0.05.
- Detectable: the smallest figure that four of five samples of groups of these sizes would reveal.
- Signed error: mean of predicted − true age. Signed gap: the mean gap between the signed errors of groups.
- The constant predictor always says the mean age of the train images.
- 1 image without gender.
"""
    )


def test_worst_errors_are_named_and_the_largest_are_first(store: Store) -> None:
    assert (
        _text(_of(store, done_run(store)), "Worst errors")
        == r"""## Worst errors

The 3 largest errors on valid, in years; the index counts its images from 0:

| image | gender | index | true age | predicted | error |
| --- | --- | ---: | ---: | ---: | ---: |
| ç.jpg | female | 2 | 70.00 | NaN | NaN |
| b.jpg | — | 1 | 35.50 | 30.00 | −5.50 |
| a.jpg | male | 0 | 10.00 | 12.50 | +2.50 |
"""
    )


def test_at_most_twenty_errors_are_listed(store: Store) -> None:
    run = done_run(store, scored=measured([f"{number}.jpg" for number in range(50)], ["male", "female"] * 25))
    (table,) = _section(_of(store, run), "Worst errors").blocks
    assert isinstance(table, Table)
    errors = [abs(float(row[-1].replace("−", "-"))) for row in texts(table)]
    assert len(errors) == 20
    assert errors == sorted(errors, reverse=True)
    found = store.scores.predictions(run.id, "valid")
    assert found is not None
    assert errors[0] == pytest.approx(np.abs(found.predicted - found.ages).max(), abs=0.005)


def test_equal_errors_stay_in_order() -> None:
    ages = np.arange(10.0, 60.0)
    off = np.where(np.arange(50) % 3 == 0, -2, 1)
    predictions = Predictions("valid", "h", ("x",) * 50, ages, {}, (ages + off).astype(np.float32))
    assert worst_places(predictions, 20) == [*range(0, 50, 3), 1, 2, 4]


def test_groups_have_the_intervals_that_the_engine_gave_them(store: Store) -> None:
    groups: list[str | None] = ["male", "female", "male", "female", None] * 8
    scored = measured([str(number) for number in range(40)], groups, resamples=RESAMPLES)
    expected = {group.group: group.interval for group in scored.result.biases[0].groups}
    run = done_run(store, scored=scored)
    (table,) = (block for block in _section(_of(store, run), "Groups").blocks if isinstance(block, Table))
    for row, group in zip(texts(table), ("male", "female"), strict=True):
        assert row[4] == f"{expected[group].low:.2f}–{expected[group].high:.2f}"


def test_a_group_of_one_image_or_none_has_no_interval(store: Store) -> None:
    run = done_run(store)
    rows = _text(_of(store, run), "Groups").splitlines()
    assert "| gender | male | 1 | 4.00 | 3.50–4.25 | −4.00 |" in rows
    assert "| gender | female | 1 | 4.50 | — | +4.50 |" in rows
    assert "| gender | other | 0 | — | — | — |" in rows


def test_no_group_has_an_interval_beside_a_nan(store: Store) -> None:
    scored = measured([str(number) for number in range(8)], ["male", "female"] * 4, unreadable=2)
    run = done_run(store, scored=scored)
    (table,) = (block for block in _section(_of(store, run), "Groups").blocks if isinstance(block, Table))
    assert {row[4] for row in texts(table)} == {"—"}


def test_curves_have_a_table_of_every_epoch(store: Store) -> None:
    figure, epochs = _section(_of(store, done_run(store)), "Curves").blocks
    assert isinstance(figure, Plot)
    assert figure.caption == (
        "Losses over 4 epochs. The validation loss goes from 0.25 to 0.0625. Its best is that of epoch 3."
    )
    assert isinstance(epochs, Folded)
    assert [row[1] for row in texts(epochs.table)] == ["1", "1", "2", "2"]
    assert texts(epochs.table)[1] == ("2", "1", "0.25", "0.125", "4.00", "1e-05", "1.5", "900", "")
    assert texts(epochs.table)[3][3:5] == ("0.0625 ★", "2.00 ★"), "the best of a column"
    assert [row[-1] for row in texts(epochs.table)] == ["", "", "kept", ""]


@pytest.mark.parametrize(("losses", "is_drawn"), [((0.5, math.nan, math.inf), True), ((math.nan, math.inf), False)])
def test_losses_that_are_not_finite_are_told(store: Store, losses: tuple[float, ...], is_drawn: bool) -> None:
    run_id, attempt = running(store)
    with store.writing(run_id, attempt) as writer:
        for number, loss in enumerate(losses, 1):
            writer.epoch(epoch(number, train_loss=loss, val_loss=loss, is_best=number == 1))
    end(store, run_id, attempt, "diverged", "the loss is nan")
    document = _of(store, store.runs.detail(run_id))
    assert ("nothing is drawn" in _text(document, "Curves")) != is_drawn
    assert any(isinstance(block, Plot) for block in _section(document, "Curves").blocks) == is_drawn
    assert f"| {len(losses)} | 1 | +inf | +inf |" in _text(document, "Curves")


def test_without_validation_there_is_a_train_curve_alone(store: Store) -> None:
    run_id, attempt = running(store, "blind")
    with store.writing(run_id, attempt) as writer:
        writer.epoch(epoch(1, val_loss=None, val_mae=None))
    end(store, run_id, attempt)
    text = _text(_of(store, store.runs.detail(run_id)), "Curves")
    assert "The data has no labelled validation images, so the run has no validation loss." in text
    assert "| 1 | 1 | 0.5 | — | — | 1e-05 | 1.5 | 900 |" in text


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("queued", "No scores yet: the run is queued and is scored after training."),
        ("running", "No scores yet: the run is running and is scored after training."),
        ("failed", "No scores: the run was not evaluated."),
    ],
)
def test_a_run_without_scores_says_why(store: Store, status: str, said: str) -> None:
    run_id = queued(store, "bare") if status == "queued" else running(store, "bare")[0]
    if status == "failed":
        end(store, run_id, 1, "failed", "no room\nat all")
    text, files = as_markdown(_of(store, store.runs.detail(run_id)), "x")
    assert said in text
    assert files == {}
    assert "The command that repeats it:" in text
    assert ("```\nno room\nat all\n```" in text) == (status == "failed")
    assert "## Predictions" not in text


def test_an_archived_run_says_so(store: Store) -> None:
    run = done_run(store)
    put_away = replace(run, row=replace(run.row, archived_at=datetime(2026, 1, 31, tzinfo=UTC)))
    assert "Run 1, done, archived 2026-01-31." in as_markdown(_of(store, put_away), "x")[0]


def test_data_without_attributes(store: Store) -> None:
    items = pd.DataFrame({"image": ["a", "b"], "age": [10.0, 20.0]})
    result = SplitResult(2, 1.0, None, 0.0, (), None)
    run = done_run(store, scored=Evaluated("valid", result, items, np.array([11.0, 19.0], dtype=np.float32)))
    document = _of(store, run)
    assert "The images have no attributes and no age groups." in _text(document, "Groups")
    assert "None was evaluated: the images have no attributes." in _text(document, "Model card", "Factors")
    assert "| image | index | true age | predicted | error |" in _text(document, "Worst errors")


def test_published_figures_are_said_to_be_that(store: Store) -> None:
    figures = {"mae": 9.5, "gender": 0.25, "val_loss": 0.017}
    store.scores.publish([PublishedRun("report/table8/mse", config(), BUILT_IN, figures, "Table 8: an odd *row*.")])
    published = store.runs.detail(store.runs.find_one("report/table8/mse"))
    text, files = as_markdown(_of(store, published), "x")
    assert "Run 1, published. Its figures are from the report: it was not trained here" in text
    assert r"Note: Table 8: an odd \*row\*." in text
    scores = text[text.index("## Scores") : text.index("## Config")]
    assert [line for line in scores.splitlines() if line.startswith("|")] == [
        "| figure | value |",
        "| --- | ---: |",
        "| MAE | 9.50 |",
        "| gender bias | 0.25 |",
        "| validation loss | 0.017 |",
    ]
    assert "The command that trains the same config:" in text
    assert "- MAE: 9.50 years.\n- gender bias: 0.25 years.\n" in text
    assert files == {}
    for absent in (
        "## Training and versions",
        "## Worst errors",
        "bootstrap",
        "One training with one seed",
        "No weights",
    ):
        assert absent not in text


def test_published_figures_stand_beside_measured_ones(store: Store) -> None:
    store.scores.publish([PublishedRun("theirs", config(), BUILT_IN, {"mae": 1.0}, "")])
    document = _of(store, done_run(store), store.runs.detail(store.runs.find_one("theirs")))
    table = document.sections[0].blocks[0]
    assert isinstance(table, Table)
    assert texts(table)[1][0] == "◆ theirs (published)"
    assert texts(table)[1][-3:] == ("1.00", "—", "—")


def test_a_model_card_has_the_headings_of_its_paper(store: Store) -> None:
    run_id, attempt = running(store, "carded", weights=["gender"])
    manifest = {"versions": {"ageui": "0.1.0"}, "backbone_parameters": 1000, "head_parameters": 20, "left_out": 2}
    with store.writing(run_id, attempt) as writer:
        writer.started(
            {**manifest, "data": {"name": "faces", "hash": "ab", "splits": {"train": {"images": 5, "labelled": 4}}}}
        )
        writer.evaluated(evaluated(gender=0.3), "apparent", "faces")
    end(store, run_id, attempt)
    document = _of(store, store.runs.detail(run_id))
    assert [part.title for part in _section(document, "Model card").parts] == [
        "Model details", "Intended use", "Factors", "Metrics", "Evaluation data", "Training data",
        "Quantitative analyses", "Ethical considerations", "Caveats and recommendations",
    ]  # fmt: skip
    details = _text(document, "Model card", "Model details")
    assert "the backbone resnet18@layer3 (1,000 parameters) with the head 2fc-sigmoid (20 parameters)." in details
    assert "Trained with ageui 0.1.0." in details
    assert "- gender: male (1), female (1), other (0).\n" in _text(document, "Model card", "Factors")
    assert _text(document, "Model card", "Training data").splitlines()[2:] == [
        "- synthetic (synthetic), split train: 4 labelled images.",
        "- Images are weighted by gender (inverse).",
        "- 2 bad items of the data set left out.",
    ]
    analyses = _text(document, "Model card", "Quantitative analyses")
    assert "- gender bias: 0.30 years (0.25–0.75).\n" in analyses
    assert "- gender signed gap: 8.50 years (0.00–9.50); inside noise.\n" in analyses
    caveats = _text(document, "Model card", "Caveats and recommendations")
    assert "These cannot be told from none: gender signed gap." in caveats
    assert "Its faces are drawn" in _text(document, "Model card", "Ethical considerations")
    assert "| train | 5 images, 4 of them labelled |" in _text(document, "Data")


def test_a_model_card_says_what_dlib_age_was_pretrained_on(store: Store) -> None:
    run_id, attempt = running(store, "tuned", backbone="dlib-age", strategy="finetune", init="pretrained")
    with store.writing(run_id, attempt) as writer:
        writer.evaluated(evaluated(), "apparent", "faces")
    end(store, run_id, attempt)
    document = _of(store, store.runs.detail(run_id))
    for part in ("Training data", "Caveats and recommendations"):
        assert "Dlib-age was pretrained on a private set of" in _text(document, "Model card", part)


@pytest.mark.parametrize(
    ("format", "target", "said"),
    [
        ("course", "apparent", ["Labels are apparent ages", "APPA-REAL is given out for non-commercial research only"]),
        ("appa_real", "real", ["APPA-REAL is given out"]),
        ("utkface", "apparent", ["UTKFace is given out"]),
        ("table", "apparent", []),
    ],
)
def test_ethics_follow_the_data(store: Store, format: str, target: str, said: list[str]) -> None:
    run = done_run(store)
    config = {**run.config, "target": target}
    on = replace(run, row=replace(run.row, config=config), data_spec={"name": "faces", "format": format})
    lines = _text(_of(store, on), "Model card", "Ethical considerations").splitlines()[2:]
    assert lines[0].startswith("- Attributes are coarse labels")
    assert len(lines) == 1 + len(said)
    for line, start in zip(lines[1:], said, strict=True):
        assert line.startswith(f"- {start}")


def test_several_runs_are_compared_first(store: Store) -> None:
    runs = [done_run(store, "one"), done_run(store, "another", scored=evaluated(mae=5.0))]
    document = _of(store, *runs)
    assert [section.title for section in document.sections] == ["Comparison", "one", "another"]
    table = document.sections[0].blocks[0]
    assert isinstance(table, Table)
    assert titles(table) == ["run", "seed", "MAE", "gender", "gender signed", "rank"]
    assert texts(table)[1] == (
        "another",
        "7",
        "5.00 ★ ±1.00",
        "0.50 ★ [0.25–0.75]",
        "8.50 ★ ~ [0.00–9.50]",
        "1.25 ◇",
    )
    assert [part.title for part in document.sections[1].parts][-1] == "Model card"
    names = [plot.name for plot in document.plots]
    assert len(set(names)) == len(names) == 7


def test_many_settings_that_differ_have_a_table_of_their_own(store: Store) -> None:
    plain = done_run(store, "plain")
    other = queued(store, "other", loss="mape", batch=16, size=96, optimizer="sgd", seed=3)
    figures, settings = (block for block in _of(store, plain, store.runs.detail(other)).sections[0].blocks
                         if isinstance(block, Table))  # fmt: skip
    assert titles(figures) == ["run", "MAE", "gender", "gender signed"]
    assert titles(settings) == ["run", "size", "loss", "optimizer", "batch", "seed"]
    assert texts(settings) == [
        ("plain", "64", "mse", "adam", "32", "5"),
        ("other (queued)", "96", "mape", "sgd", "16", "3"),
    ]


def test_a_run_that_lacks_the_split_of_the_others_is_told_of(store: Store) -> None:
    tested = done_run(store, "tested", scored=evaluated("test"))
    document = _of(store, tested, done_run(store, "validated"), split="test")
    text, _ = as_markdown(document, "x")
    assert "It was not scored on test, but on valid." in text
    with pytest.raises(ConfigError, match=r"none of these runs has scores on test; choose one of valid"):
        _of(store, store.runs.detail(2), split="test")


def test_a_run_that_lacks_the_split_of_the_others_has_no_figures_of_another(store: Store) -> None:
    tested = done_run(store, "tested", scored=evaluated("test"))
    document = _of(store, tested, done_run(store, "validated", scored=evaluated(gender=0.3)))
    assert _text(document, "validated", "Model card", "Quantitative analyses").splitlines()[2:] == [
        "- It was not scored on test, but on valid."
    ]
    card = _text(document, "validated", "Model card")
    assert "cannot be told from none" not in card
    assert "6.00" not in card
    assert "- MAE: 6.00 years (5.00–7.00)" in _text(document, "tested", "Model card", "Quantitative analyses")


def test_predictions_are_read_and_the_constant_resampled_once_and_on_the_reported_split_alone(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups: list[str | None] = ["male", "female"] * 20
    scored = measured([str(number) for number in range(40)], groups)
    run_id, attempt = running(store, "both")
    with store.writing(run_id, attempt) as writer:
        for split in ("valid", "test"):
            writer.evaluated(replace(scored, split=split), "apparent", "faces")
    end(store, run_id, attempt)
    read: list[tuple[int, str]] = []
    resampled: list[str] = []

    def load(run_id: int, split: str) -> Predictions | None:
        read.append((run_id, split))
        return store.scores.predictions(run_id, split)

    def resample(of: ImageErrors, *, split: str, resamples: int) -> SplitResult:
        resampled.append(split)
        return score_errors(of, split=split, resamples=resamples)

    monkeypatch.setattr("ageui.compare.draft_rows.score_errors", resample)
    document = report([store.runs.detail(run_id)], load)
    assert (read, resampled) == ([(run_id, "test")], ["test"])
    (table,) = (block for block in _section(document, "Groups").blocks if isinstance(block, Table))
    assert all("–" in row[4] for row in texts(table))


@pytest.mark.parametrize("better", [True, False])
def test_a_run_no_better_than_the_constant_is_named(store: Store, better: bool) -> None:
    scored = evaluated(mae=12.0)
    baseline = Baseline(30.25, 13.0 if better else 11.5, {})
    scored = replace(scored, result=replace(scored.result, baseline=baseline))
    document = report([done_run(store, scored=scored)], _none)
    assert ("No better than the constant predictor on MAE: plain." in _text(document, "Scores")) != better


def _none(*_: Any) -> None:
    return None
