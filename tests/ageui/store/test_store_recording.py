"""What a run says is stored as it was said, once, and only by the attempt that owns the run."""

import json
import math
import os
from typing import Any

import pytest
from store_rows import best, claimed, config, end, epoch, epoch_scores, evaluated, queued, running, state, steps

from ageui.store import LostRunError, Store
from ageui.store.sqlite import driver
from engine.errors import ConfigError, StoreError

MANIFEST = {
    "device": "cpu",
    "data": {"name": "synthetic", "hash": "d00d", "splits": {"train": 5, "valid": 3}},
    "odd": [math.nan, math.inf, -math.inf, None, "nan"],
}


def _same(a: Any, b: Any) -> bool:
    return a == b or (isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b))


def test_a_run_from_queue_to_end(store: Store) -> None:
    run_id = queued(store, "first", ("b", "a"), loss="mape", weights="gender")
    row = store.runs.get(run_id)
    assert (row.name, row.status, row.tags, row.source) == ("first", "queued", ("a", "b"), "measured")
    assert row.config["weights"] == ["gender"]
    assert row.config_hash == config(loss="mape", weights="gender").hash
    assert row.created_at.utcoffset() is not None
    assert row.started_at is None

    assert claimed(store, run_id) == 1
    assert store.runs.get(run_id).status == "running"
    with store.writing(run_id, 1) as writer:
        writer.started(MANIFEST)
        writer.steps(steps((5, 0.5)))
        writer.epoch(epoch(1))
    with store.writing(run_id, 1) as writer:
        writer.steps(steps((15, 0.25)))
        writer.epoch(epoch(2, is_best=False))
    with store.writing(run_id, 1) as writer:
        writer.memory(5_000_000_000)
        writer.end("done", "all epochs", seconds=2.5)

    detail = store.runs.detail(run_id)
    assert (detail.status, detail.data_hash, detail.splits) == ("done", "d00d", {"train": 5, "valid": 3})
    assert [(e.epoch, e.step, e.train_loss, e.is_best) for e in detail.history] == [
        (1, 10, 0.5, True),
        (2, 20, 0.25, False),
    ]
    (attempt,) = detail.attempts
    assert (attempt.number, attempt.outcome, attempt.reason, attempt.pid) == (1, "done", "all epochs", os.getpid())
    assert (attempt.worker, attempt.device, attempt.step, attempt.seconds) == ("cpu", "cpu", 0, 2.5)
    assert (attempt.replayed, attempt.differing, attempt.notes) == (0, 0, ())
    assert attempt.peak_memory_bytes == 5_000_000_000
    assert detail.to_json()["memory"] == {"peak_bytes": 5_000_000_000}
    assert detail.row.error is None
    summary = detail.row.summary
    assert (summary.epochs, summary.epoch, summary.step, summary.val_loss) == (8, 2, 20, 0.125)
    assert (summary.best_epoch, summary.best_val_loss) == (1, 0.25)
    assert store.runs.metric(run_id, "step/loss") == [(5, 0.5), (15, 0.25)]
    assert store.runs.metric(run_id, "step/loss", after=5) == [(15, 0.25)]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.1, 5e-324, -0.0, 1e308])
def test_floats_come_back_as_they_were(store: Store, value: float) -> None:
    run_id, attempt = running(store)
    with store.writing(run_id, attempt) as writer:
        writer.steps(steps((1, value)))
        writer.epoch(epoch(1, val_loss=value, train_loss=value))
        writer.epoch(epoch(2, val_loss=value, scores=epoch_scores(value, value, value)))
        writer.evaluated(evaluated(mae=value, gender=value), "apparent", "synthetic")
    detail = store.runs.detail(run_id)
    scores = detail.history[1].scores
    assert scores is not None
    summary = detail.row.summary
    ((_, point),) = store.runs.metric(run_id, "step/loss")
    bias = detail.results[0].result.biases[0].value
    stored = [
        point, detail.history[0].val_loss, detail.history[0].train_loss, summary.val_loss, summary.best_val_loss,
        summary.mae, summary.bias["gender"], detail.results[0].result.mae, bias, scores.mae, scores.bias["gender"],
        scores.groups[2].mae, summary.val_bias["age"],
    ]  # fmt: skip
    assert all(_same(item, value) and isinstance(item, float) for item in stored), stored


def test_non_finite_values_in_a_manifest_survive_and_are_strings_in_json(store: Store) -> None:
    run_id, attempt = running(store)
    with store.writing(run_id, attempt) as writer:
        writer.started(MANIFEST)
    found = store.runs.detail(run_id).manifest
    assert found is not None
    assert all(_same(a, b) for a, b in zip(found["odd"], MANIFEST["odd"], strict=True))
    assert store.runs.detail(run_id).to_json()["manifest"]["odd"] == ["nan", "inf", "-inf", None, "nan"]


