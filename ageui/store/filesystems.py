"""Refuses file systems that cannot hold a database: SQLite's write-ahead log and our locks need a local one."""

import re
from pathlib import Path

from engine.bounded_files import other_kind
from engine.errors import StoreError

NETWORK = frozenset(
    (
        "9p", "afs", "afpfs", "beegfs", "ceph", "cifs", "davfs", "fuse.glusterfs",
        "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs",
        "nfs4", "ocfs2", "orangefs", "panfs", "smb3", "smbfs",
    )
)  # fmt: skip
MOUNTS = Path("/proc/self/mountinfo")


def refuse_place(path: Path) -> None:
    """Raises `StoreError` if a database is not a regular file, is on a network file system mounted below the root, or
    has several names, because SQLite keeps its log beside only one of them.

    Works on Linux only: other systems offer no list of mounts, so network file systems are accepted there.
    """
    if (kind := other_kind(path)) is not None:
        raise StoreError(f"the database {path} is {kind}; give a file with --db")
    point, system = file_system(path)
    if _is_network(point, system):
        raise StoreError(
            f"{path} is on a network file system ({system}), where several processes can damage an SQLite database; "
            "choose a --db on a local disk, and put only the files of its runs here with --files; ageui db backup "
            "copies a database"
        )
    if not path.exists():
        return
    if point == path:
        raise StoreError(f"{path} is a mount point, so SQLite's log beside it would be lost; mount its folder instead")
    if (names := path.stat().st_nlink) > 1:
        raise StoreError(
            f"{path} has {names} names (hard links), but SQLite's log is beside only one of them; delete the others, "
            f"or separate it from them: cp {path.name} new.db && mv new.db {path.name}"
        )


def is_on_network(path: Path) -> bool:
    """Whether a path, which may not exist, is on a network file system mounted below the root."""
    return _is_network(*file_system(path))


def file_system(path: Path) -> tuple[Path, str]:
    """The mount point and type of the file system of a path, which may not exist; the type is "" if unknown."""
    try:
        lines = MOUNTS.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return Path("/"), ""
    existing = next((folder for folder in (path, *path.parents) if folder.exists()), path).resolve()
    found = [(point, kind) for point, kind in map(_mount, lines) if existing.is_relative_to(point)]
    # The last of several mounts on the same point hides the others.
    return max(enumerate(found), key=lambda item: (len(item[1][0].parts), item[0]))[1] if found else (Path("/"), "")


def _is_network(point: Path, system: str) -> bool:
    return system in NETWORK and point != Path("/")


def _mount(line: str) -> tuple[Path, str]:
    before, _, after = line.partition(" - ")
    point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), before.split()[4])
    return Path(point), after.split()[0]
