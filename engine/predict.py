"""Predicts ages of image files with a trained run's weights."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from engine.bounded_files import IMAGE_BYTES, problem_of, read_regular
from engine.choices import Precision
from engine.config import RunConfig
from engine.data.decode import decode_square
from engine.device import place
from engine.errors import DataError
from engine.kept_weights import load_weights
from engine.losses import build_loss
from engine.model_inputs import backbone_features
from engine.models import AgeModel, build_model

BATCH = 32


@dataclass(frozen=True)
class PredictedAge:
    """The predicted age of a file in years, or None and the file's problem."""

    path: Path
    years: float | None
    problem: str | None


def load_model(weights: Path, sha256: str | None = None) -> tuple[AgeModel, RunConfig]:
    """A run's network with its kept weights, on the CPU, and the config it was trained with.

    Raises `DataError` for a file that is missing, damaged, or not the one that `sha256` names.
    """
    state, config = load_weights(weights, sha256)
    # The weights come from the file: the run's own first weights may be gone.
    loss = build_loss(config)
    fresh = config.model_copy(update={"init": "random"})
    model, _ = build_model(fresh, loss.outputs, shares_weights=loss.shares_weights)
    model.load_state_dict(state)
    return model, config


def predict_files(
    weights: Path,
    images: Sequence[Path],
    *,
    sha256: str | None = None,
    device: str = "auto",
    precision: Precision = "auto",
) -> list[PredictedAge]:
    """Predicts an age for every image file. A file that cannot be read gets a problem instead of an age.

    Parameters
    ----------
    weights
        Kept weights of a run, see `engine.kept_weights`.
    images
        JPEG, PNG or WebP files.
    sha256
        Expected hash of `weights`; None skips the comparison.
    device
        `auto`, `cpu`, `cuda` or `cuda:N`.
    precision
        The arithmetic that scored the run; `auto` is that of the config, which another machine may settle otherwise.

    Returns
    -------
    list of PredictedAge
        In the order of `images`.

    Raises
    ------
    DataError
        For weights that are missing, damaged or not the expected ones.
    DeviceError
        For a device that this machine lacks.
    """
    model, config = load_model(weights, sha256)
    precision = config.precision if precision == "auto" else precision
    placement = place(config.model_copy(update={"device": device, "precision": precision}))
    model.to(placement.device).to(memory_format=torch.channels_last).eval()
    loss = build_loss(config)
    found: list[PredictedAge] = []
    for start in range(0, len(images), BATCH):
        block = [_read(path, config.size) for path in images[start : start + BATCH]]
        pixels = [read for read in block if isinstance(read, np.ndarray)]
        years: Iterator[float] = iter(())
        if pixels:
            batch = torch.from_numpy(np.stack(pixels)).to(placement.device).permute(0, 3, 1, 2).float().div_(255)
            with torch.inference_mode():
                years = iter(loss.years(model.score(backbone_features(model, batch, placement))).tolist())
        for path, read in zip(images[start : start + BATCH], block, strict=True):
            found.append(
                PredictedAge(path, next(years), None)
                if isinstance(read, np.ndarray)
                else PredictedAge(path, None, read)
            )
    return found


def _read(path: Path, size: int) -> NDArray[np.uint8] | str:
    """Pixels (size, size, 3) uint8, or the file's problem."""
    try:
        return decode_square(read_regular(path, IMAGE_BYTES), size)
    except (DataError, OSError) as error:
        return problem_of(error)
