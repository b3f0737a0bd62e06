"""The losses and throughput of train steps, emitted a few times per second."""

import math
import time
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from engine.checkpoint import Position
from engine.events import POINTS_PER_EPOCH, Event, StepsEnded

SECONDS_BETWEEN_STEP_EVENTS = 0.4


class TrainMetrics:
    """Collects losses on the device and emits them as `StepsEnded`.

    Only emitting waits for the values of steps. The points of the loss curve depend on the config alone; the moments of
    emission depend on time.
    """

    loss_sum: Tensor
    """Sum of batch loss times images over the running epoch, () on the device."""

    def __init__(self, device: torch.device, emit: Callable[[Event], None]) -> None:
        self.loss_sum = torch.zeros((), device=device)
        self._emit = emit
        self._pending: list[tuple[int, Tensor]] = []
        self._emitted_step = 0
        self._emitted_seconds = 0.0
        self._epoch_begin = Position()
        self._steps_per_epoch = self._steps_after_epoch = self._steps_after_stage = 0

    def resume(self, loss_sum: Tensor, step: int) -> None:
        """Continues after a step of an earlier attempt."""
        self.loss_sum = loss_sum.to(self.loss_sum.device)
        self._emitted_step = step

    def begin_epoch(self, position: Position, steps_per_epoch: int, epochs_left: int, later_epochs: int) -> None:
        """Begins an epoch, or the rest of a resumed epoch.

        `epochs_left` counts the epochs left in the stage, including this one; `later_epochs` those of later stages.
        """
        self._epoch_begin = replace(position)
        self._emitted_seconds = time.monotonic()
        self._steps_per_epoch, self._steps_after_epoch = steps_per_epoch, steps_per_epoch * (epochs_left - 1)
        self._steps_after_stage = steps_per_epoch * later_epochs
        if position.batch == 0:
            self.loss_sum.zero_()

    def end_step(self, position: Position, loss: Tensor, images: int) -> None:
        """Takes the loss () of a batch of `images`; `position` is the position after the step."""
        self.loss_sum += loss * images
        is_last = position.batch == self._steps_per_epoch
        if is_last or position.batch % math.ceil(self._steps_per_epoch / POINTS_PER_EPOCH) == 0:
            self._pending.append((position.step, loss))
        if is_last or time.monotonic() - self._emitted_seconds >= SECONDS_BETWEEN_STEP_EVENTS:
            self.emit_steps(position)

    def emit_steps(self, position: Position) -> None:
        """Emits the steps since the last event, if any."""
        if position.step == self._emitted_step:
            return
        values = torch.stack([loss for _, loss in self._pending]).tolist() if self._pending else []
        losses = tuple(zip((step for step, _ in self._pending), values, strict=True))
        self._pending, self._emitted_step, self._emitted_seconds = [], position.step, time.monotonic()
        begin, steps_left = self._epoch_begin, self._steps_per_epoch - position.batch + self._steps_after_epoch
        seconds_per_step = (position.seconds - begin.seconds) / (position.batch - begin.batch)
        self._emit(
            StepsEnded(
                stage=position.stage,
                epoch=position.epoch + 1,
                step=position.step,
                total_steps=position.step + steps_left + self._steps_after_stage,
                losses=losses,
                images_per_second=position.images_per_second,
                eta_seconds=steps_left * seconds_per_step,
            )
        )
