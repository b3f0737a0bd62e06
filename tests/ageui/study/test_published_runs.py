"""Figures from the report as rows: beside measured runs everywhere, and never taken for one."""

from pathlib import Path

import pytest
from store_rows import running
from study_rows import trained
from terminal import Terminal

from ageui.compare import FORMATS, compare, render_text
from ageui.store import Claimant, Store
from ageui.study import Choice, find_remaining, load, publish, study_table
from ageui.study.publish import published_runs
from ageui.text.states import state_of
from ageui.tui.runs.columns import COLUMNS
from engine.errors import ConfigError


@pytest.fixture
def published(store: Store) -> Store:
    publish(store)
    return store


def test_every_published_cell_is_a_row_once_however_often_it_is_published(store: Store) -> None:
    assert publish(store) == (51, 51)
    assert publish(store) == (51, 0)
    rows = store.runs.search("source=report")
    assert len(rows) == 51
    assert store.problems() == []
    row = store.runs.get(store.runs.find_one("report/table8/mse-16"))
    assert (row.status, row.source, row.summary.mae) == ("done", "report", 11.6451)
    assert row.summary.bias == {"gender": 0.3722, "expression": 1.4066, "ethnicity": 1.2095, "age": 8.9922}
    assert (row.summary.mae_low, row.summary.split, row.config["batch"]) == (None, None, 16)
    loss = store.runs.get(store.runs.find_one("report/table2/resnet101"))
    assert (loss.summary.best_val_loss, loss.summary.mae) == (0.014, None)
    assert "100 minutes" in (loss.note or "")


def test_a_row_that_was_published_otherwise_is_put_right(published: Store) -> None:
    (first, *_) = [run for run in published_runs() if run.name == "report/table7/before"]
    changed = type(first)(first.name, first.config, first.spec, {"mae": 1.0}, "odd")
    assert published.scores.publish([changed]) == 0
    assert published.runs.get(published.runs.find_one(first.name)).summary.bias["age"] is None
    publish(published)
    row = published.runs.get(published.runs.find_one(first.name))
    assert (row.summary.mae, row.summary.bias["age"]) == (10.106, 10.17)


def test_a_run_of_ones_own_keeps_its_name(store: Store) -> None:
    running(store, "report/table8/mse-16")
    with pytest.raises(ConfigError, match="run 1 has the name 'report/table8/mse-16'"):
        publish(store)
    assert store.runs.count() == 1


def test_nobody_can_run_retry_cancel_or_take_a_published_row(published: Store) -> None:
    run_id = published.runs.find_one("report/table10/final")
    for change in (published.queue.retry, published.queue.cancel, published.queue.pause, published.queue.resume):
        with pytest.raises(ConfigError, match="holds figures from the report, so it cannot be run"):
            change(run_id)
    assert published.queue.claim_next(Claimant("cpu", "cpu"), ["auto", "cpu"], lambda _: True) is None
    assert published.queue.claim(run_id, Claimant("cpu", "cpu"), lambda _: True) is None


def test_published_rows_stand_for_no_cell(published: Store) -> None:
    assert published.scores.measured_runs() == []
    study = load("table8")
    assert study_table(study, published).measured_cells == 0
    assert len(find_remaining(study, published).new) == 14


def test_they_are_compared_with_nothing_and_folded_into_nothing(published: Store) -> None:
    study = load("table8")
    ours = trained(published, study, "mse-32", 14.0, choice=Choice("report", "appa-real"), seed=1)
    ids = [ours, published.runs.find_one("report/table8/mse-32"), published.runs.find_one("report/table7/before")]
    comparison = compare([published.runs.detail(one) for one in ids], fold_seeds=True, baseline=str(ours))
    assert [(row.kind, row.name) for row in comparison.rows][1:3] == [
        ("published", "report/table8/mse-32"), ("published", "report/table7/before"),
    ]  # fmt: skip
    for row in comparison.rows[1:3]:
        assert not row.comparable
        assert not any(cell.best or cell.difference or cell.interval for cell in row.cells)
    assert comparison.rows[1].cells[0].value == 13.143
    assert comparison.split == "test"
    assert [row.kind == "published" for row in comparison.rows] == [False, True, True, False]


def test_published_rows_alone_can_be_looked_at_and_are_no_baseline(published: Store) -> None:
    ids = [published.runs.find_one(f"report/table8/mse-{batch}") for batch in (16, 32)]
    runs = [published.runs.detail(one) for one in ids]
    comparison = compare(runs, baseline=str(ids[0]))
    assert comparison.columns == ("mae", "gender", "expression", "ethnicity", "age")
    assert comparison.settings == ("batch",)
    assert comparison.notes == (
        "the baseline report/table8/mse-16 has only published figures, so no differences are shown",
    )
    assert compare(runs).notes == ()


@pytest.mark.parametrize("format", [name for name in FORMATS if name not in ("table", "csv")])
def test_every_format_says_that_a_row_is_published(published: Store, format: str) -> None:
    text = render_text(compare([published.runs.detail(published.runs.find_one("report/table10/final"))]), format)
    assert "published" in text
    assert {"md": "◆ report/table10/final", "tex": r"\blacklozenge", "html": "◆ report"}.get(format, "") in text


def test_the_table_of_the_application_says_so(published: Store) -> None:
    row = published.runs.get(published.runs.find_one("report/table7/before"))
    cell = COLUMNS["state"].cell
    assert cell is not None
    assert cell(row).text == "◆ published"


def test_lists_and_reports_say_so(ageui: Terminal) -> None:
    done = ageui("study", "publish")
    assert "51 published runs" in done.err
    assert "51 of them new" in done.err
    listed = ageui("ls", "report/table8")
    assert "◆ published" in listed.out
    assert "0/50" not in listed.out
    shown = ageui("show", "report/table8/mse-16")
    assert "◆ published" in shown.out
    assert {"MAE 11.65", "gender bias 0.37"} <= {" ".join(line.split()) for line in shown.out.splitlines()}
    assert ageui("retry", "report/table8/mse-16").code == 2
    compared = ageui("compare", "report/table10")
    assert "◆ report/table10/final" in compared.out.replace("\n", "")
    with Store.open(Path("runs.db")) as store:
        assert state_of(store.runs.get(store.runs.find_one("report/table10/final"))) == "◆ published"
