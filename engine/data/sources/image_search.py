"""Looks for missing images: under similar names, and below other folders."""

import os
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Final

from engine.counted import counted
from engine.data.image_files import is_trace
from engine.data.sources.near_names import NearNames
from engine.errors import DataError
from engine.short_text import short

_TRIED: Final = 20
_ANCESTORS: Final = 4
_MOST_FOLDERS: Final = 200
_MOST_PARTS: Final = 100
_cut = partial(short, most=100)
_SLASHES: Final = "/\\"
_DRIVE: Final = re.compile(r"[A-Za-z]:(?=/)")


@dataclass(frozen=True)
class SearchedImages:
    """`files` maps images to the paths of their files, `problems` the other images to their problems."""

    files: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Sample:
    """The parts of some names, and the number of leading folders that all names share."""

    parts: list[list[str]]
    shared: int

    @classmethod
    def of(cls, names: Sequence[str]) -> "_Sample":
        parts = [found for name in names if (found := parts_of(name))]
        fronts = zip(*(folders for *folders, _ in parts), strict=False)
        shared = sum(1 for _ in takewhile(lambda folders: len(set(folders)) == 1, fronts))
        return cls(parts[:: max(1, len(parts) // _TRIED)], shared)


class ImageSearch:
    """Looks for images by names relative to `root`; the other fields are those of `ImageFolder`."""

    def __init__(self, root: str, is_open: bool, is_chosen: bool) -> None:
        self._root, self._is_open, self._is_chosen = root, is_open, is_chosen
        self._near = NearNames()

    def find_all(self, images: Sequence[str], *, others_found: bool) -> SearchedImages:
        """The unambiguous files of missing images.

        Raises `DataError` if none was found, and names the folder that holds them, if it can be found.
        """
        candidates = {image: self._candidates(image) for image in images}
        front = 0
        if not others_found and not any(candidates.values()):
            if not (front := self._front(images)):
                raise DataError(self._nothing_found(images))
            parts = {image: parts_of(image)[front:] for image in images}
            candidates = {image: self._near.find(self._root, rest) if rest else [] for image, rest in parts.items()}
        files = {image: found[0] for image, found in candidates.items() if len(found) == 1}
        problems = {image: self._why_missing(image, found) for image, found in candidates.items() if len(found) != 1}
        return SearchedImages(files, problems, (self._note(files, front),) if files else ())

    def _note(self, files: dict[str, str], front: int) -> str:
        image, file = next(iter(files.items()))
        many = counted(len(files), "image")
        if not front:
            return f"{many} found under a similar name, such as {self._shown(file)} for {_cut(image)}"
        tail = "/".join(parts_of(image)[front:])
        return f"{many} named below {_cut(image[: -len(tail)].rstrip(_SLASHES))}, found below {_cut(self._root)}"

    def _candidates(self, image: str) -> list[str]:
        """The files that a name may stand for, spelled as on this system, else as on another."""
        for name in dict.fromkeys((image, image.replace("\\", "/"))):
            start = self._root
            if self._is_open:
                name = os.path.expanduser(name)
                start = "/" if name.startswith("/") else start
            parts = _parts(name)
            if parts and (self._is_open or os.pardir not in parts) and (files := self._near.find(start, parts)):
                return files
        return []

    def _front(self, images: Sequence[str]) -> int:
        """The number of leading folders to cut from all names, so that they are found below the root; 0 if unknown.

        Unless a person chose the root, only absolute names are cut, and keep at least one folder.
        """
        if not self._is_open or not (self._is_chosen or all(_is_absolute(image) for image in images)):
            return 0
        return self._cuts(self._root, _Sample.of(images), first=1, least=1 if self._is_chosen else 2)[1]

    def _cuts(self, root: str, names: "_Sample", *, first: int = 0, least: int = 1) -> tuple[int, int]:
        """How many names of a sample are found below a root after a cut of their leading folders, and the cut.

        Cuts only folders shared by all names, so that no two names become one, and leaves at least `least` parts.
        """
        most = min([names.shared, *(len(parts) - least for parts in names.parts)])
        for cut in range(first, most + 1):
            if count := sum(bool(self._near.find(root, parts[cut:])) for parts in names.parts):
                return count, cut
        return 0, 0

    def _nothing_found(self, images: Sequence[str]) -> str:
        text = (
            f"none of {counted(len(images), 'image file')} exists; the first was expected at "
            f"{_cut(os.path.join(self._root, images[0]))}"
        )
        if not self._is_open:
            return f"{text}; unpack the images into that folder, or give the folder that holds them"
        best, folder, names = 0, "", _Sample.of(images)
        for start in self._other_starts():
            count, _ = self._cuts(start, names)
            if count > best:
                best, folder = count, start
        if not best:
            return f"{text}; give the folder where these names start with --images DIR"
        return f"{text}; they exist below {folder}: add the data set with --images {shlex.quote(folder)}"

    def _other_starts(self) -> Iterator[str]:
        """The folders above the root, the working directory, and the folders below the root and beside it."""
        root = Path(self._root).absolute()
        yield os.fspath(root)
        yield from map(os.fspath, root.parents[:_ANCESTORS])
        yield os.getcwd()
        level, listed = [os.fspath(root), os.fspath(root.parent)], 0
        while level and listed < _MOST_FOLDERS:
            folder = level.pop(0)
            try:
                with os.scandir(folder) as entries:
                    below = sorted(entry.path for entry in entries if entry.is_dir() and not is_trace(entry.name))
            except OSError:
                continue
            below = below[: _MOST_FOLDERS - listed]
            listed += len(below)
            yield from below
            level += below

    def _why_missing(self, image: str, candidates: Sequence[str]) -> str:
        path = os.path.join(self._root, image)
        if len(candidates) > 1:
            return f"the image file is missing; it may be {' or '.join(self._quoted(path) for path in candidates[:3])}"
        if os.path.islink(path):
            return f"the image file is missing: it is a broken link to {self._quoted(os.readlink(path))}"
        folder = os.path.dirname(path)
        if not os.path.isdir(folder):
            return f"the image file is missing: the folder {self._quoted(folder)} does not exist"
        beside = self._near.beside(path)
        near = " and ".join(map(self._quoted, beside[:3]))
        return f"the image file is missing; beside it is {near}" if near else "the image file is missing"

    def _shown(self, path: str) -> str:
        return _cut(path.removeprefix(os.path.join(self._root, "")))

    def _quoted(self, path: str) -> str:
        """A quoted path for problems: problems that differ only in quoted texts are one kind."""
        return repr(self._shown(path))


def parts_of(name: str) -> list[str]:
    """The folders and the file of a path in any system's spelling; empty if too deep for a data set."""
    return _parts(_DRIVE.sub("", name.replace("\\", "/")))


def _parts(name: str) -> list[str]:
    parts = [part for part in name.split("/") if part not in ("", os.curdir)]
    return parts if len(parts) <= _MOST_PARTS else []


def _is_absolute(name: str) -> bool:
    slashes = name.replace("\\", "/")
    return slashes.startswith(("/", "~")) or _DRIVE.match(slashes) is not None