def test_scores_of_epochs_are_part_of_the_history_and_the_newest_ones_of_the_summary(store: Store) -> None:
    run_id, attempt = running(store)
    assert set(store.runs.get(run_id).summary.val_bias.values()) == {None}
    first, late, last = epoch_scores(9.0, 0.5), epoch_scores(8.5, 0.375), epoch_scores(8.0, 0.25, None)
    with store.writing(run_id, attempt) as writer:
        writer.epoch(epoch(1, scores=first))
        writer.epoch(epoch(2))
        writer.epoch(epoch(3))
    assert store.runs.get(run_id).summary.val_bias == {
        "gender": 0.5,
        "expression": None,
        "ethnicity": None,
        "age": 12.0,
    }
    with store.writing(run_id, attempt) as writer:
        writer.epoch_scores(2, late)
        writer.epoch(epoch(4, scores=last))
    detail = store.runs.detail(run_id)
    assert [epoch.scores for epoch in detail.history] == [first, late, None, last]
    assert (detail.row.summary.val_bias["gender"], detail.row.summary.val_bias["age"]) == (0.25, None)
    shown = json.loads(json.dumps(detail.to_json(), allow_nan=False))["history"]
    assert shown[2]["scores"] is None
    assert shown[3]["scores"] == {
        "n": 3,
        "mae": 8.0,
        "bias": {"gender": 0.25, "age": None},
        "groups": [
            {"attribute": "gender", "group": "male", "n": 1, "mae": 7.75, "signed": -1.5},
            {"attribute": "gender", "group": "female", "n": 2, "mae": 8.25, "signed": 2.0},
            {"attribute": "age", "group": "<20", "n": 3, "mae": 8.0, "signed": 0.75},
            {"attribute": "age", "group": ">=20", "n": 0, "mae": None, "signed": None},
        ],
    }


def test_missing_validation_figures_stay_missing(store: Store) -> None:
    run_id, attempt = running(store)
    with store.writing(run_id, attempt) as writer:
        writer.epoch(epoch(1, val_loss=None, val_mae=None))
    detail = store.runs.detail(run_id)
    assert detail.history[0].val_loss is None
    assert detail.row.summary.val_mae is None


def test_points_that_are_stored_again_replace_themselves(store: Store) -> None:
    run_id, attempt = running(store)
    points = [("step/loss", step, 1.0 / step) for step in range(1, 1001)]
    for _ in range(2):
        with store.writing(run_id, attempt) as writer:
            writer.points(points)
            writer.epoch(epoch(1))
        assert len(store.runs.detail(run_id).history) == 1
        assert store.runs.metric(run_id, "step/loss") == [(step, 1.0 / step) for step in range(1, 1001)]
    with store.writing(run_id, attempt) as writer:
        writer.points([("step/loss", 1, math.nan)])
    assert math.isnan(store.runs.metric(run_id, "step/loss")[0][1])


def test_writes_of_a_transaction_are_stored_together_or_not_at_all(store: Store) -> None:
    run_id, attempt = running(store)

    def write_half() -> None:
        with store.writing(run_id, attempt) as writer:
            writer.epoch(epoch(1))
            writer.checkpoint(state(10))
            writer.points([("step/loss", 1, 0.5), (None, 2, 0.5)])  # type: ignore[list-item]

    with pytest.raises(StoreError):
        write_half()
    detail = store.runs.detail(run_id)
    assert store.runs.metric(run_id, "step/loss") == []
    assert (detail.history, detail.checkpoints, detail.row.summary.epoch) == ((), (), None)


def test_only_one_process_gets_a_run(store: Store) -> None:
    run_id = queued(store)
    with Store.open(store.path) as other:
        assert [claimed(store, run_id), claimed(other, run_id)] == [1, None]
    assert claimed(store, 99) is None


@pytest.mark.parametrize("lost", ["finished", "wrong attempt", "no such run", "claimed anew"])
def test_writes_of_an_attempt_that_lost_its_run_are_refused(store: Store, lost: str) -> None:
    run_id, attempt = running(store)
    if lost == "finished":
        end(store, run_id, attempt, "failed", "by the user")
    if lost == "claimed anew":
        assert store.queue.end_lost(store.queue.running()[0], "its process is gone") == "queued"
        assert claimed(store, run_id) == 2
    target = (99, 1) if lost == "no such run" else (run_id, attempt + (lost == "wrong attempt"))
    before = None if lost == "no such run" else store.runs.detail(run_id)
    with pytest.raises(LostRunError, match="has lost run"), store.writing(*target):
        pytest.fail("a writer was given out")
    assert before is None or store.runs.detail(run_id) == before


