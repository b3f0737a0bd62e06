"""One run from config to scored weights: the stages, their epochs, and what is kept."""

import math
import sys
import textwrap
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch._dynamo.exc import TorchDynamoException

from engine.checkpoint import BestWeights, Position, TrainingState, load_newest, save_state, snapshot
from engine.device import threads_for, upload
from engine.errors import ConfigError, DataError, HostMemoryError
from engine.evaluate import evaluate
from engine.events import (
    POINTS_PER_EPOCH,
    CheckpointWritten,
    EpochEnded,
    Event,
    Noted,
    Progressed,
    RunEnded,
    RunOutcome,
    RunStarted,
    StageStarted,
    StepsEnded,
)
from engine.features import feature_key, frozen_features
from engine.gpu_memory import out_of_gpu_memory
from engine.kept_weights import save_weights
from engine.model_inputs import FeatureInputs, Inputs, Rows, model_outputs
from engine.optimizers import build_optimizer
from engine.paths import cache_folder
from engine.peak_memory import peak_told
from engine.randomness import epoch_order, split_batches
from engine.request import RunRequest
from engine.run_manifest import differences, run_manifest
from engine.run_setup import RunSetup, set_up
from engine.train_step import TrainStep

SECONDS_BETWEEN_STEP_EVENTS = 0.4
CHECKPOINT_SHARE = 0.01

_LONGEST_REASON = 200

Emit = Callable[[Event], None]


def weights_file(attempt: int) -> str:
    """The name of the kept weights of an attempt. Each has its own, so that one which was given up as dead, and is not,
    cannot write over those of the next."""
    return f"weights-{attempt}.safetensors"


class _Stopped(Exception):
    """Someone asked the run to stop."""


class _OutOfGpuMemory(Exception):
    """The GPU's memory ran out, `pixel_bytes` of it held by pixels."""

    def __init__(self, pixel_bytes: int) -> None:
        super().__init__()
        self.pixel_bytes = pixel_bytes


def train(request: RunRequest, *, emit: Emit, should_stop: Callable[[], bool] = lambda: False) -> RunEnded:
    """Trains and scores one run; every event goes to `emit`, the last one is also returned.

    The kept weights are written to the request's folder, see `weights_file`. The run goes on from the newest
    checkpoint of the request that is whole, and ends with the same bits as one that was never interrupted.
    `should_stop` is asked after every step: a stopped run writes a checkpoint and the best weights so far and ends as
    `interrupted`. A loss that is not finite ends it as `diverged`, with the weights to keep of the epochs before.

    Raises `ConfigError`, `DataError` or `DeviceError` for what a person has to change first, and `DiskFullError` where
    a checkpoint finds no room; earlier ones are whole then.
    """
    config, begin = request.config, time.monotonic()
    try:
        with peak_told(emit):
            outcome, reason = _train(request, emit, should_stop)
    except _OutOfGpuMemory as full:
        # Answered below: the traceback holds the network and all it had in memory until this clause is left.
        pixel_bytes = full.pixel_bytes
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise ConfigError(
            f"{config.backbone} at {config.size} px leaves one value per channel, and a batch of one image gives batch "
            "norm nothing to average; choose a larger --size or --batch, or --set last_batch=merge"
        ) from error
    except (RuntimeError, MemoryError) as error:
        if config.compile and isinstance(error, TorchDynamoException):
            reason = textwrap.shorten(str(error), _LONGEST_REASON)
            raise ConfigError(
                f"torch.compile cannot make a program of {config.backbone} here: {reason}; "
                "train without it: --set compile=false"
            ) from error
        if not isinstance(error, MemoryError) and "DefaultCPUAllocator" not in str(error):
            raise
        raise HostMemoryError(
            f"this machine has not enough memory for batch {config.batch} at {config.size} px with {config.backbone}; "
            "try a smaller --batch, --size or --backbone"
        ) from error
    else:
        ended = RunEnded(outcome, reason, time.monotonic() - begin)
        emit(ended)
        return ended
    raise out_of_gpu_memory(config, request.device, pixel_bytes)


def _train(request: RunRequest, emit: Emit, should_stop: Callable[[], bool]) -> tuple[RunOutcome, str]:
    trainer: _Trainer | None = None

    def progress(what: str, done: int, total: int) -> None:
        emit(Progressed(what, done, total))
        if should_stop():
            raise _Stopped

    pixel_bytes = 0
    try:
        setup = set_up(request, progress)
        pixel_bytes = setup.images.source.device_bytes
        trainer = _Trainer(request, setup, emit, should_stop, progress)
        return trainer.run()
    except torch.cuda.OutOfMemoryError as error:
        raise _OutOfGpuMemory(pixel_bytes) from error
    except _Stopped:
        if trainer is not None:
            trainer.write_checkpoint()
            trainer.write_kept()
        return "interrupted", "stopped by request"


