"""The marker in a folder of files: the identity of the database that the folder belongs to, and its path.

Locks prove life on one machine only, so a marker on a network file system also names the machine.
"""

import fnmatch
import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from ageui.store.filesystems import is_on_network
from engine.files import make_private_folder, write_atomically

MARKER: Final = "database.json"
_PARTIAL: Final = ".*.json.*.part"


@dataclass(frozen=True)
class Marker:
    """The content of a marker. `host` is None in a folder that only one machine can see."""

    uuid: str
    database: Path
    host: str | None = None

    @classmethod
    def of(cls, identity: str, database: Path, folder: Path) -> Self:
        """The marker of a database of this machine in a folder."""
        return cls(identity, database, socket.gethostname() if is_on_network(folder) else None)

    @property
    def sentence(self) -> str:
        """`/a/runs.db on the machine b`."""
        return f"{self.database} on the machine {self.host}" if self.host else str(self.database)


def read_marker(folder: Path) -> Marker | None:
    """The folder's marker; None without one. An unreadable marker belongs to nobody."""
    try:
        content = json.loads((folder / MARKER).read_bytes())
        database = (folder.resolve().parent / content["database"]).resolve()
        return Marker(str(content["uuid"]), database, content.get("host"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Marker("", folder)


def is_of_other_machine(marker: Marker, folder: Path) -> bool:
    """Whether the marker of a folder on a network file system names another machine than this one."""
    return marker.host not in (None, socket.gethostname()) and is_on_network(folder)


def mark(folder: Path, marker: Marker, found: Marker | None) -> None:
    """Replaces the marker `found`. Raises `FileExistsError` if none was found but one exists now."""
    if found == marker:
        return
    beside = folder.resolve().parent
    database = marker.database.name if marker.database.parent == beside else str(marker.database)
    host = {} if marker.host is None else {"host": marker.host}
    content = json.dumps({"uuid": marker.uuid, "database": database, **host}).encode()
    write_atomically(folder / MARKER, lambda stream: stream.write(content), replaces=found is not None)
    remove_partial(folder)


def take_empty(folder: Path, identity: str, database: Path) -> bool:
    """Makes and marks a folder. Returns False if it holds anything but a leftover marker for the same path."""
    try:
        make_private_folder(folder)
        holds = contents(folder)
    except (FileExistsError, NotADirectoryError):
        return False
    found = read_marker(folder)
    if holds or (found is not None and found.database != database):
        return False
    try:
        mark(folder, Marker.of(identity, database, folder), found)
    except (FileExistsError, FileNotFoundError):
        return False  # another database has just taken it
    return True


def contents(folder: Path) -> list[str]:
    """The names in the folder, without its marker and the partial markers of a killed process."""
    return [name for name in os.listdir(folder) if name != MARKER and not fnmatch.fnmatch(name, _PARTIAL)]


def remove_partial(folder: Path) -> None:
    """Removes the partial markers of a killed process."""
    for left in folder.glob(_PARTIAL):
        left.unlink(missing_ok=True)
