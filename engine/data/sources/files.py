"""Images that are files below one folder."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.decode import decode
from engine.data.report import RowProblem
from engine.errors import DataError


@dataclass(frozen=True)
class Folder:
    """Reads images by their path below `root`. No name leads out of it."""

    root: Path

    def path(self, image: str) -> Path:
        """Raises `DataError` for a name that leads out of the folder."""
        path = (self.root / image).resolve()
        if not path.is_relative_to(self.root.resolve()):
            raise DataError("the path leads out of the data set's folder")
        return path

    def content(self, image: str) -> bytes:
        try:
            return self.path(image).read_bytes()
        except OSError as error:
            raise DataError(error.strerror or str(error)) from error

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
        """The rows whose file is there, and a problem for each other one."""
        there, problems = [], []
        for image in frame["image"]:
            try:
                problem = None if self.path(image).is_file() else "the image file is missing"
            except (DataError, OSError) as error:
                problem = str(error)
            there.append(problem is None)
            if problem:
                problems.append(RowProblem(image, problem))
        return frame[np.asarray(there, dtype=bool)].reset_index(drop=True), tuple(problems)
