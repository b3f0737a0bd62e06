"""Studies and measured runs, made up."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from store_rows import best, claimed, end, epoch, evaluated

from ageui.store import Store
from ageui.study import Choice, Study, load
from ageui.study.variants import cell_config
from engine.config import build_config
from engine.data.spec import BUILT_IN, DataSpec
from engine.events import Evaluated
from engine.fairness import evaluate_split

QUICK = Choice("quick", "synthetic")

LOSSES = """
title = "Losses | two"
shows = "Two losses at two batch sizes."
measures = "scores"
notes = ["A note with $ and <b>."]

[base]
data = "synthetic"
backbone = "resnet18"
strategy = "scratch"
epochs = [2]

[grid]
loss = ["mse", "mape"]
batch = [8, 16]

[published]
mse-8 = { mae = 7.5, gender = 0.25 }
mse-16 = { mae = 6.5, gender = 0.75 }
mape-8 = { mae = 5.5 }
"""


def written(folder: Path, text: str = LOSSES, name: str = "mine") -> Study:
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return load(str(path))


def trained(
    store: Store,
    study: Study,
    cell: str,
    mae: float = 6.0,
    *,
    choice: Choice = QUICK,
    status: str = "done",
    gender: float | None = 0.5,
    splits: tuple[str, ...] = ("test",),
    data_spec: DataSpec = BUILT_IN,
    scored: Evaluated | None = None,
    **changes: Any,
) -> int:
    """A run of a cell that ended, with scores, made up unless `scored`; its id."""
    found = next(one for one in study.cells if one.name == cell)
    config = cell_config(study, found, choice, registered=(), cuda_available=lambda: False)
    run_id = store.runs.add(build_config({**config.model_dump(), **changes}), data_spec, name=None)
    attempt = claimed(store, run_id)
    assert attempt is not None
    with store.writing(run_id, attempt) as writer:
        writer.started(
            {"device": "cpu", "placement": "cpu", "data": {"name": BUILT_IN.name, "hash": "d", "splits": {}}}
        )
        writer.epoch(epoch(1, val_loss=mae / 100))
        writer.checkpoint(best(10))
        for split in splits:
            writer.evaluated(scored or evaluated(split, mae=mae, gender=gender), "apparent", "synthetic")
    end(store, run_id, attempt, status)
    return run_id


def scored(seed: int, images: int = 60, shift: float = 3.0) -> Evaluated:
    """A training's predictions, which make women `shift` years older than men, scored as the engine does."""
    ages = np.random.default_rng(0).uniform(10.0, 70.0, images)
    codes = np.arange(images, dtype=np.int64) % 2
    names = ("male", "female")
    errors = np.random.default_rng(1).normal(0.0, 4.0, images) + np.random.default_rng(seed + 2).normal(
        0.0, 1.0, images
    )
    predicted = (ages + errors + shift * codes).astype(np.float32)
    items = pd.DataFrame(
        {"image": [f"{place}.jpg" for place in range(images)], "age": ages, "gender": [names[code] for code in codes]}
    )
    result = evaluate_split(ages, predicted.astype(np.float64), {"gender": (codes, names)}, 30.0, split="test")
    return Evaluated("test", result, items, predicted, "valid")
