"""Decodes an image file safely: known formats only, never a decompression bomb, never half an image."""

import io
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from engine.errors import DataError

FORMATS = ("JPEG", "PNG", "WEBP")
LARGEST_PIXELS = 50_000_000
RESAMPLING = Image.Resampling.BICUBIC


def decode(content: bytes) -> NDArray[np.uint8]:
    """RGB pixels (H, W, 3) of an image file, upright according to its EXIF orientation.

    Raises `DataError` with the problem: an empty file, another format, more than 50 million pixels, a damaged image.
    """
    return np.asarray(_open(content))


def decode_square(content: bytes, size: int) -> NDArray[np.uint8]:
    """RGB pixels (size, size, 3): the central square, resized with an antialiased bicubic filter."""
    return to_square(_open(content), size)


def to_square(image: Image.Image, size: int) -> NDArray[np.uint8]:
    """The central square of an image, resized to (size, size, 3)."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    if image.size == (size, size):
        return np.asarray(image)
    box = (left, top, left + side, top + side)
    return np.asarray(image.resize((size, size), RESAMPLING, box=box, reducing_gap=None))


def _open(content: bytes) -> Image.Image:
    if not content:
        raise DataError("the file is empty (0 bytes)")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=FORMATS)
        if image.width * image.height > LARGEST_PIXELS:
            raise DataError(
                f"{image.width}×{image.height} pixels are more than the limit of {LARGEST_PIXELS:,}; make it smaller"
            )
        return ImageOps.exif_transpose(image).convert("RGB")
    except UnidentifiedImageError:
        raise DataError(f"not a {', '.join(FORMATS)} image") from None
    except Image.DecompressionBombError:
        raise DataError(f"more pixels than the limit of {LARGEST_PIXELS:,}; make it smaller") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"damaged image: {error}") from error
