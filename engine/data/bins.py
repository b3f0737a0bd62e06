"""Intervals of an attribute that holds numbers, so that its images form groups large enough to be compared."""

from typing import Final

import numpy as np
import pandas as pd

from engine.counted import counted
from engine.data.remarks import number_remarks
from engine.data.report import LabelRemark
from engine.data.spec import Bins
from engine.errors import DataError
from engine.groups import age_group_names

_DIGITS: Final = (3, 4, 5, 6)


def binned(values: pd.Series, attribute: str, bins: Bins) -> tuple[pd.Series, tuple[LabelRemark, ...]]:
    """The interval of each value, named like age groups: `<18.5`, `18.5-25`, `>=25`; None where there is no number.

    Parameters
    ----------
    values
        Numbers, or their texts.
    attribute
        The name of the attribute.
    bins
        The number of intervals, which then hold about equally many images, or the edges between them.

    Returns
    -------
    Series, remarks
        Remarks name values that are no numbers.

    Raises
    ------
    DataError
        If `bins` is a number, and the values cannot be parted into two intervals or more.
    """
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, copy=True)
    numbers[~np.isfinite(numbers)] = np.nan
    edges = _edges(numbers, bins) if isinstance(bins, int) else list(bins)
    if not edges:
        raise DataError(
            f"--bins {attribute}={bins}: the column has {counted(values.nunique(), 'value')} and no two different "
            "numbers to make intervals of; leave it out of --bins"
        )
    names = np.array([*age_group_names(edges), None], dtype=object)
    codes = np.where(np.isnan(numbers), -1, np.searchsorted(edges, numbers, side="right"))
    return pd.Series(names[codes], index=values.index, dtype=object), tuple(number_remarks(attribute, values))


def _edges(numbers: np.ndarray, count: int) -> list[float]:
    """Edges between `count` intervals of about equally many numbers, with as few digits as tell them apart.

    Fewer edges if some number occurs so often that it fills several intervals.
    """
    known = numbers[~np.isnan(numbers)]
    above = known[known > known.min(initial=np.inf)]
    if len(above) == 0:
        return []
    exact = np.unique(np.maximum(np.quantile(known, np.arange(1, count) / count), above.min()))
    rounded: list[float] = []
    for digits in _DIGITS:
        rounded = sorted({float(f"{edge:.{digits}g}") for edge in exact})
        if len(rounded) == len(exact):
            break
    return [edge for edge in rounded if known.min() < edge <= known.max()]
