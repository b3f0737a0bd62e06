"""The images of checked data sets, and marks on scored images with a duplicate in train."""

import json
import zlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, update
from sqlmodel import Session, col, select

from ageui.store.item_sets import unpack_items
from ageui.store.run_rows import RUN_ID
from ageui.store.tables import DataSet, DerivationSource, ItemSet, Result, Run
from engine.cross_fit import same_values
from engine.data.data_root import DIGITS_OF_AN_IMAGE, images_digest
from engine.data.folds import own_hash

if TYPE_CHECKING:
    from engine.data.check import Examined


@dataclass(frozen=True)
class KnownImages:
    """The images of a checked data set.

    `checked` are the content hashes of the data, one per target; changed images give other hashes, to which this does
    not apply. `content` maps each image to the first digits of its SHA-256; `near` are pairs of these that show nearly
    the same picture.
    """

    checked: tuple[str, ...]
    content: dict[str, str]
    near: tuple[tuple[str, str], ...]

    @classmethod
    def of_check(cls, examined: "Examined", before: "KnownImages | None") -> "KnownImages":
        """The images of a check. Keeps content hashes from `before` if the images are the same."""
        content = {image: sha256[:DIGITS_OF_AN_IMAGE] for image, sha256 in examined.content.items()}
        pairs = {(content[pair.first], content[pair.second]) for pair in examined.report.duplicates}
        near = tuple(sorted((min(pair), max(pair)) for pair in pairs))
        is_same = before is not None and (before.content, before.near) == (content, near)
        kept = before.checked if before is not None and is_same else ()
        return cls(tuple(dict.fromkeys((examined.content_hash, *kept))), content, near)

    def packed(self) -> bytes:
        return zlib.compress(json.dumps(asdict(self), separators=(",", ":")).encode())

    @classmethod
    def unpacked(cls, blob: bytes) -> "KnownImages":
        found = json.loads(zlib.decompress(blob))
        near = tuple((first, second) for first, second in found["near"])
        return cls(tuple(found["checked"]), found["content"], near)

    @property
    def digest(self) -> str:
        """The `images_digest` of the images."""
        return images_digest(self.content.values())

    def hashes(self, images: Iterable[str]) -> list[str] | None:
        """The hash of each image; None if one is unknown."""
        found = [self.content.get(image) for image in images]
        return [one for one in found if one is not None] if None not in found else None


