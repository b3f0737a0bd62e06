"""Edits of runs by people: names, notes, tags and the archive; and undo for all commands on runs."""

from collections.abc import Iterable, Sequence

from sqlmodel import select

from ageui.store import run_changes
from ageui.store.clock import now
from ageui.store.names import valid_name, valid_note, valid_tag
from ageui.store.queue import ENDED
from ageui.store.run_changes import Changed, RunIds, RunState, Values, change_runs
from ageui.store.store_part import StorePart
from ageui.store.tables import Run
from engine.errors import ConfigError


class RunEdits(StorePart):
    """The edits of an opened store, each in one transaction. Every method raises `ConfigError` for a wrong value."""

    def rename(self, run_id: int, name: str) -> Changed:
        """Renames a run. Raises `ConfigError` if another run has the new name."""
        chosen = valid_name(name)
        with self._write() as session:
            taken = session.exec(select(Run.id).where(Run.name == chosen, Run.id != run_id)).first()
            if taken is not None:
                raise ConfigError(f"run {taken} is already named {chosen!r}; choose another name")
            return change_runs(session, run_id, lambda run: {"name": chosen})

    def set_note(self, run_id: int, note: str | None) -> Changed:
        """Sets or, with None, deletes a run's note."""
        chosen = valid_note(note) if note else None
        with self._write() as session:
            return change_runs(session, run_id, lambda run: {"note": chosen})

    def set_tags(self, run_ids: RunIds, tags: Sequence[str]) -> Changed:
        """Replaces the tags of runs."""
        chosen = _tags(tags)
        with self._write() as session:
            return change_runs(session, run_ids, lambda run: {"tags": chosen})

    def change_tags(self, run_ids: RunIds, added: Sequence[str], removed: Sequence[str]) -> Changed:
        """Adds tags to runs, and removes others from them."""
        chosen = _tags(added)
        with self._write() as session:
            return change_runs(session, run_ids, lambda run: {"tags": _tags({*run.tags} - {*removed} | {*chosen})})

    def archive(self, run_ids: RunIds) -> Changed:
        """Archives runs that have ended. The lists omit them."""
        moment = now()

        def rule(run: RunState) -> Values:
            if run.status not in (*ENDED, "interrupted"):
                raise ConfigError(f"{run} is {run.status}; only ended runs can be archived; cancel it first")
            return {"archived_at": run.archived_at or moment}

        with self._write() as session:
            return change_runs(session, run_ids, rule)

    def unarchive(self, run_ids: RunIds) -> Changed:
        """Returns archived runs to the lists."""
        with self._write() as session:
            return change_runs(session, run_ids, lambda run: {"archived_at": None})

    def restore(self, changed: Changed) -> Changed:
        """Undoes a command for runs unchanged since. The others become problems."""
        with self._write() as session:
            return run_changes.restore(session, changed)


def _tags(tags: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({valid_tag(tag) for tag in tags}))
