"""Shortens text from outside, so that no cell, name or list of names fills the screen."""

from collections.abc import Iterable
from itertools import islice
from typing import Final

LONGEST: Final = 60
_MOST_NAMES: Final = 12
FEW: Final = 4
"""The number of names that fit an aside."""


def short(text: str, most: int = LONGEST) -> str:
    """The text, or its first characters followed by `…`.

    >>> short("a" * 100, most=5)
    'aaaa…'
    """
    return text if len(text) <= most else f"{text[: most - 1]}…"


def quoted(value: object, most: int = LONGEST) -> str:
    """The value's text as written by Python, shortened.

    >>> quoted("ten"), quoted("x" * 100, most=5)
    ("'ten'", "'xxxx…'")
    """
    return repr(short(str(value), most))


def short_list(names: Iterable[str], most: int = _MOST_NAMES, longest: int = LONGEST) -> str:
    """The first names, each shortened, and the number of the others.

    >>> short_list(["image", "age"]), short_list("abcd", most=2)
    ('image, age', 'a, b and 2 more')
    """
    remaining = iter(names)
    shown = ", ".join(short(name, longest) for name in islice(remaining, most))
    more = sum(1 for _ in remaining)
    return f"{shown} and {more:,} more" if more else shown
