"""Derived runs of an opened store: their predictions derive from those of other runs."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert
from sqlmodel import Session, col, select

from ageui.store.clock import now
from ageui.store.derived_from import DerivedFrom, Source
from ageui.store.known_images import DuplicateMarker, duplicate_links
from ageui.store.names import valid_tag
from ageui.store.new_runs import free_names, reserve_ids, valid_names
from ageui.store.records import RunDetail
from ageui.store.run_rows import RUN_ID, existing_run
from ageui.store.score_rows import write_scores
from ageui.store.store_part import StorePart
from ageui.store.tables import (
    DERIVED,
    Derivation,
    DerivationSource,
    Run,
    RunSummary,
    RunTag,
    SourcePrediction,
    core_table,
)
from engine.errors import ConfigError

if TYPE_CHECKING:
    from engine.events import Evaluated


@dataclass(frozen=True, eq=False)
class DerivedSplit:
    """The scores of a derived run on a split.

    If bootstrap samples repeat a fit, `sources` are the predictions (S, N) of its sources, or of the members of the
    blend that is its source.
    """

    scored: "Evaluated"
    target: str
    data_name: str
    sources: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class DerivedData:
    """The data behind a derived run, as `tables.Run` holds it."""

    spec: Mapping[str, Any]
    hash: str | None
    splits: dict[str, Any] | None


@dataclass(frozen=True, eq=False)
class NewDerivedRun:
    """A derived run to store.

    `config` and `config_hash` describe it like those of a trained run; `manifest` holds the other facts that decide its
    figures. `folds` (N,) are those of the images to which its parameters are fitted. `data` is None for the data that
    all sources share.
    """

    operation: str
    options: Mapping[str, Any]
    parameters: Sequence[Any]
    sources: "Sequence[RunDetail]"
    config: Mapping[str, Any]
    config_hash: str
    manifest: Mapping[str, Any]
    splits: Sequence[DerivedSplit]
    fitted_on: str | None = None
    folds: NDArray[np.int64] | None = None
    data: DerivedData | None = None
    name: str | None = None
    tags: Sequence[str] = field(default=())


class Derivations(StorePart):
    """The derived runs of an opened store."""

    def add(self, runs: Sequence[NewDerivedRun]) -> list[int]:
        """Stores derived runs with their scores, all or none, and returns their ids.

        Raises `ConfigError` for an invalid or taken name, a deleted source, or an identical derived run.
        """
        with self._write() as session:
            return [_insert(session, new, self._folder) for new in runs]

    def find(self, config_hash: str) -> int | None:
        """The derived run with that config hash; None without one."""
        with self._read() as session:
            found = _same(session, config_hash)
        return None if found is None else found[0]

    def links(self, data_hash: str | None, names: Sequence[str]) -> list[tuple[int, int]]:
        """Pairs of places of images that are known to be duplicates or near-duplicates; none for unchecked data."""
        with self._read() as session:
            return duplicate_links(session, data_hash, names)


def _same(session: Session, config_hash: str) -> tuple[int, str] | None:
    chosen = select(RUN_ID, Run.name).where(Run.source == DERIVED, Run.config_hash == config_hash)
    return session.exec(chosen).first()


def read_derivations(session: Session, run_ids: Sequence[int]) -> dict[int, DerivedFrom]:
    """The derivations of derived runs, by id. Sources carry their current names."""
    rows = session.exec(select(Derivation).where(col(Derivation.run_id).in_(run_ids))).all()
    sources: dict[int, list[Source]] = {row.run_id: [] for row in rows}
    found = (
        select(DerivationSource, Run.id, Run.name)
        .outerjoin(Run, col(Run.uuid) == col(DerivationSource.uuid))
        .where(col(DerivationSource.run_id).in_(sources))
        .order_by(col(DerivationSource.position))
    )
    for source, run_id, name in session.exec(found).all():
        sources[source.run_id].append(Source(source.uuid, name or source.name, run_id))
    return {
        row.run_id: DerivedFrom(row.operation, row.options, row.parameters, row.fitted_on, tuple(sources[row.run_id]))
        for row in rows
    }


def refuse_sources(session: Session, run_ids: Sequence[int]) -> None:
    """Raises `ConfigError` if a derived run outside the runs needs one of them."""
    links = select(RUN_ID, DerivationSource.run_id).join(DerivationSource, col(DerivationSource.uuid) == col(Run.uuid))
    gone = set(run_ids)
    needed = [pair for pair in session.exec(links).all() if pair[0] in gone and pair[1] not in gone]
    if needed:
        source, derived = (existing_run(session, run_id) for run_id in needed[0])
        raise ConfigError(
            f"run {derived.id} ({derived.name}) is made from run {source.id} ({source.name}); without it, it keeps "
            "its scores but cannot predict new faces. Delete both, or delete only the source with: "
            f"ageui rm {source.id} --sources"
        )


def _trainings(sources: Sequence[Run]) -> list[str]:
    """The UUIDs of all trained runs behind sources."""
    found = {one for run in sources for one in (run.manifest or {}).get("trainings", [run.uuid])}
    return sorted(one for one in found if one is not None)


def _insert(session: Session, new: NewDerivedRun, folder: Path) -> int:
    sources = [existing_run(session, source.id) for source in new.sources]
    if (found := _same(session, new.config_hash)) is not None:
        raise ConfigError(f"run {found[0]} ({found[1]}) is identical; use that run")
    (given,) = valid_names(session, [new.name])
    reserve_ids(session, folder)
    first = sources[0]
    data = new.data or DerivedData(first.data_spec, first.data_hash, first.splits)
    run = Run(
        name=given or uuid.uuid4().hex,
        status="done",
        source=DERIVED,
        config=dict(new.config),
        config_hash=new.config_hash,
        created_at=now(),
        ended_at=now(),
        data_spec=dict(data.spec),
        data_hash=data.hash,
        splits=data.splits,
        manifest={**new.manifest, "trainings": _trainings(sources)},
        uuid=uuid.uuid4().hex,
    )
    session.add(run)
    session.flush()
    assert run.id is not None
    (run.name,) = free_names(session, [given], [run.id])
    run.position = float(run.id)
    summary = RunSummary(run_id=run.id, epochs=0)
    session.add(summary)
    session.add_all(RunTag(run_id=run.id, tag=tag) for tag in {valid_tag(tag) for tag in new.tags})
    for split in new.splits:
        write_scores(session, run.id, summary, split.scored, split.target, split.data_name)
    _insert_derivation(session, run.id, new, sources)
    if new.data is not None:  # marks come from the sources, known only now
        for split in new.splits:
            marker = DuplicateMarker(session)
            marker.mark(run.id, split.scored.split, trained_on=data.hash, scored_on=data.hash)
    return run.id


def _insert_derivation(session: Session, run_id: int, new: NewDerivedRun, sources: Sequence[Run]) -> None:
    folds = None if new.folds is None else new.folds.astype(np.uint8).tobytes()
    session.add(
        Derivation(
            run_id=run_id,
            operation=new.operation,
            options=dict(new.options),
            parameters=list(new.parameters),
            fitted_on=new.fitted_on,
            folds=folds,
        )
    )
    session.flush()
    rows = [
        {"run_id": run_id, "position": place, "uuid": one.uuid, "name": one.name} for place, one in enumerate(sources)
    ]
    session.execute(insert(core_table(DerivationSource)), rows)
    copies = [
        {"run_id": run_id, "position": place, "split": split.scored.split, "predicted": own.astype("<f4").tobytes()}
        for split in new.splits
        if split.sources is not None
        for place, own in enumerate(np.split(split.sources, len(sources)))
    ]
    if copies:
        session.execute(insert(core_table(SourcePrediction)), copies)
