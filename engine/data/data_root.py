"""Finds the files of a data set on a machine that has them elsewhere than where the data set was registered."""

import socket
from pathlib import Path

from engine.data.spec import DataSpec
from engine.errors import DataError


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


def _found(spec: DataSpec, registered: str, root: Path) -> str:
    path = Path(registered)
    if (found := found_below(path, root)) is not None:
        return str(found)
    raise DataError(
        f"data set {spec.name!r}: the machine {socket.gethostname()} has neither {path} nor an end of this path below "
        f"{root}, such as {root / path.name}; copy or mount it there, or name another --data-root"
    )