class DuplicateMarker:
    """Marks scored images with a duplicate in train, by the known images of all data sets of a database.

    Reads the known images of a data set and the names of scored images once.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[int, KnownImages] = {}
        self._names: dict[str, tuple[str, ...]] = {}

    def mark_all(self, data_hashes: Collection[str]) -> None:
        """Marks the results of all runs on data with one of these content hashes, on its own splits and on folds."""
        own = func.substr(col(Run.data_hash), 1, func.instr(col(Run.data_hash) + "/", "/") - 1)
        found = select(Result.run_id, Result.split, Run.data_hash).join(Run, col(Run.id) == col(Result.run_id))
        # Sources come before the runs made from them.
        for run_id, split, data_hash in self._session.exec(found.where(own.in_(data_hashes)).order_by(RUN_ID)).all():
            if "/" not in split:
                self.mark(run_id, split, trained_on=data_hash, scored_on=data_hash)

    def mark(self, run_id: int, split: str, *, trained_on: str | None, scored_on: str | None) -> None:
        """Marks the images of a scored split with a duplicate among the run's train images.

        `trained_on` and `scored_on` are content hashes of data. Marks nothing if the data was not checked, nor on the
        train images themselves.
        """
        trained, scored = self.of_data(trained_on), self.of_data(scored_on)
        chosen = select(Result.split, Result.item_set).where(Result.run_id == run_id)
        item_sets = dict(self._session.exec(chosen).all())
        if trained is None or scored is None or split == "train" or split not in item_sets:
            return
        if "train" not in item_sets:
            self._mark_joined(run_id, split, item_sets[split])
            return
        train_content = trained.hashes(self._scored_images(item_sets["train"]))
        content = scored.hashes(self._scored_images(item_sets[split]))
        if train_content and content:
            marks = _in_train(content, set(train_content), {*trained.near, *scored.near})
            set_marks(self._session, run_id, split, marks)

    def _mark_joined(self, run_id: int, split: str, item_set: str) -> None:
        """Marks the images of joined folds like the runs tested on them; nothing if one is not marked."""
        sources = (
            select(Run.id, Result.item_set)
            .join(DerivationSource, col(DerivationSource.uuid) == col(Run.uuid))
            .join(Result, (col(Result.run_id) == col(Run.id)) & (col(Result.split) == split))
            .where(DerivationSource.run_id == run_id)
        )
        is_marked: dict[str, bool] = {}
        for source, own in self._session.exec(sources).all():
            if (marks := read_marks(self._session, source or 0, split)) is not None:
                is_marked |= dict(zip(self._scored_images(own), marks.tolist(), strict=True))
        names = self._scored_images(item_set)
        if names and is_marked.keys() >= set(names):
            set_marks(self._session, run_id, split, np.array([is_marked[name] for name in names], dtype=bool))

    def of_data(self, data_hash: str | None) -> KnownImages | None:
        """The images of the data with this content hash; None if it was not checked."""
        rows = select(DataSet.id).where(col(DataSet.images).is_not(None)).order_by(col(DataSet.added_at).desc())
        for row_id in self._session.exec(rows).all() if data_hash else ():
            known = self._images(row_id or 0)
            if own_hash(data_hash or "") in known.checked:
                return known
        return None

    def _scored_images(self, item_set: str) -> tuple[str, ...]:
        """The names of scored images; empty if they were deleted with their predictions."""
        if item_set not in self._names:
            blob = self._session.exec(select(ItemSet.items).where(ItemSet.hash == item_set)).one()
            self._names[item_set] = unpack_items(blob).names if blob else ()
        return self._names[item_set]

    def _images(self, row_id: int) -> KnownImages:
        if row_id not in self._known:
            blob = self._session.exec(select(DataSet.images).where(DataSet.id == row_id)).one()
            assert blob is not None
            self._known[row_id] = KnownImages.unpacked(blob)
        return self._known[row_id]


def duplicate_links(session: Session, data_hash: str | None, images: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of places of duplicate or near-duplicate images, as far as the data was checked."""
    known = DuplicateMarker(session).of_data(data_hash)
    if known is None:
        return []
    content = [known.content.get(image) for image in images]
    places = {one: place for place, one in enumerate(content) if one is not None}
    near = [(places[first], places[second]) for first, second in known.near if {first, second} <= places.keys()]
    return [*same_values(content), *near]


def set_marks(session: Session, run_id: int, split: str, marks: NDArray[np.bool_]) -> None:
    """Stores the images (N,) of a scored split with a duplicate in train."""
    packed = np.packbits(marks).tobytes()
    is_chosen = (col(Result.run_id) == run_id, col(Result.split) == split)
    session.execute(update(Result).where(*is_chosen).values(in_train=packed))


def read_marks(session: Session, run_id: int, split: str) -> NDArray[np.bool_] | None:
    """The marks that `set_marks` stored; None if unknown."""
    found = select(Result.in_train, Result.n).where(Result.run_id == run_id, Result.split == split)
    marks, count = session.exec(found).one()
    return None if marks is None else np.unpackbits(np.frombuffer(marks, dtype=np.uint8), count=count).astype(bool)


def count_of_marks(blob: bytes | None) -> int | None:
    """The number of marked images; None if unknown."""
    return None if blob is None else int.from_bytes(blob).bit_count()


def _in_train(content: Sequence[str], train: set[str], near: Iterable[tuple[str, str]]) -> NDArray[np.bool_]:
    beside: dict[str, set[str]] = defaultdict(set)
    for first, second in near:
        beside[first].add(second)
        beside[second].add(first)
    return np.array([one in train or not train.isdisjoint(beside[one]) for one in content], dtype=bool)
