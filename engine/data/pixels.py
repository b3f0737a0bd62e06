"""The pixel cache: every image is decoded once per size, into one memory-mapped uint8 array on disk."""

import hashlib
import json
import os
import shutil
import tempfile
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.cache import entry_lock, mark_used, pixels_limit, trim
from engine.data.decode import to_square
from engine.data.manifest import Manifest, Progress
from engine.data.report import RowProblem
from engine.errors import DataError
from engine.files import is_full, write_atomically

# Part of every key: raise it when the same file would give other pixels.
DECODING = "centre-square bicubic 1"
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Pixels:
    """Decoded images: `array` (N, size, size, 3) RGB uint8, read-only, in the manifest's order; zeros for unreadable
    ones.

    `key` identifies content and size; `content` holds each image's SHA-256 in hex, empty for an unreadable image.
    """

    array: NDArray[np.uint8]
    key: str
    content: tuple[str, ...]
    unreadable: tuple[RowProblem, ...]


def open_pixels(manifest: Manifest, size: int, cache: Path, progress: Progress | None = None) -> Pixels:
    """The decoded images of a manifest, from the cache, or decoded into it now.

    Two processes that need the same pixels decode them once. A cache that is cut short, changed or unfinished is
    rebuilt; one that grows beyond its limit loses the pixels that were unused for longest.

    Parameters
    ----------
    manifest
        The rows, and access to their images.
    size
        Side of the decoded images in pixels.
    cache
        The user's cache folder.
    progress
        Called with the work in progress, the number of finished images and of all images; None for no calls.

    Raises
    ------
    DataError
        If the disk is full, or the cache cannot be written.
    """
    images = [str(image) for image in manifest.frame["image"]]
    report = progress or (lambda what, done, total: None)
    content = _content_hashes(manifest, images, cache, report)
    digest = hashlib.sha256(f"{DECODING} {size}\n".encode() + "\n".join(content).encode())
    key = digest.hexdigest()[:32]
    folder = cache / "pixels" / key
    with _writing(folder, len(images) * size * size * 3):
        folder.parent.mkdir(parents=True, exist_ok=True)
        limit = pixels_limit(folder.parent)
        with entry_lock(folder.parent, key):
            found = _valid(folder, (len(images), size, size, 3))
            meta, array = found or _build(manifest, images, size, folder, report)
            mark_used(folder)
        if found is None:
            trim(folder.parent, limit, kept=folder)
    unreadable = tuple(RowProblem(images[int(index)], what) for index, what in meta["unreadable"].items())
    return Pixels(array, key, content, unreadable)


def in_threads(work: Callable[[str], T], items: Sequence[str]) -> Iterator[T]:
    """Yields `work` of each item in order, computed a bounded number ahead by one thread per core."""
    workers = os.cpu_count() or 1
    waiting: deque[Future[T]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= 8 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _content_hashes(manifest: Manifest, images: list[str], cache: Path, progress: Progress) -> tuple[str, ...]:
    """SHA-256 of every image; an image is read again only if its path, size or modification time changed."""
    stamp = hashlib.sha256(
        "\n".join(manifest.fingerprint(image) for image in images).encode("utf-8", "surrogateescape")
    )
    index = cache / "content" / f"{stamp.hexdigest()[:32]}.json"
    try:
        known = json.loads(index.read_text())
        if isinstance(known, list) and len(known) == len(images):
            return tuple(str(one) for one in known)
    except (OSError, ValueError):
        pass

    def content_hash(image: str) -> str:
        try:
            return hashlib.sha256(manifest.content(image)).hexdigest()
        except DataError:
            return ""

    hashes = []
    for done, one in enumerate(in_threads(content_hash, images), start=1):
        hashes.append(one)
        if done % 64 == 0 or done == len(images):
            progress("reading images", done, len(images))
    with _writing(index, 66 * len(images)):
        index.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(index, lambda stream: stream.write(json.dumps(hashes).encode()))
    return tuple(hashes)


def _build(
    manifest: Manifest, images: list[str], size: int, folder: Path, progress: Progress
) -> tuple[dict[str, Any], NDArray[np.uint8]]:
    """Decodes into a temporary folder, which replaces `folder` once it is complete."""

    def pixels_of(image: str) -> NDArray[np.uint8] | str:
        try:
            return to_square(Image.fromarray(manifest.read(image)), size)
        except DataError as error:
            return str(error)

    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f"{folder.name}.", suffix=".part"))
    try:
        file = part / "pixels.npy"
        unreadable: dict[str, str] = {}
        checksum = 0
        with file.open("wb") as out:
            header = {"descr": "|u1", "fortran_order": False, "shape": (len(images), size, size, 3)}
            np.lib.format.write_array_header_1_0(out, header)
            for index, found in enumerate(in_threads(pixels_of, images)):
                if isinstance(found, str):
                    unreadable[str(index)] = found
                    found = np.zeros((size, size, 3), dtype=np.uint8)
                raw = found.tobytes()
                checksum = zlib.crc32(raw, checksum)
                out.write(raw)
                if (index + 1) % 32 == 0 or index + 1 == len(images):
                    progress("decoding images", index + 1, len(images))
            out.flush()
            os.fsync(out.fileno())
        meta = {"crc32": checksum, "stamp": _stamp(file), "unreadable": unreadable}
        (part / "meta.json").write_text(json.dumps(meta))
        # Mapped before other processes can see it and decide to remove it.
        array = np.load(file, mmap_mode="r")
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(part, folder)
        return meta, array
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _valid(folder: Path, shape: tuple[int, ...]) -> tuple[dict[str, Any], NDArray[np.uint8]] | None:
    """The metadata and the mapped pixels of a whole cache, else None.

    The checksum over all pixels is computed only if the file's size or time differs from those of its build.
    """
    file = folder / "pixels.npy"
    try:
        meta: dict[str, Any] = json.loads((folder / "meta.json").read_text())
        array = np.load(file, mmap_mode="r")
        if array.shape != shape or array.dtype != np.uint8 or not isinstance(meta["unreadable"], dict):
            return None
        if meta["stamp"] == _stamp(file):
            return meta, array
        checksum = 0
        for start in range(0, len(array), 256):
            checksum = zlib.crc32(array[start : start + 256].tobytes(), checksum)
        return (meta, array) if checksum == meta["crc32"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _stamp(file: Path) -> list[int]:
    found = file.stat()
    return [found.st_size, found.st_mtime_ns]


@contextmanager
def _writing(target: Path, needed_bytes: int) -> Iterator[None]:
    """Inside, a full disk raises a `DataError` that says how much is needed, and where."""
    try:
        yield
    except PermissionError as error:
        raise DataError(f"the cache {target} cannot be written; set AGEUI_CACHE to another folder") from error
    except OSError as error:
        if not is_full(error):
            raise
        raise DataError(
            f"the disk is full: the cache {target} needs {needed_bytes / 1e6:,.0f} MB; "
            "free some space, or set AGEUI_CACHE to a folder that has it"
        ) from error
