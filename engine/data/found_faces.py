"""The main face of each image of a data set, found once and cached by the content of the images."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import astuple
from pathlib import Path

from engine.cache import keep_json, kept_json, mark_used
from engine.data import face_finder
from engine.data.face_chips import Box, FoundFace
from engine.data.manifest import Manifest, Progress
from engine.data.threads import in_threads
from engine.errors import DataError


def found_faces(
    manifest: Manifest,
    content: Sequence[str],
    cache: Path | None,
    progress: Progress,
    warn: Callable[[str], None] = lambda message: None,
) -> tuple[FoundFace | None, ...]:
    """The main face of each image; None for an image without a face, or an unreadable image.

    Parameters
    ----------
    manifest
        The rows of the data set.
    content
        The `content_hashes` of its images.
    cache
        The user's cache folder; None keeps nothing.
    progress
        Called with the current task and the numbers of finished and of all images.
    warn
        Called with a sentence about each damaged file in the cache.

    Raises
    ------
    ConfigError
        If the faces are not in the cache, and the extra `faces` is not installed.
    """
    file = None if cache is None else _file(content, cache)
    if (known := _kept(file, warn)) is not None:
        return known
    images = [str(image) for image in manifest.frame["image"]]
    found: list[FoundFace | None] = []
    with face_finder.face_finder() as find:
        for done, face in enumerate(in_threads(lambda image: _main_face(manifest, image, find), images), start=1):
            found.append(face)
            if done % 32 == 0 or done == len(images):
                progress("looking for faces", done, len(images))
    if file is not None and all(content):  # new permissions can make an image readable without changing its hash
        keep_json(file, [None if face is None else astuple(face) for face in found])
    return tuple(found)


def _file(content: Sequence[str], cache: Path) -> Path:
    key = hashlib.sha256("\n".join([str(face_finder.FINDING), *content]).encode())
    return cache / "faces" / f"{key.hexdigest()[:32]}.faces"


def _kept(file: Path | None, warn: Callable[[str], None]) -> tuple[FoundFace | None, ...] | None:
    if file is None:
        return None
    try:
        known = kept_json(file)
        mark_used(file)
        return tuple(one and FoundFace(Box(*one[0]), tuple(map(tuple, one[1]))) for one in known)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError):
        warn(f"the cached faces in {file} are damaged: looking for them again")
        return None


def _main_face(manifest: Manifest, image: str, find: face_finder.Find) -> FoundFace | None:
    try:
        pixels = manifest.read(image)
    except DataError:
        return None
    return face_finder.main_face(find(pixels), pixels.shape[1], pixels.shape[0])
