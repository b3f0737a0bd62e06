"""Caches facts about done runs until more runs are done."""

from typing import Generic, TypeVar

from ageui.store.store import Store

T = TypeVar("T")


class OfDoneRuns(Generic[T]):
    """A cached value. A subclass reads it in `read`; it is read again only if the number of done runs has changed."""

    def __init__(self) -> None:
        self._known: tuple[int, T] | None = None

    def of(self, store: Store) -> T:
        """Raises `StoreError`."""
        done = store.runs.status_counts().get("done", 0)
        if self._known is None or self._known[0] != done:
            self._known = done, self.read(store)
        return self._known[1]

    def read(self, store: Store) -> T:
        raise NotImplementedError
