"""The labelled images of a split as one compressed blob, shared by all runs scored on them."""

import hashlib
import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.data.spec import RANGE_COLUMNS
from engine.errors import StoreError

if TYPE_CHECKING:
    import pandas as pd

_MOST_BYTES = 1_000_000_000


@dataclass(frozen=True, eq=False)
class Items:
    """Image names, ages (N,) in years, each attribute's value per image, and the persons if known.

    `ranges` maps `RANGE_COLUMNS` to the ends (N,) of ages given as ranges: years, NaN for an image without one.
    """

    names: tuple[str, ...]
    ages: NDArray[np.float64]
    subjects: tuple[str | None, ...]
    attributes: dict[str, tuple[str | None, ...]]
    ranges: dict[str, NDArray[np.float64]]


def pack_items(frame: "pd.DataFrame", split: str, target: str) -> tuple[str, bytes]:
    """The hash and blob of the images in `frame`: columns image, age, attributes, maybe subject and ends of ranges.

    Equal hashes mean equal split, target, image names, ages and attributes, in the same order.
    """
    attributes = frame.drop(columns=["image", "age", "subject", *RANGE_COLUMNS], errors="ignore")
    columns: dict[str, Any] = {
        "image": [str(name) for name in frame["image"]],
        "age": [float(age) for age in frame["age"]],
        "attributes": {str(name): _texts(values) for name, values in attributes.items()},
    }
    text = _json(columns)
    digest = hashlib.sha256(json.dumps([split, target]).encode() + text).hexdigest()
    # Persons and ranges do not decide scores, and images without these columns are the same images.
    subjects = {"subject": _texts(frame["subject"])} if "subject" in frame else {}
    ends = frame[[name for name in RANGE_COLUMNS if name in frame]].astype(object)
    ranges = {str(name): values.tolist() for name, values in ends.where(ends.notna(), None).items()}
    return digest, zlib.compress(_json(columns | subjects | ranges))


def unpack_items(blob: bytes) -> Items:
    """The images in a blob. Raises `StoreError` if it expands to more than a gigabyte."""
    reader = zlib.decompressobj()
    text = reader.decompress(blob, _MOST_BYTES)
    if reader.unconsumed_tail:
        raise StoreError(f"the images of a split expand to more than {_MOST_BYTES / 1e9:g} GB; see ageui db check")
    columns = json.loads(text)
    attributes = {name: tuple(values) for name, values in columns["attributes"].items()}
    return Items(
        tuple(columns["image"]),
        np.asarray(columns["age"], dtype=np.float64),
        tuple(columns.get("subject", ())),
        attributes,
        {name: np.asarray(columns[name], dtype=np.float64) for name in RANGE_COLUMNS if name in columns},
    )


def _json(columns: dict[str, Any]) -> bytes:
    return json.dumps(columns, separators=(",", ":")).encode()


def _texts(values: "pd.Series[Any]") -> list[str | None]:
    return [None if unknown else str(value) for value, unknown in zip(values, values.isna(), strict=True)]
