"""Small runs, and what they are if nothing disturbs them."""

import functools
import hashlib
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ageui.store import Store
from ageui.worker.pruning import prune
from engine.config import RunConfig, build_config
from engine.data.spec import DataSpec, SyntheticOptions
from engine.epoch_scorer import scoring_interval
from engine.events import EpochEnded, EpochScored, Evaluated, Event, StepsEnded
from engine.kept_weights import weights_file
from engine.request import RunRequest
from engine.train import train

FACES = DataSpec(name="faces", format="synthetic", synthetic=SyntheticOptions(counts=(96, 24, 16), image_size=32))
VARIANTS: tuple[dict[str, Any], ...] = (
    {"strategy": "scratch", "epochs": 8, "augment": "standard"},
    {"strategy": "freeze", "init": "random", "epochs": "6,5", "loss": "mape", "weights": "gender"},
    {"strategy": "scratch", "epochs": 8, "optimizer": "sgd", "momentum": 0.9, "weights": "age"},
    {"strategy": "freeze", "init": "random", "epochs": "4,5", "augment": "report", "optimizer": "adadelta"},
    {"strategy": "scratch", "epochs": 6, "loss": "scce", "precision": "bf16"},
)
TIMES = ("seconds", "images_per_second")


def config_of(number: int) -> RunConfig:
    """The config of the `number`-th run: another kind of run each time, and never the same seed."""
    small = {"data": "faces", "backbone": "resnet18@layer1", "size": 32, "batch": 8, "device": "cpu", "lr": 1e-3}
    return build_config({"precision": "fp32", **small, **VARIANTS[number % len(VARIANTS)], "seed": number})


class Undisturbed:
    """A run trained in one go by the engine alone: no worker, no database, no process of its own."""

    def __init__(self, config: RunConfig) -> None:
        events: list[Event] = []
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            request = RunRequest(
                config=config, spec=FACES, folder=folder, scoring_interval=scoring_interval(config, None)
            )
            train(request, emit=events.append)
            self.sha256 = hashlib.sha256((folder / weights_file(1)).read_bytes()).hexdigest()
        told = [event for event in events if isinstance(event, StepsEnded)]
        self.losses = [loss for event in told for loss in event.losses]
        late = {event.epoch: event.scores for event in events if isinstance(event, EpochScored)}
        ended = [event for event in events if isinstance(event, EpochEnded)]
        epochs = [replace(event, scores=event.scores or late.get(event.epoch)) for event in ended]
        self.epochs = [_without_times(vars(epoch)) for epoch in epochs]
        self.scored = {event.split: event for event in events if isinstance(event, Evaluated)}

    def assert_same(self, store: Store, run_id: int) -> None:
        """The run in the database is this one, to the bit: its weights, every point once, its predictions."""
        detail = store.runs.detail(run_id)
        assert detail.status == "done", (run_id, detail.status, detail.row.error)
        assert detail.kept is not None
        assert detail.kept.sha256 == self.sha256, run_id
        assert hashlib.sha256(store.checkpoint_file(detail.kept).read_bytes()).hexdigest() == self.sha256
        assert store.runs.metric(run_id, "step/loss") == self.losses, run_id
        assert [_without_times(vars(epoch)) for epoch in detail.history] == self.epochs, run_id
        assert {scores.split for scores in detail.results} == set(self.scored)
        for split, event in self.scored.items():
            found = store.scores.predictions(run_id, split)
            assert found is not None
            np.testing.assert_array_equal(found.predicted, event.predicted)
        assert sum(attempt.differing for attempt in detail.attempts) == 0, run_id
        # A kill after the last commit leaves files that nobody points to; pruning finds them.
        prune(store)
        left = {file.name for file in store.run_folder(run_id).iterdir() if not file.name.startswith("log.")}
        assert left == {"lock", Path(detail.kept.path).name}, left


@functools.cache
def undisturbed(config: RunConfig) -> Undisturbed:
    """The undisturbed run of a config, trained once for all tests."""
    return Undisturbed(config)


def _without_times(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in TIMES}


def wait_until(happened: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        threading.Event().wait(0.05)


def is_over(store: Store) -> bool:
    """Whether no run is queued or running, as one look shows: a run that is claimed between two looks is in neither."""
    return not store.runs.status_counts().keys() & {"queued", "running"}
