"""Holds the remaining runs of a failing sweep, so that no night is lost on them."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress

from sqlalchemy import update
from sqlmodel import Session, col, select

from ageui.store.batches import batches
from ageui.store.column_types import dump_json
from ageui.store.run_rows import IS_QUEUED, RUN_ID
from ageui.store.tables import Run
from engine.data.kept_reports import known_image_count
from engine.data.spec import DataSpec
from engine.errors import OUT_OF_MEMORY
from engine.memory_settings import memory_settings
from engine.paths import cache_folder

MOST_FAILURES = 3
HELD = "held"
"""The `failure` of a held run, which is paused; its `error` says why."""
RESUMED = "resumed"
"""The `failure` of a queued run that was held and resumed, because a person wants to try it."""


def hold_sweep(session: Session, run: Run) -> int:
    """Pauses queued runs of a failed run's sweep. Returns their number.

    Holds runs at least as large as a run that ran out of memory; all if the last runs failed for the same reason.
    """
    if run.sweep is None:
        return 0
    session.flush()
    which, held = f"run {run.id} ({run.name}): {_first_line(run)}", 0
    if run.failure in OUT_OF_MEMORY:
        reason = f"held: it needs at least as much memory as a run of the sweep that ran out of memory, {which}"
        held = _hold(session, [one.id for one in _as_large(session, run)], f"{reason}; ageui resume tries them anyway")
    ended = select(Run).where(Run.sweep == run.sweep, col(Run.status).in_(("done", "diverged", "failed")))
    last = session.exec(ended.order_by(col(Run.ended_at).desc()).limit(MOST_FAILURES)).all()
    if len(last) < MOST_FAILURES or {_cause(one) for one in last} != {_cause(run)}:
        return held
    reason = f"held: {MOST_FAILURES} runs of the sweep failed in a row for the same reason, most recently {which}"
    rest = session.exec(select(RUN_ID).where(Run.sweep == run.sweep, IS_QUEUED)).all()
    return held + _hold(session, rest, f"{reason}; ageui resume continues the others")


def hold_too_large(session: Session, run: Run, reason: str) -> int:
    """Pauses a queued run, and the runs of its sweep that are at least as large and were not resumed.

    Returns their number.
    """
    larger = [one.id for one in _as_large(session, run) if one.failure != RESUMED and one.id != run.id]
    return _hold(session, [run.id, *larger], f"held: {reason}; ageui resume tries it anyway")


def _as_large(session: Session, run: Run) -> Iterator[Run]:
    """Yields the queued runs of a run's sweep that need at least as much memory."""
    images: dict[str, int | None] = {}

    def image_count(one: Run) -> int | None:
        key = dump_json([one.data_spec, one.config["target"]])
        if key not in images:
            spec = DataSpec.model_validate(one.data_spec)
            images[key] = known_image_count(spec, one.config["target"], cache_folder())
        return images[key]

    def has_as_many_images(one: Run) -> bool:
        if one.data_spec == run.data_spec:
            return True
        fewest, count = image_count(run), image_count(one)
        return fewest is not None and count is not None and count >= fewest

    def settings(one: Run) -> tuple[object, ...]:
        return one.config["device"], one.config["precision"], memory_settings(one.config)

    of_sweep = select(Run).where(col(Run.sweep).is_not(None), Run.sweep == run.sweep, IS_QUEUED)
    for one in session.exec(of_sweep):
        with suppress(ValueError, LookupError, TypeError):  # a config or data that this version cannot read
            is_as_large = all(one.config[field] >= run.config[field] for field in ("size", "batch"))
            if is_as_large and settings(one) == settings(run) and has_as_many_images(one):
                yield one


def _hold(session: Session, run_ids: Sequence[int | None], reason: str) -> int:
    for batch in batches(run_ids):
        held = update(Run).where(RUN_ID.in_(batch)).values(status="paused", failure=HELD, error=reason)
        session.execute(held.execution_options(synchronize_session=False))
    return len(run_ids)


def _cause(run: Run) -> tuple[str, str | None, str]:
    """A key that is equal for equal causes; numbers, such as ids and bytes, are ignored."""
    return run.status, run.failure, re.sub(r"\d+", "0", _first_line(run))


def _first_line(run: Run) -> str:
    """The first line of the error, without the colon before a list in the next lines."""
    return (run.error or "").partition("\n")[0].removesuffix(":")
