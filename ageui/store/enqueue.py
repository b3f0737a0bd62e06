"""New runs, queued."""

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Integer, bindparam, insert, type_coerce, update
from sqlmodel import Session, col, select

from ageui.store.clock import now
from ageui.store.names import friendly_name, valid_name, valid_tag
from ageui.store.tables import MEASURED, Run, RunTag, Summary
from engine.config import RunConfig
from engine.data.spec import DataSpec
from engine.errors import ConfigError

LARGEST_PRIORITY = 1000
_GOING = ("done", "queued", "running", "paused")
_ASKED_AT_ONCE = 500
_RUN_ID: ColumnElement[int] = type_coerce(col(Run.id), Integer)


@dataclass(frozen=True)
class NewRun:
    """A run to be queued: its config, the description of the config's data, and a name or None."""

    config: RunConfig
    spec: DataSpec
    name: str | None = None


def add_run(session: Session, new: NewRun, tags: Sequence[str], priority: int = 0) -> int:
    """Inserts a queued run, the last of its priority, and returns its id; without a name it gets a friendly one."""
    return add_runs(session, [new], tags, priority)[0]


def add_runs(session: Session, runs: Sequence[NewRun], tags: Sequence[str], priority: int = 0) -> list[int]:
    """The same for several, in their order, in a few statements: ten thousand must not keep others waiting for long."""
    names = [None if new.name is None else valid_name(new.name) for new in runs]
    given = [name for name in names if name is not None]
    taken = taken_names(session, given) or [name for name, times in Counter(given).items() if times > 1]
    if taken:
        raise ConfigError(f"there is a run named {taken[0]!r} already; choose another --name")
    labels = {valid_tag(tag) for tag in tags}
    if not runs:
        return []
    created_at, priority = now(), valid_priority(priority)
    rows = [
        {
            "name": name or uuid.uuid4().hex,
            "config": new.config.model_dump(mode="json"),
            "config_hash": new.config.hash,
            "created_at": created_at,
            "data_spec": new.spec.model_dump(mode="json"),
            "priority": priority,
        }
        for name, new in zip(names, runs, strict=True)
    ]
    inserted = session.execute(insert(Run).returning(col(Run.id), sort_by_parameter_order=True), rows)
    ids = [int(run_id) for run_id in inserted.scalars()]
    called = _free_names(session, names, ids)
    named = update(Run).where(col(Run.id) == bindparam("run_id"))
    session.connection().execute(
        named.values(name=bindparam("called"), position=bindparam("at")),
        [{"run_id": run_id, "called": name, "at": float(run_id)} for run_id, name in zip(ids, called, strict=True)],
    )
    epochs = [sum(new.config.epochs) for new in runs]
    session.execute(
        insert(Summary), [{"run_id": run_id, "epochs": count} for run_id, count in zip(ids, epochs, strict=True)]
    )
    if labels:
        session.execute(insert(RunTag), [{"run_id": run_id, "tag": tag} for run_id in ids for tag in sorted(labels)])
    return ids


def _free_names(session: Session, names: Sequence[str | None], ids: Sequence[int]) -> list[str]:
    """The given names, and made up ones that no run has yet where none was given."""
    made_up = {friendly_name(run_id, lambda name: False) for run_id, name in zip(ids, names, strict=True) if not name}
    taken = {*taken_names(session, list(made_up)), *(name for name in names if name is not None)}

    def is_taken(text: str) -> bool:
        return text in taken or (text not in made_up and bool(taken_names(session, [text])))

    called = []
    for run_id, name in zip(ids, names, strict=True):
        called.append(name or friendly_name(run_id, is_taken))
        taken.add(called[-1])
    return called


def valid_priority(priority: int) -> int:
    if abs(priority) > LARGEST_PRIORITY:
        raise ConfigError(f"priority {priority}: give a number from -{LARGEST_PRIORITY} to {LARGEST_PRIORITY}")
    return priority


def taken_names(session: Session, names: Sequence[str]) -> list[str]:
    """Those of the names that a run has already, in their order."""
    taken: set[str] = set()
    for some in _in_parts(names):
        taken.update(session.exec(select(Run.name).where(col(Run.name).in_(some))).all())
    return [name for name in names if name in taken]


def same_runs(session: Session, runs: Sequence[NewRun]) -> list[tuple[int, str] | None]:
    """For each, id and status of a run of this very config on this very data that is done or still to be done, else
    None."""
    wanted = [(run.config.hash, run.spec.model_dump(mode="json")) for run in runs]
    hashes = list(dict.fromkeys(config_hash for config_hash, _ in wanted))
    alike: dict[str, list[tuple[int, str, Mapping[str, Any]]]] = {}
    for some in _in_parts(hashes):
        chosen = col(Run.config_hash).in_(some)
        found = select(Run.config_hash, _RUN_ID, Run.status, Run.data_spec)
        for config_hash, run_id, status, spec in session.exec(found.where(chosen, Run.source == MEASURED)).all():
            alike.setdefault(config_hash, []).append((run_id, status, spec))
    return [_most_done(alike.get(config_hash, ()), spec) for config_hash, spec in wanted]


def _most_done(runs: Iterable[tuple[int, str, Mapping[str, Any]]], spec: dict[str, Any]) -> tuple[int, str] | None:
    found = [(run_id, status) for run_id, status, described in runs if status in _GOING and described == spec]
    return min(found, key=lambda run: _GOING.index(run[1]), default=None)


def _in_parts(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), _ASKED_AT_ONCE):
        yield values[start : start + _ASKED_AT_ONCE]
