"""Runs with predictions that regress to the mean, to make derived runs from."""

from typing import Any

import numpy as np
import pandas as pd
from store_rows import end, running

from ageui.derive.deriving import calibrate
from ageui.store import Store
from engine.events import Evaluated
from engine.fairness import evaluate_split

IMAGES = 120
TRAIN_MEAN = 33.0
_GENDERS = ("male", "female")


def scored_run(
    store: Store,
    name: str,
    *,
    splits: tuple[str, ...] = ("valid", "test"),
    images: int = IMAGES,
    data_hash: str | None = "d00d",
    **changes: Any,
) -> int:
    """The id of a done run with scores on splits, whose predictions depend on its config."""
    run_id, attempt = running(store, name, **changes)
    with store.writing(run_id, attempt) as writer:
        writer.started({"dtype": "fp32", "data": {"hash": data_hash, "splits": {}}})
        for split in splits:
            writer.evaluated(_evaluated(split, run_id), "apparent", "faces")
    end(store, run_id, attempt)
    return run_id


def calibrated_run(store: Store, run_id: int, **options: Any) -> int:
    """The id of a run that is made by calibrating another one."""
    (made,) = calibrate(store, [run_id], **options)
    return made


def ages_of(split: str) -> np.ndarray:
    random = np.random.default_rng(len(split))
    return np.clip(random.normal(TRAIN_MEAN, 16, IMAGES), 1, 90).round(1)


def _evaluated(split: str, seed: int) -> Evaluated:
    ages = ages_of(split)
    random = np.random.default_rng([seed, len(split)])
    predicted = (TRAIN_MEAN + 0.6 * (ages - TRAIN_MEAN) + random.normal(0, 4, IMAGES)).astype(np.float32)
    items = pd.DataFrame(
        {
            "image": [f"{split}-{place:03}.jpg" for place in range(IMAGES)],
            "age": ages,
            "subject": [f"s{place // 2}" if place < 20 else None for place in range(IMAGES)],
            "gender": [_GENDERS[place % 2] for place in range(IMAGES)],
        }
    )
    groups = {"gender": (np.arange(IMAGES) % 2, _GENDERS)}
    result = evaluate_split(ages, predicted.astype(np.float64), groups, TRAIN_MEAN, resamples=0)
    return Evaluated(split, result, items, predicted, "valid")
