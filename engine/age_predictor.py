"""A trained network as a torch module with its preprocessing: faces in, years out."""

import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor, nn

from engine.bounded_files import IMAGE_BYTES, problem_of, read_regular
from engine.config import RunConfig
from engine.data import face_finder
from engine.data.decode import decode, to_square
from engine.data.face_chips import FoundFace, face_square
from engine.device import Placement
from engine.errors import DataError
from engine.losses import Loss, build_loss
from engine.model_inputs import backbone_features
from engine.models import AgeModel

BATCH = 32
Picture = str | os.PathLike[str] | Image.Image | NDArray[np.uint8]
"""A path, an image of Pillow, or RGB pixels (H, W, 3)."""


class AgePredictor(nn.Module):
    """Ages from faces, computed as `ageui predict` does.

    A call takes RGB pixels from 0 to 255, (N, 3, S, S) of any number type, and returns years (N,), with gradients.
    `read` makes such pixels from pictures, cropped as in training; `predict` reads pictures and returns their ages.

    Parameters
    ----------
    network
        The network; it moves to the device of `placement` and into inference mode.
    config
        The config that trained it.
    placement
        Device and arithmetic.
    on_photos
        Whether it was trained on faces found in photos.
    """

    def __init__(self, network: AgeModel, config: RunConfig, placement: Placement, *, on_photos: bool = False) -> None:
        super().__init__()
        self.network = network.to(placement.device).to(memory_format=torch.channels_last)
        self.config = config
        self.placement = placement
        self._finds_faces = on_photos or config.crop == "aligned"
        self._loss = build_loss(config)
        self.eval()

    def forward(self, pixels: Tensor) -> Tensor:
        """The predicted ages (N,) in years, fp32, of RGB pixels (N, 3, S, S) from 0 to 255."""

        def output(images: Tensor) -> Tensor:
            return self.network.score(backbone_features(self.network, images, self.placement))

        return years_of_pixels(pixels, output, self._loss, mirror=self.config.mirror)

    def read(self, pictures: Sequence[Picture], *, find_faces: bool | None = None) -> Tensor:
        """The pixels (N, 3, S, S) uint8 of one face in each picture, on the network's device.

        Parameters
        ----------
        pictures
            Paths, images of Pillow, or RGB pixels (H, W, 3) uint8.
        find_faces
            Whether every picture must show a face that can be found; its main face is used. Otherwise, a picture is
            one face and is cropped as in training. None: as in training.

        Raises
        ------
        DataError
            If a picture cannot be read or shows no face, by its path or place.
        ConfigError
            If faces are to be found, but the extra `faces` is not installed.
        """
        needs_face = self._finds_faces if find_faces is None else find_faces
        finds = needs_face or self.config.crop == "aligned"
        with face_finder.face_finder() if finds else nullcontext() as find:
            squares = [self._square(place, picture, find, needs_face) for place, picture in enumerate(pictures)]
        size = self.config.size
        pixels = np.stack(squares) if squares else np.zeros((0, size, size, 3), dtype=np.uint8)
        return torch.from_numpy(pixels).to(self.placement.device).permute(0, 3, 1, 2)

    @torch.inference_mode()
    def predict(self, pictures: Sequence[Picture], *, find_faces: bool | None = None) -> NDArray[np.float64]:
        """The predicted ages (N,) in years of one face in each picture; parameters and errors are those of `read`."""
        blocks = [pictures[start : start + BATCH] for start in range(0, len(pictures), BATCH)]
        found = [self(self.read(block, find_faces=find_faces)).double().cpu().numpy() for block in blocks]
        return np.concatenate(found) if found else np.zeros(0)

    def _square(
        self, place: int, picture: Picture, find: face_finder.Find | None, needs_face: bool
    ) -> NDArray[np.uint8]:
        try:
            pixels = _pixels(picture)
            faces = find(pixels) if find is not None else ()
            if needs_face and not faces:
                raise DataError("no face found; for a picture of one face, say find_faces=False")
        except (DataError, OSError) as error:
            name = picture if isinstance(picture, str | os.PathLike) else f"picture {place}"
            raise DataError(f"{name}: {problem_of(error)}") from error
        image = Image.fromarray(pixels)
        return cropped(image, face_finder.main_face(faces, *image.size), self.config)


def years_of_pixels(pixels: Tensor, output: Callable[[Tensor], Tensor], loss: Loss, *, mirror: bool) -> Tensor:
    """Ages (N,) in years of RGB pixels (N, 3, S, S) from 0 to 255.

    `output` is the network's for images in [0, 1]; with `mirror`, mirror images count as well.
    """
    images = pixels.float() / 255
    views = (images, images.flip(-1)) if mirror else (images,)
    return loss.mean_years([output(view) for view in views])


def cropped(image: Image.Image, face: FoundFace | None, config: RunConfig) -> NDArray[np.uint8]:
    """The pixels (S, S, 3) of a face for a config's network; None for a face takes the place where crops have one."""
    if face is None and config.crop == "as-is":
        return to_square(image, config.size)
    return face_square(image, face, config.crop, config.size)


def _pixels(picture: Picture) -> NDArray[np.uint8]:
    """RGB pixels (H, W, 3), upright."""
    if isinstance(picture, str | os.PathLike):
        return decode(read_regular(Path(picture), IMAGE_BYTES))
    if isinstance(picture, Image.Image):
        return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise DataError(f"pixels of shape {picture.shape} and type {picture.dtype}; give (height, width, 3) of uint8")
    return picture
