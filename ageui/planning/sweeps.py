"""A grid of settings: every combination of the values listed by each flag."""

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

from engine.errors import ConfigError, Problem

T = TypeVar("T")

MOST_RUNS = 10_000
_LISTS = ("epochs", "lr", "weights", "widths", "age_edges")
# But not the sign of an exponent, as in 1e+1.
_JOIN = re.compile(r"(?<![0-9][eE])\+")


def grid(values: Mapping[str, str]) -> list[dict[str, str]]:
    """All combinations of comma lists, the last flag varying fastest.

    If a value is itself a list, `+` joins its parts: `none,gender,gender+age` of `weights` are three settings. Raises
    `ConfigError` for an empty value or more than `MOST_RUNS` combinations.
    """
    return combinations({name: values_of(name, text) for name, text in values.items()})


def combinations(choices: Mapping[str, Sequence[T]]) -> list[dict[str, T]]:
    """All combinations of the fields' values, the last field varying fastest.

    Raises `ConfigError` for more than `MOST_RUNS`, before making any.
    """
    refuse_too_many(math.prod(len(found) for found in choices.values()))
    return [dict(zip(choices, combination, strict=True)) for combination in itertools.product(*choices.values())]


def refuse_too_many(runs: int) -> None:
    """Raises `ConfigError` for more than `MOST_RUNS` runs."""
    if runs > MOST_RUNS:
        raise ConfigError(f"the grid has {runs:,} runs; give at most {MOST_RUNS:,}")


def seeds(first: int, count: int) -> str:
    """`count` seeds from `first` on, as a comma list."""
    return ",".join(str(first + number) for number in range(count))


def values_of(name: str, text: str) -> list[str]:
    """The values in a comma list, each in a config's form. Raises `ConfigError` for an empty value."""
    found = [part.strip() for part in text.split(",")]
    if not all(found):
        problem = f"{name} {text!r}: a value is empty; write a comma only between two values"
        raise ConfigError(problems=[Problem(name, problem)])
    return [_JOIN.sub(",", part) for part in found] if name in _LISTS else found
