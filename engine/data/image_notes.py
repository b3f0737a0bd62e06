"""Notes on images of a data set that are read, but not as a person may expect."""

from collections.abc import Sequence

from engine.counted import counted
from engine.data.decode import FRAMES

_SHOWN = 3


def image_notes(animated: Sequence[str]) -> tuple[str, ...]:
    """A line that names readable images with more than one frame or page; nothing without any."""
    if not animated:
        return ()
    names = ", ".join(animated[:_SHOWN]) + (", …" if len(animated) > _SHOWN else "")
    return (f"{counted(len(animated), 'image')} with {FRAMES}: {names}",)
