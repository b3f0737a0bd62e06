"""Adjusts the p-values of many tests, so that the whole family keeps the level of a single test."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from engine.errors import ConfigError

Correction = Literal["holm", "bh", "none"]
CORRECTIONS: dict[Correction, str] = {
    "holm": "Holm's correction",
    "bh": "Benjamini and Hochberg's correction",
    "none": "no correction",
}


def known_correction(name: str) -> Correction:
    """The correction of this name. Raises `ConfigError` for an unknown name."""
    for known in CORRECTIONS:
        if name == known:
            return known
    raise ConfigError(f"unknown correction {name!r}; choose one of {', '.join(CORRECTIONS)}")


def adjusted(p_values: Sequence[float], correction: Correction = "holm") -> list[float]:
    """The adjusted p-values of one family of tests, in the order given.

    Parameters
    ----------
    p_values
        One for every test of the family.
    correction
        `holm` keeps the chance of any false mark below the level (Holm, A simple sequentially rejective multiple test
        procedure, 1979), `bh` the expected share of false marks among all marks (Benjamini and Hochberg, Controlling
        the false discovery rate, 1995), `none` neither.

    Examples
    --------
    >>> adjusted([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    >>> adjusted([0.01, 0.04, 0.03], "bh")
    [0.03, 0.04, 0.04]
    """
    count = len(p_values)
    if correction == "none" or not count:
        return list(p_values)
    order = np.argsort(p_values, kind="stable")
    sorted_values = np.asarray(p_values, dtype=np.float64)[order]
    if correction == "holm":
        found = np.maximum.accumulate(sorted_values * np.arange(count, 0, -1))
    else:
        found = np.minimum.accumulate((sorted_values * (count / np.arange(1, count + 1)))[::-1])[::-1]
    result = np.empty(count)
    result[order] = np.minimum(found, 1.0)
    return [float(value) for value in result]
