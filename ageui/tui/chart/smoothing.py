"""Exponential moving averages of noisy curves."""

import numpy as np
from numpy.typing import NDArray

_NEGLIGIBLE = 1e-18


def smoothed(y: NDArray[np.float64], weight: float) -> NDArray[np.float64]:
    """The debiased exponential moving average of y, (N,), as TensorBoard draws it; `weight` of the past is below 1.

    Per point, s = weight * s + (1 - weight) * y, shown as s / (1 - weight^n) after n values. Values that are not finite
    stay as they are and are skipped by the average. The recurrence is unrolled by doubling: each pass adds as much past
    as is in already.
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
