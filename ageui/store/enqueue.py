"""New runs, queued."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, select

from ageui.store.clock import now
from ageui.store.names import friendly_name, valid_name, valid_tag
from ageui.store.tables import Run, RunTag, Summary
from engine.config import RunConfig
from engine.data.spec import DataSpec
from engine.errors import ConfigError

LARGEST_PRIORITY = 1000


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


def same_run(session: Session, new: NewRun) -> tuple[int, str] | None:
    """Id and status of a run of this very config on this very data that is done or still to be done, else None."""
    alike = select(Run).where(Run.config_hash == new.config.hash, Run.source == "measured")
    described = new.spec.model_dump(mode="json")
    going = ("done", "queued", "running", "paused")
    found = [run for run in session.exec(alike).all() if run.status in going and run.data_spec == described]
    best = min(found, key=lambda run: going.index(run.status), default=None)
    return None if best is None or best.id is None else (best.id, best.status)
