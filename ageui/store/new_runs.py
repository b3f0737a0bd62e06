"""Inserts queued runs."""

import os
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import bindparam, insert, text, update
from sqlmodel import Session, col, select

from ageui.store.batches import batches
from ageui.store.clock import now
from ageui.store.names import friendly_name, valid_name, valid_priority, valid_tag
from ageui.store.tables import DataSet, Run, RunSummary, RunTag
from engine.config import RunConfig
from engine.data.spec import DataSpec
from engine.epoch_scorer import scoring_interval
from engine.errors import ConfigError

_MOST_DIGITS = 16


@dataclass(frozen=True)
class NewRun:
    """A run to queue: its config, the description of its data, and a name or None."""

    config: RunConfig
    spec: DataSpec
    name: str | None = None


def valid_names(session: Session, wanted: Sequence[str | None]) -> list[str | None]:
    """The names of new runs in stored form. Raises `ConfigError` for an invalid or taken name."""
    names = [None if name is None else valid_name(name) for name in wanted]
    given = [name for name in names if name is not None]
    taken = taken_names(session, given) or [name for name, times in Counter(given).items() if times > 1]
    if taken:
        raise ConfigError(f"a run is already named {taken[0]!r}; choose another --name")
    return names


def insert_runs(
    session: Session, runs: Sequence[NewRun], tags: Sequence[str], folder: Path, priority: int = 0
) -> list[int]:
    """Queues runs in the given order, each last of its priority, and returns their ids. Several runs form a sweep.

    Takes a few statements for any number of runs, so that ten thousand runs do not block other writers for long.
    """
    names = valid_names(session, [new.name for new in runs])
    labels = {valid_tag(tag) for tag in tags}
    if not runs:
        return []
    created_at, priority = now(), valid_priority(priority)
    images = _train_images(session, runs)
    sweep = uuid.uuid4().hex if len(runs) > 1 else None
    rows = [
        {
            "name": name or uuid.uuid4().hex,
            "config": new.config.model_dump(mode="json"),
            "config_hash": new.config.hash,
            "created_at": created_at,
            "data_spec": new.spec.model_dump(mode="json"),
            "priority": priority,
            "uuid": uuid.uuid4().hex,
            "sweep": sweep,
            "scoring_interval": scoring_interval(new.config, images.get(new.config.data)),
        }
        for name, new in zip(names, runs, strict=True)
    ]
    reserve_ids(session, folder)
    inserted = session.execute(insert(Run).returning(col(Run.id), sort_by_parameter_order=True), rows)
    ids = [int(run_id) for run_id in inserted.scalars()]
    called = free_names(session, names, ids)
    named = update(Run).where(col(Run.id) == bindparam("run_id"))
    session.connection().execute(
        named.values(name=bindparam("called"), position=bindparam("at")),
        [{"run_id": run_id, "called": name, "at": float(run_id)} for run_id, name in zip(ids, called, strict=True)],
    )
    epochs = [sum(new.config.epochs) for new in runs]
    session.execute(
        insert(RunSummary), [{"run_id": run_id, "epochs": count} for run_id, count in zip(ids, epochs, strict=True)]
    )
    if labels:
        session.execute(insert(RunTag), [{"run_id": run_id, "tag": tag} for run_id in ids for tag in sorted(labels)])
    return ids


def reserve_ids(session: Session, folder: Path, count: int = 0) -> int:
    """Reserves `count` run ids and returns the first. With 0, only skips the ids of folders that exist.

    A database restored from a backup knows fewer runs than its folder holds.
    """
    names = os.listdir(folder) if folder.is_dir() else []
    last = max((int(name) for name in names if name.isdecimal() and len(name) < _MOST_DIGITS), default=0)
    known = session.execute(text("SELECT seq FROM sqlite_sequence WHERE name = 'run'")).scalar_one_or_none() or 0
    used = max(known, last)
    if used + count > known:
        session.execute(text("DELETE FROM sqlite_sequence WHERE name = 'run'"))
        new = {"last": used + count}
        session.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES ('run', :last)"), new)
    return used + 1


def taken_names(session: Session, names: Sequence[str]) -> list[str]:
    """The names that a run already has, in the given order."""
    taken: set[str] = set()
    for batch in batches(names):
        taken.update(session.exec(select(Run.name).where(col(Run.name).in_(batch))).all())
    return [name for name in names if name in taken]


def _train_images(session: Session, runs: Sequence[NewRun]) -> dict[str, int]:
    """The known numbers of labelled train images of runs' registered data sets, by name."""
    found: dict[str, int] = {}
    for batch in batches(list({new.config.data for new in runs})):
        for name, counts in session.exec(
            select(DataSet.name, DataSet.counts).where(col(DataSet.name).in_(batch))
        ).all():
            found[name] = (counts or {}).get("splits", {}).get("train", {}).get("labelled", 0)
    return found


def free_names(session: Session, names: Sequence[str | None], ids: Sequence[int]) -> list[str]:
    """The given names, and an unused friendly name in place of each None."""
    made_up = {friendly_name(run_id, lambda name: False) for run_id, name in zip(ids, names, strict=True) if not name}
    taken = {*taken_names(session, list(made_up)), *(name for name in names if name is not None)}

    def is_taken(text: str) -> bool:
        return text in taken or (text not in made_up and bool(taken_names(session, [text])))

    called = []
    for run_id, name in zip(ids, names, strict=True):
        called.append(name or friendly_name(run_id, is_taken))
        taken.add(called[-1])
    return called
