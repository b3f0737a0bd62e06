"""Processes that live on this machine."""

import os
from pathlib import Path


def processes_of(folder: Path) -> dict[int, str]:
    """Living processes whose command line names the folder, by their id; those that are zombies have none."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(folder) in command:
                found[int(entry.name)] = command
    return found
