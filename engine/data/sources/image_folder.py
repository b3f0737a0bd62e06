"""Image files below one folder."""

import errno
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.bounded_files import IMAGE_BYTES, other_kind, problem_of, read_regular
from engine.data.decode import decode, marked
from engine.data.report import RowProblem
from engine.data.sources.image_search import ImageSearch
from engine.errors import DataError

_MISSING = (errno.ENOENT, errno.ENOTDIR)


@dataclass(frozen=True)
class ImageFolder:
    """Reads images by name, a path relative to `root`. Follows links.

    root
        The folder where relative names start.
    is_open
        Whether names may also be absolute, begin with `~`, or leave the folder with `..`.
    is_chosen
        Whether a person chose this folder.
    """

    root: Path
    is_open: bool = False
    is_chosen: bool = False
    _elsewhere: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)
    _resolved: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    def place(self, image: str) -> str:
        """The path of an image's file, including links. Raises `DataError` for a name that leaves the folder."""
        if image in self._elsewhere:
            return self._elsewhere[image]
        if not self.is_open and (image.startswith(("/", "~")) or (".." in image and os.pardir in image.split("/"))):
            raise DataError("the name leads outside the data set's folder")
        path = os.path.join(self.root, image)
        return os.path.expanduser(image) if image.startswith("~") and not os.path.lexists(path) else path

    def path(self, image: str) -> Path:
        """The real path of an image's file. Raises `DataError` like `place`."""
        return Path(self._resolve(self.place(image)))

    def _resolve(self, path: str) -> str:
        """The real path. A folder of thousands of images is resolved once."""
        folder, name = os.path.split(path)
        if name in ("", os.curdir, os.pardir):
            return os.path.realpath(path)
        if folder not in self._resolved:
            self._resolved[folder] = os.path.realpath(folder)
        path = os.path.join(self._resolved[folder], name)
        return os.path.realpath(path) if os.path.islink(path) else path

    def content(self, image: str) -> bytes:
        return marked(self._file(image))

    def read(self, image: str) -> NDArray[np.uint8]:
        return decode(self._file(image))

    def _file(self, image: str) -> bytes:
        try:
            return read_regular(self.path(image), IMAGE_BYTES)
        except (OSError, ValueError) as error:
            raise DataError(problem_of(error)) from error

    def fingerprint(self, image: str) -> str:
        try:
            path = self.path(image)
            found = path.stat()
        except (OSError, ValueError, DataError):
            return f"{image} missing"
        return f"{path} {found.st_size} {found.st_mtime_ns} marked"

    def without_missing(self, frame: pd.DataFrame) -> tuple[pd.DataFrame, tuple[RowProblem, ...], tuple[str, ...]]:
        """The rows whose file exists, a problem for each other row, and notes on files with similar names.

        Raises `DataError` for rows none of whose files exists.
        """
        problems: dict[str, str] = {}
        missing: list[str] = []
        for image in frame["image"]:
            try:
                if not stat.S_ISREG(os.stat(self.place(image)).st_mode):
                    problems[image] = f"it is {other_kind(Path(self.place(image)))}, not a regular file"
            except (DataError, ValueError) as error:
                problems[image] = str(error)
            except OSError as error:
                problems[image] = problem_of(error)
                if error.errno in _MISSING:
                    missing.append(image)
        notes: tuple[str, ...] = ()
        if missing:
            search = ImageSearch(os.fspath(self.root), self.is_open, self.is_chosen)
            found = search.find_all(missing, others_found=any(image not in problems for image in frame["image"]))
            self._elsewhere.update(found.files)
            problems.update(found.problems)
            problems = {image: problem for image, problem in problems.items() if image not in found.files}
            notes = found.notes
        there = [image not in problems for image in frame["image"]]
        splits = dict(zip(frame["image"], frame["split"], strict=True))
        listed = tuple(RowProblem(image, problem, splits[image]) for image, problem in problems.items())
        return frame[np.asarray(there, dtype=bool)].reset_index(drop=True), listed, notes
