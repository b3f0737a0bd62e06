"""Turns the rows of a source into a manifest's frame, with the checks that all sources share."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from engine.choices import SPLITS
from engine.data.report import RowProblem

OLDEST = 120.0


@dataclass
class SourceRow:
    """One image in a source. `age` is the original text or number; None means no label."""

    image: str
    split: str | None
    age: object
    attributes: Mapping[str, object] = field(default_factory=dict)
    extra: Mapping[str, object] = field(default_factory=dict)


def frame_of(
    rows: Iterable[SourceRow], attributes: Sequence[str], extra: Sequence[str] = ()
) -> tuple[pd.DataFrame, tuple[RowProblem, ...]]:
    """The manifest's frame, and a problem for each row that is left out of it.

    Rows are left out for an age that is no number, below 0 or above 120 years, and for an unknown split. `extra`
    columns hold numbers (NaN if missing) or, for `subject`, text.
    """
    kept: list[SourceRow] = []
    ages: list[float] = []
    problems: list[RowProblem] = []
    for row in rows:
        age, problem = _age(row.age)
        if row.split is not None and row.split not in SPLITS:
            problem = f"split {row.split!r}; use one of {', '.join(SPLITS)}"
        if problem:
            problems.append(RowProblem(row.image, problem))
            continue
        kept.append(row)
        ages.append(age)
    frame = pd.DataFrame(
        {
            "image": pd.Series([row.image for row in kept], dtype=object),
            "split": pd.Series([row.split for row in kept], dtype=object),
            "age": np.asarray(ages, dtype=np.float64),
        }
    )
    for name in extra:
        values = [row.extra.get(name) for row in kept]
        frame[name] = (
            pd.Series([_text(value) for value in values], dtype=object)
            if name == "subject"
            else pd.to_numeric(pd.Series(values, dtype=object), errors="coerce").astype(np.float64)
        )
    for name in attributes:
        frame[name] = pd.Series([_text(row.attributes.get(name)) for row in kept], dtype=object)
    return frame, tuple(problems)


def _age(value: object) -> tuple[float, str | None]:
    if value is None:
        return np.nan, None
    try:
        age = float(str(value))
    except ValueError:
        return np.nan, f"age {str(value)!r} is no number"
    if np.isnan(age):
        return np.nan, "age is missing in a labelled split"
    if not 0 <= age <= OLDEST:
        return np.nan, f"age {age:g} is not within 0 and {OLDEST:g} years"
    return age, None


def _text(value: object) -> str | None:
    text = "" if value is None or value != value else str(value).strip()
    return text or None
