"""The report of a study: what was published beside what was measured, and its runs."""

from pathlib import Path

import pytest
from report_rows import texts, titles
from store_rows import end, epoch, evaluated, running
from terminal import Terminal

from ageui.present.table import Table
from ageui.report import as_markdown, study_report
from ageui.report.document import Paragraph
from ageui.report.drawing import Drawing
from ageui.store import Store
from ageui.study import load, study_table

STUDY = """
title = "Losses | two"
shows = "Two losses."
measures = "scores"
notes = ["A note with <b>."]

[base]
backbone = "resnet18@layer3"
size = 64
strategy = "scratch"
epochs = [8]
lr = [5e-4]

[grid]
loss = ["mse", "mape"]

[published]
mse = { mae = 7.5 }
"""


@pytest.fixture
def mine(ageui: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal with a study in `mine.toml`, where plots are empty."""
    monkeypatch.setattr("ageui.report.plots.draw", lambda name, inches, paint: Drawing(*inches, ""))
    Path("mine.toml").write_text(STUDY, encoding="utf-8")
    return ageui


def _trained(store: Store, seed: int, mae: float) -> None:
    run_id, attempt = running(store, seed=seed, loss="mse")
    with store.writing(run_id, attempt) as writer:
        writer.evaluated(evaluated("test", mae), "apparent", "synthetic")
    end(store, run_id, attempt)


def test_a_study_is_a_table_and_its_runs_folded(mine: Terminal, store: Store) -> None:
    for seed, mae in ((0, 6.0), (1, 7.0)):
        _trained(store, seed, mae)
    table = study_table(load("mine.toml"), store)
    runs = [store.runs.detail(run_id) for row in table.rows for run_id in row.runs.values()]
    document = study_report(table, runs, store.scores.predictions)
    text, files = as_markdown(document, "x")
    assert text.startswith("# Losses \\| two\n\nTwo losses.\n\nMeasured on synthetic")
    assert "- A note with \\<b\\>.\n" in text
    assert list(files) == ["comparison.svg"]
    figures, together = (section.blocks[0] for section in document.sections)
    assert isinstance(figures, Table)
    assert isinstance(together, Table)
    assert texts(figures)[0][2] == "7.50"
    assert texts(figures)[1][2] == "6.50 ±0.71 (n=2)"
    assert texts(together)[0][titles(together).index("MAE")] == "6.50 ±0.71 (n=2)"
    (plot,) = document.plots
    assert "Lines are one standard deviation over seeds to each side of a mean, else 95% intervals" in plot.caption


def test_a_study_of_curves_has_them_drawn(mine: Terminal, store: Store) -> None:
    text = STUDY.replace('"scores"', '"curve"').replace('shows = "Two losses."', "").partition("[published]")[0]
    Path("curves.toml").write_text(text, encoding="utf-8")
    assert study_report(study_table(load("curves.toml"), store), [], store.scores.predictions).plots == ()
    run_id, attempt = running(store, loss="mse")
    with store.writing(run_id, attempt) as writer:
        writer.epoch(epoch(1))
        writer.epoch(epoch(2))
    document = study_report(
        study_table(load("curves.toml"), store), [store.runs.detail(run_id)], store.scores.predictions
    )
    assert document.plots[0].name == "curves"
    assert [block.text[:8] for block in document.blocks if isinstance(block, Paragraph)] == ["Begun on"]


def test_a_study_without_a_run_shows_what_was_published(mine: Terminal) -> None:
    done = mine("study", "report", "mine.toml", "-o", "mine.md")
    assert (done.code, done.out) == (0, "mine.md\n")
    text = Path("mine.md").read_text(encoding="utf-8")
    assert "Not measured yet." in text
    assert "| 7.50 |" in text
    assert "## Comparison" not in text
    assert not Path("mine_files").exists()


def test_a_page_of_a_study_is_named_after_it(mine: Terminal, store: Store) -> None:
    _trained(store, 0, 6.0)
    assert mine("study", "report", "mine.toml").out == "study-mine.html\n"
    assert "<h2>Comparison</h2>" in Path("study-mine.html").read_text(encoding="utf-8")
    refused = mine("study", "report", "mine.toml")
    assert refused.code == 2
    assert "study-mine.html already exists" in refused.err
