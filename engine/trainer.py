"""Trainer: an attempt at a run, stage by stage and epoch by epoch, until its weights are scored."""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.checkpoint import BestWeights, Position, TrainingState, load_newest, snapshot
from engine.checkpoint_writer import CheckpointWriter
from engine.choices import FRESH_AUGMENTS
from engine.config import RunConfig
from engine.counted import counted
from engine.device import threads_for, upload
from engine.divergence import divergence_advice
from engine.epoch_scorer import EpochScorer
from engine.epoch_scores import EpochScores
from engine.errors import DataError
from engine.evaluate import evaluate, groups_of_rows
from engine.events import EpochEnded, EpochScored, Event, Noted, RunOutcome, RunStarted, StageStarted
from engine.features import feature_key, frozen_features
from engine.model_inputs import FeatureInputs, Inputs, Rows, fixed_features, model_outputs
from engine.models import AgeModel
from engine.neighbours import Neighbours
from engine.optimizers import build_optimizer
from engine.paths import cache_folder
from engine.randomness import epoch_order, split_batches
from engine.request import RunRequest
from engine.run_manifest import differences, run_manifest
from engine.run_setup import RunSetup
from engine.schedules import learning_rate
from engine.train_metrics import TrainMetrics
from engine.train_step import TrainStep
from engine.weight_average import WeightAverage


class Stopped(Exception):
    """Someone asked the run to stop."""


