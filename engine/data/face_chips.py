"""Squares cut out of images around faces: aligned by landmarks, around a face's box, or where a face usually is."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.choices import Crop

PADDING: Final = 0.2
"""Space around an aligned face, as a share of dlib's mean face; dlib's age network was trained with it. With 0.2875 at
72 pixels, whose central 64 are the same, its mean error before training is 8.4 years instead of 5.9."""
BOX_MARGIN: Final = 0.4
"""Space on each side of a face's box, as a share of the box."""
CENTRE_SIDE: Final = 0.8
CENTRE: Final = (0.508, 0.573)
"""The assumed place of a face in an image without a found face: the side of its square as a share of the image's
shorter side, and the centre of the square in a square image. Medians over the validation faces of APPA-REAL."""
_POINTS: Final = 4
"""The number of points averaged across a pixel of a chip."""
CROPPING: Final = 2
"""Part of the key of cached pixels: raise it when faces are cut differently."""

MEAN_FACE: Final[NDArray[np.float64]] = np.array(
    [
        [0.8595674595992, 0.2134981538014],
        [0.6460604764104, 0.2289674387677],
        [0.1205750620789, 0.2137274526848],
        [0.3340850613712, 0.2290642403242],
        [0.4901123135679, 0.6277975316475],
    ]
)
"""The five landmarks in the mean face, as in `dlib.get_face_chip_details`: corners of the eyes, and below the nose."""


class Box(NamedTuple):
    """Edges in pixels of an image. A face at the image's border can have edges beyond it."""

    left: int
    top: int
    right: int
    bottom: int

    def within(self, width: int, height: int) -> "Box":
        """The part of the box in an image of this size."""
        return Box(max(self.left, 0), max(self.top, 0), min(self.right, width), min(self.bottom, height))


@dataclass(frozen=True)
class FoundFace:
    """A face in an image: its box, and its five landmarks (x, y), in pixels."""

    box: Box
    landmarks: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Placement:
    """Maps a point z = x + iy of a chip, in pixels, to `turn` · z + `origin` in the image.

    The size of `turn` is the number of image pixels per chip pixel; its angle is that of the face.
    """

    turn: complex
    origin: complex


def aligned_placement(landmarks: NDArray[np.float64], size: int, padding: float = PADDING) -> Placement:
    """The similarity transform that maps the mean face closest to five landmarks (5, 2), by least squares.

    The same as that of `dlib.get_face_chip_details` (Umeyama, 1991, without reflection).
    """
    mean = _complex((padding + MEAN_FACE) / (2 * padding + 1) * size)
    found = _complex(landmarks)
    spread = mean - mean.mean()
    turn = complex((spread.conj() * (found - found.mean())).sum() / (np.abs(spread) ** 2).sum())
    return Placement(turn, complex(found.mean() - turn * mean.mean()))


def face_square(image: Image.Image, face: FoundFace | None, crop: Crop, size: int) -> NDArray[np.uint8]:
    """RGB pixels (size, size, 3) of a face: an aligned chip, or with `as-is` its box with a margin.

    Without a face, takes the place where crops usually have one. Repeats the edges of the image beyond it.
    """
    if face is None:
        return _cut(image, centre_placement(image.width, image.height, size, crop), size)
    if crop == "aligned":
        return _cut(image, aligned_placement(np.array(face.landmarks), size), size)
    box = face.box
    side = max(box.right - box.left, box.bottom - box.top) * (1 + 2 * BOX_MARGIN)
    return _cut(image, _upright(complex(box.left + box.right, box.top + box.bottom) / 2, side, size), size)


def centre_placement(width: int, height: int, size: int, crop: Crop) -> Placement:
    """The square for an image without a found face: the central one, or for `aligned` the usual place of a face."""
    side = min(width, height)
    (x, y), share = (CENTRE, CENTRE_SIDE) if crop == "aligned" else ((0.5, 0.5), 1.0)
    middle = complex(width / 2 + (x - 0.5) * side, height / 2 + (y - 0.5) * side)
    return _upright(middle, share * side, size)


def _upright(middle: complex, side: float, size: int) -> Placement:
    return Placement(complex(side / size), middle - complex(side, side) / 2)


def _cut(image: Image.Image, placement: Placement, size: int) -> NDArray[np.uint8]:
    """The average colour under each pixel of the chip, so that all resolutions of a photo give similar chips.

    Averages interpolated points half a pixel to a pixel apart; if these would be farther apart, averages blocks of
    pixels first.
    """
    points = _POINTS * size
    turn = placement.turn / _POINTS
    shrinking = max(1, int(2 * abs(turn)))
    corners = placement.origin + turn * points * np.array([0, 1, 1j, 1 + 1j])
    columns, rows = _reaching(corners.real, shrinking), _reaching(corners.imag, shrinking)
    origin = (placement.origin - complex(columns[0], rows[0])) / shrinking
    columns, rows = columns.clip(0, image.width - 1), rows.clip(0, image.height - 1)
    image = Image.fromarray(np.asarray(image)[np.ix_(rows, columns)]).reduce(shrinking)
    turn /= shrinking
    matrix = (turn.real, -turn.imag, origin.real, turn.imag, turn.real, origin.imag)
    fine = image.transform((points, points), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    return np.asarray(fine.reduce(_POINTS))


def _reaching(ends: NDArray[np.float64], margin: int) -> NDArray[np.int64]:
    """The places from the first to the last of the ends, and a margin for interpolation."""
    return np.arange(int(np.floor(ends.min())) - 2 * margin, int(np.ceil(ends.max())) + 2 * margin)


def _complex(points: NDArray[np.float64]) -> NDArray[np.complex128]:
    return np.asarray(points[:, 0] + 1j * points[:, 1])
