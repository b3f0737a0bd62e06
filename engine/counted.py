"""Counts with their noun, in the singular or plural, and the first few of many names."""

from collections.abc import Iterable
from typing import Final

_FEW: Final = 4


def counted(number: int, noun: str) -> str:
    """`1 run`, `2 runs`, `10,432 runs`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def first_few(names: Iterable[str]) -> str:
    """The first four names, and how many more there are; empty without any.

    Examples
    --------
    >>> first_few(["layer4", "fc"])
    'layer4, fc'
    >>> first_few("abcdef")
    'a, b, c, d and 2 more'
    """
    found = list(names)
    more = len(found) - _FEW
    return ", ".join(found[:_FEW]) + (f" and {more:,} more" if more > 0 else "")