class _Trainer:
    def __init__(
        self,
        request: RunRequest,
        setup: RunSetup,
        emit: Emit,
        should_stop: Callable[[], bool],
        progress: Callable[[str, int, int], None],
    ) -> None:
        self.request, self.config, self.setup = request, request.config, setup
        self.emit, self.should_stop, self.progress = emit, should_stop, progress
        self.model, self.device = setup.model, setup.placement.device
        self.backbone_features: FeatureInputs | None = None
        self.optimizer: torch.optim.Optimizer | None = None
        self.loaded_optimizer: dict[str, Any] | None = None
        self.position, self.best = Position(), BestWeights()
        self.loss_sum = torch.zeros((), device=self.device)
        self.untold: list[tuple[int, Tensor]] = []
        self.rate = self.eta_seconds = 0.0
        self.total_steps = 0
        self.checkpoints_written = 0
        self.saved_position: Position | None = None
        self._go_on()
        self.told_step = self.position.step
        self.model.to(self.device).to(memory_format=torch.channels_last)
        self.next_checkpoint = time.monotonic() + request.checkpoint_seconds
        manifest = run_manifest(self.config, setup.dataset, setup.placement, self.model, setup.report)
        emit(RunStarted(manifest, self.position.step, self.position.epoch))
        for note in setup.notes(self._weights_origin()):
            emit(Noted(note))
        if request.manifest is not None and (changed := differences(request.manifest, manifest)):
            emit(Noted(f"not as when it began, so its last digits may differ: {', '.join(changed)}", warning=True))

    def run(self) -> tuple[RunOutcome, str]:
        position = self.position
        while position.stage <= self.config.stage_count:
            if self.config.epochs[position.stage - 1] > 0:
                if not self._stage():
                    self.write_kept()
                    return "diverged", f"the loss was no finite number in epoch {position.epoch}"
                self.optimizer = None
                position.end_stage()
                self.write_checkpoint()
            else:
                position.end_stage()
        self._restore()
        self.write_kept()
        if not self.config.trains_backbone and self.config.epochs[0] > 0 and self.backbone_features is None:
            # Gone on with after its last epoch: scored as it would have been, in the same blocks.
            self._prepare_frozen()
        evaluate(self.model, self.setup.dataset, self.config, self.setup.loss, self._inputs(), self.emit, self.progress)
        return "done", ""

    def write_kept(self) -> None:
        """Writes the kept weights, where an epoch has ended with a finite loss."""
        if self.best.epoch == 0:
            return
        state = {**self.model.state_dict(), **self.best.state}
        name = weights_file(self.request.attempt)
        saved = save_weights(state, self.config, self.request.folder / name)
        self.emit(CheckpointWritten("best", name, self.best.epoch, self.best.step, saved.sha256, saved.bytes))

    def write_checkpoint(self) -> None:
        """Writes what a later attempt needs to go on from here, after the losses up to here were told."""
        self._tell_steps()
        if self.position in (self.saved_position, Position()):
            return
        begin = time.monotonic()
        state = TrainingState(
            position=self.position,
            best=self.best,
            loss_sum=self.loss_sum,
            model=self.model.head.state_dict(prefix="head.") if self._is_frozen() else self.model.state_dict(),
            optimizer=self.optimizer.state_dict() if self.optimizer is not None else self.loaded_optimizer,
            data_hash=self.setup.dataset.content_hash,
            init_sha256=self.setup.report.sha256,
            loss=self.setup.loss.state(),
        )
        self.checkpoints_written += 1
        # Never the name of an earlier file: what the database points to stays as it is until it points elsewhere.
        name = f"state-{self.position.step}-{self.request.attempt}.{self.checkpoints_written}.pt"
        saved = save_state(state, self.request.folder / name)
        self.saved_position = replace(self.position)
        self.emit(CheckpointWritten("state", name, self.position.epoch, self.position.step, saved.sha256, saved.bytes))
        now = time.monotonic()
        self.next_checkpoint = now + max(self.request.checkpoint_seconds, (now - begin) / CHECKPOINT_SHARE)

    def _go_on(self) -> None:
        """Takes up the newest checkpoint that is whole."""
        state, problems = load_newest(self.request.checkpoints, self.request.folder)
        for problem in problems:
            self.emit(Noted(f"gone back to an earlier checkpoint: {problem}", warning=True))
        self.setup.loss.begin(self.device, state.loss if state is not None else {})
        if state is None:
            return
        if state.data_hash != self.setup.dataset.content_hash:
            raise DataError(
                f"data set {self.setup.dataset.name!r} is not what it was when this run began: images, splits, ages or "
                "attributes changed; put it back, or begin the run anew with: ageui retry RUN --from-start"
            )
        if state.init_sha256 != self.setup.report.sha256:
            raise DataError(
                f"the weights that this run began with ({self.setup.report.source}) are not what they were; put them "
                "back, or begin the run anew with: ageui retry RUN --from-start"
            )
        self.model.load_state_dict(state.model, strict=False)
        self.position, self.best = state.position, state.best
        self.saved_position = replace(state.position)
        self.loss_sum = state.loss_sum.to(self.device)
        self.loaded_optimizer = state.optimizer

    def _weights_origin(self) -> str:
        """Where the weights come from that this attempt begins with."""
        first = f"backbone: {self.setup.report.sentence()}"
        if self.saved_position is None:
            return first
        checkpoint = f"taken from the checkpoint of step {self.position.step}"
        return f"{first}; head: {checkpoint}" if self._is_frozen() else f"backbone and head: {checkpoint}"

    def _stage(self) -> bool:
        """Trains the rest of the stage; False where the loss left the numbers."""
        position, config = self.position, self.config
        epochs, lr = config.epochs[position.stage - 1], config.lr[position.stage - 1]
        frozen = self._is_frozen()
        self.model.set_training_stage(train_backbone=not frozen, bn=config.bn)
        self.backbone_features = None
        if frozen:
            self._prepare_frozen()
        inputs = self._inputs()
        trainable = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        optimizer = build_optimizer(config.optimizer, trainable, lr, config.momentum)
        if self.loaded_optimizer is not None:
            optimizer.load_state_dict(self.loaded_optimizer)
        self.optimizer, self.loaded_optimizer = optimizer, None
        steps = len(split_batches(np.arange(len(self.setup.train_rows.positions)), config.batch, config.last_batch))
        parameters = sum(parameter.numel() for parameter in trainable)
        self.emit(StageStarted(position.stage, config.stage_count, epochs, steps, parameters))
        if position.at_stage_start and self.best.epoch:
            self.best.state = snapshot(self.model.state_dict())
        train_step = TrainStep(self.model, inputs, self.setup.loss, optimizer, config, self.device, self._warn)
        # Features are all that the head is given: its own arithmetic is the whole step.
        per_step = parameters * config.batch if self.backbone_features is not None else sys.maxsize
        with closing(train_step), threads_for(per_step, self.device):
            if not self._epochs(inputs, train_step, steps, frozen):
                return False
        if position.stage_epoch < epochs:
            self.emit(
                Noted(f"stage {position.stage} stopped early: no better validation loss in {position.waited} epochs")
            )
        if config.keep == "best":
            self._restore()
        return True

    def _epochs(self, inputs: Inputs, train_step: TrainStep, steps: int, frozen: bool) -> bool:
        """Trains the epochs that are left of the stage; False where the loss left the numbers."""
        position, config = self.position, self.config
        epochs = config.epochs[position.stage - 1]
        while position.stage_epoch < epochs and not self._has_waited():
            ended = self._epoch(inputs, train_step, steps, epochs - position.stage_epoch)
            finite = math.isfinite(ended.train_loss) and (ended.val_loss is None or math.isfinite(ended.val_loss))
            is_best = finite and (ended.val_loss is None or ended.val_loss < self.best.loss - config.min_delta)
            if is_best:
                self.best.loss = self.best.loss if ended.val_loss is None else ended.val_loss
            if is_best or (finite and config.keep == "last"):
                self.best.epoch, self.best.step = ended.epoch, ended.step
                kept = self.model.head.state_dict(prefix="head.") if frozen else self.model.state_dict()
                self.best.state = snapshot(kept)
            position.waited = 0 if is_best else position.waited + 1
            position.end_epoch()
            self.emit(replace(ended, is_best=is_best))
            if not finite:
                return False
            self._between_steps()
        return True

    def _epoch(self, inputs: Inputs, train_step: TrainStep, steps: int, epochs_left: int) -> EpochEnded:
        """Trains the rest of the running epoch, then validates."""
        setup, position, epoch = self.setup, self.position, self.position.epoch + 1
        order = epoch_order(self.config.seed, epoch, len(setup.train_rows.positions))
        batches = split_batches(order, self.config.batch, self.config.last_batch)
        told_every = math.ceil(steps / POINTS_PER_EPOCH)
        self.total_steps = position.step - position.batch + steps * epochs_left
        if position.batch == 0:
            self.loss_sum.zero_()
        self.model.train()
        shown = resumed = time.monotonic()
        begin, first = resumed - position.seconds, position.batch
        ahead = batches[first:]
        targets, weights = self._targets_and_weights(ahead)
        with closing(inputs.batches([setup.train_rows.take(chosen) for chosen in ahead])) as prepared:
            for number, (batch, target, weight) in enumerate(
                zip(prepared, targets, weights, strict=True), start=first + 1
            ):
                step = position.step + 1
                loss = train_step(batch, target, weight, epoch, step)
                self.loss_sum += loss * len(target)
                now = time.monotonic()
                position.step, position.batch, position.seconds = step, number, now - begin
                position.images += len(target)
                if number % told_every == 0 or number == steps:
                    self.untold.append((step, loss))
                if now - shown >= SECONDS_BETWEEN_STEP_EVENTS or number == steps:
                    shown = now
                    per_step = (now - resumed) / (number - first)
                    self.rate = position.images / position.seconds
                    self.eta_seconds = (steps - number + (epochs_left - 1) * steps) * per_step
                    self._tell_steps()
                self._between_steps()
        val_loss, val_mae = self._validate(inputs)
        return EpochEnded(
            stage=position.stage,
            epoch=epoch,
            step=position.step,
            train_loss=self.loss_sum.item() / position.images,
            val_loss=val_loss,
            val_mae=val_mae,
            lr=self.config.lr[position.stage - 1],
            seconds=time.monotonic() - begin,
            images_per_second=position.images / position.seconds,
            is_best=False,
        )

    def _targets_and_weights(self, batches: list[NDArray[np.int64]]) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
        """The loss's targets and the sample weights (B,) of each batch, on the device, where they go in one piece."""
        setup, sizes = self.setup, [len(chosen) for chosen in batches]
        if not batches:
            return (), ()
        chosen = np.concatenate(batches)
        targets = upload(setup.targets[setup.train_rows.positions[chosen]], self.device)
        return torch.split(targets, sizes), torch.split(upload(setup.weights[chosen], self.device), sizes)

    def _tell_steps(self) -> None:
        """Tells the losses not told yet: the one place where the steps' values are waited for."""
        position = self.position
        if position.step == self.told_step:
            return
        values = torch.stack([loss for _, loss in self.untold]).tolist() if self.untold else []
        losses = tuple(zip((step for step, _ in self.untold), values, strict=True))
        self.untold, self.told_step = [], position.step
        epoch = position.epoch + 1
        self.emit(
            StepsEnded(position.stage, epoch, position.step, self.total_steps, losses, self.rate, self.eta_seconds)
        )

    def _validate(self, inputs: Inputs) -> tuple[float | None, float | None]:
        """The unweighted loss and the MAE in years on the validation split."""
        setup = self.setup
        if len(setup.valid_rows.positions) == 0:
            return None, None
        output = model_outputs(self.model, inputs, setup.valid_rows, lambda done: self._check_stop())
        ages = setup.ages[setup.valid_rows.positions]
        loss = setup.loss.validation(output, setup.targets[setup.valid_rows.positions])
        return loss.item(), (setup.loss.years(output) - ages).abs().mean().item()

    def _prepare_frozen(self) -> None:
        """Computes the frozen backbone's features for all rows that will be trained on or scored.

        Under the `standard` augmentation every epoch sees other images: nothing can be computed ahead.
        """
        setup = self.setup
        if self.config.augment == "standard":
            return
        scored = [setup.dataset.rows(split) for split in setup.dataset.splits() if split != "train"]
        positions = np.concatenate([setup.train_rows.positions, *scored])
        kinds = np.zeros(len(positions), dtype=np.int8)
        kinds[: len(setup.train_rows.kinds)] = setup.train_rows.kinds
        rows = Rows(positions, kinds)
        key = feature_key(self.model, setup.dataset, rows, self.config, setup.placement)
        cache = self.request.cache or cache_folder()
        features = frozen_features(
            self.model,
            setup.images,
            rows,
            key,
            cache,
            lambda done, total: self.progress("features", done, total),
            self._warn,
        )
        self.backbone_features = FeatureInputs(features, rows, setup.placement)

    def _warn(self, message: str) -> None:
        self.emit(Noted(message, warning=True))

    def _inputs(self) -> Inputs:
        return self.backbone_features or self.setup.images

    def _is_frozen(self) -> bool:
        return self.config.strategy == "freeze" and self.position.stage == 1

    def _has_waited(self) -> bool:
        return self.config.patience is not None and self.position.waited >= self.config.patience

    def _restore(self) -> None:
        if self.best.state:
            self.model.load_state_dict(self.best.state, strict=False)

    def _between_steps(self) -> None:
        self._check_stop()
        if time.monotonic() >= self.next_checkpoint:
            self.write_checkpoint()

    def _check_stop(self) -> None:
        if self.should_stop():
            raise _Stopped
