"""Predicts ages of image files with a trained run's weights."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from engine.age_predictor import BATCH, AgePredictor, cropped
from engine.bounded_files import IMAGE_BYTES, problem_of, read_regular
from engine.choices import Precision
from engine.config import RunConfig
from engine.data import face_finder
from engine.data.decode import FRAMES, decode, is_animated
from engine.data.face_chips import Box
from engine.device import Placement, choose_placement, place
from engine.errors import DataError
from engine.kept_weights import load_weights
from engine.losses import build_loss
from engine.models import AgeModel, build_model

SMALLEST_SIDE = 32
"""The smallest shorter side in pixels of a face crop."""
MOST_ENLARGED = 3
"""The largest ratio of the network's input to a face crop's shorter side."""
MOST_OBLONG = 1.5
"""The largest ratio of a face crop's longer side to its shorter side."""
NO_FACE = (
    "no face found: give a photo of faces seen from the front, at least 60 pixels wide; or crop it to one face and say "
    "--no-find-faces"
)


@dataclass(frozen=True)
class PredictedAge:
    """The predicted age in years of a file or of a face in it, or None and the problem of the file.

    `warnings` are doubts about the image. `box` is the box of a found face in pixels of the upright image, cut at its
    edges.
    """

    path: Path
    years: float | None
    problem: str | None
    warnings: tuple[str, ...] = ()
    box: Box | None = None


def load_model(weights: Path, sha256: str | None = None) -> tuple[AgeModel, RunConfig]:
    """A run's network with its kept weights, on the CPU, and the config that trained it.

    Raises `DataError` if the file is missing or damaged, or if its hash differs from `sha256`.
    """
    state, config = load_weights(weights, sha256)
    # All weights come from the file, even after 0 epochs, because the run's first weights may be gone.
    loss = build_loss(config)
    fresh = config.model_copy(update={"init": "random", "epochs": (1,)})
    model, _ = build_model(fresh, loss.outputs, shares_weights=loss.shares_weights)
    model.load_state_dict(state)
    return model, config


def load_predictor(
    weights: Path,
    *,
    sha256: str | None = None,
    device: str = "auto",
    precision: Precision = "auto",
    on_photos: bool = False,
    placed: Callable[[RunConfig], Placement] = choose_placement,
) -> AgePredictor:
    """A run's network with its preprocessing, on a device.

    Parameters
    ----------
    weights, sha256, device, precision
        As in `predict_files`.
    on_photos
        Whether the run was trained on faces found in photos.
    placed
        Chooses device and arithmetic; `engine.device.place` also sets determinism for the process.

    Raises
    ------
    DataError
        If the weights are missing, damaged, or not the expected file.
    DeviceError
        If this machine lacks the device.
    """
    model, config = load_model(weights, sha256)
    precision = config.precision if precision == "auto" else precision
    placement = placed(config.model_copy(update={"device": device, "precision": precision}))
    return AgePredictor(model, config, placement, on_photos=on_photos)


def predict_files(
    weights: Path,
    images: Sequence[Path],
    *,
    sha256: str | None = None,
    device: str = "auto",
    precision: Precision = "auto",
    find_faces: bool | None = None,
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> list[PredictedAge]:
    """Predicts an age for every image file, or for every face found in it, from left to right.

    A file that cannot be read, or without a found face, gets a problem instead of an age.

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
        The arithmetic that scored the run; `auto` is the config's, which may differ on another machine.
    find_faces
        Whether to find all faces in each file; None finds them if the run was trained on aligned faces. Otherwise, a
        file shows one face, and is cropped as in training.
    progress
        Called with the current task and the numbers of finished and of all images.

    Returns
    -------
    list of PredictedAge
        In the order of `images`.

    Raises
    ------
    DataError
        If the weights are missing, damaged, or not the expected file.
    ConfigError
        If faces are to be found, but the extra `faces` is not installed.
    DeviceError
        If this machine lacks the device.
    """
    predictor = load_predictor(weights, sha256=sha256, device=device, precision=precision, placed=place)
    config = predictor.config
    finds = config.crop == "aligned" if find_faces is None else find_faces
    found: list[PredictedAge] = []
    with face_finder.face_finder() if finds or config.crop == "aligned" else nullcontext() as find:
        for start in range(0, len(images), BATCH):
            block = [one for path in images[start : start + BATCH] for one in _squares(path, config, find, finds)]
            squares = [square for _, square in block if square is not None]
            years: list[float] = []
            for first in range(0, len(squares), BATCH):
                pixels = torch.from_numpy(np.stack(squares[first : first + BATCH])).to(predictor.placement.device)
                with torch.inference_mode():
                    years += predictor(pixels.permute(0, 3, 1, 2)).tolist()
            ages = iter(years)
            found += [one if square is None else replace(one, years=next(ages)) for one, square in block]
            progress("predicting", min(start + BATCH, len(images)), len(images))
    return found


def _squares(
    path: Path, config: RunConfig, find: face_finder.Find | None, finds_all: bool
) -> list[tuple[PredictedAge, NDArray[np.uint8] | None]]:
    """A file before prediction: its faces, each with pixels (size, size, 3), or its problem."""
    try:
        content = read_regular(path, IMAGE_BYTES)
        pixels = decode(content)
        faces = find(pixels) if find is not None else ()
    except (DataError, OSError) as error:
        return [(PredictedAge(path, None, problem_of(error)), None)]
    image = Image.fromarray(pixels)
    if finds_all:
        cut = [(face.box.within(*image.size), cropped(image, face, config)) for face in faces]
        if not cut:
            return [(PredictedAge(path, None, NO_FACE), None)]
        warnings = (FRAMES,) if is_animated(content) else ()
        return [(PredictedAge(path, None, None, warnings, box), square) for box, square in cut]
    face = face_finder.main_face(faces, image.width, image.height)
    square = cropped(image, face, config)
    box = face.box.within(*image.size) if face is not None else None
    return [(PredictedAge(path, None, None, tuple(_warnings(content, pixels, square)), box), square)]


def _warnings(content: bytes, pixels: NDArray[np.uint8], square: NDArray[np.uint8]) -> Iterator[str]:
    height, width, _ = pixels.shape
    if min(height, width) < SMALLEST_SIDE:
        yield f"too small for a face crop: {width}×{height} pixels, but a face needs {SMALLEST_SIDE}×{SMALLEST_SIDE}"
    elif MOST_ENLARGED * min(height, width) < (size := len(square)):
        yield f"only {width}×{height} pixels, which are enlarged to {size}×{size}; give a larger image of the face"
    if max(height, width) > MOST_OBLONG * min(height, width):
        yield (
            f"too oblong for a face crop: {width}×{height} pixels, only the central square is used; crop it to the face"
        )
    if (square == square[0, 0]).all():
        yield "a single colour, so it shows no face"
    if is_animated(content):
        yield FRAMES
