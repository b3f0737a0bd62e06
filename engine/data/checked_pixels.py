"""Cached pixels: each process checks an image when it first reads it, and decodes damaged images again."""

import os
import threading
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from engine.bounded_files import open_regular
from engine.counted import counted
from engine.errors import DataError


class CheckedPixels:
    """Decoded images (N, S, S, 3) RGB uint8 in a memory-mapped file, read by their places.

    A process checks each image once, at its first read, so that opening costs nothing and the disk is read once.
    Threads may read concurrently.
    """

    def __init__(
        self,
        mapped: NDArray[np.uint8],
        file: Path,
        checksums: Sequence[int],
        decode: Callable[[int], NDArray[np.uint8]],
    ) -> None:
        """`mapped` is the content of `file`, `checksums` are CRC-32 of the images; `decode` decodes one again."""
        self.shape: tuple[int, ...] = mapped.shape
        self._mapped, self._file, self._decode = mapped, file, decode
        self._checksums = np.asarray(checksums, dtype=np.uint32)
        self._unchecked = np.ones(len(mapped), dtype=np.bool_)
        self._lock = threading.Lock()
        self._mended = 0

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, places: NDArray[np.int64]) -> NDArray[np.uint8]:
        """A copy of the images at `places` (B,), shape (B, S, S, 3).

        Raises `DataError` for a damaged image whose file has changed since it was cached.
        """
        found = np.asarray(self._mapped[places])
        for row in np.flatnonzero(self._unchecked[places]):
            if self._is_whole(found[row], places[row]):
                self._unchecked[places[row]] = False
            else:
                found[row] = self._decoded_again(int(places[row]))
        return found

    def take_warning(self) -> str | None:
        """A sentence about the images found damaged since the last call; None if none was."""
        with self._lock:
            mended, self._mended = self._mended, 0
        if mended == 0:
            return None
        return f"the cached pixels in {self._file.parent} were damaged: {counted(mended, 'image')} decoded again"

    def _is_whole(self, pixels: NDArray[np.uint8], place: int) -> bool:
        return bool(zlib.crc32(np.ascontiguousarray(pixels).data) == self._checksums[place])

    def _decoded_again(self, place: int) -> NDArray[np.uint8]:
        """Decodes an image and repairs the file. If the file cannot be written, the image stays unchecked."""
        pixels = self._decode(place)
        if not self._is_whole(pixels, place):
            raise DataError(
                f"the cached pixels in {self._file.parent} are damaged, and an image file has changed since; delete "
                "that folder, then try again"
            )
        with self._lock:
            self._mended += 1
            with suppress(OSError), open(self._file, "r+b", buffering=0) as file:
                start = file.seek(0, os.SEEK_END) - self._mapped.nbytes
                file.seek(start + place * pixels.nbytes)
                file.write(pixels.tobytes())
            self._unchecked[place] = not self._is_whole(self._mapped[place], place)
        return pixels


def map_pixels(file: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Maps a file of pixels. Raises `ValueError` for another shape or size, and `OSError` like `open_regular`."""
    with open_regular(file):  # mapping a named pipe would wait for ever
        pass
    mapped = npy.open_memmap(file, mode="r")
    if mapped.shape != shape or mapped.dtype != np.uint8 or mapped.offset + mapped.nbytes != file.stat().st_size:
        raise ValueError(f"{file} holds {mapped.dtype} of shape {mapped.shape}, or more than that")
    return mapped
