"""Notes on images of a data set that are read, but not as a person may expect."""

from collections.abc import Sequence

from engine.counted import counted
from engine.data.decode import FRAMES, is_animated
from engine.data.manifest import Manifest
from engine.errors import DataError
from engine.short_text import short_list

_SHOWN = 3


def image_notes(manifest: Manifest, images: Sequence[str]) -> tuple[str, ...]:
    """A line that names readable images with more than one frame or page; nothing without any."""
    animated = [image for image in images if _is_animated(manifest, image)]
    if not animated:
        return ()
    return (f"{counted(len(animated), 'image')} with {FRAMES}: {short_list(animated, _SHOWN)}",)


def _is_animated(manifest: Manifest, image: str) -> bool:
    try:
        return is_animated(manifest.content(image))
    except DataError:
        return False
