"""What a run says is stored as it was said, once, and only by the attempt that owns the run."""

import json
import math
import os
import sqlite3
from typing import Any

import numpy as np
import pytest
from store_rows import config, epoch, evaluated, queued, running

from ageui.store import Store
from engine.errors import ConfigError, StoreError
from engine.events import CheckpointWritten

MANIFEST = {
    "device": "cpu",
    "data": {"name": "synthetic", "hash": "d00d", "splits": {"train": 5, "valid": 3}},
    "odd": [math.nan, math.inf, -math.inf, None, "nan"],
}


def _same(a: Any, b: Any) -> bool:
    return a == b or (isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b))


def test_a_run_from_queue_to_end(store: Store) -> None:
    run_id = queued(store, "first", ("b", "a"), loss="mape", weights="gender")
    row = store.row(run_id)
    assert (row.name, row.status, row.tags, row.source) == ("first", "queued", ("a", "b"), "measured")
    assert row.config["weights"] == ["gender"]
    assert row.config_hash == config(loss="mape", weights="gender").hash
    assert row.created_at.utcoffset() is not None
    assert row.started_at is None

    assert store.claim(run_id) == 1
    assert store.row(run_id).status == "running"
    store.record_started(run_id, 1, MANIFEST)
    store.record_metrics(run_id, 1, epoch(1), [("step/loss", 5, 0.5)])
    store.record_metrics(run_id, 1, epoch(2, is_best=False), [("step/loss", 15, 0.25)])
    store.finish(run_id, 1, "done", "all epochs")

    detail = store.detail(run_id)
    assert (detail.status, detail.data_hash, detail.splits) == ("done", "d00d", {"train": 5, "valid": 3})
    assert [(e.epoch, e.step, e.train_loss, e.is_best) for e in detail.history] == [
        (1, 10, 0.5, True),
        (2, 20, 0.25, False),
    ]
    (attempt,) = detail.attempts
    assert (attempt.number, attempt.outcome, attempt.reason, attempt.pid) == (1, "done", "all epochs", os.getpid())
    assert detail.row.error is None
    summary = detail.row.summary
    assert (summary.epochs, summary.epoch, summary.step, summary.val_loss) == (8, 2, 20, 0.125)
    assert (summary.best_epoch, summary.best_val_loss) == (1, 0.25)
    assert store.metric(run_id, "step/loss") == [(5, 0.5), (15, 0.25)]
    assert store.metric(run_id, "step/loss", after=5) == [(15, 0.25)]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.1, 5e-324, -0.0, 1e308])
def test_floats_come_back_as_they_were(store: Store, value: float) -> None:
    run_id, attempt = running(store)
    store.record_metrics(run_id, attempt, epoch(1, val_loss=value, train_loss=value), [("step/loss", 1, value)])
    store.record_evaluated(run_id, attempt, evaluated(mae=value, gender=value), "apparent")
    detail = store.detail(run_id)
    summary = detail.row.summary
    ((_, point),) = store.metric(run_id, "step/loss")
    bias = detail.results[0].result.biases[0].value
    stored = [
        point, detail.history[0].val_loss, detail.history[0].train_loss, summary.val_loss, summary.best_val_loss,
        summary.mae, summary.bias["gender"], detail.results[0].result.mae, bias,
    ]  # fmt: skip
    assert all(_same(item, value) and isinstance(item, float) for item in stored), stored


def test_non_finite_values_in_a_manifest_survive_and_are_strings_in_json(store: Store) -> None:
    run_id, attempt = running(store)
    store.record_started(run_id, attempt, MANIFEST)
    found = store.detail(run_id).manifest
    assert found is not None
    assert all(_same(a, b) for a, b in zip(found["odd"], MANIFEST["odd"], strict=True))
    assert store.detail(run_id).to_json()["manifest"]["odd"] == ["nan", "inf", "-inf", None, "nan"]


def test_missing_validation_figures_stay_missing(store: Store) -> None:
    run_id, attempt = running(store)
    store.record_metrics(run_id, attempt, epoch(1, val_loss=None, val_mae=None))
    detail = store.detail(run_id)
    assert detail.history[0].val_loss is None
    assert detail.row.summary.val_mae is None


