"""Times training steps: the engine's, in a run that is left once they are timed, and those of a plain loop."""

import os
import statistics
import time
from dataclasses import dataclass, field
from unittest.mock import patch

import torch
from check import Check
from peers.ageui_engine import EnoughSteps, run
from peers.plain import PlainLoop
from peers.stopwatch import Stopwatch
from tables import spread
from work import Training

from engine.cuda_graphs import SWITCH_VARIABLE
from engine.events import Event, MemoryPeaked, Noted, RunStarted, StageStarted
from engine.peak_memory import emitting_peak
from engine.release_memory import release_memory


@dataclass
class Steps:
    """Milliseconds of a step, one figure per window; the seconds before the first window; the peak memory in bytes,
    reserved by torch on a GPU, and what the whole GPU had in use then; and the warnings of the run."""

    batch: int
    milliseconds: list[float] = field(default_factory=list)
    seconds_before: float = 0.0
    peak_bytes: int = 0
    bytes_in_use: int = 0
    arithmetic: str = "bf16"
    warnings: list[str] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.milliseconds)

    def __str__(self) -> str:
        return f"{spread(self.milliseconds)} ms, {1000 * self.batch / self.median:,.0f} images/s"

    @property
    def peak(self) -> str:
        return f"peak {self.peak_bytes / 1e9:.2f} GB"

    def beside(self, *texts: str) -> str:
        """Other words about these steps, and what the run warned of."""
        return "; ".join([*filter(None, texts), *self.warnings])


class _Watch:
    """Several windows of steps, each after the other."""

    def __init__(self, training: Training, windows: int) -> None:
        warm, timed = training.warm_steps, training.timed_steps
        self._watches = [Stopwatch(warm + place * timed, timed, "") for place in range(windows)]
        self._begin, self._warm, self._timed, self._steps = time.perf_counter(), warm, timed, 0
        self.seconds_before = 0.0

    def step(self) -> bool:
        """Counts a step. Returns whether it was the last one to time."""
        self._steps += 1
        for watch in self._watches:
            watch.step()
        if self._steps == self._warm:
            self.seconds_before = time.perf_counter() - self._begin
        return self._watches[-1].seconds is not None

    @property
    def milliseconds(self) -> list[float]:
        return [1000 * watch.seconds / self._timed for watch in self._watches if watch.seconds is not None]


def training_of(check: Check, images: str, network: str, pixels: int, batch: int | None = None) -> Training:
    """A training of all weights, at the sizes of the check."""
    return Training(
        folder=images,
        backbone=network,
        size=pixels,
        batch=batch or check.sizes.batch,
        warm_steps=check.sizes.warm,
        timed_steps=check.sizes.timed,
    )


def engine_steps(
    training: Training, check: Check, *, graphs: bool = True, pixel_bytes: int | None = None, **changes: object
) -> Steps:
    """Steps of a run with changes to its config; `pixel_bytes` of its pixels are held on the device at most."""
    steps = Steps(training.batch)
    watch = _Watch(training, check.sizes.windows)
    trains = False

    def emit(event: Event) -> None:
        nonlocal trains
        trains = trains or isinstance(event, StageStarted)
        match event:
            case RunStarted():
                steps.arithmetic = event.manifest["dtype"]
            case Noted(warning=True):
                steps.warnings.append(event.message)
            case MemoryPeaked():
                steps.peak_bytes = event.bytes

    def between_steps() -> bool:
        # Asked before training too, while images are decoded.
        if trains and watch.step():
            steps.bytes_in_use = _bytes_in_use()
            raise EnoughSteps
        return False

    try:
        with patch.dict(os.environ, {SWITCH_VARIABLE: "on" if graphs else "off"}):
            run(training.config(**changes), training.folder, check.cache, emit, between_steps, pixel_bytes)
    except EnoughSteps:
        pass
    else:
        raise RuntimeError(f"the run ended before {training.warm_steps} steps and all windows: too few images")
    release_memory()
    steps.milliseconds, steps.seconds_before = watch.milliseconds, watch.seconds_before
    return steps


def plain_steps(training: Training, check: Check, mode: str | None = None) -> Steps:
    """Steps of a plain loop in PyTorch's best setting, on one batch that is on the device, normalised; with a `mode` of
    torch.compile, compiled."""
    torch.use_deterministic_algorithms(False)
    steps = Steps(training.batch)

    def emit(event: Event) -> None:
        if isinstance(event, MemoryPeaked):
            steps.peak_bytes = event.bytes

    with emitting_peak(emit):
        loop = PlainLoop(training, best=True)
        optimizer = loop.optimizer(training)
        if mode is not None:
            loop.model.compile(mode=mode)
        loop.model.train()
        images = loop.moved(torch.rand(training.batch, 3, training.size, training.size))
        targets = torch.rand(training.batch, device=loop.device)
        watch = _Watch(training, check.sizes.windows)
        is_last = False
        while not is_last:
            loop.step(images, targets, optimizer)
            is_last = watch.step()
    del loop, optimizer
    if mode is not None:
        torch.compiler.reset()
    release_memory()
    steps.milliseconds, steps.seconds_before = watch.milliseconds, watch.seconds_before
    return steps


def _bytes_in_use() -> int:
    if not torch.cuda.is_available():
        return 0
    free, total = torch.cuda.mem_get_info()
    return total - free
