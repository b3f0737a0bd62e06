"""Whether two rankings of the same cells agree: Spearman's rank correlation and its interval. NumPy only.

Ties share their mean rank, and ρ is Pearson's correlation of the ranks. Its interval is Fisher's: z = artanh ρ
with the standard error √((1 + ρ²/2) / (n − 3)) of Bonett and Wright (Psychometrika 65, 2000, 23-28), whose coverage is
closer to 95% than that of a Pearson correlation's error. It covers the choice of cells, not the seeds. For the few
cells of a table it is rightly wide: a bootstrap of so few would draw the same cells repeatedly, and be too narrow.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from engine.fairness import CONFIDENCE
from engine.split_result import Interval

_FEWEST, _FEWEST_WITH_INTERVAL = 3, 4


@dataclass(frozen=True)
class Agreement:
    """Spearman's ρ over `n` pairs; None for fewer than three pairs or a constant side. Its 95% interval needs four."""

    rho: float | None
    interval: Interval | None
    n: int


def agreement(ours: Sequence[float], theirs: Sequence[float]) -> Agreement:
    """The agreement of two figures of the same cells, in the same order. Pairs that are not finite do not count."""
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
    """Ranks from 1; ties share their mean rank."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[place]


def _interval(rho: float, n: int) -> Interval:
    """Fisher's interval. At ρ = ±1, where z is infinite, its inner end is that of two swapped neighbours."""
    nearest = 1 - 12 / (n * (n**2 - 1))
    inside = max(-nearest, min(nearest, rho))
    margin = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * math.sqrt((1 + inside**2 / 2) / (n - 3))
    low, high = (math.tanh(math.atanh(inside) + side) for side in (-margin, margin))
    return Interval(-1.0 if rho < -nearest else low, 1.0 if rho > nearest else high)
