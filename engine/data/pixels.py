"""The pixel cache: decodes every image once per size, into one memory-mapped uint8 array on disk."""

import hashlib
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.bounded_files import problem_of
from engine.cache import (
    discard_leftovers,
    entry_lock,
    kept_json,
    mark_used,
    pixels_limit,
    private_part,
    sealed_json,
    trim,
)
from engine.choices import Crop
from engine.data.checked_pixels import CheckedPixels, map_pixels
from engine.data.content_hashes import content_hashes
from engine.data.decode import to_square
from engine.data.face_chips import BOX_MARGIN, CROPPING, PADDING, FoundFace, face_square
from engine.data.face_finder import FINDING
from engine.data.found_faces import found_faces
from engine.data.manifest import Manifest, Progress
from engine.data.report import RowProblem
from engine.data.threads import in_threads
from engine.errors import DataError
from engine.files import HashingWriter, is_full, write_atomically

# Part of every key: raise it when the same file gives other pixels.
DECODING = "centre-square bicubic 1"
# Raise it when more images become readable: caches with unreadable images are then rebuilt.
_FORMATS: Final = 2
_PIXELS: Final = "pixels.npy"
_META: Final = "checksums.json"


@dataclass(frozen=True, eq=False)
class Pixels:
    """Decoded images: `array` (N, size, size, 3) RGB uint8 in the manifest's order; zeros for unreadable ones.

    `faceless` are the images without a found face, if faces are cut out.

    `key` identifies content and size; `content` holds each image's SHA-256 in hex, empty for an unreadable image.
    """

    array: CheckedPixels
    key: str
    content: tuple[str, ...]
    unreadable: tuple[RowProblem, ...]
    faceless: tuple[str, ...] = ()


def open_pixels(
    manifest: Manifest,
    size: int,
    cache: Path,
    progress: Progress | None = None,
    warn: Callable[[str], None] = lambda message: None,
    crop: Crop | None = None,
) -> Pixels:
    """The decoded images of a manifest, from the cache or newly decoded into it.

    Two processes that need the same pixels decode them once. A truncated, changed or unfinished cache is rebuilt. A
    cache that exceeds its limit drops the least recently used pixels.

    Parameters
    ----------
    manifest
        The rows, and access to their images.
    size
        Side of the decoded images in pixels.
    cache
        The user's cache folder.
    progress
        Called with the current task and the numbers of finished and of all images; None for no calls.
    warn
        Called with a sentence about each damaged file in the cache.
    crop
        How the main face of each image is cut out; None takes the central square.

    Raises
    ------
    DataError
        If the cache cannot be written, or if others may write to it.
    ConfigError
        If faces are needed, but the extra `faces` is not installed.
    """
    images = [str(image) for image in manifest.frame["image"]]
    report = progress or (lambda what, done, total: None)

    def decode(place: int) -> NDArray[np.uint8] | str:
        try:
            image = Image.fromarray(manifest.read(images[place]))
        except DataError as error:
            return str(error)
        return to_square(image, size) if crop is None else face_square(image, faces[place], crop, size)

    faces: tuple[FoundFace | None, ...] = ()
    with _writing(cache / "content", 66 * len(images)):
        private_part(cache, "content")
        content = content_hashes(manifest, cache, report, warn)
    if crop is not None:
        faces = found_faces(manifest, content, cache, report, warn)
    decoding = DECODING if crop is None else f"{DECODING} {crop} {PADDING} {BOX_MARGIN} {CROPPING} {FINDING}"
    digest = hashlib.sha256(f"{decoding} {size}\n".encode() + "\n".join(content).encode())
    key = digest.hexdigest()[:32]
    folder = cache / "pixels" / key
    with _writing(folder, len(images) * size * size * 3):
        limit = pixels_limit(private_part(cache, "pixels"))
        with entry_lock(folder.parent, key):
            discard_leftovers(folder.parent, key)
            found = _found(folder, (len(images), size, size, 3), warn)
            meta, mapped = found or _build(images, decode, size, folder, report)
            mark_used(folder)
        if found is None:
            trim(folder.parent, limit, kept=folder)
    unreadable = tuple(RowProblem(images[int(index)], what) for index, what in meta["unreadable"].items())

    bad = {problem.where for problem in unreadable}
    faceless = tuple(image for image, face in zip(images, faces, strict=False) if face is None and image not in bad)

    def decode_again(place: int) -> NDArray[np.uint8]:
        found = decode(place)
        return np.zeros((size, size, 3), dtype=np.uint8) if isinstance(found, str) else found

    return Pixels(
        CheckedPixels(mapped, folder / _PIXELS, meta["crc32"], decode_again), key, content, unreadable, faceless
    )


def _build(
    images: list[str],
    decode: Callable[[int], NDArray[np.uint8] | str],
    size: int,
    folder: Path,
    progress: Progress,
) -> tuple[dict[str, Any], NDArray[np.uint8]]:
    """Decodes into a temporary folder, which replaces `folder` when complete."""

    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f"{folder.name}.", suffix=".part"))
    try:
        part.chmod(0o700)
        unreadable: dict[str, str] = {}
        checksums: list[int] = []

        def write(stream: HashingWriter) -> None:
            header = {"descr": "|u1", "fortran_order": False, "shape": (len(images), size, size, 3)}
            np.lib.format.write_array_header_1_0(cast(IO[bytes], stream), header)
            for index, found in enumerate(in_threads(decode, range(len(images)))):
                if isinstance(found, str):
                    unreadable[str(index)] = found
                    found = np.zeros((size, size, 3), dtype=np.uint8)
                raw = found.tobytes()
                checksums.append(zlib.crc32(raw))
                stream.write(raw)
                if (index + 1) % 32 == 0 or index + 1 == len(images):
                    progress("decoding images", index + 1, len(images))

        write_atomically(part / _PIXELS, write)
        meta = {"crc32": checksums, "unreadable": unreadable, "formats": _FORMATS}
        write_atomically(part / _META, lambda stream: stream.write(sealed_json(meta)))
        # Mapped before other processes can see it and decide to remove it.
        mapped = map_pixels(part / _PIXELS, (len(images), size, size, 3))
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(part, folder)
        return meta, mapped
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _found(
    folder: Path, shape: tuple[int, ...], warn: Callable[[str], None]
) -> tuple[dict[str, Any], NDArray[np.uint8]] | None:
    """The metadata and the mapped pixels of a complete cache, else None."""
    try:
        meta: dict[str, Any] = kept_json(folder / _META)
        if meta["unreadable"] and meta.get("formats") != _FORMATS:
            return None
        return meta, map_pixels(folder / _PIXELS, shape)
    except (OSError, ValueError):
        if folder.exists():
            warn(f"the cached pixels in {folder} are damaged, or from an older ageui: decoding the images again")
        return None


@contextmanager
def _writing(target: Path, needed_bytes: int) -> Iterator[None]:
    """Turns errors of a full or failing disk into a `DataError` that says how much space is needed, and where."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise DataError(
                f"the disk is full: the cache {target} needs {needed_bytes / 1e6:,.0f} MB; "
                "free some space, or set AGEUI_CACHE to a folder on another disk"
            ) from error
        raise DataError(
            f"the cache {target} cannot be written: {problem_of(error)}; set AGEUI_CACHE to another folder"
        ) from error
