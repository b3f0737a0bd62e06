"""Notes on images of a data set that are read, but not as a person may expect."""

from collections.abc import Sequence

from engine.counted import counted
from engine.data.decode import FRAMES, is_animated
from engine.data.manifest import Manifest
from engine.errors import DataError

_SHOWN = 3


def image_notes(manifest: Manifest, images: Sequence[str]) -> tuple[str, ...]:
    """A line that names readable images with more than one frame or page; nothing without any."""
    animated = [image for image in images if _is_animated(manifest, image)]
    if not animated:
        return ()
    names = ", ".join(animated[:_SHOWN]) + (", …" if len(animated) > _SHOWN else "")
    return (f"{counted(len(animated), 'image')} with {FRAMES}: {names}",)


def _is_animated(manifest: Manifest, image: str) -> bool:
    try:
        return is_animated(manifest.content(image))
    except DataError:
        return False