@dataclass(eq=False)
class Trainer:
    """Trains and scores a run: start reading at `run`; the methods follow in its order.

    `should_stop` is called after every step; `progress`, called during long work, may raise `Stopped`.
    """

    # The run, and the outside world.
    request: RunRequest
    setup: RunSetup
    emit: Callable[[Event], None]
    should_stop: Callable[[], bool]
    progress: Callable[[str, int, int], None]

    config: RunConfig = field(init=False)
    model: AgeModel = field(init=False)
    device: torch.device = field(init=False)

    # The state of training. Together with the model's and the loss's state, it makes up a checkpoint.
    position: Position = field(default_factory=Position)
    best: BestWeights = field(default_factory=BestWeights)
    optimizer: torch.optim.Optimizer | None = None
    average: WeightAverage | None = None
    """The averaged weights of the running stage; None without `ema`, and between stages."""
    resumed_average: dict[str, Tensor] = field(default_factory=dict)
    resumed_optimizer: dict[str, Any] | None = None
    """The states from a checkpoint, until the stage builds the average and the optimizer that load them."""
    has_diverged: bool = False
    """Whether the loss became non-finite. Not in checkpoints, because the next attempt diverges again."""

    first_loss: Tensor | None = None
    """The loss () of the run's first step; None in an attempt that continues later."""

    predicted: Tensor = field(default_factory=lambda: torch.empty(0))
    """The ages (V,) in years predicted on the validation split after the newest epoch."""

    # Components.
    inputs: Inputs = field(init=False)
    scorer: EpochScorer = field(init=False)
    metrics: TrainMetrics = field(init=False)
    checkpoints: CheckpointWriter = field(init=False)
    neighbours: Neighbours = field(default_factory=Neighbours)

    def __post_init__(self) -> None:
        self.config, self.model, self.device = self.setup.config, self.setup.model, self.setup.placement.device
        self.inputs = self.setup.images
        self.scorer = self._epoch_scorer()
        self.metrics = TrainMetrics(self.device, self.emit)
        self.checkpoints = CheckpointWriter(self.request, self.emit)

    def _epoch_scorer(self) -> EpochScorer:
        rows = self.setup.valid_rows.positions
        ages = self.setup.dataset.frame["age"].to_numpy(dtype=np.float64)[rows]
        return EpochScorer(ages, groups_of_rows(self.setup.dataset, self.config, rows))

    def run(self) -> tuple[RunOutcome, str]:
        """Trains every stage and scores the kept weights. Returns the outcome, and the reason if it is not `done`.

        A diverged run is scored, too, unless it diverged before any weights could be kept.
        """
        self._resume()
        self._announce()
        position = self.position
        while position.stage <= self.config.stage_count:
            if self.config.epochs[position.stage - 1] == 0:
                position.end_stage()
                continue
            self.has_diverged = not self._train_stage()
            self.optimizer = self.average = None
            if self.has_diverged:
                break
            position.end_stage()
            self.write_checkpoint()
        self._restore_best()
        self.write_kept_weights()
        if not self.has_diverged:
            self._score()
            return "done", ""
        if self.best.epoch:
            self._score()
        return "diverged", self._why_diverged()

    def _why_diverged(self) -> str:
        setup, first_loss = self.setup, self.first_loss
        advice = divergence_advice(
            self.config,
            stage=self.position.stage,
            from_first_step=first_loss is not None and not math.isfinite(first_loss.item()),
            is_bf16=setup.placement.dtype is torch.bfloat16,
            youngest=float(setup.ages[setup.train_rows.positions].min()),
        )
        return f"the loss was not finite in epoch {self.position.epoch}; {advice}"

    def _resume(self) -> None:
        """Loads the newest intact checkpoint, and moves the model to its device."""
        state, problems = load_newest(self.request.checkpoints, self.request.folder)
        for problem in problems:
            self._warn(f"continuing from an earlier checkpoint: {problem}")
        self.setup.loss.begin(self.device, state.loss if state is not None else {})
        if state is not None:
            self._refuse_changed_origin(state)
            self.model.load_state_dict(state.model, strict=False)
            self.position, self.best, self.resumed_optimizer = state.position, state.best, state.optimizer
            self.resumed_average = state.average
            self.checkpoints.saved = replace(state.position)
            self.metrics.resume(state.loss_sum, state.position.step)
        self.model.to(self.device).to(memory_format=torch.channels_last)

    def _refuse_changed_origin(self, state: TrainingState) -> None:
        setup = self.setup
        if state.data_hash != setup.dataset.content_hash:
            raise DataError(
                f"data set {setup.dataset.name!r} changed since this run started: its images, splits, ages or "
                "attributes differ; restore it, or restart the run with: ageui retry RUN --from-start"
            )
        if state.init_sha256 != setup.report.sha256:
            raise DataError(
                f"the first weights of this run ({setup.report.source}) changed since it started; restore them, or "
                "restart the run with: ageui retry RUN --from-start"
            )

    def _announce(self) -> None:
        setup, before = self.setup, self.request.manifest
        manifest = run_manifest(self.config, setup.revision, setup.dataset, setup.placement, self.model, setup.report)
        self.emit(RunStarted(manifest, self.position.step, self.position.epoch))
        for note in setup.notes(self._weights_origin()):
            self.emit(Noted(note))
        for warning in setup.report.warnings:
            self._warn(warning)
        if before is not None and (changed := differences(before, manifest)):
            changes = ", ".join(changed)
            self._warn(f"the environment changed since this run started, so results may differ slightly: {changes}")

    def _weights_origin(self) -> str:
        """A sentence about the origin of this attempt's weights."""
        first = f"backbone: {self.setup.report.sentence()}"
        if self.checkpoints.saved is None:
            return first
        checkpoint = f"from the checkpoint after step {self.position.step}"
        return f"{first}; head: {checkpoint}" if self._is_frozen() else f"backbone and head: {checkpoint}"

    def _train_stage(self) -> bool:
        """Trains the rest of the stage. Returns False if the loss became non-finite."""
        position, config, frozen = self.position, self.config, self._is_frozen()
        epochs, lr = config.epochs[position.stage - 1], config.lr[position.stage - 1]
        self.model.set_training_stage(train_backbone=not frozen, bn=config.bn)
        self.inputs = self._frozen_inputs() if frozen else self.setup.images
        if config.standardize and position.step == 0:
            self._standardize()
        trainable = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        self.optimizer = build_optimizer(config.optimizer, trainable, lr, config.momentum, config.weight_decay)
        if self.resumed_optimizer is not None:
            self.optimizer.load_state_dict(self.resumed_optimizer)
            self.resumed_optimizer = None
        if config.ema:
            self.average = WeightAverage(self.model, config.ema, self.resumed_average)
            self.resumed_average = {}
        steps = len(split_batches(np.arange(len(self.setup.train_rows.positions)), config.batch, config.last_batch))
        parameters = sum(parameter.numel() for parameter in trainable)
        self.emit(StageStarted(position.stage, config.stage_count, epochs, steps, parameters))
        if position.at_stage_start and self.best.epoch:
            self.best.state = snapshot(self.model.state_dict())
            if config.early_stopping == "stage":
                self.best.loss = math.inf
        train_step = TrainStep(
            self.model, self.inputs, self.setup.loss, self.optimizer, config, self.device, self._warn
        )
        head_parameters = parameters if isinstance(self.inputs, FeatureInputs) else None
        with closing(train_step), threads_for(config, head_parameters, self.device):
            if not self._train_epochs(train_step, steps, epochs):
                return False
        if position.stage_epoch < epochs:
            waited = counted(position.waited, "epoch")
            self.emit(Noted(f"stage {position.stage} stopped early: no better validation loss in {waited}"))
        if config.keep == "best" or config.ema:
            self._restore_best()
        return True

    def _train_epochs(self, train_step: TrainStep, steps: int, epochs: int) -> bool:
        """Trains the remaining epochs of the stage. Returns False if the loss became non-finite."""
        position = self.position
        later_epochs = sum(self.config.epochs[position.stage :])
        while position.stage_epoch < epochs and not self._has_waited():
            self.metrics.begin_epoch(position, steps, epochs - position.stage_epoch, later_epochs)
            ended = self._train_epoch(train_step, steps, epochs)
            is_best = ended.is_finite and self._keep_if_best(ended)
            position.waited = 0 if is_best else position.waited + 1
            position.end_epoch()
            is_last = position.stage_epoch == epochs or self._has_waited() or not ended.is_finite
            self.emit(replace(ended, is_best=is_best, scores=self._epoch_scores(ended.epoch, is_last)))
            if not ended.is_finite:
                return False
            self._between_steps()
        return True

    def _keep_if_best(self, ended: EpochEnded) -> bool:
        """Keeps the weights of the best epoch so far, or of the last by config. Returns whether the epoch is best."""
        best, config = self.best, self.config
        is_best = ended.val_loss is None or ended.val_loss < best.loss - config.min_delta
        if is_best and ended.val_loss is not None:
            best.loss = ended.val_loss
        if is_best or config.keep == "last":
            best.epoch, best.step = ended.epoch, ended.step
            best.state, best.predicted = snapshot(self._trained_state(averaged=True)), self.predicted
        return is_best

    def _epoch_scores(self, epoch: int, is_last: bool) -> EpochScores | None:
        """The scores of the newest epoch, the last of its stage or not; None if it is not scored.

        If epochs take milliseconds, scores every N-th epoch, the last and the best. The best epoch waits for the next
        scored epoch, since most epochs may be the best so far.
        """
        interval = self.request.scoring_interval if isinstance(self.inputs, FeatureInputs) else 1
        if len(self.predicted) == 0 or not (is_last or self.position.stage_epoch % interval == 0):
            return None
        if self.best.epoch < epoch and len(self.best.predicted):
            self.emit(EpochScored(self.best.epoch, self.scorer.scores(_years(self.best.predicted))))
        self.best.predicted = torch.empty(0)
        return self.scorer.scores(_years(self.predicted))

    def _train_epoch(self, train_step: TrainStep, steps: int, epochs: int) -> EpochEnded:
        """Trains the rest of the running epoch of `steps` steps, then validates. The stage has `epochs` epochs."""
        rows, position, epoch = self.setup.train_rows, self.position, self.position.epoch + 1
        order = epoch_order(self.config.seed, epoch, len(rows.positions))
        ahead = split_batches(order, self.config.batch, self.config.last_batch)[position.batch :]
        self.model.train()
        begin = time.monotonic() - position.seconds
        targets, weights = self._targets_and_weights(ahead)
        lr_of = partial(learning_rate, self.config, position.stage, steps=steps * epochs)
        before = position.stage_epoch * steps
        with closing(self.inputs.batches([rows.take(chosen) for chosen in ahead])) as prepared:
            for batch, target, weight in zip(prepared, targets, weights, strict=True):
                stage_step = before + position.batch
                loss = train_step(batch, target, weight, epoch, position.step + 1, lr_of(stage_step))
                if self.average is not None:
                    self.average.update(stage_step + 1)
                if position.step == 0:
                    self.first_loss = loss
                position.end_step(len(target), time.monotonic() - begin)
                self.metrics.end_step(position, loss, len(target))
                self._between_steps()
        with self.average.applied() if self.average is not None else nullcontext():
            val_loss, val_mae = self._validate()
        return EpochEnded(
            stage=position.stage,
            epoch=epoch,
            step=position.step,
            train_loss=self.metrics.loss_sum.item() / position.images,
            val_loss=val_loss,
            val_mae=val_mae,
            lr=lr_of(before + steps - 1),
            seconds=time.monotonic() - begin,
            images_per_second=position.images_per_second,
            is_best=False,
        )

    def _targets_and_weights(self, batches: list[NDArray[np.int64]]) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
        """Targets of the loss and sample weights (B,) of each batch, on the device, uploaded at once."""
        setup, sizes = self.setup, [len(chosen) for chosen in batches]
        if not batches:
            return (), ()
        chosen = np.concatenate(batches)
        targets = upload(setup.targets[setup.train_rows.positions[chosen]], self.device)
        return torch.split(targets, sizes), torch.split(upload(setup.weights[chosen], self.device), sizes)

    def _validate(self) -> tuple[float | None, float | None]:
        """The unweighted loss and the MAE in years on the validation split; None without labelled images.

        With mirror images, the loss is the mean over images and mirror images, and ages are means of both predictions.
        """
        setup, rows = self.setup, self.setup.valid_rows
        if len(rows.positions) == 0:
            return None, None
        mirror, targets = self.config.mirror, setup.targets[rows.positions]
        outputs = model_outputs(self.model, self.inputs, rows, lambda done, total: self._check_stop(), mirror=mirror)
        loss = torch.stack([setup.loss.validation(output, targets) for output in outputs]).mean()
        self.predicted = setup.loss.mean_years(outputs)
        return loss.item(), (self.predicted - setup.ages[rows.positions]).abs().mean().item()

    def _score(self) -> None:
        config, setup = self.config, self.setup
        if not config.trains_backbone and config.epochs[0] > 0 and self.inputs is setup.images:
            # Resumed after its last epoch: scores in the same blocks as an uninterrupted run.
            self.inputs = self._frozen_inputs()
        selects = sum(config.epochs) > 0 and (config.keep == "best" or config.patience is not None)
        selected_on = "valid" if selects and len(setup.valid_rows.positions) else None
        evaluate(self.model, setup.dataset, config, setup.loss, self.inputs, selected_on, self.emit, self.progress)

    def _frozen_inputs(self) -> Inputs:
        """The frozen backbone's features of all rows for training and scoring.

        With augmentation in every step, returns the images, because every epoch sees different ones.
        """
        setup = self.setup
        if self.config.augment in FRESH_AUGMENTS:
            return setup.images
        scored = [setup.dataset.rows(split) for split in setup.dataset.splits() if split != "train"]
        positions = np.concatenate([setup.train_rows.positions, *scored])
        kinds = np.zeros(len(positions), dtype=np.int8)
        kinds[: len(setup.train_rows.kinds)] = setup.train_rows.kinds
        rows = Rows(positions, kinds)
        if self.config.mirror:
            rows = rows.with_mirrored()
        key = feature_key(self.model, setup.dataset, rows, self.config, setup.placement)
        cache = self.request.cache or cache_folder()
        progress = partial(self.progress, "features")
        features = frozen_features(self.model, setup.images, rows, key, cache, progress, self._warn)
        return FeatureInputs(features, rows, setup.placement)

    def _standardize(self) -> None:
        """Fits the head's standardization to the features of the train images under the first weights."""
        rows = Rows.plain(self.setup.dataset.rows("train"))
        self.model.standardize(fixed_features(self.model, self.inputs, rows, lambda done, total: self._check_stop()))

    def write_checkpoint(self) -> None:
        """Writes the state that a later attempt needs to continue here, after emitting all losses so far.

        A diverged run writes no state: another attempt repeats the steps since its last checkpoint.
        """
        self.metrics.emit_steps(self.position)
        if self.has_diverged or self.position in (self.checkpoints.saved, Position()):
            return
        self.checkpoints.write_state(
            TrainingState(
                position=self.position,
                best=self.best,
                loss_sum=self.metrics.loss_sum,
                model=self._trained_state(),
                optimizer=self.optimizer.state_dict() if self.optimizer is not None else self.resumed_optimizer,
                data_hash=self.setup.dataset.content_hash,
                init_sha256=self.setup.report.sha256,
                loss=self.setup.loss.state(),
                average=self.average.values if self.average is not None else self.resumed_average,
            )
        )

    def write_kept_weights(self) -> None:
        """Writes the kept weights, and notes if they are an earlier stage's; none if no epoch had a finite loss.

        Without epochs to train, these are the first weights.
        """
        position, best, config = self.position, self.best, self.config
        if best.epoch == 0 and sum(config.epochs) > 0:
            return
        is_of_earlier_stage = (
            position.stage <= config.stage_count and best.epoch <= position.epoch - position.stage_epoch
        )
        if is_of_earlier_stage and config.early_stopping == "stage":
            self.emit(
                Noted(
                    f"no epoch of stage {position.stage} had a finite loss: the weights of stage {position.stage - 1} "
                    f"after epoch {best.epoch} are kept"
                )
            )
        state = {**self.model.state_dict(), **best.state}
        self.checkpoints.write_kept_weights(state, best, config, self.setup.report.pretraining)

    def _trained_state(self, *, averaged: bool = False) -> dict[str, Tensor]:
        """The part of the model's state that can differ from its origin: without the backbone while it is frozen."""
        model = self.model
        own: dict[str, Tensor] = model.head.state_dict(prefix="head.") if self._is_frozen() else model.state_dict()
        return own | self.average.values if averaged and self.average is not None else own

    def _restore_best(self) -> None:
        if self.best.state:
            self.model.load_state_dict(self.best.state, strict=False)

    def _is_frozen(self) -> bool:
        return self.config.strategy == "freeze" and self.position.stage == 1

    def _has_waited(self) -> bool:
        return self.config.patience is not None and self.position.waited >= self.config.patience

    def _between_steps(self) -> None:
        self._check_stop()
        if self.device.type == "cpu" and (warning := self.neighbours.warning()) is not None:
            self._warn(warning)
        if self.checkpoints.is_due:
            self.write_checkpoint()

    def _check_stop(self) -> None:
        if self.should_stop():
            raise Stopped

    def _warn(self, message: str) -> None:
        self.emit(Noted(message, warning=True))


def _years(predicted: Tensor) -> NDArray[np.float64]:
    return predicted.numpy().astype(np.float64)
