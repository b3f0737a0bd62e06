"""Runs and events to fill a store with."""

from typing import Any

import numpy as np
import pandas as pd

from ageui.store import Claimant, Store
from ageui.store.sqlite import driver
from engine.config import PRESETS, RunConfig, build_config
from engine.data.report import DataCounts
from engine.data.spec import BUILT_IN
from engine.epoch_scores import EpochScores, GroupError
from engine.events import CheckpointWritten, EpochEnded, Evaluated, StepsEnded
from engine.split_result import Baseline, BiasResult, Figure, GapFigure, GroupResult, Interval, SplitResult

COUNTS = DataCounts(
    target="apparent",
    splits={"train": {"images": 5, "labelled": 5}},
    groups={"gender": {"male": {"train": 3}, "female": {"train": 2}}},
)


def config(**changes: Any) -> RunConfig:
    return build_config({**PRESETS["quick"], **changes})


def queued(store: Store, name: str | None = None, tags: tuple[str, ...] = (), **changes: Any) -> int:
    return store.runs.add(config(**changes), BUILT_IN, name=name, tags=tags)


def running(store: Store, name: str | None = None, tags: tuple[str, ...] = (), **changes: Any) -> tuple[int, int]:
    run_id = queued(store, name, tags, **changes)
    attempt = claimed(store, run_id)
    assert attempt is not None
    return run_id, attempt


def claimed(store: Store, run_id: int, worker: str | None = "cpu") -> int | None:
    """The attempt of a run that is claimed for a worker, or in the foreground; None where it cannot be had."""
    claim = store.queue.claim(run_id, Claimant(worker, "cpu"), lambda run_id: True)
    return claim.attempt if claim is not None else None


def end(store: Store, run_id: int, attempt: int, status: str = "done", reason: str = "") -> None:
    with store.writing(run_id, attempt) as writer:
        writer.end(status, reason)


def steps(*losses: tuple[int, float], stage: int = 1) -> StepsEnded:
    last = losses[-1][0]
    return StepsEnded(stage, 1, last, 80, losses, 900.0, 12.5)


def epoch(number: int = 1, **changes: Any) -> EpochEnded:
    values: dict[str, Any] = {
        "stage": 1,
        "epoch": number,
        "step": 10 * number,
        "train_loss": 0.5 / number,
        "val_loss": 0.25 / number,
        "val_mae": 8.0 / number,
        "lr": 1e-5,
        "seconds": 1.5,
        "images_per_second": 900.0,
        "is_best": True,
        **changes,
    }
    return EpochEnded(**values)


def epoch_scores(mae: float = 8.0, gender: float | None = 0.5, age: float | None = 12.0) -> EpochScores:
    """Scores of an epoch on three validation images, with a group that has none."""
    groups = (
        GroupError("gender", "male", 1, mae - 0.25, -1.5),
        GroupError("gender", "female", 2, mae + 0.25, 2.0),
        GroupError("age", "<20", 3, mae, 0.75),
        GroupError("age", ">=20", 0, None, None),
    )
    return EpochScores(3, mae, {"gender": gender, "age": age}, groups)


def evaluated(
    split: str = "valid", mae: float = 6.0, gender: float | None = 0.5, selected_on: str | None = None
) -> Evaluated:
    """A scored split of three images, whose figures are made up and so cannot come out of a recomputation."""
    items = pd.DataFrame(
        {"image": ["a.jpg", "b.jpg", "ç.jpg"], "age": [10.0, 35.5, 70.0], "gender": ["male", None, "female"]}
    )
    groups = (
        GroupResult("male", 1, 4.0, -4.0, Interval(3.5, 4.25)),
        GroupResult("female", 1, 4.5, 4.5),
        GroupResult("other", 0, None, None),
    )
    reason = None if gender is not None else "no image of other in valid"
    bias = BiasResult(
        value=gender,
        reason=reason,
        interval=Interval(0.25, 0.75),
        p_value=0.03125,
        detectable=0.375,
        attribute="gender",
        groups=groups,
        missing=1,
        signed_gap=GapFigure(
            None if gender is None else 8.5, reason, Interval(0.0, 9.5), p_value=0.125, detectable=8.75
        ),
        gap_interval=Interval(0.125, 0.875),
        worst_interval=Interval(3.75, 5.5),
    )
    others = {
        "cs5": Figure(62.5, interval=Interval(50.0, 75.0)),
        "slope": Figure(-0.25),
        "gender_standardised": Figure(0.625, interval=Interval(0.5, 1.0), note="without 25% of the images"),
    }
    baseline = Baseline(30.25, 11.5, {"gender": 2.0})
    result = SplitResult(3, mae, Interval(5.0, 7.0), -0.5, (bias,), baseline, others)
    return Evaluated(split, result, items, np.array([12.5, 30.0, np.nan], dtype=np.float32), selected_on)


def state(step: int) -> CheckpointWritten:
    return CheckpointWritten("state", f"state-{step}.pt", step // 10, step, "ab", 7)


def best(step: int, sha256: str = "ab") -> CheckpointWritten:
    return CheckpointWritten("best", "weights.safetensors", step // 10, step, sha256, 7)


def make_stale(store: Store) -> None:
    """Leaves what an upgrade from an earlier schema leaves: figures without tests."""
    raw = driver().connect(str(store.path))
    raw.execute("UPDATE result SET statistics = 0, mae_low = NULL")
    raw.execute("UPDATE bias SET p_value = NULL, detectable = NULL, low = 99")
    raw.execute("UPDATE bias SET signed = NULL, signed_p_value = NULL, signed_detectable = NULL")
    raw.execute("UPDATE group_result SET low = NULL, high = NULL")
    raw.execute("UPDATE summary SET mae_low = NULL, p_gender = NULL, p_age = NULL")
    raw.execute("DELETE FROM figure")
    raw.commit()
    raw.close()
