"""Figures on request: further ones, crossed groups, one attribute, other data, and what earlier versions stored."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from store_rows import best, end, epoch, epoch_scores, evaluated, make_stale, running
from terminal import Terminal

import engine.score
from ageui.store import Store
from ageui.store.sqlite import driver


@pytest.fixture
def scored(store: Store) -> Store:
    """Two runs; the images of `valid` chose the weights of the first."""
    for name, chose in (("one", "valid"), ("two", None)):
        run_id, attempt = running(store, name, loss="mse" if name == "one" else "mape")
        with store.writing(run_id, attempt) as writer:
            writer.epoch(epoch())
            writer.checkpoint(best(10))
            writer.evaluated(evaluated(selected_on=chose), "apparent", "faces")
        end(store, run_id, attempt)
    return store


def test_further_figures_are_compared_when_named(ageui: Terminal, scored: Store) -> None:
    rows = ageui("compare", "one", "two", "--figures", "signed,cs5", "--json").json["rows"]
    assert rows[0]["figures"] == {"gender_signed": 8.5, "cs5": 62.5}
    assert rows[0]["noise"]["gender_signed"]["inside"] is True
    assert ageui("compare", "one", "two", "--figures", "none", "--json").json["rows"][0]["figures"] == {}
    done = ageui("compare", "one", "two", "--figures", "cs6")
    assert done.code == 2
    assert "unknown figure 'cs6'; choose one of signed, gap, ratio" in done.err


def test_what_chose_the_weights_is_said_and_stands_back(ageui: Terminal, scored: Store) -> None:
    found = ageui("compare", "one", "two", "--json").json
    assert [row["selected"] for row in found["rows"]] == [True, False, False]
    assert [row["best"]["mae"] for row in found["rows"]] == [False, False, False]
    assert found["legend"][0].startswith("valid (selected), 3 images")
    printed = [line.split() for line in ageui("compare", "one", "two").out.splitlines()]
    assert [line[0] for line in printed if "selected" in line] == ["selected"], "below the name of the first"
    assert "valid (selected)" in ageui("show", "one").out
    assert ageui("show", "one", "--json").json["results"][0]["selected_on"] == "valid"


def test_a_run_without_scores_shows_those_of_its_newest_scored_epoch(ageui: Terminal, store: Store) -> None:
    run_id, attempt = running(store, "going")
    with store.writing(run_id, attempt) as writer:
        writer.epoch(epoch(1, scores=epoch_scores(9.0, None)))
        writer.epoch(epoch(2))
    assert "valid after epoch 1: MAE 9.00, gender bias —, age bias 12.00 (years)" in ageui("show", "going").out
    history = ageui("show", "going", "--json").json["history"]
    assert [one["scores"] and one["scores"]["bias"] for one in history] == [{"gender": None, "age": 12.0}, None]
    with store.writing(run_id, attempt) as writer:
        writer.evaluated(evaluated(), "apparent", "faces")
    assert "valid after epoch" not in ageui("show", "going").out


def test_folding_across_takes_known_names_only(ageui: Terminal, scored: Store) -> None:
    assert ageui("compare", "one", "two", "--fold-across", "arithmetic,revision").code == 0
    done = ageui("compare", "one", "--fold-across", "device")
    assert (done.code, "choose one of arithmetic, revision" in done.err) == (2, True)


def test_the_groups_of_an_attribute_are_set_against_the_best_or_another(ageui: Terminal, scored: Store) -> None:
    shown = ageui("show", "one", "--by", "gender").out
    assert "few images" in shown
    assert "+0.50" in shown
    assert "gender bias 0.50, 95% 0.25–0.75, p 0.031, detectable from 0.38" in shown
    turned = ageui("show", "one", "--by", "gender", "--against", "female").out
    assert "−0.50" in turned
    assert "0.89×" in turned
    for arguments, said in (
        (("--by", "shoes"), "choose one of gender"),
        (("--by", "gender", "--against", "them"), "choose one of male, female, other"),
        (("--by", "gender", "--split", "test"), "choose one of valid"),
        (("--against", "male"), "add --by"),
    ):
        done = ageui("show", "one", *arguments)
        assert (done.code, said in done.err) == (2, True), done.err


def test_crossed_groups_of_a_run_without_predictions_are_refused(ageui: Terminal, scored: Store) -> None:
    raw = driver().connect(str(scored.path))
    raw.execute("DELETE FROM prediction WHERE run_id = 1")
    raw.commit()
    raw.close()
    done = ageui("show", "one", "--by", "gender*age")
    assert (done.code, "crossed groups need predictions" in done.err) == (2, True), done.err


def test_runs_are_found_by_further_figures(ageui: Terminal, scored: Store) -> None:
    assert len(ageui("ls", "cs5>60", "gender_signed>8", "gender_worst<5", "gender_gap=0.5", "--json").json) == 2
    assert ageui("ls", "slope>0", "--json").json == []


def test_scores_on_other_data_are_stored_beside_the_own(
    ageui: Terminal, scored: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    def score(weights: Path, spec: Any, **how: Any) -> Any:
        asked.append({"data": spec.name, **how})
        return replace(evaluated(mae=9.0), split=f"{spec.name}/test")

    monkeypatch.setattr(engine.score, "score_data", score)
    done = ageui("score", "one", "--data", "synthetic", "--json")
    assert done.code == 0
    assert (done.json["split"], done.json["mae"], done.json["is_selected"]) == ("synthetic/test", 9.0, False)
    assert (asked[0]["data"], asked[0]["constant_age"], asked[0]["split"]) == ("synthetic", 30.25, None)
    shown = ageui("show", "one", "--json").json
    assert [one["split"] for one in shown["results"]] == ["valid", "synthetic/test"]
    assert shown["summary"]["mae"] == 6.0
    assert ageui("compare", "one", "--split", "synthetic/test", "--json").json["rows"][0]["mae"] == 9.0
    assert ageui("compare", "one", "--json").json["split"] == "valid"


def test_stale_results_are_rescored_once(ageui: Terminal, scored: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    make_stale(scored)
    started: list[list[str]] = []
    monkeypatch.setattr("ageui.worker.rescorer.subprocess.Popen", lambda command, **how: started.append(command))
    said = ageui("ls").err
    assert "2 results of an earlier version will be scored again in the background" in said
    assert started[0][3:6] == ["ageui", "db", "rescore"]
    assert "scored 2 results again" in ageui("db", "rescore").err
    assert "all results have their intervals and tests" in ageui("db", "rescore").err
    assert "earlier version" not in ageui("ls").err
    assert len(started) == 1


def test_showing_a_run_draws_no_sample(ageui: Terminal, scored: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for drawing in ("engine.resampling._poisson_counts", "engine.gap_test._shuffled_sums"):
        monkeypatch.setattr(drawing, lambda *_: pytest.fail("something was drawn"))
    assert "signed gap" in ageui("show", "one").out
    assert ageui("show", "one", "--by", "gender").code == 0
    assert ageui("ls").code == 0


def test_a_narrow_terminal_shows_every_figure_of_a_run(
    ageui: Terminal, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, attempt = running(store, "one")
    with store.writing(run_id, attempt) as writer:
        for split in ("train", "valid", "test"):
            writer.evaluated(evaluated(split), "apparent", "faces")
    end(store, run_id, attempt)
    for columns in ("40", "80", "200"):
        monkeypatch.setenv("COLUMNS", columns)
        assert ageui("show", "one").out.count("5.00–7.00") == 3
