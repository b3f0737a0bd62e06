"""Changes of a command to many runs at once, recorded for undo."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, update
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from ageui.store.batches import batches
from ageui.store.run_rows import no_run
from ageui.store.tables import Checkpoint, DerivationSource, Run, RunTag, core_table
from engine.errors import ConfigError

RunIds = int | Sequence[int]
"""The run or runs of a command."""
Values = Mapping[str, Any]

DELETED = "deleted"
"""The status before the change of a run that the change added; restoring deletes the run."""
_LASTING = frozenset({"name", "note", "tags", "priority", "position"})
"""Columns that can be restored at any status."""


@dataclass(frozen=True)
class RunState:
    """The part of a run for commands to read and change. `state_step` is the step of its newest training state."""

    id: int
    name: str
    status: str
    source: str
    attempt: int
    request: str | None
    strikes: int
    error: str | None
    failure: str | None
    ended_at: datetime | None
    archived_at: datetime | None
    priority: int
    position: float
    note: str | None
    sweep: str | None
    state_step: int | None
    tags: tuple[str, ...]

    def __str__(self) -> str:
        return f"run {self.id} ({self.name})"


@dataclass(frozen=True)
class RunChange:
    """A run's new status, the columns that undo restores, and the conditions for undo.

    `before` is None for a run that was added: restoring deletes it.
    """

    run_id: int
    status: str
    before: Values | None
    after: Values


@dataclass(frozen=True)
class Changed:
    """The runs that a command changed, or that needed no change.

    problems
        Sentences about runs that could not be changed.
    files
        Paths, relative to the database's folder, of files to delete.
    is_whole
        Whether undo works only for all runs together.
    """

    runs: tuple[RunChange, ...] = ()
    problems: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    is_whole: bool = False

    @classmethod
    def by_adding(cls, run_ids: Iterable[int], status: str = "queued") -> "Changed":
        """New runs. Undo deletes those that no worker has taken and no derived run is made from."""
        after = {"status": status, "attempt": 0}
        return cls(tuple(RunChange(run_id, status, None, after) for run_id in run_ids))

    def __add__(self, other: "Changed") -> "Changed":
        return Changed(self.runs + other.runs, self.problems + other.problems, self.files + other.files)

    @property
    def ids(self) -> list[int]:
        return [run.run_id for run in self.runs]

    @property
    def queued(self) -> list[int]:
        """The ids of the runs that the command queued, which need a worker."""
        return [run.run_id for run in self.runs if run.after.get("status") == "queued"]

    def with_status(self, status: str) -> list[int]:
        """The ids of the changed runs that have this status now."""
        return [run.run_id for run in self.runs if run.status == status]


def change_runs(session: Session, run_ids: RunIds, rule: Callable[[RunState], Values]) -> Changed:
    """Gives each run the columns that `rule` returns, in a few statements.

    A run that `rule` refuses with a `ConfigError` stays unchanged and becomes a problem; if it is the only run, the
    error is raised.
    """
    wanted = [run_ids] if isinstance(run_ids, int) else list(dict.fromkeys(run_ids))
    states = run_states(session, wanted)
    changes, problems = [], []
    for run_id in wanted:
        try:
            if run_id not in states:
                raise no_run(run_id)
            changes.append(_change(states[run_id], rule(states[run_id])))
        except ConfigError as error:
            if len(wanted) == 1:
                raise
            problems.append(str(error))
    new = ((one.run_id, {name: one.after[name] for name in one.before}) for one in changes if one.before)
    write_values(session, new)
    return Changed(tuple(changes), tuple(problems))


def restore(session: Session, changed: Changed) -> Changed:
    """Restores the runs unchanged since a change; the others become problems.

    A run asked to pause that has paused since is queued again.
    """
    states = run_states(session, changed.ids)
    back, problems = [], []
    for change in changed.runs:
        state = states.get(change.run_id)
        if state is None:
            problems.append(f"run {change.run_id} was deleted and cannot be restored")
        elif _is_paused_as_asked(state, change):
            back.append(RunChange(change.run_id, "queued", {}, {"status": "queued", "error": None}))
        elif any(getattr(state, name) != value for name, value in change.after.items()):
            what = f" and is now {state.status}" if state.status != change.status else ""
            problems.append(f"{state} was changed again{what}; it stays as it is")
        elif change.before is None and (derived := derived_from(session, change.run_id)) is not None:
            problems.append(f"run {derived} is made from {state}; it stays as it is")
        elif (taken := _taken_name(session, change)) is not None:
            problems.append(f"run {taken} is now named {(change.before or {})['name']!r}: {state} keeps its name")
        else:
            status = DELETED if change.before is None else change.before.get("status", change.status)
            back.append(RunChange(change.run_id, status, {}, change.before or {}))
    if changed.is_whole and problems:
        return Changed(problems=tuple(problems))
    write_values(session, ((change.run_id, change.after) for change in back))
    restored = Changed(tuple(back), tuple(problems))
    for batch in batches(restored.with_status(DELETED)):
        session.execute(delete(Run).where(col(Run.id).in_(batch)))
    return restored


def run_states(session: Session, run_ids: Sequence[int]) -> dict[int, RunState]:
    """The states of runs, by id, in a few statements. Skips ids without a run."""
    newest = select(func.max(Checkpoint.step)).where(Checkpoint.run_id == Run.id, Checkpoint.kind == "state")
    names = [field.name for field in fields(RunState) if field.name not in ("state_step", "tags")]
    columns = sql_select(
        *(getattr(Run, name) for name in names), newest.correlate(Run).scalar_subquery().label("state_step")
    )
    found: dict[int, RunState] = {}
    for batch in batches(run_ids):
        tags: dict[int, list[str]] = defaultdict(list)
        for tag in session.exec(select(RunTag).where(col(RunTag.run_id).in_(batch)).order_by(RunTag.tag)).all():
            tags[tag.run_id].append(tag.tag)
        for row in session.execute(columns.where(col(Run.id).in_(batch))):
            found[row.id] = RunState(**row._asdict(), tags=tuple(tags[row.id]))
    return found


def write_values(session: Session, values: Iterable[tuple[int, Values]]) -> None:
    """Writes columns of runs, by id, and their tags, with a statement per set of columns."""
    tagged: dict[int, Sequence[str]] = {}
    by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    run = core_table(Run)
    for run_id, new in values:
        if "tags" in new:
            tagged[run_id] = new["tags"]
        columns = tuple(name for name in new if name in run.columns and name not in ("id", "attempt"))
        if columns:
            by_columns[columns].append({"run": run_id, **{f"new_{name}": new[name] for name in columns}})
    for columns, rows in by_columns.items():
        statement = update(run).where(run.c.id == bindparam("run"))
        session.execute(statement.values({name: bindparam(f"new_{name}") for name in columns}), rows)
    for batch in batches(list(tagged)):
        session.execute(delete(RunTag).where(col(RunTag.run_id).in_(batch)))
    if rows := [{"run_id": run_id, "tag": tag} for run_id, tags in tagged.items() for tag in tags]:
        session.execute(insert(RunTag), rows)


def _change(state: RunState, new: Values) -> RunChange:
    before = {name: getattr(state, name) for name, value in new.items() if getattr(state, name) != value}
    after = {name: new[name] for name in before}
    status = new.get("status", state.status)
    if not before.keys() <= _LASTING:
        after |= {"status": status, "attempt": state.attempt}
        if status != "running":  # a running run keeps writing new states
            after["state_step"] = state.state_step
    return RunChange(state.id, status, before, after)


def _is_paused_as_asked(state: RunState, change: RunChange) -> bool:
    return (
        state.status == "paused"
        and change.after.get("request") == "pause"
        and (state.attempt, state.failure) == (change.after["attempt"], None)
    )


def derived_from(session: Session, run_id: int) -> int | None:
    """A derived run that is made from a run, if any."""
    made = select(DerivationSource.run_id).join(Run, col(Run.uuid) == col(DerivationSource.uuid))
    return session.exec(made.where(Run.id == run_id)).first()


def _taken_name(session: Session, change: RunChange) -> int | None:
    """The other run with the name to restore, if any."""
    name = (change.before or {}).get("name")
    return (
        None if name is None else session.exec(select(Run.id).where(Run.name == name, Run.id != change.run_id)).first()
    )
