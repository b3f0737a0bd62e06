"""Images that are files below one folder."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.bounded_files import IMAGE_BYTES, problem_of, read_regular
from engine.data.decode import decode
from engine.data.report import RowProblem
from engine.errors import DataError


@dataclass(frozen=True)
class ImageFolder:
    """Reads images by their path below `root`. No name leads out of it."""

    root: Path
    _resolved: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    def path(self, image: str) -> Path:
        """Raises `DataError` for a name that leads out of the folder."""
        path = self._resolve(os.path.join(self.root, image))
        root = self._resolve_folder(os.fspath(self.root))
        if path != root and not path.startswith(os.path.join(root, "")):
            raise DataError("the path leads out of the data set's folder")
        return Path(path)

    def _resolve(self, path: str) -> str:
        """The real path; the folder of thousands of images is resolved once."""
        folder, name = os.path.split(path)
        if name in ("", os.curdir, os.pardir):
            return os.path.realpath(path)
        path = os.path.join(self._resolve_folder(folder), name)
        return os.path.realpath(path) if os.path.islink(path) else path

    def _resolve_folder(self, folder: str) -> str:
        if folder not in self._resolved:
            self._resolved[folder] = os.path.realpath(folder)
        return self._resolved[folder]

    def content(self, image: str) -> bytes:
        try:
            return read_regular(self.path(image), IMAGE_BYTES)
        except OSError as error:
            raise DataError(problem_of(error)) from error

    def read(self, image: str) -> NDArray[np.uint8]:
        return decode(self.content(image))

    def fingerprint(self, image: str) -> str:
        try:
            path = self.path(image)
            found = path.stat()
        except (OSError, DataError):
            return f"{image} missing"
        return f"{path} {found.st_size} {found.st_mtime_ns}"

    def without_missing(self, frame: pd.DataFrame) -> tuple[pd.DataFrame, tuple[RowProblem, ...]]:
        """The rows whose file exists, and a problem for each other row."""
        there, problems = [], []
        for image, split in zip(frame["image"], frame["split"], strict=True):
            try:
                problem = None if self.path(image).is_file() else "the image file is missing"
            except (DataError, OSError) as error:
                problem = str(error)
            there.append(problem is None)
            if problem:
                problems.append(RowProblem(image, problem, split))
        return frame[np.asarray(there, dtype=bool)].reset_index(drop=True), tuple(problems)
