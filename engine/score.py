"""Scores a trained run on another data set."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from engine.choices import SPLIT_PREFERENCE, Precision
from engine.data.dataset import Dataset, prepare
from engine.data.spec import DataSpec
from engine.device import place
from engine.errors import ConfigError
from engine.evaluate import score_rows
from engine.events import Evaluated
from engine.losses import build_loss
from engine.model_inputs import ImageInputs
from engine.pixel_source import choose_source
from engine.predict import load_model
from engine.resampling import Codes

EVERY_SPLIT = "all"


def score_data(
    weights: Path,
    spec: DataSpec,
    *,
    cache: Path,
    sha256: str | None = None,
    split: str | None = None,
    constant_age: float | None = None,
    device: str = "auto",
    precision: Precision = "auto",
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
    warn: Callable[[str], None] = lambda message: None,
) -> Evaluated:
    """Scores kept weights on data other than their training data.

    Parameters
    ----------
    weights, sha256
        Kept weights of a run, and their expected hash; None skips the comparison.
    spec
        The data set.
    cache
        Folder of decoded images.
    split
        A split of the data, or `all` for all labelled images; by default the first of test, valid, train with labels.
    constant_age
        The constant predictor's age in years: the mean over the run's train images.
    device
        `auto`, `cpu`, `cuda` or `cuda:N`.
    precision
        The arithmetic that scored the run; `auto` is its config's.
    progress
        Called with the current task and the numbers of finished and of all items.
    warn
        Called with a sentence about each damaged file in the cache.

    Returns
    -------
    Evaluated
        Scores of the split `DATA/SPLIT`, which played no part in selection.

    Raises
    ------
    ConfigError
        If the split has no labelled images, or the data lacks the kind of age that the run learned.
    DataError
        If weights or images cannot be used.
    DeviceError
        If this machine lacks the device.
    """
    model, config = load_model(weights, sha256)
    precision = config.precision if precision == "auto" else precision
    config = config.model_copy(update={"device": device, "precision": precision, "augment": "none"})
    placement = place(config)
    dataset = prepare(
        spec,
        config.target,
        config.size,
        cache=cache,
        progress=progress,
        warn=warn,
        trains=False,
        crop=config.crop,
    )
    chosen, rows = _chosen_rows(dataset, split)
    model.to(placement.device).to(memory_format=torch.channels_last).eval()
    source = choose_source(dataset.pixels, dataset.frame["pixel"].to_numpy(dtype=np.int64)[rows], placement.device)
    inputs = ImageInputs(dataset, config, placement, source, warn)
    name = f"{spec.name}/{chosen}"
    scored = score_rows(model, dataset, config, build_loss(config), inputs, name, rows, constant_age, None, progress)
    return replace(scored, data_hash=dataset.content_hash)


def _chosen_rows(dataset: Dataset, split: str | None) -> tuple[str, Codes]:
    """The split to score, and the positions of its labelled images."""
    labelled = {name: dataset.rows(name) for name in SPLIT_PREFERENCE if len(dataset.rows(name))}
    if not labelled:
        raise ConfigError(f"data set {dataset.name!r} has no image with an age; choose data with labels to score on")
    labelled[EVERY_SPLIT] = np.sort(np.concatenate(list(labelled.values())))
    if split is not None and split not in labelled:
        raise ConfigError(
            f"data set {dataset.name!r} has no labelled images in {split!r}; choose one of {', '.join(labelled)}"
        )
    chosen = split or next(iter(labelled))
    return chosen, labelled[chosen]
