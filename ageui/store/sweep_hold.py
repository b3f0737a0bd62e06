"""Holds the rest of a sweep whose runs keep failing for the same reason, so that no night is lost on it."""

import re

from sqlalchemy import update
from sqlmodel import Session, col, select

from ageui.store.run_rows import IS_QUEUED
from ageui.store.tables import Run

MOST_FAILURES = 3
HELD = "held"
"""The `failure` of a paused run whose sweep was held; its `error` says why."""


def hold_sweep(session: Session, run: Run) -> int:
    """Pauses the queued runs of a failed run's sweep if its last runs all failed for the same reason.

    Returns the number of runs that it paused.
    """
    if run.sweep is None:
        return 0
    session.flush()
    ended = select(Run).where(Run.sweep == run.sweep, col(Run.status).in_(("done", "diverged", "failed")))
    last = session.exec(ended.order_by(col(Run.ended_at).desc()).limit(MOST_FAILURES)).all()
    if len(last) < MOST_FAILURES or {_cause(one) for one in last} != {_cause(run)}:
        return 0
    reason = (
        f"held: {MOST_FAILURES} runs of the sweep failed in a row for the same reason, the last of them run {run.id} "
        f"({run.name}): {_first_line(run)}; ageui resume continues the others"
    )
    rest = update(Run).where(col(Run.sweep) == run.sweep, IS_QUEUED)
    held = rest.values(status="paused", failure=HELD, error=reason).execution_options(synchronize_session=False)
    return int(session.exec(held).rowcount)


def _cause(run: Run) -> tuple[str, str | None, str]:
    """A key that is equal for the same cause: numbers, such as ids and bytes, do not count."""
    return run.status, run.failure, re.sub(r"\d+", "0", _first_line(run))


def _first_line(run: Run) -> str:
    """The first line of the error, without the colon before a list in the next lines."""
    return (run.error or "").partition("\n")[0].removesuffix(":")
