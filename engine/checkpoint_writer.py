"""Writes the files of one attempt into its run's folder, and knows when the next checkpoint is due."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from torch import Tensor

from engine.checkpoint import BestWeights, Position, TrainingState, save_state
from engine.config import RunConfig
from engine.events import CheckpointWritten, Event
from engine.kept_weights import save_weights, weights_file
from engine.request import RunRequest

CHECKPOINT_SHARE: Final = 0.01
"""The largest share of an attempt's time spent on checkpoints that the clock triggers."""


class CheckpointWriter:
    """Writes training states and kept weights. Each file is complete on disk before its `CheckpointWritten` is emitted.

    `saved` is the position of the newest state, of this attempt or an earlier one.
    """

    def __init__(self, request: RunRequest, emit: Callable[[Event], None]) -> None:
        self.saved: Position | None = None
        self._request, self._emit = request, emit
        self._count = 0
        self._due_at_seconds = time.monotonic() + request.checkpoint_seconds

    @property
    def is_due(self) -> bool:
        return time.monotonic() >= self._due_at_seconds

    def write_state(self, state: TrainingState) -> None:
        """Writes a state. Raises `DiskFullError` or `RunFailedError`; earlier states stay intact."""
        begin, position = time.monotonic(), state.position
        self._count += 1
        # A new name each time: the file that the database points to stays unchanged until it points elsewhere.
        name = f"state-{position.step}-{self._request.attempt}.{self._count}.pt"
        saved = save_state(state, self._request.folder / name)
        self.saved = replace(position)
        self._emit(CheckpointWritten("state", name, position.epoch, position.step, saved.sha256, saved.bytes))
        now = time.monotonic()
        self._due_at_seconds = now + max(self._request.checkpoint_seconds, (now - begin) / CHECKPOINT_SHARE)

    def write_kept_weights(
        self, state: Mapping[str, Tensor], best: BestWeights, config: RunConfig, pretraining: str | None
    ) -> None:
        """Writes the weights to keep, with the config that trained them. Raises like `write_state`.

        `pretraining` is as in `save_weights`.
        """
        name = weights_file(self._request.attempt)
        saved = save_weights(state, config, self._request.folder / name, pretraining)
        self._emit(CheckpointWritten("best", name, best.epoch, best.step, saved.sha256, saved.bytes))
