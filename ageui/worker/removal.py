"""Deletes runs with their files, or only their predictions."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ageui.store import Store
from ageui.store.other_databases import databases_beside, is_example
from ageui.store.removal import RemovableRun
from ageui.text.sentences import counted
from ageui.worker.end_commands import command_files
from ageui.worker.run_files import UNFINISHED, mark_unfinished, remove_file
from engine.errors import StoreError
from engine.short_text import short_list

_MOST_NAMED = 5


@dataclass(frozen=True)
class RemovalPlan:
    """The runs to delete, and the bytes of their files."""

    runs: tuple[RemovableRun, ...]
    file_bytes: int

    def question(self) -> str:
        """The question whether to delete the runs."""
        published = sum(run.is_published for run in self.runs)
        back = f" ({published} published: ageui study publish restores them)" if published else ""
        files = f", and {self.file_bytes / 1e6:.1f} MB of files" if self.file_bytes else ""
        return f"Delete {self._what}{back} with scores and predictions{files}? This cannot be undone."

    def question_about_predictions(self) -> str:
        """The question whether to delete only the predictions of the runs."""
        size = sum(run.prediction_bytes for run in self.runs) / 1e6
        return (
            f"Delete the predictions of {self._what} on {counted(self.predictions, 'split')} ({size:.1f} MB), and the "
            "names and labels of images that no other run needs? The scores stay. This cannot be undone."
        )

    @property
    def predictions(self) -> int:
        return sum(run.predictions for run in self.runs)

    @property
    def _what(self) -> str:
        return f"{counted(len(self.runs), 'run')} ({short_list([run.name for run in self.runs], _MOST_NAMED)})"


def plan_removal(store: Store, run_ids: Sequence[int], *, only_archived: bool = False) -> RemovalPlan:
    """The rows and files that `remove_runs` would delete. Raises `ConfigError` like it."""
    runs = store.removal.find(run_ids, only_archived=only_archived)
    return RemovalPlan(tuple(runs), sum(_bytes(store.run_folder(run.id)) for run in runs))


def remove_runs(
    store: Store, run_ids: Sequence[int], *, only_archived: bool = False, sources: bool = False
) -> list[str]:
    """Deletes runs: their rows, all or none, then their folders. Returns sentences about files that remain.

    Raises `ConfigError` if a run is missing or running, if it is not archived despite `only_archived`, or, unless
    `sources`, if a run is derived from it. Raises `StoreError` if the folder of a run cannot be written.
    """
    folders = [folder for folder in map(store.run_folder, run_ids) if folder.exists()]
    commands = command_files(store, run_ids)
    try:
        for folder in folders:
            mark_unfinished(folder)
        store.removal.remove(run_ids, only_archived=only_archived, sources=sources)
    except BaseException as error:
        for folder in folders:
            remove_file(folder / UNFINISHED)
        if isinstance(error, OSError):
            raise StoreError(f"{error.filename} cannot be written: {error.strerror}; nothing was deleted") from error
        raise
    for file in commands:
        remove_file(file)
    left = []
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            left.append(f"{folder} could not be deleted completely; delete it manually")
    return [*left, *_remains(store)]


def remove_predictions(store: Store, run_ids: Sequence[int]) -> list[str]:
    """Deletes the predictions of runs. Returns and raises like `remove_runs`."""
    store.removal.remove_predictions(run_ids)
    return _remains(store)


def _remains(store: Store) -> list[str]:
    """Sentences about files that still hold deleted rows."""
    remains = []
    if not store.truncate_log():
        remains.append(
            f"{store.path.name}-wal keeps deleted data while another process reads it; delete it later with: "
            "ageui db vacuum"
        )
    if others := [path.name for path in databases_beside(store.path) if not is_example(path)]:
        names = short_list(others, _MOST_NAMED)
        remains.append(f"other databases in this folder may still contain the deleted data: {names}")
    return remains


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