def test_points_that_are_stored_again_replace_themselves(store: Store) -> None:
    run_id, attempt = running(store)
    points = [("step/loss", step, 1.0 / step) for step in range(1, 1001)]
    store.record_metrics(run_id, attempt, epoch(1), points)
    before = store.detail(run_id)
    store.record_metrics(run_id, attempt, epoch(1), points)
    assert store.detail(run_id) == before
    assert store.metric(run_id, "step/loss") == [(step, 1.0 / step) for step in range(1, 1001)]
    store.record_metrics(run_id, attempt, None, [("step/loss", 1, math.nan)])
    assert math.isnan(store.metric(run_id, "step/loss")[0][1])


def test_an_epoch_and_its_points_are_stored_together_or_not_at_all(store: Store) -> None:
    run_id, attempt = running(store)
    with pytest.raises(StoreError):
        store.record_metrics(run_id, attempt, epoch(1), [("step/loss", 1, 0.5), (None, 2, 0.5)])
    assert store.metric(run_id, "step/loss") == []
    assert store.detail(run_id).history == ()
    assert store.row(run_id).summary.epoch is None


def test_only_one_process_gets_a_run(store: Store) -> None:
    run_id = queued(store)
    with Store.open(store.path) as other:
        assert [store.claim(run_id), other.claim(run_id)] == [1, None]
    assert store.claim(99) is None


@pytest.mark.parametrize("lost", ["finished", "wrong attempt", "no such run"])
def test_writes_of_an_attempt_that_lost_its_run_are_refused(store: Store, lost: str) -> None:
    run_id, attempt = running(store)
    if lost == "finished":
        store.finish(run_id, attempt, "cancelled", "by the user")
    target = (99, 1) if lost == "no such run" else (run_id, attempt + (lost == "wrong attempt"))
    before = None if lost == "no such run" else store.detail(run_id)
    written = CheckpointWritten("weights.safetensors", 1, 10, "ab", 3)
    for write in (
        lambda: store.record_started(*target, MANIFEST),
        lambda: store.record_metrics(*target, epoch(1), [("step/loss", 1, 0.5)]),
        lambda: store.record_evaluated(*target, evaluated(), "apparent"),
        lambda: store.record_checkpoint(*target, written),
        lambda: store.finish(*target, "done", ""),
    ):
        with pytest.raises(StoreError, match="no longer owned"):
            write()
    assert before is None or store.detail(run_id) == before


def test_a_failed_run_keeps_its_reason_whatever_it_holds(store: Store) -> None:
    run_id, attempt = running(store)
    store.finish(run_id, attempt, "failed", "cannot read \udcff[/]\x1b[2J")
    assert store.row(run_id).error == "cannot read ?[/]\x1b[2J"
    assert store.row(run_id).status == "failed"


def test_scores_groups_and_predictions_come_back(store: Store) -> None:
    run_id, attempt = running(store)
    scored = evaluated()
    store.record_evaluated(run_id, attempt, scored, "apparent")
    (found,) = store.detail(run_id).results
    assert found.result == scored.result
    assert (found.split, found.target, found.data_name) == ("valid", "apparent", "synthetic")
    frame = store.predictions(run_id)
    assert list(frame.columns) == ["split", "image", "age", "predicted", "gender"]
    assert frame["image"].tolist() == ["a.jpg", "b.jpg", "ç.jpg"]
    assert frame["gender"].isna().tolist() == [False, True, False]
    np.testing.assert_array_equal(frame["predicted"], scored.predicted)
    np.testing.assert_array_equal(frame["age"], scored.items["age"])


def test_an_undefined_bias_keeps_its_reason(store: Store) -> None:
    run_id, attempt = running(store)
    store.record_evaluated(run_id, attempt, evaluated(gender=None), "apparent")
    (result,) = store.detail(run_id).to_json()["results"]
    assert result["bias"] == {"gender": None}
    assert result["reasons"] == {"gender": "no image of other in valid"}
    assert store.row(run_id).summary.bias["gender"] is None


def test_runs_scored_on_the_same_images_share_them(store: Store) -> None:
    ids = [running(store), running(store, loss="mae"), running(store)]
    store.record_evaluated(*ids[0], evaluated(), "apparent")
    store.record_evaluated(*ids[1], evaluated(mae=1.0), "apparent")
    store.record_evaluated(*ids[2], evaluated(), "real")
    images = [store.detail(run_id).results[0].images for run_id, _ in ids]
    assert images[0] == images[1] != images[2]


