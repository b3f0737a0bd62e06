"""Stores runs of other tools as rows beside measured runs, marked as imported."""

import hashlib
import json
import math
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import delete, insert
from sqlmodel import Session, col, select

from ageui.store.clock import now
from ageui.store.names import valid_name, valid_note, valid_tag
from ageui.store.new_runs import reserve_ids
from ageui.store.store_part import StorePart
from ageui.store.tables import IMPORTED, Metric, Run, RunSummary, RunTag, core_table
from engine.choices import REPORT_ATTRIBUTES
from engine.errors import ConfigError

UNKNOWN_DATA: Final = "not known"
_UNKNOWN: Final = dict.fromkeys(("train_loss", "lr", "seconds", "images_per_second"), math.nan)
"""The fields of an epoch that every row needs."""
_NEWEST: Final = ("train_loss", "val_loss", "val_mae")
_NOTE: Final = "Imported from {}; not measured here."
_OWN_NOTE: Final = re.compile(re.escape(_NOTE).replace(r"\{\}", ".*"))


@dataclass(frozen=True)
class ForeignRun:
    """A run of another tool.

    `figures` maps `mae` and attributes to years, `val_loss` to a loss. `history` maps `train_loss`, `val_loss`,
    `val_mae` (years) and `lr` to values by epoch, from 1. `files` names its origin in words. `settings` are its known
    fields of a config.
    """

    name: str
    figures: Mapping[str, float]
    history: Mapping[str, Mapping[int, float]]
    files: str
    settings: Mapping[str, Any] = field(default_factory=dict)


class ForeignRuns(StorePart):
    """Runs of other tools in an opened store."""

    def add(self, runs: Sequence[ForeignRun], *, tags: Sequence[str] = (), replaces: bool = False) -> list[int]:
        """Stores runs, all or none, and returns their ids.

        Raises `ConfigError` for an invalid name or tag, or if a run has one of the names; with `replaces`, only if that
        run was not imported. Replaced runs keep their ids, tags and notes, and stay archived.
        """
        chosen = sorted({valid_tag(tag) for tag in tags})
        with self._write() as session:
            reserve_ids(session, self._folder)
            return [_add(session, run, chosen, replaces) for run in runs]


def _add(session: Session, new: ForeignRun, tags: Sequence[str], replaces: bool) -> int:
    name, note, archived_at = valid_name(new.name), valid_note(_NOTE.format(new.files)), None
    earlier = session.exec(select(Run.id, Run.source, Run.note, Run.archived_at).where(Run.name == name)).one_or_none()
    if earlier is not None:
        run_id, source, own_note, archived_at = earlier
        if source != IMPORTED:
            raise ConfigError(f"run {run_id} is already named {name!r}; choose another --name, or rename that run")
        if not replaces:
            raise ConfigError(
                f"run {run_id} ({name}) was imported before; replace it with --replace, or choose another --name"
            )
        tags = sorted({*tags, *session.exec(select(RunTag.tag).where(RunTag.run_id == run_id))})
        note = note if own_note is None or _OWN_NOTE.fullmatch(own_note) else own_note
        session.execute(delete(Run).where(col(Run.id) == run_id))
    moment, settings = now(), dict(new.settings)
    run = Run(
        id=earlier[0] if earlier is not None else None,
        name=name,
        status="done",
        source=IMPORTED,
        config=settings,
        config_hash=hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16],
        created_at=moment,
        note=note,
        archived_at=archived_at,
        data_spec={"name": settings.get("data", UNKNOWN_DATA)},
        uuid=uuid.uuid4().hex,
    )
    session.add(run)
    session.flush()
    assert run.id is not None
    epochs = _epochs(new.history)
    points = [
        {"run_id": run.id, "key": f"epoch/{name}", "step": epoch, "value": value}
        for epoch, values in epochs.items()
        for name, value in values.items()
    ]
    if points:
        session.execute(insert(core_table(Metric)), points)
    if tags:
        session.execute(insert(RunTag), [{"run_id": run.id, "tag": tag} for tag in tags])
    session.add(_summary(run.id, new.figures, epochs))
    session.flush()
    return run.id


def _epochs(history: Mapping[str, Mapping[int, float]]) -> dict[int, dict[str, float]]:
    """The fields of each epoch in the form in which measured epochs are stored; NaN for unknown ones."""
    best, found = math.inf, {}
    for epoch in sorted({epoch for curve in history.values() for epoch in curve}):
        known = {name: curve[epoch] for name, curve in history.items() if epoch in curve}
        is_best = known.get("val_loss", math.inf) < best
        best = known["val_loss"] if is_best else best
        found[epoch] = {"stage": 1.0, "step": float(epoch), **_UNKNOWN, **known, "is_best": float(is_best)}
    return found


def _summary(run_id: int, figures: Mapping[str, float], epochs: Mapping[int, Mapping[str, float]]) -> RunSummary:
    last = max(epochs, default=0)
    best = next((epoch for epoch in sorted(epochs, reverse=True) if epochs[epoch]["is_best"]), None)
    values: dict[str, Any] = {f"bias_{attribute}": figures.get(attribute) for attribute in REPORT_ATTRIBUTES}
    values |= dict(_newest(epochs))
    values["best_val_loss"] = figures.get("val_loss", epochs[best]["val_loss"] if best is not None else None)
    return RunSummary(run_id=run_id, epochs=last, epoch=last or None, best_epoch=best, mae=figures.get("mae"), **values)


def _newest(epochs: Mapping[int, Mapping[str, float]]) -> Iterator[tuple[str, float]]:
    """The newest known value of each curve."""
    for name in _NEWEST:
        known = [values[name] for values in epochs.values() if not math.isnan(values.get(name, math.nan))]
        if known:
            yield name, known[-1]
