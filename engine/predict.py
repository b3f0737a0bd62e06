"""Predicts ages of image files with a trained run's weights."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from engine.bounded_files import IMAGE_BYTES, problem_of, read_regular
from engine.choices import Precision
from engine.config import RunConfig
from engine.data.decode import FRAMES, decode, is_animated, to_square
from engine.device import place
from engine.errors import DataError
from engine.kept_weights import load_weights
from engine.losses import build_loss
from engine.model_inputs import backbone_features
from engine.models import AgeModel, build_model

BATCH = 32
SMALLEST_SIDE = 32
"""Images with a shorter side of fewer pixels are taken for something else than a face crop."""
MOST_OBLONG = 1.5
"""So are images whose longer side is more than that many times their shorter one."""


@dataclass(frozen=True)
class PredictedAge:
    """The predicted age of a file in years, or None and the file's problem; `warnings` doubt that it shows a face."""

    path: Path
    years: float | None
    problem: str | None
    warnings: tuple[str, ...] = ()


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
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> list[PredictedAge]:
    """Predicts an age for every image file. A file that cannot be read gets a problem instead of an age.

    Parameters
    ----------
    weights
        Kept weights of a run, see `engine.kept_weights`.
    images
        Files of the formats in `engine.data.image_files`.
    sha256
        Expected hash of `weights`; None skips the comparison.
    device
        `auto`, `cpu`, `cuda` or `cuda:N`.
    precision
        The arithmetic that scored the run; `auto` is that of the config, which another machine may settle otherwise.
    progress
        Called with the work in progress, the number of finished images and of all images.

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
        pixels = [square for square, _ in block if isinstance(square, np.ndarray)]
        years: Iterator[float] = iter(())
        if pixels:
            batch = torch.from_numpy(np.stack(pixels)).to(placement.device).permute(0, 3, 1, 2).float().div_(255)
            views = (batch, batch.flip(-1)) if config.mirror else (batch,)
            with torch.inference_mode():
                outputs = [model.score(backbone_features(model, view, placement)) for view in views]
            years = iter(loss.mean_years(outputs).tolist())
        for path, (square, warnings) in zip(images[start : start + BATCH], block, strict=True):
            found.append(
                PredictedAge(path, None, square)
                if isinstance(square, str)
                else PredictedAge(path, next(years), None, warnings)
            )
        progress("predicting", len(found), len(images))
    return found


def _read(path: Path, size: int) -> tuple[NDArray[np.uint8] | str, tuple[str, ...]]:
    """Pixels (size, size, 3) uint8 or the file's problem, and warnings."""
    try:
        content = read_regular(path, IMAGE_BYTES)
        pixels = decode(content)
        square = to_square(Image.fromarray(pixels), size)
        return square, tuple(_warnings(content, pixels, square))
    except (DataError, OSError) as error:
        return problem_of(error), ()


def _warnings(content: bytes, pixels: NDArray[np.uint8], square: NDArray[np.uint8]) -> Iterator[str]:
    height, width, _ = pixels.shape
    if min(height, width) < SMALLEST_SIDE:
        yield f"too small for a face crop: {width}×{height} pixels, and a face needs {SMALLEST_SIDE}×{SMALLEST_SIDE}"
    if max(height, width) > MOST_OBLONG * min(height, width):
        yield (
            f"too oblong for a face crop: {width}×{height} pixels, of which the central square is used; "
            "crop it to the face"
        )
    if (square == square[0, 0]).all():
        yield "one colour only, so it shows no face"
    if is_animated(content):
        yield FRAMES
