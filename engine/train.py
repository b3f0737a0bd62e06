"""One run from config to scored weights: the stages, their epochs, and what is kept."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.augment import expand_rows
from engine.checkpoint import save_weights, snapshot
from engine.config import RunConfig
from engine.data.dataset import Dataset, prepare
from engine.data.spec import DataSpec
from engine.device import Placement, place
from engine.errors import ConfigError, DeviceError
from engine.evaluate import evaluate
from engine.events import (
    CheckpointWritten,
    EpochEnded,
    Event,
    Noted,
    Progressed,
    RunEnded,
    RunOutcome,
    RunStarted,
    StageStarted,
    StepEnded,
)
from engine.features import feature_key, frozen_features
from engine.inputs import FeatureInputs, ImageInputs, Inputs, Rows, predict
from engine.losses import build_loss, reduce
from engine.manifest import run_manifest
from engine.models import build_model
from engine.optimizers import build_optimizer
from engine.paths import cache_folder
from engine.randomness import epoch_order, split_batches
from engine.weighting import sample_weights

SECONDS_BETWEEN_STEP_EVENTS = 0.25
WEIGHTS_FILE = "weights.safetensors"

Emit = Callable[[Event], None]


class _Stopped(Exception):
    """Someone asked the run to stop."""


@dataclass
class _Best:
    """The weights to keep so far: of the lowest validation loss, or the latest where there is none to go by."""

    loss: float = math.inf
    epoch: int = 0
    step: int = 0
    state: dict[str, Tensor] = field(default_factory=dict)


def train(
    config: RunConfig,
    spec: DataSpec,
    *,
    folder: Path,
    emit: Emit,
    should_stop: Callable[[], bool] = lambda: False,
    cache: Path | None = None,
) -> RunEnded:
    """Trains and scores one run; every event goes to `emit`, the last one is also returned.

    The kept weights are written to `folder`/weights.safetensors. `should_stop` is asked after every step: a stopped
    run keeps its history and the best weights so far and ends as `interrupted`. A loss that is not finite ends it as
    `diverged`. Raises `ConfigError`, `DataError` or `DeviceError` for what a person has to change first.
    """
    begin = time.monotonic()
    trainer: _Trainer | None = None
    try:
        trainer = _Trainer(config, spec, folder, emit, should_stop, cache or cache_folder())
        outcome, reason = trainer.run()
    except _Stopped:
        outcome, reason = "interrupted", "stopped by the user"
        if trainer is not None:
            trainer.write_kept()
    except torch.cuda.OutOfMemoryError as error:
        raise DeviceError(
            f"the GPU has not enough memory for batch {config.batch} at {config.size} px with {config.backbone}; "
            f"try --batch {max(1, config.batch // 2)}"
        ) from error
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise ConfigError(
            f"{config.backbone} at {config.size} px leaves one value per channel, and a batch of one image gives batch "
            "norm nothing to average; choose a larger --size or --batch, or --set last_batch=merge"
        ) from error
    ended = RunEnded(outcome, reason, time.monotonic() - begin)
    emit(ended)
    return ended


class _Trainer:
    def __init__(
        self,
        config: RunConfig,
        spec: DataSpec,
        folder: Path,
        emit: Emit,
        should_stop: Callable[[], bool],
        cache: Path,
    ) -> None:
        self.config, self.folder, self.emit, self.should_stop, self.cache = config, folder, emit, should_stop, cache
        self.placement: Placement = place(config)
        self.dataset: Dataset = prepare(spec, config.target, config.size, cache=cache, progress=self.progress)
        self.loss = build_loss(config.loss)
        self.model, report = build_model(config, self.loss.outputs)
        self.model.to(self.placement.device).to(memory_format=torch.channels_last)
        self.ages = torch.from_numpy(self.dataset.frame["age"].to_numpy(dtype=np.float32))
        self.train_rows = self._train_rows()
        self.valid_rows = Rows.plain(self.dataset.rows("valid"))
        self.weights = self._sample_weights()
        self.images = ImageInputs(self.dataset, config, self.placement)
        self.backbone_features: FeatureInputs | None = None
        self.best = _Best()
        self.epoch = self.step = 0
        emit(RunStarted(run_manifest(config, self.dataset, self.placement, self.model, report)))
        self._note_choices(report.sentence())

    def run(self) -> tuple[RunOutcome, str]:
        for stage, (epochs, lr) in enumerate(zip(self.config.epochs, self.config.lr, strict=True), start=1):
            if epochs == 0:
                continue
            if not self._stage(stage, epochs, lr):
                return "diverged", f"the loss was no finite number in epoch {self.epoch}"
        self._restore()
        self.write_kept()
        evaluate(self.model, self.dataset, self.config, self.loss, self._inputs(), self.emit, self.progress)
        return "done", ""

    def progress(self, what: str, done: int, total: int) -> None:
        self.emit(Progressed(what, done, total))
        self._check_stop()

    def write_kept(self) -> None:
        """Writes the kept weights, where an epoch has ended."""
        if self.best.epoch == 0:
            return
        state = {**self.model.state_dict(), **self.best.state}
        saved = save_weights(state, self.config, self.folder / WEIGHTS_FILE)
        self.emit(CheckpointWritten(WEIGHTS_FILE, self.best.epoch, self.best.step, saved.sha256, saved.bytes))

    def _stage(self, stage: int, epochs: int, lr: float) -> bool:
        """Trains one stage; False where the loss left the numbers."""
        frozen = self.config.strategy == "freeze" and stage == 1
        self.model.set_training_stage(train_backbone=not frozen, bn=self.config.bn)
        if frozen:
            self._prepare_frozen()
        else:
            self.backbone_features = None
        inputs = self._inputs()
        trainable = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        optimizer = build_optimizer(self.config.optimizer, trainable, lr, self.config.momentum)
        steps = len(split_batches(np.arange(len(self.train_rows.positions)), self.config.batch, self.config.last_batch))
        parameters = sum(parameter.numel() for parameter in trainable)
        self.emit(StageStarted(stage, self.config.stage_count, epochs, steps, parameters))
        waited = 0
        if self.config.keep == "best" and self.best.epoch:
            self.best.state = snapshot(self.model.state_dict())
        for epoch in range(epochs):
            ended = self._epoch(stage, inputs, optimizer, steps, epochs - epoch)
            finite = math.isfinite(ended.train_loss) and (ended.val_loss is None or math.isfinite(ended.val_loss))
            is_best = finite and (ended.val_loss is None or ended.val_loss < self.best.loss - self.config.min_delta)
            if is_best:
                self.best.loss = self.best.loss if ended.val_loss is None else ended.val_loss
            if is_best or (finite and self.config.keep == "last"):
                self.best.epoch, self.best.step = self.epoch, self.step
                self.best.state = snapshot(
                    self.model.head.state_dict(prefix="head.") if frozen else self.model.state_dict()
                )
            self.emit(replace(ended, is_best=is_best))
            if not finite:
                return False
            self._check_stop()
            waited = 0 if is_best else waited + 1
            if self.config.patience is not None and waited >= self.config.patience and epoch + 1 < epochs:
                self.emit(Noted(f"stage {stage} stopped early: no better validation loss in {waited} epochs"))
                break
        if self.config.keep == "best":
            self._restore()
        return True

    def _epoch(
        self, stage: int, inputs: Inputs, optimizer: torch.optim.Optimizer, steps: int, epochs_left: int
    ) -> EpochEnded:
        self.epoch += 1
        device = self.placement.device
        order = epoch_order(self.config.seed, self.epoch, len(self.train_rows.positions))
        batches = split_batches(order, self.config.batch, self.config.last_batch)
        self.model.train()
        total, images, begin = torch.zeros((), device=device), 0, time.monotonic()
        shown = begin
        for number, chosen in enumerate(batches, start=1):
            self.step += 1
            rows = self.train_rows.take(chosen)
            target = (self.ages[rows.positions] / 100).to(device)
            optimizer.zero_grad(set_to_none=True)
            output = inputs.train_output(self.model, rows, self.epoch, self.step)
            loss = reduce(self.loss.per_image(output, target), self.weights[chosen].to(device))
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            total += loss.detach() * len(chosen)
            images += len(chosen)
            now = time.monotonic()
            if now - shown >= SECONDS_BETWEEN_STEP_EVENTS or number == len(batches):
                shown = now
                rate = images / (now - begin)
                left = (steps - number + (epochs_left - 1) * steps) * (now - begin) / number
                at = (self.step, self.step - number + steps * epochs_left)
                self.emit(StepEnded(stage, self.epoch, *at, loss.item(), rate, left))
            self._check_stop()
        seconds_training = time.monotonic() - begin
        val_loss, val_mae = self._validate(inputs)
        return EpochEnded(
            stage=stage,
            epoch=self.epoch,
            step=self.step,
            train_loss=total.item() / images,
            val_loss=val_loss,
            val_mae=val_mae,
            lr=float(optimizer.param_groups[0]["lr"]),
            seconds=time.monotonic() - begin,
            images_per_second=images / seconds_training,
            is_best=False,
        )

    def _validate(self, inputs: Inputs) -> tuple[float | None, float | None]:
        """The unweighted loss on ages / 100 and the MAE in years on the validation split."""
        if len(self.valid_rows.positions) == 0:
            return None, None
        output = predict(self.model, inputs, self.valid_rows, lambda done: self._check_stop())
        ages = self.ages[self.valid_rows.positions]
        loss = reduce(self.loss.per_image(output, ages / 100), None)
        return loss.item(), (self.loss.years(output) - ages).abs().mean().item()

    def _prepare_frozen(self) -> None:
        """Computes the frozen backbone's features for all rows that will be trained on or scored.

        Under the `standard` augmentation every epoch sees other images: nothing can be computed ahead.
        """
        if self.config.augment == "standard":
            return
        scored = [self.dataset.rows(split) for split in self.dataset.splits() if split != "train"]
        positions = np.concatenate([self.train_rows.positions, *scored])
        kinds = np.zeros(len(positions), dtype=np.int8)
        kinds[: len(self.train_rows.kinds)] = self.train_rows.kinds
        rows = Rows(positions, kinds)
        key = feature_key(self.model, self.dataset, rows, self.config, self.placement)
        features = frozen_features(
            self.model, self.images, rows, key, self.cache, lambda done, total: self.progress("features", done, total)
        )
        self.backbone_features = FeatureInputs(features, rows, self.placement)

    def _inputs(self) -> Inputs:
        return self.backbone_features or self.images

    def _restore(self) -> None:
        if self.best.state:
            self.model.load_state_dict(self.best.state, strict=False)

    def _train_rows(self) -> Rows:
        positions = self.dataset.rows("train")
        ages = self.dataset.frame["age"].to_numpy(dtype=np.float64)[positions]
        expanded, kinds = expand_rows(positions, ages, self.config.augment)
        return Rows(expanded, kinds)

    def _sample_weights(self) -> Tensor:
        frame = self.dataset.frame.iloc[self.train_rows.positions]
        weights = sample_weights(
            frame,
            self.config.weights,
            scheme=self.config.weighting,
            combine=self.config.combine,
            beta=self.config.effective_beta,
            age_edges=self.config.age_edges,
        )
        return torch.from_numpy(weights.astype(np.float32))

    def _note_choices(self, weights_sentence: str) -> None:
        count = len(self.train_rows.positions)
        if count < 2:
            raise ConfigError("training needs at least two labelled train images")
        self.emit(Noted(f"computing on {self.placement.reason}"))
        self.emit(Noted(f"backbone: {weights_sentence}"))
        if count % self.config.batch == 1 and self.config.batch > 1:
            done = {"keep": "a step of its own", "merge": "merged into the batch before", "drop": "dropped"}
            self.emit(Noted(f"the last batch of an epoch would hold one image: {done[self.config.last_batch]}"))
        if len(self.valid_rows.positions) == 0:
            self.emit(Noted("no labelled validation images: no early stopping, the last weights are kept"))
        youngest = float(self.ages[self.train_rows.positions].min())
        if self.config.loss == "mape" and youngest < 0.5:
            self.emit(Noted(f"mape divides by age: the youngest label is {youngest:g} years and outweighs all others"))

    def _check_stop(self) -> None:
        if self.should_stop():
            raise _Stopped
