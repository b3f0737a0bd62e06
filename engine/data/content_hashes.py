"""The SHA-256 of every image of a data set, kept in the cache until a file changes."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.cache import keep_json, kept_json, mark_used
from engine.data.manifest import Manifest, Progress
from engine.data.threads import in_threads
from engine.errors import DataError


def content_hash(manifest: Manifest, image: str) -> str:
    """The SHA-256 of an image in hex; empty for an unreadable image."""
    try:
        return hashlib.sha256(manifest.content(image)).hexdigest()
    except DataError:
        return ""


def content_hashes(
    manifest: Manifest,
    cache: Path | None,
    progress: Progress | None = None,
    warn: Callable[[str], None] = lambda message: None,
) -> tuple[str, ...]:
    """The `content_hash` of every image. Reads an image again only if its path, size or modification time changed.

    Parameters
    ----------
    manifest
        The rows of the data set.
    cache
        The user's cache folder; None reads every image and keeps nothing.
    progress
        Called with the current task and the numbers of finished and of all images.
    warn
        Called with a sentence about a damaged file in the cache.
    """
    index = None if cache is None else hashes_file(manifest, cache)
    if (known := known_hashes(index, warn)) is not None:
        return known
    images = [str(image) for image in manifest.frame["image"]]
    hashes = []
    for done, one in enumerate(in_threads(lambda image: content_hash(manifest, image), images), start=1):
        hashes.append(one)
        if progress is not None and (done % 64 == 0 or done == len(images)):
            progress("reading images", done, len(images))
    keep_hashes(index, hashes)
    return tuple(hashes)


def hashes_file(manifest: Manifest, cache: Path) -> Path:
    """The file in the cache for the hashes of a manifest's images, as they are now."""
    stamp = hashlib.sha256(
        "\n".join(manifest.fingerprint(image) for image in manifest.frame["image"]).encode("utf-8", "surrogateescape")
    )
    return cache / "content" / f"{stamp.hexdigest()[:32]}.hashes"


def known_hashes(index: Path | None, warn: Callable[[str], None] = lambda message: None) -> tuple[str, ...] | None:
    """The hashes in a `hashes_file`; None if it has none."""
    if index is None:
        return None
    try:
        known = kept_json(index)
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        warn(f"the image hashes in {index} are damaged: reading the images again")
        return None
    mark_used(index)
    return tuple(known)


def keep_hashes(index: Path | None, hashes: Sequence[str]) -> None:
    """Keeps the hashes of all images in their `hashes_file`, unless that is None or cannot be written.

    If an image is unreadable, nothing is kept: new permissions, which the fingerprint lacks, may make it readable.
    """
    if index is not None and all(hashes):
        keep_json(index, list(hashes))
