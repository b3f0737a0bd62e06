"""Moves the folder of a database's files, or takes over a folder that was moved by hand.

All files are linked or copied first. Then one transaction stores the new folder and the new paths of checkpoints, and
only then the old files go. A kill leaves one complete folder in use; `move_folder` called again does the rest.
"""

import json
import os
import shutil
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, bindparam, update
from sqlmodel import col, select

from ageui.files.locks import is_held
from ageui.store.connect import open_alone
from ageui.store.folder_marker import (
    MARKER,
    Marker,
    contents,
    is_of_other_machine,
    mark,
    read_marker,
    remove_partial,
    take_empty,
)
from ageui.store.other_databases import files_needed_beside
from ageui.store.own_folder import (
    StoredFolder,
    in_use,
    is_another,
    is_own,
    missing_folder,
    read_stored,
    store_folder,
    stored_path,
)
from ageui.store.run_rows import IS_RUNNING, RUN_ID
from ageui.store.tables import Checkpoint, core_table
from engine.errors import ConfigError, FullError, StoreError
from engine.files import HashingWriter, flush_folder, is_full, make_private_folder, write_atomically

_UNFINISHED: Final = "moving.json"
"""Marks a folder while files move into it, and until the old ones are removed; it names their folder."""
_LOCKS: Final = ("*.lock", "*/lock")
_BYTES_AT_ONCE: Final = 1 << 20
_KEY: Final = (col(Checkpoint.run_id), col(Checkpoint.kind), col(Checkpoint.step))
_MOVE: Final = (
    update(core_table(Checkpoint))
    .where(_KEY[0] == bindparam("run"), _KEY[1] == bindparam("of_kind"), _KEY[2] == bindparam("after_step"))
    .values(path=bindparam("moved"))
)


def move_folder(path: Path, target: Path, progress: Callable[[int, int], object] = lambda done, total: None) -> int:
    """Moves the files of a database's runs to the folder `target`, which then is the database's own.

    A `target` that holds the database's files already, moved by hand, is taken over. A copy of a database, whose files
    belong to the original, gets `target` as an empty folder of its own.

    Parameters
    ----------
    path
        The database, without symbolic links. No other process may have it open.
    target
        The folder, missing or empty.
    progress
        Called with the numbers of moved and of all bytes.

    Returns
    -------
    int
        The number of files that stay in the old folder, because databases beside this one need them.

    Raises
    ------
    ConfigError
        If `target` holds other files, or is inside the present folder or around it.
    StoreError
        If another process uses the database, if the files are missing, or if `target` cannot be written.
    """
    target = Path(os.path.abspath(target))
    with open_alone(path) as engine:
        try:
            with engine.connect() as connection:
                stored = read_stored(connection, path)
                owned = is_own(connection, path, stored) and stored.folder.exists()
                running = connection.execute(select(RUN_ID).where(IS_RUNNING)).scalars().all()
            if target.resolve() == stored.folder.resolve():
                _claim(path, stored)
            elif _holds_files_of(target, path, stored):
                with engine.begin() as connection:
                    present = _checkpoints_in(connection, path, stored.folder).values()
                    if any((stored.folder / name).exists() for name in present):
                        raise ConfigError(f"{target} and {stored.folder} both hold files of {path}; rename one of them")
                    mark(target, Marker.of(stored.uuid, path, target), read_marker(target))
                    _store(connection, path, stored, target)
            elif owned:
                mark(stored.folder, Marker.of(stored.uuid, path, stored.folder), read_marker(stored.folder))
                _refuse_running(running, stored.folder)
                _remove_old(path, stored.uuid, stored.folder)
                _copy_all(path, stored, target, progress)
                with engine.begin() as connection:
                    _store(connection, path, stored, target)
            elif not stored.folder.exists():
                raise missing_folder(path, stored.folder)
            else:
                identity = uuid.uuid4().hex
                if not take_empty(target, identity, path):
                    raise in_use(target)
                with engine.begin() as connection:
                    store_folder(connection, path, identity, target)
            return _remove_old(path, stored.uuid, target)
        except OSError as error:
            kind = FullError if is_full(error) else StoreError
            raise kind(
                f"{error.filename}: {error.strerror}; no file is lost; try again: ageui db files {target}"
            ) from error


def unfinished_move(folder: Path) -> Path | None:
    """The old folder whose files remain after a move to `folder`; None without one."""
    return None if (sign := _read_sign(folder)) is None else sign[0]


