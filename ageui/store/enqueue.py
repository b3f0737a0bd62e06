"""New runs, queued."""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Integer, type_coerce
from sqlmodel import Session, col, select

from ageui.store.clock import now
from ageui.store.names import friendly_name, valid_name, valid_tag
from ageui.store.tables import Run, RunTag, Summary
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

    def is_taken(text: str) -> bool:
        return session.exec(select(Run.id).where(Run.name == text)).first() is not None

    config = new.config
    chosen = None if new.name is None else valid_name(new.name)
    if chosen is not None and is_taken(chosen):
        raise ConfigError(f"there is a run named {chosen!r} already; choose another --name")
    labels = {valid_tag(tag) for tag in tags}
    run = Run(
        name=chosen or uuid.uuid4().hex,
        config=config.model_dump(mode="json"),
        config_hash=config.hash,
        created_at=now(),
        data_spec=new.spec.model_dump(mode="json"),
        priority=valid_priority(priority),
    )
    session.add(run)
    session.flush()
    assert run.id is not None
    run.name = chosen or friendly_name(run.id, is_taken)
    run.position = float(run.id)
    session.add(Summary(run_id=run.id, epochs=sum(config.epochs)))
    session.add_all(RunTag(run_id=run.id, tag=tag) for tag in labels)
    return run.id


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
        for config_hash, run_id, status, spec in session.exec(found.where(chosen, Run.source == "measured")).all():
            alike.setdefault(config_hash, []).append((run_id, status, spec))
    return [_most_done(alike.get(config_hash, ()), spec) for config_hash, spec in wanted]


def _most_done(runs: Iterable[tuple[int, str, Mapping[str, Any]]], spec: dict[str, Any]) -> tuple[int, str] | None:
    found = [(run_id, status) for run_id, status, described in runs if status in _GOING and described == spec]
    return min(found, key=lambda run: _GOING.index(run[1]), default=None)


def _in_parts(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), _ASKED_AT_ONCE):
        yield values[start : start + _ASKED_AT_ONCE]
