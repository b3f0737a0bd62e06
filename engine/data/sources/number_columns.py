"""Columns of numbers in a table: cells without a number, intervals, and columns that could be attributes."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd

from engine.counted import counted
from engine.data.report import LabelRemark
from engine.data.sources.ages import with_decimal_point
from engine.data.spec import Bins
from engine.errors import DataError
from engine.groups import age_group_names
from engine.short_text import quoted, short, short_list

MOST_CODES: Final = 20
"""A column with at most this many distinct numbers may hold group codes."""
_MOST_SHOWN: Final = 3
_FEW_PER_GROUP: Final = 5
_DIGITS: Final = (3, 4, 5, 6)


def number_remarks(name: str, cells: pd.Series) -> Iterator[LabelRemark]:
    """A remark on the non-empty cells without a number in an optional column of numbers."""
    filled = cells.dropna()
    filled = filled[filled.astype(str).str.strip() != ""]
    wrong = filled[pd.to_numeric(filled.map(with_decimal_point), errors="coerce").isna()]
    if len(wrong):
        are = "is not a number" if len(wrong) == 1 else "are not numbers"
        yield LabelRemark(
            "no_numbers",
            None,
            f"{counted(len(wrong), 'value')} of {name} {are}, such as {quoted(wrong.iloc[0])}, and "
            f"{'counts' if len(wrong) == 1 else 'count'} as unknown; write plain decimal numbers, such as 3.2",
        )


def comma_notes(name: str, cells: pd.Series) -> Iterator[str]:
    """A note on the cells with a decimal comma in an optional column of numbers."""
    texts = cells[[with_decimal_point(cell) is not cell for cell in cells]]
    if len(texts):
        first = texts.iloc[0]
        yield (
            f"{counted(len(texts), 'value')} of {name} with a decimal comma: {quoted(first)} is read as "
            f"{short(str(with_decimal_point(first)))}"
        )


def unused_columns(table: pd.DataFrame) -> Iterator[LabelRemark]:
    """Remarks on columns of numbers that are not attributes, with the options that would make them attributes.

    Columns of distinct whole numbers, which merely number the rows, get no remark.
    """
    codes, quantities = [], []
    for column in table.columns:
        numbers = _numbers(table[column])
        if numbers is None:
            continue
        distinct = numbers.nunique()
        if 1 < distinct <= MOST_CODES and len(numbers) >= _FEW_PER_GROUP * distinct:
            codes.append(str(column))
        elif distinct > 1 and not (distinct == len(numbers) and (numbers % 1 == 0).all()):
            quantities.append(str(column))
    for kind, names, cure in (
        ("unused_codes", codes, "to compare groups by one: ageui data add … --columns {0}={0}"),
        ("unused_numbers", quantities, "to compare intervals of one: ageui data add … --bins {0}=4"),
    ):
        if names:
            columns = "column" if len(names) == 1 else "columns"
            text = f"unused {columns} of numbers: {short_list(names, most=_MOST_SHOWN)}; {cure.format(short(names[0]))}"
            yield LabelRemark(kind, None, text)


def _numbers(cells: pd.Series) -> pd.Series | None:
    """The numbers of a column that holds only numbers; None for other columns."""
    try:
        filled = cells[cells.notna() & (cells.astype(str).str.strip() != "")]
        numbers = pd.to_numeric(filled.map(with_decimal_point))
    except (TypeError, ValueError):
        return None
    return numbers if len(numbers) else None


def binned(values: pd.Series, attribute: str, bins: Bins) -> tuple[pd.Series, tuple[LabelRemark, ...]]:
    """The interval of each value, named like age groups: `<18.5`, `18.5-25`, `>=25`; None without a number.

    Parameters
    ----------
    values
        Numbers, or their texts.
    attribute
        The name of the attribute.
    bins
        The number of intervals, for intervals with about equally many images, or the edges between them.

    Returns
    -------
    Series, remarks
        The remarks name values that are not numbers.

    Raises
    ------
    DataError
        If `bins` is a number, and the values cannot be divided into two or more intervals.
    """
    numbers = pd.to_numeric(values.map(with_decimal_point), errors="coerce").to_numpy(dtype=np.float64, copy=True)
    numbers[~np.isfinite(numbers)] = np.nan
    edges = _edges(numbers, bins) if isinstance(bins, int) else list(bins)
    if not edges:
        raise DataError(
            f"--bins {attribute}={bins}: the column has {counted(values.nunique(), 'value')}, but no numbers that can "
            "be divided into intervals; leave it out of --bins"
        )
    names = np.array([*age_group_names(edges), None], dtype=object)
    codes = np.where(np.isnan(numbers), -1, np.searchsorted(edges, numbers, side="right"))
    return pd.Series(names[codes], index=values.index, dtype=object), tuple(number_remarks(attribute, values))


def _edges(numbers: np.ndarray, count: int) -> list[float]:
    """Edges between `count` intervals of about equally many numbers, with the fewest digits that distinguish them.

    Returns fewer edges if a number is so frequent that it fills several intervals.
    """
    known = numbers[~np.isnan(numbers)]
    above = known[known > known.min(initial=np.inf)]
    if len(above) == 0:
        return []
    exact = np.unique(np.maximum(np.quantile(known, np.arange(1, count) / count), above.min()))
    rounded: list[float] = []
    for digits in _DIGITS:
        rounded = sorted({float(f"{edge:.{digits}g}") for edge in exact})
        rounded = [edge for edge in rounded if known.min() < edge <= known.max()]
        if len(rounded) == len(exact):
            break
    return rounded