def test_a_failed_run_keeps_its_reason_whatever_it_holds(store: Store) -> None:
    run_id, attempt = running(store)
    with store.writing(run_id, attempt) as writer:
        writer.noted("odd \udcff")
        writer.end("failed", "cannot read \udcff[/]\x1b[2J", failure="data")
    assert store.runs.get(run_id).error == "cannot read ?[/]\x1b[2J"
    assert (store.runs.get(run_id).status, store.runs.get(run_id).failure) == ("failed", "data")
    assert store.runs.detail(run_id).attempts[0].notes == ("odd ?",)


def test_checkpoints_are_kept_relative_to_the_database(store: Store) -> None:
    run_id, attempt = running(store)
    assert store.run_folder(run_id) == store.path.parent / "runs" / str(run_id)
    for written in (best(30, "ab"), best(40, "cd"), state(40)):
        with store.writing(run_id, attempt) as writer:
            writer.checkpoint(written)
    detail = store.runs.detail(run_id)
    kept, newest = detail.checkpoints
    assert detail.kept == kept
    assert (kept.path, kept.sha256, kept.step) == (f"runs/{run_id}/weights.safetensors", "cd", 40)
    assert store.checkpoint_file(newest) == store.run_folder(run_id) / "state-40.pt"


def test_the_two_newest_states_are_kept_and_the_paths_of_others_given_back(store: Store) -> None:
    run_id, attempt = running(store)
    removed = []
    for step in (10, 20, 20, 30, 40):
        with store.writing(run_id, attempt) as writer:
            writer.checkpoint(state(step))
        removed.append([path.rpartition("-")[2] for path in writer.removed])
    assert removed == [[], [], ["20.pt"], ["10.pt"], ["20.pt"]]
    assert [checkpoint.step for checkpoint in store.runs.detail(run_id).checkpoints] == [30, 40]


@pytest.mark.parametrize(("status", "kept"), [("done", 0), ("diverged", 0), ("failed", 2), ("interrupted", 2)])
def test_states_of_a_finished_run_are_forgotten(store: Store, status: str, kept: int) -> None:
    run_id, attempt = running(store)
    with store.writing(run_id, attempt) as writer:
        writer.checkpoint(best(5))
        writer.checkpoint(state(10))
        writer.checkpoint(state(20))
        writer.end(status, "")
    assert len(writer.removed) == 2 - kept
    assert [checkpoint.kind for checkpoint in store.runs.detail(run_id).checkpoints] == ["best", *["state"] * kept]


def _second_attempt(store: Store, step: int, *first: float) -> tuple[int, int]:
    """A run whose first attempt stored losses and died, and whose second goes on after `step`."""
    run_id, attempt = running(store)
    with store.writing(run_id, attempt) as writer:
        writer.started(MANIFEST)
        writer.points(("step/loss", number, loss) for number, loss in enumerate(first, start=1))
        writer.epoch(epoch(1, scores=epoch_scores(gender=math.nan)))
        writer.evaluated(evaluated(), "apparent", "synthetic")
        writer.crash("killed", "gone")
    assert claimed(store, run_id) == 2
    with store.writing(run_id, 2) as writer:
        writer.started({**MANIFEST, "threads": 9}, step)
    return run_id, 2


def test_replayed_points_are_compared_to_the_bit(store: Store) -> None:
    run_id, attempt = _second_attempt(store, 1, 0.5, 0.25, math.nan, 0.0)
    with store.writing(run_id, attempt) as writer:
        writer.points([("step/loss", 2, 0.25), ("step/loss", 3, math.nan), ("step/loss", 4, -0.0)])
        writer.points([("step/loss", 5, 0.125)])
        writer.epoch(epoch(1, seconds=99.0, images_per_second=1.0, scores=epoch_scores(gender=math.nan)))
        writer.epoch_scores(2, epoch_scores())
        writer.evaluated(evaluated(), "apparent", "synthetic")
    second = store.runs.detail(run_id).attempts[1]
    # Three losses, the seven figures of the epoch that are not times, its scores, and the predictions.
    assert (second.step, second.replayed, second.differing, second.notes) == (1, 12, 0, ())


def test_a_point_that_comes_out_otherwise_is_counted_told_and_replaced(store: Store) -> None:
    run_id, attempt = _second_attempt(store, 1, 0.5, 0.25, 0.125)
    changed = math.nextafter(0.25, 1)
    with store.writing(run_id, attempt) as writer:
        writer.points([("step/loss", 2, changed), ("step/loss", 3, 0.5)])
    second = store.runs.detail(run_id).attempts[1]
    assert (second.replayed, second.differing) == (2, 2)
    (note,) = second.notes
    assert "step/loss 2 was 0.25 and is now 0.25000000000000006" in note
    assert store.runs.metric(run_id, "step/loss") == [(1, 0.5), (2, changed), (3, 0.5)]
    scored = evaluated()
    scored.predicted[0] += 1
    with store.writing(run_id, attempt) as writer:
        writer.evaluated(scored, "apparent", "synthetic")
    assert store.runs.detail(run_id).attempts[1].differing == 3


