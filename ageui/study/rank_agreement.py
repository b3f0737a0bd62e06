"""Whether two rankings of the same cells agree: Spearman's rank correlation and its interval. NumPy only.

Ranks of ties are their mean rank, and ρ is Pearson's correlation of the ranks. Its interval is Fisher's: z = artanh ρ
with the standard error √((1 + ρ²/2) / (n − 3)) of Bonett and Wright (Psychometrika 65, 2000, 23-28), which keeps closer
to 95% than the error of a Pearson correlation. It covers the choice of cells, not the seeds. With the handful of cells
of a table it is wide, as it should be; a bootstrap of so few would draw the same cells again and again, and be narrow.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ageui.compare.seeds import Z_975
from engine.fairness import Interval

_FEWEST, _FEWEST_WITH_INTERVAL = 3, 4


@dataclass(frozen=True)
class Agreement:
    """Spearman's ρ over `n` pairs, None below three or where one side does not vary; its 95% interval from four on."""

    rho: float | None
    interval: Interval | None
    n: int


def agreement(ours: Sequence[float], theirs: Sequence[float]) -> Agreement:
    """Of two figures of each cell, in the same order. Pairs with a figure that is not finite do not count."""
    pairs = np.array([pair for pair in zip(ours, theirs, strict=True) if np.isfinite(pair).all()], dtype=np.float64)
    n = len(pairs)
    if n < _FEWEST:
        return Agreement(None, None, n)
    first, second = _ranks(pairs[:, 0]), _ranks(pairs[:, 1])
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return Agreement(None, None, n)
    rho = float(np.clip(np.corrcoef(first, second)[0, 1], -1.0, 1.0))
    return Agreement(rho, _interval(rho, n) if n >= _FEWEST_WITH_INTERVAL else None, n)


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1, ties with their mean rank."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[place]


def _interval(rho: float, n: int) -> Interval:
    """At ρ = ±1, where z is infinite, the inner end is that of the ranking with two neighbours swapped."""
    nearest = 1 - 12 / (n * (n**2 - 1))
    inside = max(-nearest, min(nearest, rho))
    margin = Z_975 * math.sqrt((1 + inside**2 / 2) / (n - 3))
    low, high = (math.tanh(math.atanh(inside) + side) for side in (-margin, margin))
    return Interval(-1.0 if rho < -nearest else low, 1.0 if rho > nearest else high)