def _read_sign(folder: Path) -> tuple[Path, Path] | None:
    """The old and the new folder of a move that did not end; None without one."""
    try:
        content = json.loads((folder / _UNFINISHED).read_bytes())
        return Path(content["from"]), Path(content["to"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _claim(path: Path, stored: StoredFolder) -> None:
    """Marks the stored folder as the database's own, if no other database of this machine has it."""
    marker = read_marker(stored.folder)
    if not stored.folder.exists():
        raise missing_folder(path, stored.folder)
    if marker is None:
        return  # whoever opens the database next decides
    if marker.uuid != stored.uuid or _is_anothers(marker, path, stored.folder):
        raise in_use(stored.folder)
    mark(stored.folder, Marker.of(stored.uuid, path, stored.folder), marker)


def _holds_files_of(target: Path, path: Path, stored: StoredFolder) -> bool:
    """Whether a folder, moved by hand, holds the files of the database, and not only those of an unfinished move."""
    marker = read_marker(target)
    if marker is None or marker.uuid != stored.uuid or not contents(target):
        return False
    sign = _read_sign(target)
    return (sign is None or sign[1] == stored.folder) and not _is_anothers(marker, path, target)


def _is_anothers(marker: Marker, path: Path, folder: Path) -> bool:
    """Whether another database of this machine owns the folder with this marker."""
    return not is_of_other_machine(marker, folder) and is_another(marker.database, path, marker.uuid)


def _refuse_running(running: Sequence[int], folder: Path) -> None:
    """Raises `StoreError` if runs are running, perhaps on another machine, where locks show nothing, or locks held."""
    if running:
        raise StoreError(f"run {running[0]} is running; pause it with ageui pause {running[0]}, then try again")
    held = [lock for pattern in _LOCKS for lock in folder.glob(pattern) if is_held(lock)]
    if held:
        raise StoreError(f"another process works in {held[0].parent}; wait until it ends, then try again")


def _copy_all(path: Path, stored: StoredFolder, target: Path, progress: Callable[[int, int], object]) -> None:
    """Links or copies all files into `target`, which is marked and on the disk afterwards."""
    old = stored.folder
    if target.resolve().is_relative_to(old.resolve()) or old.resolve().is_relative_to(target.resolve()):
        raise ConfigError(f"{target} and {old} lie in each other; choose a folder outside")
    if unfinished_move(target) == old:
        _remove_all(target, keep=(MARKER, _UNFINISHED))
        (target / _UNFINISHED).unlink()
    if not take_empty(target, stored.uuid, path):
        raise in_use(target)
    remove_partial(target)
    sign = json.dumps({"from": str(old), "to": str(target)}).encode()
    write_atomically(target / _UNFINISHED, lambda stream: stream.write(sign))
    files = list(_files_in(old))
    sizes = [(old / name).lstat().st_size for name in files]
    done, total = 0, sum(sizes)
    if not _same_disk(old, target) and total > (free := shutil.disk_usage(target).free):
        raise FullError(f"{total / 1e9:.1f} GB do not fit in {target}, where {free / 1e9:.1f} GB are free")
    for name, size in zip(files, sizes, strict=True):
        make_private_folder((target / name).parent)
        _link_or_copy(old / name, target / name)
        progress(done := done + size, total)
    for folder, _, _ in os.walk(target):
        flush_folder(Path(folder))


def _files_in(folder: Path) -> Iterator[Path]:
    """The files and links below a folder, relative to it, without markers, and without locks, which nothing holds."""
    for where, folders, names in os.walk(folder):
        here = Path(where)
        links = [name for name in folders if (here / name).is_symlink()]
        for file in sorted((here / name).relative_to(folder) for name in (*names, *links)):
            if file.name != "lock" and file.suffix != ".lock" and str(file) not in (MARKER, _UNFINISHED):
                yield file


def _same_disk(one: Path, other: Path) -> bool:
    return one.stat().st_dev == other.stat().st_dev


def _link_or_copy(source: Path, target: Path) -> None:
    if source.is_symlink():
        target.symlink_to(source.resolve())
        return
    with suppress(OSError):  # on another file system, or one without links
        os.link(source, target)
        return

    def write(part: HashingWriter) -> None:
        with source.open("rb") as stream:
            while block := stream.read(_BYTES_AT_ONCE):
                part.write(block)

    write_atomically(target, write)


def _store(connection: Connection, path: Path, stored: StoredFolder, target: Path) -> None:
    """Stores the new folder, and the new paths of the checkpoints in the old one."""
    moved = [
        {"run": run_id, "of_kind": kind, "after_step": step, "moved": stored_path(path, target / name)}
        for (run_id, kind, step), name in _checkpoints_in(connection, path, stored.folder).items()
    ]
    if moved:
        connection.execute(_MOVE, moved)
    store_folder(connection, path, stored.uuid, target)


def _checkpoints_in(connection: Connection, path: Path, folder: Path) -> dict[tuple[int, str, int], Path]:
    """The keys of the checkpoints in a folder, with their paths relative to it."""
    found = {}
    for run_id, kind, step, stored in connection.execute(select(*_KEY, col(Checkpoint.path))).all():
        file = path.parent / stored
        for one, root in ((file, folder), (file.resolve(), folder.resolve())):
            if one.is_relative_to(root):
                found[run_id, kind, step] = one.relative_to(root)
                break
    return found


def _remove_old(path: Path, identity: str, folder: Path) -> int:
    """Removes the files left in the old folder after a move to `folder`. Returns the number of files kept."""
    old = unfinished_move(folder)
    if old is None:
        return 0
    marker, kept = read_marker(old), 0
    if marker is not None and (marker.uuid, marker.database) == (identity, path):
        needed = files_needed_beside(path)
        kept = _remove_all(old, keep=(MARKER,), needed=needed)
        if not kept:
            (old / MARKER).unlink(missing_ok=True)
    if not kept:
        remove = old.unlink if old.is_symlink() else old.rmdir
        with suppress(OSError):  # it is gone, or a person put files there
            remove()
        (folder / _UNFINISHED).unlink(missing_ok=True)
    return kept


def _remove_all(folder: Path, *, keep: tuple[str, ...], needed: Collection[Path] = ()) -> int:
    """Removes everything in a folder but the names to `keep` in it and `needed` files, which it counts."""
    kept = 0
    for where, folders, names in os.walk(folder, topdown=False):
        here = Path(where)
        links = [name for name in folders if (here / name).is_symlink()]
        for file in (here / name for name in (*names, *links)):
            if here == folder and file.name in keep:
                continue
            if file.resolve() in needed:
                kept += 1
            else:
                file.unlink()
        if here != folder:
            with suppress(OSError):
                here.rmdir()
    return kept
