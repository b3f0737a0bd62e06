"""Mean and spread of a figure over runs that differ only in their seed. NumPy only."""

from collections.abc import Sequence

import numpy as np

from ageui.present.table import Spread


def mean_and_spread(values: Sequence[float]) -> tuple[float, Spread]:
    """Mean and sample standard deviation of a figure over seeds.

    Parameters
    ----------
    values
        At least one value, all in the same unit.

    Returns
    -------
    tuple
        The mean and the `Spread` (over n - 1), whose `std` is None for a single value.

    Examples
    --------
    >>> mean_and_spread([6.0, 7.0, 8.0])
    (7.0, Spread(std=1.0, n=3))
    """
    with np.errstate(invalid="ignore"):
        std = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return float(np.mean(values)), Spread(std, len(values))
