"""Queries of an opened store about runs that have just ended."""

from collections.abc import Sequence

from sqlalchemy import exists
from sqlmodel import col, select

from ageui.store.batches import batches
from ageui.store.clock import now
from ageui.store.run_rows import IS_QUEUED, IS_RUNNING, RUN_ID
from ageui.store.store_part import StorePart
from ageui.store.tables import MEASURED, Database, Run


class Endings(StorePart):
    """Reads the identities of runs, and whether their end ended the queue."""

    def identities(self, run_ids: Sequence[int]) -> dict[int, str]:
        """A globally unique identity of each run."""
        with self._read() as session:
            database = session.exec(select(Database.uuid)).one()
            return {
                run_id: f"{database} {uuid or run_id}"
                for batch in batches(run_ids)
                for run_id, uuid in session.exec(select(RUN_ID, Run.uuid).where(col(Run.id).in_(batch))).all()
            }

    def queue_identity(self) -> str:
        """A globally unique identity of the queue."""
        with self._read() as session:
            return f"{session.exec(select(Database.uuid)).one()} queue"

    def ended_queue(self, run_ids: Sequence[int], *, held: bool = False) -> bool:
        """Whether nothing runs or waits since one of these runs ended. Of several processes that each end a run, it is
        True in the process that ended the last. With `held`, the caller has just held one of the runs, which may end
        the queue, too.
        """
        with self._read() as session:
            if session.exec(select(exists().where(IS_QUEUED | IS_RUNNING))).one():
                return False
            if held:
                return True
            ended = select(RUN_ID).where(Run.source == MEASURED, col(Run.ended_at) <= now())
            return session.exec(ended.order_by(col(Run.ended_at).desc()).limit(1)).first() in run_ids
