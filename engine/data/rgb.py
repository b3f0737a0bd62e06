"""Converts an image of any mode to 8-bit RGB: scales deep values, and composes transparency on white.

Integers keep the upper 8 bits of their type: 16-bit values are divided by 256, whatever values occur. Floats range from
0 (black) to 1 (white). Values outside are refused, never clipped.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from engine.errors import DataError

GROUND: Final = (255, 255, 255)
"""The colour behind transparent parts: white, as on a page."""

_DEEP = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")
_PHOTOMETRIC, _BITS, _SAMPLE_FORMAT = 262, 258, 339
_SIGNED = 2
_LEAST: Final = 16
"""If all deep values stay below this part of their range, they have another range, such as a camera's 12 bits."""
_NEARLY_BLACK: Final = "which is nearly black; scale them to the full range, or save 8-bit values"


def is_changed(image: Image.Image) -> bool:
    """Whether `to_rgb` differs from Pillow's own conversion to RGB."""
    return image.mode in _DEEP or image.has_transparency_data


def raw_mode(image: ImageFile.ImageFile) -> str:
    """Pillow's name of the storage format in the file, such as `RGB;16B`; known only before loading."""
    settings = image.tile[0][3] if image.tile else ""
    return str(settings[0] if isinstance(settings, tuple) and settings else settings)


def to_rgb(image: Image.Image, stored: str) -> Image.Image:
    """The image as 8-bit RGB.

    Parameters
    ----------
    image
        A loaded image.
    stored
        Its `raw_mode` before it was loaded.

    Raises
    ------
    DataError
        If values lie outside the scaled range, or all in its lowest sixteenth, or if nothing of the image is visible.
    """
    if image.mode in _DEEP:
        return _composed(*_shallow(image))
    if image.mode == "L" and _tag(image, _SAMPLE_FORMAT) == _SIGNED:
        return _grey(_scaled(np.asarray(image).view(np.int8), 7, "signed 8-bit"))
    rgb, alpha = _with_alpha(image, stored) if image.has_transparency_data else (image.convert("RGB"), None)
    if ";16" in stored and not (np.asarray(rgb) >= 256 // _LEAST).any():
        raise DataError(f"its 16-bit values stay below {65536 // _LEAST:,} of 65,535, {_NEARLY_BLACK}")
    return _composed(rgb, alpha)


def _shallow(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """An image of deep grey values as RGB, and its alpha, if it has one."""
    values = np.asarray(image)
    bits = int(_tag(image, _BITS) or (16 if image.mode != "I" or image.format == "PPM" else 32))
    if image.mode == "F":
        grey = _floats(values)
    elif _tag(image, _SAMPLE_FORMAT) == _SIGNED:
        grey = _scaled(values, bits - 1, f"signed {bits}-bit")
    else:
        grey = _scaled(values.view(np.uint32) if image.mode == "I" else values, bits, f"{bits}-bit")
    if _tag(image, _PHOTOMETRIC) == 0:  # white is 0, which Pillow heeds for shallow values only
        grey = 255 - grey
    seen = image.info.get("transparency")
    return _grey(grey), Image.fromarray(values != seen).convert("L") if isinstance(seen, int) else None


def _floats(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= 1):
        raise DataError(f"its values are floats from {low:g} to {high:g}; scale them to 0 (black) to 1 (white)")
    if 0 < high < 1 / _LEAST:
        raise DataError(f"its values are floats from {low:g} to {high:g} of 1, {_NEARLY_BLACK}")
    return np.round(values * 255).astype(np.uint8)


def _scaled(values: NDArray[Any], bits: int, kind: str) -> NDArray[np.uint8]:
    low, high, top = int(values.min()), int(values.max()), 2**bits - 1
    found = f"its {kind} values go from {low:,} to {high:,}"
    if low < 0 or high > top:
        raise DataError(f"{found}; scale them to 0 (black) to {top:,} (white), or save 8-bit values")
    if 0 < high < (top + 1) // _LEAST:
        raise DataError(f"{found} of {top:,}, {_NEARLY_BLACK}")
    return (values >> (bits - 8) if bits > 8 else values << (8 - bits)).astype(np.uint8)


def _grey(values: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(values)).convert("RGB")


def _with_alpha(image: Image.Image, stored: str) -> tuple[Image.Image, Image.Image]:
    """An image of shallow values as RGB, and its alpha."""
    seen = image.info.get("transparency")
    if image.mode in ("1", "L", "RGB") and isinstance(seen, int | tuple):
        key = np.asarray(seen)
        if ";16" in stored:
            key = key >> 8
        elif stored in ("L;2", "L;4"):
            key = key * (255 // (2 ** int(stored[2]) - 1))
        values = np.asarray(image.convert("RGB"))
        return image.convert("RGB"), Image.fromarray((values != key).any(axis=-1)).convert("L")
    image = image.convert("LA") if image.mode == "La" else image
    image = image.convert("RGBA")
    return image.convert("RGB"), image.getchannel("A")


def _composed(image: Image.Image, alpha: Image.Image | None) -> Image.Image:
    if alpha is None or alpha.getextrema() == (255, 255):
        return image
    if alpha.getextrema() == (0, 0):
        raise DataError("it is fully transparent")
    ground = Image.new("RGB", image.size, GROUND)
    ground.paste(image, mask=alpha)
    return ground


def _tag(image: Image.Image, number: int) -> int | None:
    """The first value of a tag of a TIFF image; None for other images, or without one."""
    value = getattr(image, "tag_v2", {}).get(number)
    return value[0] if isinstance(value, tuple) else value