def test_scores_of_an_epoch_that_come_out_otherwise_are_counted_told_and_replaced(store: Store) -> None:
    run_id, attempt = _second_attempt(store, 1)
    changed = epoch_scores(math.nextafter(8.0, 9.0), math.nan)
    with store.writing(run_id, attempt) as writer:
        writer.epoch(epoch(1, scores=changed))
    detail = store.runs.detail(run_id)
    assert (detail.attempts[1].replayed, detail.attempts[1].differing) == (8, 1)
    assert detail.attempts[1].notes == ("differs from an earlier attempt: the scores of epoch 1",)
    assert detail.history[0].scores is not None
    assert detail.history[0].scores.mae == changed.mae


def test_an_attempt_that_goes_back_forgets_the_checkpoints_it_could_not_use(store: Store) -> None:
    run_id, attempt = running(store)
    with store.writing(run_id, attempt) as writer:
        writer.started(MANIFEST)
        writer.checkpoint(state(10))
        writer.checkpoint(state(20))
        writer.crash("killed", "gone")
    assert claimed(store, run_id) == 2
    with store.writing(run_id, 2) as writer:
        writer.started({**MANIFEST, "device": "other"}, 10)
    assert [path.rpartition("-")[2] for path in writer.removed] == ["20.pt"]
    detail = store.runs.detail(run_id)
    assert [checkpoint.step for checkpoint in detail.checkpoints] == [10]
    # The run is what it was begun with, each attempt knows its own surroundings.
    assert detail.manifest is not None
    assert detail.manifest["device"] == "cpu"
    assert detail.attempts[1].manifest is not None
    assert detail.attempts[1].manifest["device"] == "other"


def test_show_json_keeps_its_contract(store: Store) -> None:
    run_id, attempt = running(store, "shown", loss="mape", weights="gender")
    with store.writing(run_id, attempt) as writer:
        writer.started(MANIFEST)
        writer.epoch(epoch(1, val_loss=math.nan))
        writer.evaluated(evaluated(selected_on="valid"), "apparent", "synthetic")
        writer.checkpoint(best(10))
    shown = json.loads(json.dumps(store.runs.detail(run_id).to_json(), allow_nan=False))
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
        "selected_on": "valid",
        "is_selected": True,
        "is_stale": False,
        "n": 3,
        "in_train": None,
        "mae": 6.0,
        "signed": -0.5,
        "bias": {"gender": 0.5},
        "reasons": {},
        "interval": {"mae": [5.0, 7.0], "gender": [0.25, 0.75]},
        "p": {"gender": 0.03125},
        "detectable": {"gender": 0.375},
        "untested": {},
        "inside_noise": {"gender": False},
        "worst": {"gender": "female"},
        "worst_interval": {"gender": [3.75, 5.5]},
        "gap": {"gender": 0.5},
        "gap_interval": {"gender": [0.125, 0.875]},
        "signed_gap": {
            "gender": {
                "value": 8.5,
                "interval": [0.0, 9.5],
                "note": None,
                "p": 0.125,
                "inside_noise": True,
                "detectable": 8.75,
            }
        },
        "figures": {
            "cs5": {"value": 62.5, "interval": [50.0, 75.0], "note": None},
            "slope": {"value": -0.25, "interval": None, "note": None},
            "gender_standardised": {"value": 0.625, "interval": [0.5, 1.0], "note": "without 25% of the images"},
        },
        "missing": {"gender": 1},
        "baseline": {"age": 30.25, "mae": 11.5, "bias": {"gender": 2.0}},
        "groups": [
            {"attribute": "gender", "group": "male", "n": 1, "mae": 4.0, "signed": -4.0, "interval": [3.5, 4.25]},
            {"attribute": "gender", "group": "female", "n": 1, "mae": 4.5, "signed": 4.5, "interval": None},
            {"attribute": "gender", "group": "other", "n": 0, "mae": None, "signed": None, "interval": None},
        ],
    }
    assert shown["checkpoints"][0]["sha256"] == "ab"
    assert shown["attempts"][0]["number"] == 1


def test_an_unknown_config_is_still_shown(store: Store) -> None:
    run_id = queued(store)
    raw = driver().connect(str(store.path))
    raw.execute("UPDATE run SET config = json_set(config, '$.forgotten', 1)")
    raw.commit()
    raw.close()
    shown = store.runs.detail(run_id).to_json()
    assert shown["command"] is None
    assert shown["config"]["forgotten"] == 1


def test_a_run_that_is_not_there(store: Store) -> None:
    for read in (store.runs.get, store.runs.detail):
        with pytest.raises(ConfigError, match="run 7 does not exist"):
            read(7)
    assert store.scores.predictions(7, "valid") is None
