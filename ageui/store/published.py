"""Runs of others: figures out of the report as rows of the database, that nobody here trained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session, select

from ageui.store.clock import now
from ageui.store.names import valid_name, valid_note
from ageui.store.tables import PUBLISHED, Run, Summary
from engine.choices import REPORT_ATTRIBUTES
from engine.config import RunConfig
from engine.data.spec import DataSpec
from engine.errors import ConfigError


@dataclass(frozen=True)
class PublishedRun:
    """Published figures: `figures` maps `mae` and attributes to years, `val_loss` to the loss on ages divided by 100.

    The config says what was trained, as far as that is known; there are no predictions, and so no intervals.
    """

    name: str
    config: RunConfig
    spec: DataSpec
    figures: Mapping[str, float]
    note: str


def publish(session: Session, runs: Sequence[PublishedRun]) -> int:
    """Writes them, in place of published rows of the same names; how many were not there before.

    Raises `ConfigError` where a run of our own has the name.
    """
    added = 0
    for published in runs:
        name = valid_name(published.name)
        run = session.exec(select(Run).where(Run.name == name)).one_or_none()
        if run is not None and run.source != PUBLISHED:
            raise ConfigError(f"run {run.id} is named {name!r} already, which published figures need; rename it")
        summary = session.get(Summary, run.id) if run is not None else None
        if run is None:
            run = Run(name=name, source=PUBLISHED, config={}, config_hash="", created_at=now(), data_spec={})
            session.add(run)
            added += 1
        run.status = "done"
        run.config = published.config.model_dump(mode="json")
        run.config_hash = published.config.hash
        run.data_spec = published.spec.model_dump(mode="json")
        run.note = valid_note(published.note) if published.note else None
        session.flush()
        summary = summary or Summary(run_id=run.id or 0, epochs=0)
        summary.epochs = sum(published.config.epochs)
        summary.mae, summary.best_val_loss = published.figures.get("mae"), published.figures.get("val_loss")
        for attribute in REPORT_ATTRIBUTES:
            setattr(summary, f"bias_{attribute}", published.figures.get(attribute))
        session.add(summary)
        session.flush()
    return added
