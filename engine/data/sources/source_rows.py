"""Turns the rows of a source into a manifest's frame, with the checks that all sources share."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np
import pandas as pd

from engine.choices import SPLITS
from engine.data.report import RowProblem
from engine.data.sources.ages import Age, AgeReader, shown, with_decimal_point
from engine.data.spec import RANGE_COLUMNS


@dataclass
class SourceRow:
    """One image in a source. `age` is the original text or number; None means no label."""

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
    """The manifest's frame, and a problem for each row that is left out of it.

    Rows are left out for an age that `reader` cannot read, for an unknown split, and for an image name that occurred
    before. The ends of ages given as ranges are columns of the frame if there are any. `extra` columns hold numbers
    (NaN if missing) or, for `subject`, text.
    """
    reader = reader or AgeReader()
    kept: list[SourceRow] = []
    ages: list[Age] = []
    problems: list[RowProblem] = []
    seen: set[str] = set()
    for row in rows:
        age, problem, cure = Age(np.nan), "", ""
        try:
            age = age if row.age is None else reader.read(row.age)
        except ValueError as error:
            problem = str(error)
        if row.split is not None and row.split not in SPLITS:
            problem = f"split {shown(row.split)}; use one of {', '.join(SPLITS)}"
            cure = "say which split a name stands for with --split-map, as in --split-map dev=valid,extra=none"
        if row.image in seen:
            problem = "the same image is named twice"
        if problem:
            problems.append(RowProblem(row.image, problem, row.split, cure))
            continue
        seen.add(row.image)
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
            pd.Series([_text(value) for value in values], dtype=object)
            if name == "subject"
            else pd.to_numeric(pd.Series(values, dtype=object), errors="coerce").astype(np.float64)
        )
    for name in attributes:
        frame[name] = pd.Series([_text(row.attributes.get(name)) for row in kept], dtype=object)
    return frame, tuple(problems)


def split_rows(frame: pd.DataFrame, fractions: Sequence[float], seed: int) -> pd.DataFrame:
    """Gives each row without a split one, by a hash of its subject, or of its image without a subject.

    An image gets the same split however many others there are, and no subject gets two.
    """
    edges = np.cumsum(fractions)
    keys = frame["subject"].fillna(frame["image"]) if "subject" in frame else frame["image"]
    chosen = [SPLITS[min(int(np.searchsorted(edges, _share(str(key), seed), side="right")), 2)] for key in keys]
    parted = frame.copy()
    parted["split"] = [given if given is not None else made for given, made in zip(frame["split"], chosen, strict=True)]
    return parted


def _share(key: str, seed: int) -> float:
    """A number in [0, 1) that depends on the key and the seed only."""
    digest = blake2b(f"{seed} {key}".encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def _text(value: object) -> str | None:
    text = "" if value is None or value != value else str(value).strip()
    return text or None
