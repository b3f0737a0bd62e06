"""Processes that live on this machine."""

import os
import signal
import sqlite3
import time
from pathlib import Path

import psutil


def processes_of(folder: Path) -> dict[int, str]:
    """Living processes whose command line names the folder, or whose output goes below it, by their id. A zombie has
    neither. An engine's command names no run, but its output is the log of the run that it has, or had last."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                output = os.readlink(entry / "fd" / "1")
            except OSError:
                continue
            if str(folder) in command or output.startswith(f"{folder}/"):
                found[int(entry.name)] = command
    return found


def stop_between_writes(pid: int, database: Path) -> None:
    """SIGSTOP at a moment when the process has no transaction open: one that stood still within would keep everybody
    from writing until it goes on."""
    while True:
        os.kill(pid, signal.SIGSTOP)
        while psutil.Process(pid).status() != psutil.STATUS_STOPPED:
            time.sleep(0.001)
        if _can_be_written(database):
            return
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.01)


def _can_be_written(database: Path) -> bool:
    connection = sqlite3.connect(database, timeout=0.5, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()
    return True
