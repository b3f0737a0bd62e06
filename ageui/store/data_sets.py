"""Registered data sets."""

from sqlmodel import Session, select

from ageui.store.clock import now
from ageui.store.names import did_you_mean, valid_name
from ageui.store.tables import DataSet
from ageui.text.clean import clean
from engine.data.spec import BUILT_IN, DataSpec
from engine.errors import ConfigError


def add_data_set(session: Session, spec: DataSpec, replace: bool) -> None:
    name = valid_name(spec.name, "data set name")
    if name == BUILT_IN.name:
        raise ConfigError(f"{name!r} is the name of the built-in faces; choose another name")
    row = session.exec(select(DataSet).where(DataSet.name == name)).one_or_none()
    if row is not None and not replace:
        raise ConfigError(f"there is a data set {name!r} already; choose another name, or replace it with --replace")
    row = row or DataSet(name=name, spec={}, added_at=now())
    row.spec = spec.model_copy(update={"name": name}).model_dump(mode="json")
    row.added_at = now()
    session.add(row)


def data_sets(session: Session) -> list[DataSpec]:
    rows = session.exec(select(DataSet).order_by(DataSet.name)).all()
    return [BUILT_IN, *(DataSpec.model_validate(row.spec) for row in rows)]


def data_set(session: Session, name: str) -> DataSpec:
    known = {spec.name: spec for spec in data_sets(session)}
    if name not in known:
        raise _unknown(name, list(known))
    return known[name]


def remove_data_set(session: Session, name: str) -> None:
    if name == BUILT_IN.name:
        raise ConfigError(f"{name!r} is built in and cannot be removed")
    row = session.exec(select(DataSet).where(DataSet.name == name)).one_or_none()
    if row is None:
        raise _unknown(name, [spec.name for spec in data_sets(session)])
    session.delete(row)


def _unknown(name: str, known: list[str]) -> ConfigError:
    return ConfigError(
        f"there is no data set {clean(name)!r}{did_you_mean(name, known)}; there is {', '.join(map(repr, known))}; "
        "add one with: ageui data add NAME PATH"
    )
