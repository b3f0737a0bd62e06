"""Imports runs from another database: files first, then all rows in one transaction.

A killed import leaves files in folders without a run, which `ageui db prune` removes.
"""

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ageui.files.locks import Lock
from ageui.store import CheckpointRow, Store
from ageui.store.import_source import ImportSource
from ageui.store.imports import ImportableRun, ImportedRun, ImportOutcome, ImportPlan
from ageui.worker.run_files import UNFINISHED, hold_unknown_files, mark_unfinished, remove_checkpoints, remove_file
from engine.errors import DataError, FullError, StoreError
from engine.files import HashingWriter, is_full, write_atomically

_BYTES_AT_ONCE = 1 << 20
_PLAIN_NAME = re.compile(r"\w[\w.-]*")


@dataclass(frozen=True)
class ImportReport:
    """A finished import: its runs by their ids here, and sentences about missing files."""

    runs: dict[int, ImportableRun]
    outcome: ImportOutcome
    missing: tuple[str, ...]


@dataclass
class _Copies:
    """The files copied so far; `missing` are sentences about unreadable files."""

    files: list[Path] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def plan_import(store: Store, other: ImportSource, filter: str | None) -> ImportPlan:
    """The plan for `import_runs`. Without a filter, it covers all runs, including archived ones."""
    runs = other.store.runs
    ids = runs.ids(filter) if filter else [*runs.ids(), *runs.ids("archived=true")]
    return store.imports.plan(other.store.imports, ids)


def import_runs(store: Store, other: ImportSource, plan: ImportPlan, progress: Callable[[int], object]) -> ImportReport:
    """Imports the runs of a plan, all or none. `progress` receives the number of runs whose files are copied.

    Skips and names missing and damaged files. Raises `StoreError` if a run changed after the plan was made, if another
    import or a prune is under way, or if a file cannot be written.
    """
    new = sum(run.replaces is None for run in plan.runs)
    replaced = [run.replaces for run in plan.runs if run.replaces is not None]
    with hold_unknown_files(store), _held(store, replaced):
        ids = iter(range(first := store.imports.reserve_ids(new), first + new))
        runs = {next(ids) if run.replaces is None else run.replaces: run for run in plan.runs}
        before = [checkpoint.path for target in replaced for checkpoint, _, _ in store.runs.checkpoints(target)]
        copies = _Copies()
        try:
            imported = []
            for target, run in runs.items():
                imported.append(ImportedRun(run, target, _copy_files(store, other, run, target, copies)))
                progress(len(imported))
            outcome = store.imports.write(other.store.imports, imported)
        except BaseException:
            for file in copies.files:
                remove_file(file)
            for target, run in runs.items():
                if run.replaces is None:
                    shutil.rmtree(store.run_folder(target), ignore_errors=True)
            raise
        for target in runs:
            remove_file(store.run_folder(target) / UNFINISHED)
        remove_checkpoints(store, before)
    return ImportReport(runs, outcome, tuple(copies.missing))


@contextmanager
def _held(store: Store, run_ids: Sequence[int]) -> Iterator[None]:
    """Holds the locks of runs here, so that no process trains them."""
    locks: list[Lock] = []
    try:
        for run_id in run_ids:
            lock = Lock.take(store.run_lock_file(run_id))
            if lock is None:
                raise StoreError(f"another process works on run {run_id}; wait until it ends, then import again")
            locks.append(lock)
        yield
    finally:
        for lock in locks:
            lock.release()


def _copy_files(
    store: Store, other: ImportSource, run: ImportableRun, target: int, copies: _Copies
) -> dict[tuple[str, int], str]:
    """Copies the checkpoints and logs of a run. Returns the paths of its checkpoints here, by kind and step."""
    folder = store.run_folder(target)
    paths: dict[tuple[str, int], str] = {}
    sources = {other.store.run_folder(run.id)}
    for checkpoint, _, _ in other.store.runs.checkpoints(run.id):
        source = other.checkpoint_file(checkpoint)
        sources.add(source.parent)
        try:
            copied = _copy(source, folder, copies, checkpoint)
        except DataError as error:
            copies.missing.append(f"run {target} ({run.name}): {error}")
        else:
            paths[checkpoint.kind, checkpoint.step] = store.stored_path(copied)
    for log in sorted(log for source in sources for log in source.glob("log.*.txt")):
        if (folder / log.name).exists():
            continue  # the replaced copy has it
        try:
            _copy(log, folder, copies)
        except DataError as error:
            copies.missing.append(f"run {target} ({run.name}): {error}")
    return paths


def _copy(source: Path, folder: Path, copies: _Copies, checkpoint: CheckpointRow | None = None) -> Path:
    """Copies a file atomically, and compares a checkpoint with its stored size and SHA-256.

    Raises `DataError` if the file is missing or differs, and `StoreError` if it cannot be written here.
    """
    if not _PLAIN_NAME.fullmatch(source.name) or not source.is_file():
        raise DataError(f"{source} is missing")
    if checkpoint is not None and source.stat().st_size != checkpoint.bytes:
        raise DataError(f"{source} has {source.stat().st_size:,} bytes instead of {checkpoint.bytes:,}")

    def write(part: HashingWriter) -> None:
        try:
            with source.open("rb") as stream:
                while block := stream.read(_BYTES_AT_ONCE):
                    part.write(block)
        except OSError as error:
            if part.error is not None:
                raise
            raise DataError(f"{source} cannot be read: {error.strerror}") from error
        if checkpoint is not None and part.sha256 != checkpoint.sha256:
            raise DataError(f"{source} is damaged: its SHA-256 differs from the stored one")

    target = _free_file(folder / source.name)
    try:
        if not folder.exists():
            mark_unfinished(folder)
        write_atomically(target, write)
    except OSError as error:
        kind = FullError if is_full(error) else StoreError
        raise kind(f"{target} cannot be written: {error.strerror}; nothing was imported") from error
    copies.files.append(target)
    return target


def _free_file(path: Path) -> Path:
    """The path, numbered if the file exists, because the files of a replaced run are still needed."""
    number = 1
    while (free := path if number == 1 else path.with_stem(f"{path.stem}-{number}")).exists():
        number += 1
    return free
