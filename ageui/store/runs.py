"""The runs of an opened store: adding, finding and reading them."""

import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, exists, func
from sqlalchemy import select as sql_select
from sqlmodel import col, select

from ageui.store.batches import batches
from ageui.store.claims import Claim, Claimant, RunLockedError, TakeLock, claim_run
from ageui.store.column_types import Json
from ageui.store.filter_fields import filter_fields
from ageui.store.filters import is_filter, is_term, ordering, where
from ageui.store.names import did_you_mean, valid_priority, valid_tag
from ageui.store.new_runs import NewRun, insert_runs, taken_names, valid_names
from ageui.store.nothing_found import nothing_found_lines
from ageui.store.records import CheckpointRow, RunDetail, RunRow
from ageui.store.run_details import run_details
from ageui.store.run_rows import (
    IS_RUNNING,
    RUN_ID,
    RUN_ROWS,
    checkpoint_row,
    no_run,
    run_rows,
)
from ageui.store.store_part import OpenSession, StorePart
from ageui.store.tables import MEASURED, Attempt, Checkpoint, Metric, Run, RunSummary, RunTag
from ageui.text.clean import clean
from ageui.text.states import LOST
from engine.arithmetic import settled, spellings
from engine.config import RunConfig, build_config
from engine.data.spec import DataSpec
from engine.errors import ConfigError, StoreError
from engine.recipe import recipe_revision, revision_of

_DONE_OR_TO_DO = ("done", "queued", "running", "paused")
_CANDIDATES_SHOWN = 8


@dataclass(frozen=True)
class _Stored:
    """A stored run that may equal a new run. It has a manifest once it has started."""

    run_id: int
    config_hash: str
    status: str
    data_spec: Mapping[str, Any]
    manifest: Mapping[str, Any] | None

    def trains_like(self, config: RunConfig) -> bool:
        """Whether the run has a new run's arithmetic and recipe, or has not started."""
        if self.manifest is None:
            return True
        precision = settled(config).precision
        return precision in ("auto", self.manifest.get("dtype", precision)) and (
            revision_of(self.manifest) == recipe_revision(config)
        )


