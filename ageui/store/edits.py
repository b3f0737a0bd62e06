"""What people edit on runs: names, notes, tags and the archive. Each method returns what to restore to undo it."""

from collections.abc import Sequence

from sqlalchemy import delete, update
from sqlmodel import col, select

from ageui.store.clock import now
from ageui.store.names import valid_name, valid_note, valid_tag
from ageui.store.queue import ENDED
from ageui.store.run_rows import existing_run
from ageui.store.store_part import StorePart
from ageui.store.tables import Run, RunTag
from engine.errors import ConfigError


class RunEdits(StorePart):
    """The edits of an opened store. Every method raises `ConfigError` for a wrong value."""

    def rename(self, run_id: int, name: str) -> str:
        """Renames a run; returns the old name. Raises `ConfigError` if another run has the new one."""
        chosen = valid_name(name)
        with self._write() as session:
            run = existing_run(session, run_id)
            taken = session.exec(select(Run.id).where(Run.name == chosen, Run.id != run_id)).first()
            if taken is not None:
                raise ConfigError(f"run {taken} is named {chosen!r} already; choose another name")
            old, run.name = run.name, chosen
            return old

    def set_note(self, run_id: int, note: str | None) -> str | None:
        """Sets or, with None, deletes a run's note; returns the old one."""
        chosen = valid_note(note) if note else None
        with self._write() as session:
            run = existing_run(session, run_id)
            old, run.note = run.note, chosen
            return old

    def set_tags(self, run_id: int, tags: Sequence[str]) -> tuple[str, ...]:
        """Replaces a run's tags; returns the old ones."""
        chosen = {valid_tag(tag) for tag in tags}
        with self._write() as session:
            existing_run(session, run_id)
            old = session.exec(select(RunTag.tag).where(RunTag.run_id == run_id).order_by(RunTag.tag)).all()
            session.execute(delete(RunTag).where(col(RunTag.run_id) == run_id))
            session.add_all(RunTag(run_id=run_id, tag=tag) for tag in chosen)
            return tuple(old)

    def archive(self, run_ids: Sequence[int]) -> list[int]:
        """Archives ended runs, all or none; returns those that were not archived before."""
        with self._write() as session:
            runs = [existing_run(session, run_id) for run_id in run_ids]
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
        """Returns archived runs to the lists."""
        with self._write() as session:
            session.execute(update(Run).where(col(Run.id).in_(run_ids)).values(archived_at=None))
