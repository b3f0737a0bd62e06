"""Groups of images: the values of a categorical attribute, or intervals of age."""

import math
import re
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.choices import AGE_EDGES
from engine.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

REPORT_GROUPS: dict[str, tuple[str, ...]] = {
    "gender": ("male", "female"),
    "expression": ("neutral", "happy", "slightlyhappy", "other"),
    "ethnicity": ("caucasian", "afroamerican", "asian"),
}
TAKEN_NAMES = frozenset(("image", "split", "age", "real_age", "age_std", "age_low", "age_high", "subject", "pixel"))
"""The columns of a data set's frame other than attributes."""
_NUMBER = r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_INTERVAL = re.compile(rf"<(?P<below>{_NUMBER})|(?P<low>{_NUMBER})-{_NUMBER}|>=(?P<above>{_NUMBER})")


def age_group_names(edges: Sequence[float] = AGE_EDGES) -> tuple[str, ...]:
    """The names of the age groups between `edges`, in years.

    Examples
    --------
    >>> age_group_names((20, 40, 60))
    ('<20', '20-40', '40-60', '>=60')
    """
    text = [f"{edge:g}" for edge in edges]
    inner = [f"{low}-{high}" for low, high in pairwise(text)]
    return (f"<{text[0]}", *inner, f">={text[-1]}")


def group_names(frame: "pd.DataFrame", attribute: str, edges: Sequence[float] = AGE_EDGES) -> tuple[str, ...]:
    """The groups of an attribute in reading order: the report's first, then any others by name.

    Lists age groups even if they have no image, and the report's groups if no image has any other.
    """
    if attribute == "age":
        return age_group_names(edges)
    present = _in_reading_order({str(value) for value in _column(frame, attribute).dropna().unique()})
    known = REPORT_GROUPS.get(attribute, ())
    if present and set(present) <= set(known):
        return known
    return (*(name for name in known if name in present), *(name for name in present if name not in known))


def group_codes(
    frame: "pd.DataFrame", attribute: str, edges: Sequence[float] = AGE_EDGES
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """The group of each row.

    Parameters
    ----------
    frame
        Rows with an `age` in years and the columns of the attributes.
    attribute
        A column, or `age` for half-open age intervals, `low <= age < high`.
    edges
        Edges of the age groups in years.

    Returns
    -------
    codes, names
        Indices into `names`, shape (N,); -1 for a row without a value.

    Raises
    ------
    ConfigError
        If the data lacks the attribute.

    Examples
    --------
    >>> import pandas as pd
    >>> codes, names = group_codes(pd.DataFrame({"age": [19.9, 20.0, float("nan"), 71.0]}), "age")
    >>> codes.tolist(), names
    ([0, 1, -1, 3], ('<20', '20-40', '40-60', '>=60'))
    """
    names = group_names(frame, attribute, edges)
    if attribute == "age":
        ages = frame["age"].to_numpy(dtype=np.float64)
        codes = np.searchsorted(np.asarray(edges, dtype=np.float64), ages, side="right").astype(np.int64)
        return np.where(np.isnan(ages), -1, codes), names
    lookup = {name: index for index, name in enumerate(names)}
    values = _column(frame, attribute)
    known = zip(values, values.notna(), strict=True)
    codes = np.array([lookup[str(value)] if is_known else -1 for value, is_known in known], dtype=np.int64)
    return codes, names


def crossed_codes(
    frame: "pd.DataFrame", attributes: Sequence[str], edges: Sequence[float] = AGE_EDGES
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Like `group_codes`, for the crossed groups of several attributes."""
    return crossed_groups(len(frame), [group_codes(frame, attribute, edges) for attribute in attributes])


def crossed_groups(
    rows: int, parts: Sequence[tuple[NDArray[np.int64], Sequence[str]]]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Codes (rows,) and ordered names of the crossed groups of several attributes, such as `male, 20-40`.

    `parts` are the codes and names of each attribute. A row that lacks a value is in no group.
    """
    codes = np.zeros(rows, dtype=np.int64)
    names: tuple[str, ...] = ("",)
    for own, own_names in parts:
        codes = np.where((codes < 0) | (own < 0), -1, codes * len(own_names) + own)
        names = tuple(f"{name}, {one}".removeprefix(", ") for name in names for one in own_names)
    return codes, names


def filled_groups(
    codes: NDArray[np.int64], names: Sequence[str], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Codes (N,) and names of the groups that have some of `rows` (positions in `codes`); -1 for other groups."""
    kept = np.unique(codes[rows])
    kept = kept[kept >= 0]
    place = np.full(len(names) + 1, -1, dtype=np.int64)
    place[kept] = np.arange(len(kept))
    return place[codes], tuple(names[code] for code in kept)


def _in_reading_order(names: Collection[str]) -> list[str]:
    """The names in order; names in the form of `age_group_names` from low to high, whatever their edges."""
    starts = [_start(name) for name in names]
    if None in starts or -math.inf not in starts:
        return sorted(names)
    return [name for _, name in sorted(zip(starts, names, strict=True))]


def _start(name: str) -> float | None:
    """The low end of an interval; None if the name is not an interval's."""
    found = _INTERVAL.fullmatch(name)
    if found is None:
        return None
    return -math.inf if found["below"] else float(found["low"] or found["above"])


def _column(frame: "pd.DataFrame", attribute: str) -> "pd.Series[Any]":
    if attribute not in frame.columns or attribute in TAKEN_NAMES:
        have = [name for name in frame.columns if name not in TAKEN_NAMES]
        raise ConfigError(f"the data has no attribute {attribute!r}; it has age, {', '.join(have)}".rstrip(", "))
    return frame[attribute]
