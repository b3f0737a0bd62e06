"""Exponential moving averages of noisy curves."""

import numpy as np
from numpy.typing import NDArray

_NEGLIGIBLE = 1e-18


def smoothed(y: NDArray[np.float64], weight: float) -> NDArray[np.float64]:
    """The debiased exponential moving average of y, shape (N,), as in TensorBoard; 0 <= `weight` < 1.

    After n values, s = weight * s + (1 - weight) * y, and the average is s / (1 - weight^n). Skips values that are not
    finite and returns them unchanged. Doubling unrolls the recurrence: each pass doubles the length of the past
    that s includes.
    """
    finite = np.isfinite(y)
    total = (1 - weight) * y[finite]
    step, share = 1, weight
    while step < len(total) and share > _NEGLIGIBLE:
        total[step:] += share * total[:-step]
        step, share = 2 * step, share * share
    shown = y.copy()
    shown[finite] = total / -np.expm1(np.arange(1, len(total) + 1) * np.log(weight)) if weight else total
    return shown
