"""ageui's engine, started in code with a request as its worker would."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from work import Training

from engine.config import RunConfig
from engine.data.spec import DataSpec
from engine.events import EpochEnded, Event, RunStarted, StageStarted
from engine.request import RunRequest
from engine.train import train as train_run
from peers.stopwatch import Stopwatch

NO_CHECKPOINTS = 1e6


class EnoughSteps(Exception):
    """Leaves a run whose steps are timed, without checkpoints and scores."""


def train(training: Training, watch: Stopwatch, *, best: bool, cache: Path, changes: Mapping[str, Any]) -> float:
    """Trains, validates after every epoch, and returns the last validation MAE in years."""
    epochs: list[EpochEnded] = []
    trains = False

    def emit(event: Event) -> None:
        nonlocal trains
        trains = trains or isinstance(event, StageStarted)
        if isinstance(event, RunStarted):
            watch.arithmetic = event.manifest["dtype"]
        if isinstance(event, EpochEnded):
            epochs.append(event)

    def between_steps() -> bool:
        # Asked once after every step; before, also while images are decoded.
        if trains:
            watch.step()
        return False

    run(training.config(**changes), training.folder, cache, emit, between_steps)
    return epochs[-1].val_mae or float("nan")


def run(
    config: RunConfig,
    data: str,
    cache: Path,
    emit: Callable[[Event], None],
    should_stop: Callable[[], bool] = lambda: False,
    pixel_bytes_on_device: int | None = None,
) -> float:
    """Trains and scores a run of its own; the seconds it took as it says itself."""
    with tempfile.TemporaryDirectory() as folder:
        request = RunRequest(
            config=config,
            spec=DataSpec(name="faces", format="course", path=data),
            folder=Path(folder),
            cache=cache,
            checkpoint_seconds=NO_CHECKPOINTS,
            pixel_bytes_on_device=pixel_bytes_on_device,
        )
        return train_run(request, emit=emit, should_stop=should_stop).seconds
