"""The base of a store's parts: sessions, and the folder of the runs' files."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from sqlmodel import Session

OpenSession = Callable[[], AbstractContextManager[Session]]


class StorePart:
    """A part of an opened store. Methods run in their own short sessions and may raise `StoreError`."""

    def __init__(self, read: OpenSession, write: OpenSession, folder: Path) -> None:
        self._read = read
        self._write = write
        self._folder = folder
