"""What a person writes on runs: names, notes, tags, and which are put away. Each returns what was there before."""

from collections.abc import Sequence

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from ageui.store.clock import now
from ageui.store.names import valid_name, valid_note, valid_tag
from ageui.store.queue import ENDED, Sessions
from ageui.store.tables import Run, RunTag
from engine.errors import ConfigError


class RunEdits:
    """The edits of an opened store. Every method may raise `StoreError`, and `ConfigError` for what may not be."""

    def __init__(self, read: Sessions, write: Sessions) -> None:
        self._read = read
        self._write = write

    def rename(self, run_id: int, name: str) -> str:
        """Gives a run another name, that no other has; returns the old one."""
        chosen = valid_name(name)
        with self._write() as session:
            run = _run(session, run_id)
            taken = session.exec(select(Run.id).where(Run.name == chosen, Run.id != run_id)).first()
            if taken is not None:
                raise ConfigError(f"run {taken} is named {chosen!r} already; choose another name")
            old, run.name = run.name, chosen
            return old

    def note(self, run_id: int, note: str | None) -> str | None:
        """Writes a run's note, None for none; returns the old one."""
        chosen = valid_note(note) if note else None
        with self._write() as session:
            run = _run(session, run_id)
            old, run.note = run.note, chosen
            return old

    def tags(self, run_id: int, tags: Sequence[str]) -> tuple[str, ...]:
        """Replaces a run's tags; returns the old ones."""
        chosen = {valid_tag(tag) for tag in tags}
        with self._write() as session:
            _run(session, run_id)
            old = session.exec(select(RunTag.tag).where(RunTag.run_id == run_id).order_by(RunTag.tag)).all()
            session.execute(delete(RunTag).where(col(RunTag.run_id) == run_id))
            session.add_all(RunTag(run_id=run_id, tag=tag) for tag in chosen)
            return tuple(old)

    def archive(self, run_ids: Sequence[int]) -> list[int]:
        """Puts runs away that are not to be worked on, all or none; returns those that were not away before."""
        with self._write() as session:
            runs = [_run(session, run_id) for run_id in run_ids]
            for run in runs:
                if run.status not in (*ENDED, "interrupted"):
                    raise ConfigError(
                        f"run {run.id} ({run.name}) is {run.status}; only runs that have ended can be archived: "
                        "cancel it first"
                    )
            changed = [run for run in runs if run.archived_at is None]
            for run in changed:
                run.archived_at = now()
            return [run.id for run in changed if run.id is not None]

    def unarchive(self, run_ids: Sequence[int]) -> None:
        """Brings archived runs back."""
        with self._write() as session:
            session.execute(update(Run).where(col(Run.id).in_(run_ids)).values(archived_at=None))


def _run(session: Session, run_id: int) -> Run:
    run = session.get(Run, run_id)
    if run is None:
        raise ConfigError(f"there is no run {run_id}; see ageui ls for those there are")
    return run
