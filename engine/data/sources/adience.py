"""Adience (Eidinger et al. 2014): three columns of its tables form the names of the image files."""

import os
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Final

from engine.data.sources.raw_table import RawTable
from engine.data.spec import DataSpec
from engine.short_text import short

_PARTS: Final = ("user_id", "face_id", "original_image")
_EDITIONS: Final = (
    ("faces", "coarse_tilt_aligned_face"),
    ("aligned", "landmark_aligned_face"),
    ("", "coarse_tilt_aligned_face"),
    ("", "landmark_aligned_face"),
)
"""The folder of each edition of the images, and the prefix of their names. The spec may also name the folder itself."""
_TRIED: Final = 20


def with_image_names(raw: RawTable, spec: DataSpec, path: Path) -> RawTable:
    """The table, with names such as `faces/USER/coarse_tilt_aligned_face.1.PHOTO.jpg` in `image` if it is Adience's.

    That column replaces those of faces and photos. The edition of the images is the one found beside the table, one
    folder above it, or in the folder that the spec names.
    """
    frame = raw.frame
    if not {*_PARTS} <= {*frame.columns} or "image" in frame.columns or "image" in spec.columns:
        return raw
    parts = (frame[part].astype(str).str.strip() for part in _PARTS)
    names = [(user, f"{face}.{photo}") for user, face, photo in zip(*parts, strict=True)]
    starts = (("", path.parent), ("..", path.parent.parent)) if spec.images is None else (("", Path(spec.images)),)
    for (up, start), (folder, begin) in product(starts, _EDITIONS):
        front = os.path.join(up, folder, "")
        if any((start / folder / user / f"{begin}.{name}").is_file() for user, name in names[:_TRIED]):
            break
    else:
        front, begin = "faces/", "coarse_tilt_aligned_face"
    images = [f"{front}{user}/{begin}.{name}" for user, name in names]
    note = f"images named by {', '.join(_PARTS)} as in Adience, such as {short(images[0], most=100)}" if images else ""
    frame = frame.drop(columns=["face_id", "original_image"]).assign(image=images)
    return replace(raw, frame=frame, notes=(*raw.notes, *filter(None, [note])))
