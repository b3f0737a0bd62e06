"""Registered data sets."""

from typing import TYPE_CHECKING, cast

from sqlmodel import Session, col, select

from ageui.store.clock import now
from ageui.store.known_images import DuplicateMarker, KnownImages
from ageui.store.names import did_you_mean, valid_name
from ageui.store.store_part import StorePart
from ageui.store.tables import DataSet
from ageui.text.clean import clean
from engine.data.folds import own_splits
from engine.data.report import DataCounts
from engine.data.spec import BUILT_IN, DataSpec
from engine.errors import ConfigError, Problem

if TYPE_CHECKING:
    from engine.data.check import Examined


class DataSets(StorePart):
    """The data sets of an opened store. Methods that take a name raise `ConfigError` if it is wrong."""

    def add(
        self,
        spec: DataSpec,
        replace: bool = False,
        counts: DataCounts | None = None,
        images: bytes | None = None,
    ) -> None:
        """Registers a data set, with its counts and `images` if known. Refuses a taken name unless `replace`."""
        with self._write() as session:
            name = _free_name(session, spec.name, replace)
            row = _row(session, name) or DataSet(name=name, spec={}, added_at=now())
            row.spec = spec.model_copy(update={"name": name}).model_dump(mode="json")
            row.added_at = now()
            row.counts = None if counts is None else dict(counts)
            row.images = images
            session.add(row)

    def refuse_taken(self, name: str, replace: bool) -> None:
        """Raises the error of `add` for a name before the data is read, which takes minutes."""
        with self._read() as session:
            _free_name(session, name, replace)

    def remember(self, name: str, examined: "Examined") -> None:
        """Keeps a check's images, and its counts if none are known, and marks scored images accordingly."""
        with self._write() as session:
            row = _row(session, name)
            if row is None:
                raise _unknown(name, [spec.name for spec in _specs(session)])
            known = KnownImages.of_check(examined, KnownImages.unpacked(row.images) if row.images else None)
            row.images = known.packed()
            row.counts = row.counts or dict(examined.report.counts)
            session.add(row)
            session.flush()
            DuplicateMarker(session).mark_all(known.checked)

    def all(self) -> list[DataSpec]:
        """The built-in data set, then registered data sets by name."""
        with self._read() as session:
            return _specs(session)

    def counts(self) -> dict[str, DataCounts]:
        """The known counts of registered data sets, by name."""
        with self._read() as session:
            known = session.exec(select(DataSet.name, DataSet.counts).where(col(DataSet.counts).is_not(None))).all()
        return {name: cast(DataCounts, counts) for name, counts in known}

    def images(self, name: str) -> bytes | None:
        """The packed `KnownImages` of a data set; None if it was not checked."""
        with self._read() as session:
            return session.exec(select(DataSet.images).where(DataSet.name == name)).one_or_none()

    def images_digest(self, spec: DataSpec) -> str | None:
        """The `images_digest` of the data set with this description or a fold of it; None if it was not checked."""
        with self._read() as session:
            row = _row(session, spec.name)
            if row is None or row.images is None or DataSpec.model_validate(row.spec) != own_splits(spec):
                return None
            return KnownImages.unpacked(row.images).digest

    def registered_names(self) -> list[str]:
        """The names of the registered data sets, without the built-in data set."""
        with self._read() as session:
            return list(session.exec(select(DataSet.name).order_by(DataSet.name)).all())

    def get(self, name: str) -> DataSpec:
        """The data set of that name; `synthetic` always exists."""
        specs = {spec.name: spec for spec in self.all()}
        if name not in specs:
            raise _unknown(name, list(specs))
        return specs[name]

    def remove(self, name: str) -> None:
        """Removes a data set. Runs keep their own description of it."""
        if name == BUILT_IN.name:
            raise ConfigError(f"{name!r} is the built-in data set, which cannot be removed; name another data set")
        with self._write() as session:
            row = _row(session, name)
            if row is None:
                raise _unknown(name, [spec.name for spec in _specs(session)])
            session.delete(row)


def _free_name(session: Session, text: str, replace: bool) -> str:
    """The valid form of a new data set's name. Raises `ConfigError` if it is not allowed."""
    name = valid_name(text, "data set name")
    if name == BUILT_IN.name:
        raise ConfigError(f"{name!r} is the name of the built-in data set; choose another name")
    if not replace and _row(session, name) is not None:
        raise ConfigError(f"data set {name!r} already exists; choose another name, or replace it with --replace")
    return name


def _row(session: Session, name: str) -> DataSet | None:
    return session.exec(select(DataSet).where(DataSet.name == name)).one_or_none()


def _specs(session: Session) -> list[DataSpec]:
    rows = session.exec(select(DataSet).order_by(DataSet.name)).all()
    return [BUILT_IN, *(DataSpec.model_validate(row.spec) for row in rows)]


def _unknown(name: str, known: list[str]) -> ConfigError:
    suggestion = did_you_mean(name, known) or ";"
    text = (
        f"unknown data set {clean(name)!r}{suggestion} choose one of this database, {', '.join(map(repr, known))}; "
        "to add one: ageui data add NAME PATH, see ageui explain data"
    )
    return ConfigError(problems=[Problem("data", text)])