class Runs(StorePart):
    """The runs of an opened store.

    Methods that take a name, a reference or a filter raise `ConfigError` if it is wrong. Filters find archived runs
    only on request; no filter means all other runs.
    """

    def __init__(
        self, read: OpenSession, write: OpenSession, folder: Path, is_abandoned: Callable[[int], bool] | None
    ) -> None:
        """`is_abandoned` says whether no process trains a run; a running run is then shown as lost."""
        super().__init__(read, write, folder)
        self._is_abandoned = is_abandoned

    # Adding

    def add(
        self, config: RunConfig, spec: DataSpec, *, name: str | None, tags: Sequence[str] = (), priority: int = 0
    ) -> int:
        """Queues a run and returns its id. A run without a name gets one like `quiet-heron`."""
        return self.add_many([NewRun(config, spec, name)], tags=tags, priority=priority)[0]

    def add_many(self, runs: Sequence[NewRun], *, tags: Sequence[str] = (), priority: int = 0) -> list[int]:
        """Queues runs in the given order, all or none, and returns their ids."""
        with self._write() as session:
            return insert_runs(session, runs, tags, self._folder, priority)

    def refuse_invalid(self, runs: Sequence[NewRun], *, tags: Sequence[str] = (), priority: int = 0) -> None:
        """Raises the `ConfigError` that `add_many` would raise for a name, a tag or the priority."""
        with self._read() as session:
            valid_names(session, [new.name for new in runs])
        for tag in tags:
            valid_tag(tag)
        valid_priority(priority)

    def add_claimed(self, run: NewRun, claimant: Claimant, take_lock: TakeLock, *, tags: Sequence[str] = ()) -> Claim:
        """Adds a run that this process owns from the start, so that no worker can claim it first.

        If `take_lock` fails, adds nothing and raises `StoreError`: a process of an earlier database is still alive.
        """
        try:
            with self._write() as session:
                (run_id,) = insert_runs(session, [run], tags, self._folder)
                claim = claim_run(session, col(Run.id) == run_id, claimant, take_lock)
                assert claim is not None
                return claim
        except RunLockedError as error:
            raise StoreError(
                f"a process, perhaps of an earlier database of this name, holds the lock of the new run's folder, "
                f"{self._folder / str(error.run_id)}; wait for it to end, or choose another --db"
            ) from None

    def find_same(self, runs: Sequence[NewRun]) -> list[tuple[int, str] | None]:
        """For each new run, the id and status of a finished or pending stored run with the same config and data, or
        None.

        `precision=auto` equals the arithmetic chosen by the rule for this machine. A run started with another
        arithmetic, or under another revision of the recipe, differs.
        """
        wanted = [[config.hash for config in spellings(run.config)] for run in runs]
        stored: dict[str, list[_Stored]] = {}
        columns = sql_select(
            RUN_ID, col(Run.config_hash), col(Run.status), col(Run.data_spec), col(Run.manifest)
        ).where(col(Run.source) == MEASURED, col(Run.status).in_(_DONE_OR_TO_DO))
        with self._read() as session:
            for batch in batches(list(dict.fromkeys(itertools.chain.from_iterable(wanted)))):
                for row in session.execute(columns.where(col(Run.config_hash).in_(batch)).order_by(RUN_ID)):
                    stored.setdefault(row.config_hash, []).append(_Stored(*row))
        alike = [[one for config_hash in hashes for one in stored.get(config_hash, ())] for hashes in wanted]
        return [_most_done(found, run) for found, run in zip(alike, runs, strict=True)]

    def on_folds(self, config_hash: str, spec: Mapping[str, Any]) -> dict[int, list[int]]:
        """The runs of a config on each fold of the data that `spec`, a single fold, describes, without archived runs.

        Ids by the number of the fold, oldest first.
        """
        chosen = sql_select(RUN_ID, col(Run.data_spec)).where(
            col(Run.source) == MEASURED, col(Run.config_hash) == config_hash, col(Run.archived_at).is_(None)
        )
        found: dict[int, list[int]] = {}
        with self._read() as session:
            for run_id, own in session.execute(chosen.order_by(RUN_ID)):
                number, *of = own.get("fold") or (0,)
                if {**own, "fold": of} == {**spec, "fold": list(spec["fold"])[1:]}:
                    found.setdefault(number, []).append(run_id)
        return found

    def taken_names(self, names: Sequence[str]) -> list[str]:
        """The names that a run already has, in the given order."""
        with self._read() as session:
            return taken_names(session, names)

    # Finding

    def find(self, reference: str) -> list[int]:
        """The ids of a RUN argument: an id, else an exact name, else a filter; oldest first."""
        if not reference.strip():
            raise ConfigError("no run given; give an id, a name or a filter")
        with self._read() as session:
            if reference.isdecimal():
                number = int(reference) if len(reference) < 19 else -1
                return list(session.exec(select(RUN_ID).where(Run.id == number)).all())
            # SQLite cannot compare text with lone surrogates, and no run is named like that.
            named = [] if _has_surrogate(reference) else session.exec(select(RUN_ID).where(Run.name == reference)).all()
        return list(named) or self.ids(reference)

    def find_all(self, references: Sequence[str]) -> list[int]:
        """The distinct ids of several RUN arguments, in the order of the arguments.

        Single terms of a filter must all hold, as in one argument: `loss=mape status=done`.

        Raises `ConfigError` for an argument that matches no run: it explains each term, or suggests a similar name.
        """
        found: dict[int, None] = {}
        terms = [one for one in references if is_term(one) and not _has_surrogate(one)]
        named = self.taken_names(terms)
        terms = [term for term in terms if term not in named]
        joined = [" ".join(terms) if reference in terms else reference for reference in references]
        for reference in dict.fromkeys(joined):
            ids = self.find(reference)
            if not ids:
                raise self._no_match(reference)
            found |= dict.fromkeys(ids)
        return list(found)

    def find_one(self, reference: str) -> int:
        """The id of the only run of a RUN argument. If several match, raises a `ConfigError` that lists them."""
        ids = self.find(reference)
        if len(ids) == 1:
            return ids[0]
        if not ids:
            raise self._no_match(reference)
        with self._read() as session:
            names = session.exec(select(Run.id, Run.name).where(col(Run.id).in_(ids[:_CANDIDATES_SHOWN]))).all()
        listed = ", ".join(f"{number} {clean(name)}" for number, name in names)
        more = f" and {len(ids) - len(names)} more" if len(ids) > len(names) else ""
        raise ConfigError(f"{clean(reference)!r} matches {len(ids)} runs: {listed}{more}; give an id or a full name")

    def _no_match(self, reference: str) -> ConfigError:
        if is_filter(reference):
            why = nothing_found_lines(self, reference)
            return ConfigError(f"no run matches {clean(reference)!r}; list the runs with: ageui ls{why}")
        with self._read() as session:
            names = list(session.exec(select(Run.name)).all())
        advice = did_you_mean(reference, names) or "; list the runs with: ageui ls"
        return ConfigError(f"run {clean(reference)!r} does not exist{advice}")

    def search(
        self, filter: str | None = None, *, order: str = "-id", limit: int | None = None, offset: int = 0
    ) -> list[RunRow]:
        """The runs that match a filter, newest first by default.

        `order` is a field, after `-` in descending order, or `turn`: running runs, queued runs in the order of the
        queue, runs that wait for a person, then ended runs.
        """
        by = ordering(order)
        if limit is None:
            chosen = RUN_ROWS.where(where(filter or "")).order_by(*by).offset(offset)
        else:
            # Selects the page by ids alone, because sorting whole rows is much slower.
            page = _filtered(RUN_ID, filter=filter).order_by(*by).limit(limit).offset(offset)
            chosen = RUN_ROWS.where(col(Run.id).in_(page)).order_by(*by)
        with self._read() as session:
            rows = run_rows(session, chosen)
        return self._with_lost(rows)

    def ids(self, filter: str | None = None) -> list[int]:
        """The ids of the runs that match a filter, oldest first."""
        with self._read() as session:
            return list(session.scalars(_filtered(RUN_ID, filter=filter).order_by(col(Run.id))).all())

    def count(self, filter: str | None = None) -> int:
        """The number of runs that match a filter."""
        with self._read() as session:
            return int(session.execute(_filtered(func.count(col(Run.id)), filter=filter)).scalar_one())

    def status_counts(self) -> dict[str, int]:
        """The number of runs of each status, without archived ones."""
        shown = select(Run.status, func.count()).where(col(Run.archived_at).is_(None))
        with self._read() as session:
            return dict(session.exec(shown.group_by(Run.status)).all())

    def values(self, name: str, start: str = "", *, most: int = 20) -> tuple[str, ...]:
        """The values of runs in a filter field of texts, lists of texts or tags that begin with `start`."""
        field = filter_fields()[name]
        if field.kind == "tags":
            value: SQLColumnExpression[Any] = col(RunTag.tag)
            chosen = sql_select(value)
        elif field.kind == "texts":
            items = func.json_each(field.column).table_valued("value", joins_implicitly=True)
            value = items.c.value
            chosen = sql_select(value).select_from(Run, items)
        else:
            value = field.column
            chosen = sql_select(value).join(RunSummary, col(RunSummary.run_id) == col(Run.id))
        begins = func.substr(value, 1, len(start)) == start
        with self._read() as session:
            return tuple(session.scalars(chosen.where(begins).distinct().order_by(value).limit(most)).all())

    # Reading

    def get(self, run_id: int) -> RunRow:
        found = self.get_many([run_id])
        if not found:
            raise no_run(run_id)
        return found[run_id]

    def existing(self, run_ids: Sequence[int]) -> set[int]:
        """The ids that belong to a run."""
        with self._read() as session:
            found = (session.exec(select(RUN_ID).where(RUN_ID.in_(batch))).all() for batch in batches(run_ids))
            return {run_id for batch in found for run_id in batch}

    def get_many(self, run_ids: Sequence[int]) -> dict[int, RunRow]:
        """The runs with these ids, by id, in a few statements. Skips ids without a run."""
        found: dict[int, RunRow] = {}
        with self._read() as session:
            for batch in batches(run_ids):
                found |= {row.id: row for row in run_rows(session, RUN_ROWS.where(col(Run.id).in_(batch)))}
        return {row.id: row for row in self._with_lost([found[run_id] for run_id in run_ids if run_id in found])}

    def statuses(self, run_ids: Sequence[int]) -> list[str]:
        """The statuses of the runs with these ids, in no particular order."""
        with self._read() as session:
            return [
                status
                for batch in batches(run_ids)
                for status in session.exec(select(Run.status).where(col(Run.id).in_(batch))).all()
            ]

    def field_values(self, run_ids: Sequence[int], names: Sequence[str]) -> dict[int, dict[str, Any]]:
        """The values of filter fields, by run and name: figures, times and texts, but lists as JSON text."""
        columns = [filter_fields()[name].column for name in names]
        chosen = sql_select(RUN_ID, *columns).join(RunSummary, col(RunSummary.run_id) == col(Run.id))
        found: dict[int, dict[str, Any]] = {}
        with self._read() as session:
            for batch in batches(run_ids):
                for run_id, *values in session.execute(chosen.where(col(Run.id).in_(batch))):
                    found[run_id] = dict(zip(names, values, strict=True))
        return found

    def to_train_again(self, run_ids: Sequence[int]) -> list[NewRun]:
        """The configs and data of runs that can be requeued and that this version can run.

        Runs that differ only in their seeds share one config, so that thousands of seeds are validated once.
        """
        alike = (func.json_remove(col(Run.config), "$.seed"), col(Run.data_spec))
        chosen = (
            sql_select(func.min(col(Run.config), type_=Json()), col(Run.data_spec), func.count())
            .where(col(Run.source) == MEASURED, col(Run.status).not_in(("queued", "running", "done")))
            .group_by(*alike)
            .order_by(func.min(RUN_ID))
        )
        with self._read() as session:
            stored = [row for batch in batches(run_ids) for row in session.execute(chosen.where(RUN_ID.in_(batch)))]
        specs: dict[str, DataSpec] = {}
        found: list[NewRun] = []
        for config, spec, count in stored:
            with suppress(ConfigError, ValueError):
                text = json.dumps(spec, sort_keys=True)
                specs[text] = specs.get(text) or DataSpec.model_validate(spec)
                found += [NewRun(build_config(config), specs[text])] * count
        return found

    def detail(self, run_id: int) -> RunDetail:
        """The complete run, without its predictions and the points of its steps."""
        return self.details([run_id], with_groups=True)[0]

    def details(self, run_ids: Sequence[int], *, with_groups: bool = False) -> list[RunDetail]:
        """The complete runs, like `detail`, in the given order, in a few statements for hundreds of runs.

        The scores of epochs have groups only `with_groups`.
        """
        with self._read() as session:
            found = {
                run.row.id: run
                for batch in batches(run_ids)
                for run in run_details(session, batch, with_groups=with_groups)
            }
        missing = [run_id for run_id in run_ids if run_id not in found]
        if missing:
            raise no_run(missing[0])
        rows = self._with_lost([found[run_id].row for run_id in run_ids])
        return [replace(found[row.id], row=row) for row in rows]

    def _with_lost(self, rows: list[RunRow]) -> list[RunRow]:
        """The rows, with the status `lost` for running runs that no process trains."""
        if self._is_abandoned is None:
            return rows
        gone = {(row.id, row.attempt) for row in rows if row.status == "running" and self._is_abandoned(row.id)}
        if not gone:
            return rows
        with self._read() as session:
            # A run that has just ended stored its end before releasing its lock.
            # An attempt on a cluster survives its worker.
            here = exists().where(
                col(Attempt.run_id) == col(Run.id),
                col(Attempt.number) == col(Run.attempt),
                col(Attempt.job).is_(None),
            )
            gone &= set(session.exec(select(RUN_ID, Run.attempt).where(IS_RUNNING, here)).all())
        return [replace(row, status="lost", error=LOST) if (row.id, row.attempt) in gone else row for row in rows]

    def checkpoints(self, run_id: int | None = None) -> list[tuple[CheckpointRow, str, int]]:
        """The checkpoints of one run, or of all runs, each with the status and id of its run."""
        found = select(Checkpoint, Run.status).join(Run, col(Run.id) == col(Checkpoint.run_id))
        if run_id is not None:
            found = found.where(col(Checkpoint.run_id) == run_id)
        ordered = found.order_by(col(Checkpoint.run_id), col(Checkpoint.step))
        with self._read() as session:
            return [(checkpoint_row(item), status, item.run_id) for item, status in session.exec(ordered).all()]

    def metric(self, run_id: int, key: str, after: int = -1) -> list[tuple[int, float]]:
        """The points (step, value) of a curve at steps above `after`, in order."""
        points = select(Metric.step, Metric.value).where(
            Metric.run_id == run_id, Metric.key == key, col(Metric.step) > after
        )
        with self._read() as session:
            return [(step, value) for step, value in session.exec(points.order_by(col(Metric.step))).all()]


def _filtered(*columns: ColumnElement[Any], filter: str | None) -> Select[Any]:
    joined = sql_select(*columns).join(RunSummary, col(RunSummary.run_id) == col(Run.id))
    return joined.where(where(filter or ""))


def _most_done(stored: Iterable[_Stored], run: NewRun) -> tuple[int, str] | None:
    spec = run.spec.model_dump(mode="json")
    same = [(one.run_id, one.status) for one in stored if one.data_spec == spec and one.trains_like(run.config)]
    return min(same, key=lambda found: _DONE_OR_TO_DO.index(found[1]), default=None)


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
