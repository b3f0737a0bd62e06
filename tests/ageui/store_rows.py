"""Runs and events to fill a store with."""

from typing import Any

import numpy as np
import pandas as pd

from ageui.store import Claimant, Store
from engine.config import PRESETS, RunConfig, build_config
from engine.data.spec import BUILT_IN
from engine.events import CheckpointWritten, EpochEnded, Evaluated, StepsEnded
from engine.fairness import Baseline, BiasResult, GroupResult, Interval, Noise, SplitResult


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


def evaluated(split: str = "valid", mae: float = 6.0, gender: float | None = 0.5) -> Evaluated:
    """A scored split of three images, whose figures are made up and so cannot come out of a recomputation."""
    items = pd.DataFrame(
        {"image": ["a.jpg", "b.jpg", "ç.jpg"], "age": [10.0, 35.5, 70.0], "gender": ["male", None, "female"]}
    )
    groups = (
        GroupResult("male", 1, 4.0, -4.0),
        GroupResult("female", 1, 4.5, 4.5),
        GroupResult("other", 0, None, None),
    )
    bias = BiasResult(
        "gender", gender, None if gender is not None else "no image of other in valid",
        Interval(0.25, 0.75), Noise(0.125, 0.375), groups, missing=1,
    )  # fmt: skip
    result = SplitResult(3, mae, Interval(5.0, 7.0), -0.5, (bias,), Baseline(30.25, 11.5, {"gender": 2.0}))
    return Evaluated(split, result, items, np.array([12.5, 30.0, np.nan], dtype=np.float32))


def state(step: int) -> CheckpointWritten:
    return CheckpointWritten("state", f"state-{step}.pt", step // 10, step, "ab", 7)


def best(step: int, sha256: str = "ab") -> CheckpointWritten:
    return CheckpointWritten("best", "weights.safetensors", step // 10, step, sha256, 7)
