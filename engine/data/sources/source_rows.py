"""Turns a source's rows into a manifest's frame, with the checks shared by all sources."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from engine.choices import SPLITS
from engine.data.report import RowProblem
from engine.data.sources.ages import Age, AgeReader, with_decimal_point
from engine.data.sources.cells import label_text
from engine.data.spec import RANGE_COLUMNS
from engine.short_text import quoted


@dataclass
class SourceRow:
    """One image of a source. `age` is the original text or number; None means no label."""

    image: str
    split: str | None
    age: object
    attributes: Mapping[str, object] = field(default_factory=dict)
    extra: Mapping[str, object] = field(default_factory=dict)


def frame_of(
    rows: Iterable[SourceRow],
    attributes: Sequence[str],
    extra: Sequence[str] = (),
    reader: AgeReader | None = None,
) -> tuple[pd.DataFrame, tuple[RowProblem, ...]]:
    """The manifest's frame, and a problem for each row left out.

    Leaves out rows with an age that `reader` cannot read, or an unknown split. The ends of ages given as ranges become
    columns of the frame, if any age is a range. `extra` columns hold years (NaN if missing) or, for `subject`, text.
    """
    reader = reader or AgeReader()
    kept: list[SourceRow] = []
    ages: list[Age] = []
    problems: list[RowProblem] = []
    for row in rows:
        age, problem, cure = Age(np.nan), "", ""
        try:
            age = age if row.age is None else reader.read(row.age)
        except ValueError as error:
            problem = str(error)
        if row.split is not None and row.split not in SPLITS:
            problem = f"unknown split {quoted(row.split)}; use one of {', '.join(SPLITS)}"
            cure = "map other names to splits with --split-map, as in --split-map dev=valid,extra=none"
        if problem:
            problems.append(RowProblem(row.image, problem, row.split if row.split in SPLITS else None, cure))
            continue
        kept.append(row)
        ages.append(age)
    frame = pd.DataFrame(
        {
            "image": pd.Series([row.image for row in kept], dtype=object),
            "split": pd.Series([row.split for row in kept], dtype=object),
            "age": np.asarray([age.years for age in ages], dtype=np.float64),
        }
    )
    if any(not np.isnan(age.low) for age in ages):
        for place, name in enumerate(RANGE_COLUMNS, start=1):
            frame[name] = np.asarray([age[place] for age in ages], dtype=np.float64)
    for name in extra:
        values = [with_decimal_point(row.extra.get(name)) for row in kept]
        frame[name] = (
            pd.Series([label_text(value) for value in values], dtype=object)
            if name == "subject"
            else pd.to_numeric(pd.Series(values, dtype=object), errors="coerce").astype(np.float64)
            * (reader.scale or 1)
        )
    for name in attributes:
        frame[name] = pd.Series([label_text(row.attributes.get(name)) for row in kept], dtype=object)
    return frame, tuple(problems)
