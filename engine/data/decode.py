"""Decodes image files safely: known formats only, no decompression bombs, no truncated images."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError

from engine.data.image_files import ENDINGS_OF_FORMATS
from engine.data.rgb import is_changed, raw_mode, to_rgb
from engine.data.signatures import what_it_is
from engine.errors import DataError

LARGEST_PIXELS = 50_000_000
RESAMPLING = Image.Resampling.BICUBIC
FRAMES = "several frames (the first is used)"

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_JPEG = b"\xff\xd8\xff"
_TIFF_ROWS = 257
_LONGEST_PROBLEM = 120
_MARK = b"\nscaled and composed 1"

# Pillow's warnings name no file. Those that matter are also raised, or refused here.
warnings.filterwarnings("ignore", module=r"PIL\.")


def decode(content: bytes) -> NDArray[np.uint8]:
    """RGB pixels (H, W, 3) of the first frame of an image file, upright according to its EXIF orientation.

    See `engine.data.rgb` for deep and transparent images. Raises `DataError` for an empty file, an unknown format, more
    than 50 million pixels, a damaged image, or values out of range.
    """
    return np.asarray(_open(content))


def to_square(image: Image.Image, size: int) -> NDArray[np.uint8]:
    """RGB pixels (size, size, 3): the central square, resized with an antialiased bicubic filter."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    if image.size == (size, size):
        return np.asarray(image)
    box = (left, top, left + side, top + side)
    return np.asarray(image.resize((size, size), RESAMPLING, box=box, reducing_gap=None))


def is_animated(content: bytes) -> bool:
    """Whether a file has more frames or pages than the decoded one; False for a file that is not an image."""
    if content.startswith(_JPEG):
        return False
    with suppress(DataError), _named_problems():
        return bool(getattr(_header(content), "is_animated", False))
    return False


def marked(content: bytes) -> bytes:
    """The content of a file, plus a mark if its pixels follow rules that older versions lacked.

    Its hash then differs from theirs, so that their cached pixels are not reused.
    """
    if content.startswith(_JPEG):
        return content
    with suppress(DataError), _named_problems():
        image = _header(content)
        if image.format not in ("PNG", "WEBP") or is_changed(image):
            return content + _MARK
    return content


def _open(content: bytes) -> Image.Image:
    if not content:
        raise DataError("the file is empty (0 bytes)")
    with _named_problems():
        image = _header(content)
        _refuse_missing_rows(image)
        stored = raw_mode(image)
        image.load()
        turn = _UPRIGHT.get(_orientation(image))
        rgb = to_rgb(image, stored)
        return rgb if turn is None else rgb.transpose(turn)


def _header(content: bytes) -> ImageFile.ImageFile:
    """The opened image, not yet decoded. Raises `DataError` for an unknown format or too many pixels."""
    try:
        image = Image.open(io.BytesIO(content), formats=readable_formats())
    except UnidentifiedImageError:
        kind = what_it_is(content)
        raise DataError(f"it is {kind}" if kind else f"not a {', '.join(ENDINGS_OF_FORMATS)} image") from None
    if image.width * image.height > LARGEST_PIXELS:
        raise DataError(
            f"{image.width}×{image.height} pixels exceed the limit of {LARGEST_PIXELS:,}; make the image smaller"
        )
    return image


def _refuse_missing_rows(image: ImageFile.ImageFile) -> None:
    """Raises `DataError` for a TIFF image without data for its last rows, which Pillow would show as black."""
    rows = getattr(image, "tag_v2", {}).get(_TIFF_ROWS)
    ends = [extents[3] for _, extents, _, _ in image.tile if extents]
    if rows is not None and ends and max(ends) < rows:
        raise DataError(f"damaged image: it has data for {max(ends):,} of its {rows:,} rows")


@cache
def readable_formats() -> tuple[str, ...]:
    """The known formats that this Pillow can read: older ones lack AVIF."""
    Image.init()
    return tuple(name for name in ENDINGS_OF_FORMATS if name in Image.OPEN)


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 if the EXIF data cannot be read."""
    try:
        found = image.getexif().get(ExifTags.Base.Orientation, 1)
        return int(found) if found in _UPRIGHT else 1
    except (MemoryError, Warning):
        raise
    except Exception:  # Pillow passes on all errors of its parsers
        return 1


@contextmanager
def _named_problems() -> Iterator[None]:
    """Turns every error of Pillow into a `DataError` with the image's problem."""
    try:
        yield
    except (DataError, MemoryError):
        raise
    except Image.DecompressionBombError:
        raise DataError(f"more pixels than the limit of {LARGEST_PIXELS:,}; make the image smaller") from None
    except Exception as error:  # damaged files cause all kinds of errors in Pillow's parsers
        text = " ".join(str(error).split()) or type(error).__name__
        if not isinstance(error, OSError | SyntaxError | ValueError):
            text = f"{type(error).__name__}: {text}"
        raise DataError(f"damaged image: {text[:_LONGEST_PROBLEM]}") from error
