"""Sets up a run before its first step: data, network, loss and sample weights."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.augment import expand_rows
from engine.config import RunConfig
from engine.counted import counted
from engine.data.data_root import below_root, refuse_other_images
from engine.data.dataset import Dataset, prepare
from engine.data.manifest import Progress
from engine.device import Placement, place
from engine.errors import ConfigError
from engine.groups import crossed_codes, filled_groups
from engine.label_limits import age_warnings, image_loss
from engine.lone_values import lone_values_problem
from engine.losses import Loss, build_loss
from engine.model_inputs import ImageInputs, Rows
from engine.models import AgeModel, LoadReport, build_model
from engine.paths import cache_folder
from engine.pixel_source import choose_source
from engine.recipe import recipe_revision, revision_of, under_revision
from engine.request import RunRequest
from engine.weighting import sample_weights


@dataclass(frozen=True, eq=False)
class RunSetup:
    """The parts of a run.

    `config` is the request's config, completed by `revision` of the recipe. `data_path` is the path of the data set if
    it was registered with another one. `ages` (N,) are in years, for all rows of the data set; `spreads` (N,) are the
    standard deviations of votes in years, NaN if unknown; `targets` are the loss's targets. `weights` (R,) belong to
    `train_rows`. `groups` are the groups that the loss distinguishes, if any. The network is on the CPU, with its first
    weights; `report` tells their origin.
    """

    config: RunConfig
    revision: int
    placement: Placement
    dataset: Dataset
    data_path: str | None
    loss: Loss
    model: AgeModel
    report: LoadReport
    ages: Tensor
    spreads: Tensor
    groups: tuple[str, ...]
    targets: Tensor
    train_rows: Rows
    valid_rows: Rows
    weights: Tensor
    images: ImageInputs

    def notes(self, weights: str) -> Iterator[str]:
        """Sentences about the choices made, including `weights`, the sentence about the network's weights."""
        config, count = self.config, len(self.train_rows.positions)
        yield f"computing on {self.placement.reason}"
        yield weights
        if self.data_path is not None:
            yield f"data set {self.dataset.name!r} is read from {self.data_path}"
        if (faceless := self.dataset.faceless) is not None:
            total = counted(len(self.dataset.frame), "image")
            place = "cropped to a face's usual place" if config.crop == "aligned" else "cropped to the central square"
            yield f"no face found in {faceless:,} of {total}: these are {place}"
        if self.images.source.note is not None:
            yield self.images.source.note
        if count % config.batch == 1 and config.batch > 1:
            done = {"keep": "it gets its own step", "merge": "it joins the previous batch", "drop": "it is dropped"}
            yield f"the last batch of each epoch would hold one image: {done[config.last_batch]}"
        if len(self.valid_rows.positions) == 0:
            yield "no labelled validation images: no early stopping, the last weights are kept"
        if config.schedule != "constant" and config.patience is not None:
            yield f"early stopping may cut the {config.schedule} schedule short; --set patience=none completes it"
        yield from self._loss_notes()
        yield from age_warnings(
            config,
            youngest=float(self.ages[self.train_rows.positions].min()),
            oldest=float(self.ages[~self.ages.isnan()].max()),
        )

    def _loss_notes(self) -> Iterator[str]:
        config, rows = self.config, self.train_rows.positions
        if image_loss(config) == "dldl":
            known, sigma = int((self.spreads[rows] > 0).sum()), config.dldl_sigma
            yield f"dldl: {known:,} of {len(rows):,} train images have a known spread of votes, others {sigma:g} years"
        if config.loss == "group-dro":
            yield f"group-dro weights {counted(len(self.groups), 'group')}: {'; '.join(self.groups)}"
            outside = int((self.targets[rows, -1] < 0).sum())
            if outside:
                yield f"group-dro leaves out {outside} train images without a value of {', '.join(config.weights)}"