def test_scoring_again_replaces_and_the_summary_prefers_test(store: Store) -> None:
    run_id, attempt = running(store)
    for split, mae in (("train", 1.0), ("test", 3.0), ("valid", 2.0), ("test", 4.0)):
        store.record_evaluated(run_id, attempt, evaluated(split, mae), "apparent")
        if split == "train":
            assert store.row(run_id).summary.split == "train"
    detail = store.detail(run_id)
    assert [(scores.split, scores.result.mae) for scores in detail.results] == [
        ("train", 1.0),
        ("valid", 2.0),
        ("test", 4.0),
    ]
    assert (detail.row.summary.split, detail.row.summary.mae) == ("test", 4.0)
    assert detail.row.summary.noise["gender"] == 0.375


def test_checkpoints_are_kept_relative_to_the_database(store: Store) -> None:
    run_id, attempt = running(store)
    assert store.run_folder(run_id) == store.path.parent / "runs" / str(run_id)
    store.record_checkpoint(run_id, attempt, CheckpointWritten("weights.safetensors", 3, 30, "ab", 7))
    store.record_checkpoint(run_id, attempt, CheckpointWritten("weights.safetensors", 3, 30, "cd", 8))
    (checkpoint,) = store.detail(run_id).checkpoints
    assert (checkpoint.path, checkpoint.sha256, checkpoint.bytes) == (f"runs/{run_id}/weights.safetensors", "cd", 8)
    assert store.checkpoint_file(checkpoint) == store.run_folder(run_id) / "weights.safetensors"


def test_show_json_keeps_its_contract(store: Store) -> None:
    run_id, attempt = running(store, "shown", loss="mape", weights="gender")
    store.record_started(run_id, attempt, MANIFEST)
    store.record_metrics(run_id, attempt, epoch(1, val_loss=math.nan))
    store.record_evaluated(run_id, attempt, evaluated(), "apparent")
    store.record_checkpoint(run_id, attempt, CheckpointWritten("weights.safetensors", 1, 10, "ab", 7))
    shown = json.loads(json.dumps(store.detail(run_id).to_json(), allow_nan=False))
    assert (shown["id"], shown["name"], shown["status"]) == (run_id, "shown", "running")
    assert shown["config"]["loss"] == "mape"
    assert shown["command"] == config(loss="mape", weights="gender").command()
    assert {key: shown["data"][key] for key in ("name", "hash", "splits")} == MANIFEST["data"]
    assert shown["manifest"]["device"] == "cpu"
    (history,) = shown["history"]
    assert history | {"stage": 1, "epoch": 1, "train_loss": 0.5, "val_mae": 8.0, "lr": 1e-5, "seconds": 1.5} == history
    assert history["val_loss"] == "nan"
    (result,) = shown["results"]
    images = result.pop("images")
    assert len(images) == 64
    assert result == {
        "split": "valid",
        "target": "apparent",
        "data": "synthetic",
        "n": 3,
        "mae": 6.0,
        "signed": -0.5,
        "bias": {"gender": 0.5},
        "reasons": {},
        "interval": {"mae": [5.0, 7.0], "gender": [0.25, 0.75]},
        "noise": {"gender": {"mean": 0.125, "p95": 0.375}},
        "worst": {"gender": "female"},
        "missing": {"gender": 1},
        "baseline": {"age": 30.25, "mae": 11.5, "bias": {"gender": 2.0}},
        "groups": [
            {"attribute": "gender", "group": "male", "n": 1, "mae": 4.0, "signed": -4.0},
            {"attribute": "gender", "group": "female", "n": 1, "mae": 4.5, "signed": 4.5},
            {"attribute": "gender", "group": "other", "n": 0, "mae": None, "signed": None},
        ],
    }
    assert shown["checkpoints"][0]["sha256"] == "ab"
    assert shown["attempts"][0]["number"] == 1


def test_a_config_that_is_no_longer_known_is_still_shown(store: Store) -> None:
    run_id = queued(store)
    raw = sqlite3.connect(store.path)
    raw.execute("UPDATE run SET config = json_set(config, '$.forgotten', 1)")
    raw.commit()
    raw.close()
    shown = store.detail(run_id).to_json()
    assert shown["command"] is None
    assert shown["config"]["forgotten"] == 1


def test_a_run_that_is_not_there(store: Store) -> None:
    for read in (store.row, store.detail):
        with pytest.raises(ConfigError, match="no run 7"):
            read(7)
    assert store.split_predictions(7, "valid") is None
