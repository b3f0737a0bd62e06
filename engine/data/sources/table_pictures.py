"""Pictures stored in a Parquet table itself, as in data sets of Hugging Face."""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from threading import Lock
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow.parquet import ParquetFile

from engine.bounded_files import open_regular, problem_of
from engine.data.decode import decode
from engine.errors import DataError

MOST_EXPANDED_BYTES: Final = 2_000_000_000
_BATCH: Final = 64
_GROUPS_IN_MEMORY: Final = 2  # threads read at slightly different rows


class TablePictures:
    """Reads pictures by name. Keeps at most two of the file's row groups in memory."""

    def __init__(self, path: Path, column: str, names: Sequence[str], group_rows: Sequence[int]) -> None:
        """`column` holds the bytes, `names` the name of each row, `group_rows` the number of rows per row group."""
        self.names = names
        self._path, self._column = path, column
        self._rows = {name: row for row, name in enumerate(names)}
        self._starts = [0, *accumulate(group_rows)]
        self._stamp = self._current_stamp()
        self._groups: OrderedDict[int, pa.ChunkedArray] = OrderedDict()
        self._lock = Lock()

    def content(self, image: str) -> bytes:
        """The bytes of a picture. Raises `DataError` for a row without one, and if the file has changed."""
        row = self._rows[image]
        group = bisect_right(self._starts, row) - 1
        try:
            with self._lock:
                found = self._group(group)[row - self._starts[group]].as_py()
        except (OSError, ValueError, pa.ArrowException) as error:
            raise DataError(f"{self._path} cannot be read: {problem_of(error)}") from error
        if not found:
            raise DataError("the table holds no image in this row")
        return bytes(found)

    def read(self, image: str) -> NDArray[np.uint8]:
        """RGB pixels (H, W, 3). Raises `DataError` like `content`, and if the picture cannot be decoded."""
        return decode(self.content(image))

    def fingerprint(self, image: str) -> str:
        """A text that changes whenever the table changes."""
        try:
            return f"{self._path} {image} {self._current_stamp()}"
        except OSError:
            return f"{image} missing"

    def place(self, image: str) -> str:
        """The name itself: a picture has no file of its own."""
        return image

    def _current_stamp(self) -> str:
        found = self._path.stat()
        return f"{found.st_size} {found.st_mtime_ns}"

    def _group(self, number: int) -> pa.ChunkedArray:
        if number in self._groups:
            self._groups.move_to_end(number)
            return self._groups[number]
        if self._current_stamp() != self._stamp:
            raise ValueError("it changed after its rows were read; start again")
        while len(self._groups) >= _GROUPS_IN_MEMORY:
            self._groups.popitem(last=False)
        chunks, expanded = [], 0
        with open_regular(self._path) as file:
            for batch in ParquetFile(file).iter_batches(_BATCH, [number], [self._column]):
                expanded += batch.nbytes
                if expanded > MOST_EXPANDED_BYTES:
                    raise ValueError(f"a row group expands to more than {MOST_EXPANDED_BYTES / 1e9:g} GB")
                column = batch.column(0)
                for name in self._column.split(".")[1:] if pa.types.is_struct(column.type) else ():
                    column = column.field(name)
                chunks.append(column)
        self._groups[number] = pa.chunked_array(chunks)
        return self._groups[number]
