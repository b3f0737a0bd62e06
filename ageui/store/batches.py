"""Batches of parameters, because SQLite limits their number per statement."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

Value = TypeVar("Value")
_BATCH = 500


def batches(values: Sequence[Value]) -> Iterator[Sequence[Value]]:
    """The values in order, at most 500 at a time."""
    for start in range(0, len(values), _BATCH):
        yield values[start : start + _BATCH]