def set_up(request: RunRequest, progress: Progress, warn: Callable[[str], None]) -> RunSetup:
    """Reads and decodes the data, builds the network and computes sample weights.

    Parameters
    ----------
    request
        The run.
    progress
        Called during long work with its name and the numbers of finished and of all items.
    warn
        Called with a sentence about each damaged file in the cache.

    Raises
    ------
    ConfigError, DataError, DeviceError
        If the config, data set or device cannot be used.
    """
    revision = recipe_revision(request.config) if request.manifest is None else revision_of(request.manifest)
    config = under_revision(request.config, revision)
    cache = request.cache or cache_folder()
    placement = place(config, request.device, request.manifest)
    spec = request.spec if request.data_root is None else below_root(request.spec, request.data_root)
    dataset = prepare(spec, config.target, config.size, cache=cache, progress=progress, warn=warn, crop=config.crop)
    if spec != request.spec:
        refuse_other_images(spec, dataset.content, request.images_digest)
    train_rows = _train_rows(dataset, config)
    codes, groups = _loss_groups(dataset, config, train_rows)
    loss = build_loss(config, len(groups))
    model, report = build_model(config, loss.outputs, shares_weights=loss.shares_weights)
    if config.compile:
        model.compile_training()
    if len(train_rows.positions) < 2:
        raise ConfigError("training needs at least two labelled train images")
    lone = lone_values_problem(config, len(train_rows.positions), needs_pairs=model.backbone.needs_pairs)
    if lone is not None:
        raise ConfigError(lone)
    labelled = dataset.frame["pixel"].to_numpy(dtype=np.int64)[dataset.frame["age"].notna()]
    source = choose_source(dataset.pixels, labelled, placement.device, request.pixel_bytes_on_device)
    ages, spreads = torch.from_numpy(dataset.frame["age"].to_numpy(dtype=np.float32)), _spreads(dataset, config)
    return RunSetup(
        config=config,
        revision=revision,
        placement=placement,
        dataset=dataset,
        data_path=None if spec == request.spec else spec.path,
        loss=loss,
        model=model,
        report=report,
        ages=ages,
        spreads=spreads,
        groups=groups,
        targets=loss.targets(ages, spreads, codes),
        train_rows=train_rows,
        valid_rows=Rows.plain(dataset.rows("valid")),
        weights=_sample_weights(dataset, config, train_rows),
        images=ImageInputs(dataset, config, placement, source, warn),
    )


def _train_rows(dataset: Dataset, config: RunConfig) -> Rows:
    positions = dataset.rows("train")
    ages = dataset.frame["age"].to_numpy(dtype=np.float64)[positions]
    return Rows(*expand_rows(positions, ages, config.augment))


def _spreads(dataset: Dataset, config: RunConfig) -> Tensor:
    """The standard deviations of the votes on apparent ages; NaN for real ages, which have no votes."""
    if config.target != "apparent" or "age_std" not in dataset.frame.columns:
        return torch.full((len(dataset.frame),), torch.nan)
    return torch.from_numpy(dataset.frame["age_std"].to_numpy(dtype=np.float32))


def _loss_groups(dataset: Dataset, config: RunConfig, rows: Rows) -> tuple[Tensor, tuple[str, ...]]:
    """The groups of `group-dro` with a train image; other losses have one group of all images."""
    attributes = config.weights if config.loss == "group-dro" else ()
    codes, names = filled_groups(*crossed_codes(dataset.frame, attributes, config.age_edges), rows.positions)
    if not names:
        raise ConfigError(
            f"no train image has a value of {', '.join(attributes)}; choose other --weights for group-dro"
        )
    return torch.from_numpy(codes), names


def _sample_weights(dataset: Dataset, config: RunConfig, rows: Rows) -> Tensor:
    """The sample weights of the train rows; under `group-dro`, the attributes name its groups instead."""
    weights = sample_weights(
        dataset.frame.iloc[rows.positions],
        () if config.loss == "group-dro" else config.weights,
        scheme=config.weighting,
        combine=config.combine,
        beta=config.effective_beta,
        age_edges=config.age_edges,
        lds_kernel=config.lds_kernel,
        lds_sigma=config.lds_sigma,
    )
    return torch.from_numpy(weights.astype(np.float32))
