"""Finds the files of a data set on a machine that has them elsewhere than where the data set was registered."""

import hashlib
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from engine.data.spec import DataSpec
from engine.errors import DataError

DIGITS_OF_AN_IMAGE: Final = 16
"""The first digits of an image's SHA-256, which identify it."""


def below_root(spec: DataSpec, root: Path) -> DataSpec:
    """The data set with the paths that this machine has.

    Replaces each path by the longest end of it that exists below `root`: `/home/me/faces/appa` by `/data/faces/appa`,
    else by `/data/appa`. Keeps a path that is not below `root` but exists. Names of images and the content hash are
    relative to these paths, so they do not change.

    Raises
    ------
    DataError
        If this machine has neither; the message names the machine.
    """
    paths = {"path": spec.path, "images": spec.images, "ignore": spec.ignore}
    return spec.model_copy(update={name: _found(spec, path, root) for name, path in paths.items() if path is not None})


def found_below(path: Path, root: Path) -> Path | None:
    """The longest end of a path that exists below `root`, else the path itself; None if neither exists."""
    parts = path.relative_to(path.anchor).parts
    ends = (root.joinpath(*parts[start:]) for start in range(len(parts)))
    return next((found for found in (*ends, path) if found.exists()), None)


def images_digest(content: Iterable[str]) -> str:
    """Identifies images, in any order, by the SHA-256 of each."""
    digits = {one[:DIGITS_OF_AN_IMAGE] for one in content}
    return hashlib.sha256("\n".join(sorted(digits)).encode()).hexdigest()


def refuse_other_images(found: DataSpec, content: Iterable[str], digest: str | None) -> None:
    """Raises `DataError` unless a data set that was found elsewhere has the images with this `images_digest`.

    A path with a common end, such as `data`, may be another data set. `content` holds the SHA-256 of each image.
    """
    if digest == images_digest(content):
        return
    what = "holds other images than" if digest is not None else "cannot be compared with"
    raise DataError(
        f"data set {found.name!r}: {found.path} on {socket.gethostname()} {what} the data set that was registered; "
        f"name another --data-root, or read the registered images again: ageui data check {found.name}"
    )


def _found(spec: DataSpec, registered: str, root: Path) -> str:
    path = Path(registered)
    if (found := found_below(path, root)) is not None:
        return str(found)
    raise DataError(
        f"data set {spec.name!r}: the machine {socket.gethostname()} has neither {path} nor an end of this path below "
        f"{root}, such as {root / path.name}; copy or mount it there, or name another --data-root"
    )
