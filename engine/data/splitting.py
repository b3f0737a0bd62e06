"""Splits a data set without splits, by a hash, so that an image's split depends on that image alone."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from engine.choices import SPLITS
from engine.cross_fit import fold_codes
from engine.data.spec import DataSpec, Fold
from engine.errors import DataError
from engine.resampling import Codes


def split_rows(frame: pd.DataFrame, spec: DataSpec, content: Sequence[str] | None) -> pd.DataFrame:
    """Assigns a split to each row without one, by a hash of its subject, or of its image if the subject is unknown.

    An image's split does not depend on the number of other images, and no subject gets two splits.

    Parameters
    ----------
    frame
        The rows of a manifest; `split` is None for rows without one.
    spec
        The shares of the splits, and the seed of the hash.
    content
        The SHA-256 of each row's image, empty if it is unreadable. Rows of equal images, and all rows of their
        subjects, share a split: the given one if any of them has one, else that of the first of their subjects and
        images. In UTKFace, images of one name in several folders count as equal, too. None keeps only subjects
        together.
    """
    edges = np.cumsum(spec.fractions)
    keys = _keys(frame)
    given = frame["split"].tolist()
    if content is not None:
        together = _joined(_ties(frame, spec, content), len(frame))
        firsts, decided = _firsts(together, keys), _decided(together, given)
        keys = [firsts[one] for one in together]
        given = [own if own is not None else decided.get(one) for own, one in zip(given, together, strict=True)]
    chosen = [SPLITS[min(int(np.searchsorted(edges, _share(key, spec.split_seed), side="right")), 2)] for key in keys]
    return frame.assign(split=[own if own is not None else made for own, made in zip(given, chosen, strict=True)])


def halve_valid(frame: pd.DataFrame, spec: DataSpec) -> pd.DataFrame:
    """Moves half of the validation rows to test, by a hash of the subject, or of the image if that is unknown.

    Raises `DataError` if the data has test rows, or no validation rows.
    """
    splits = frame["split"].tolist()
    if "test" in splits or "valid" not in splits:
        why = f"has {splits.count('test'):,} test images" if "test" in splits else "has no validation images"
        raise DataError(f"data set {spec.name!r} {why}, so --halve-valid has no effect; leave it out")
    # Not the digits that may have put these rows into validation.
    shares = [_share(f"half {key}", spec.split_seed) for key in _keys(frame)]
    halved = ["test" if one == "valid" and share >= 0.5 else one for one, share in zip(splits, shares, strict=True)]
    return frame.assign(split=halved)


def _keys(frame: pd.DataFrame) -> list[str]:
    """The key of each row's split: its subject, or its image if the subject is unknown."""
    named = frame["subject"].fillna(frame["image"]) if "subject" in frame else frame["image"]
    return [str(key) for key in named]


def fold_rows(frame: pd.DataFrame, spec: DataSpec, fold: Fold, content: Sequence[str] | None) -> pd.DataFrame:
    """Assigns each row the split of its fold in a run on `fold`, whatever split it had."""
    codes = fold_of_rows(frame, spec, fold.of, content)
    test = fold.number - 1
    splits = {test: "test", fold.number % fold.of: "valid"}
    return frame.assign(split=[splits.get(code, "train") for code in codes.tolist()])


def fold_of_rows(frame: pd.DataFrame, spec: DataSpec, folds: int, content: Sequence[str] | None) -> Codes:
    """Deals all rows to folds of about equal size, by a hash of their images and regardless of their order.

    Rows of one subject, and rows of equal images as in `split_rows`, share a fold.

    Parameters
    ----------
    frame, spec, content
        As in `split_rows`.
    folds
        Number of folds.

    Returns
    -------
    array
        The fold of each row, shape (N,), from 0. Some folds are empty if fewer sets of rows may be separated.
    """
    together = _joined(_ties(frame, spec, content or [""] * len(frame)), len(frame))
    return fold_codes([str(image) for image in frame["image"]], enumerate(together), folds, spec.split_seed)


def _ties(frame: pd.DataFrame, spec: DataSpec, content: Sequence[str]) -> Iterable[Sequence[object]]:
    """The properties that rows may share, each as a value per row; rows without a value share nothing."""
    yield [one or None for one in content]
    if "subject" in frame:
        yield [one if isinstance(one, str) else None for one in frame["subject"]]
    if spec.format == "utkface":
        yield [PurePosixPath(image).name.partition(".")[0] for image in frame["image"]]


def _joined(ties: Iterable[Sequence[object]], count: int) -> list[int]:
    """For each row, a representative of the rows that it shares a value with, directly or through others."""
    leader = list(range(count))

    def led_by(row: int) -> int:
        while leader[row] != row:
            leader[row] = leader[leader[row]]
            row = leader[row]
        return row

    for values in ties:
        first: dict[object, int] = {}
        for row, value in enumerate(values):
            if value is not None:
                leader[led_by(row)] = led_by(first.setdefault(value, row))
    return [led_by(row) for row in range(count)]


def _firsts(together: Sequence[int], keys: Sequence[str]) -> dict[int, str]:
    """The first key of each set of rows, shortest first, because copies usually have longer names than originals."""
    firsts: dict[int, str] = {}
    for one, key in zip(together, keys, strict=True):
        firsts[one] = min(firsts.get(one, key), key, key=lambda key: (len(key), key))
    return firsts


def _decided(together: Sequence[int], given: Sequence[str | None]) -> dict[int, str]:
    """The given split of each set of rows, if any; the first of train, valid, test if it has several."""
    found = sorted(
        ((SPLITS.index(split), one) for one, split in zip(together, given, strict=True) if split is not None),
        reverse=True,
    )
    return {one: SPLITS[place] for place, one in found}


def _share(key: str, seed: int) -> float:
    """A number in [0, 1) that depends only on the key and the seed."""
    digest = blake2b(f"{seed} {key}".encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64
