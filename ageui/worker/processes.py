"""Identifies processes by more than their id, so that no signal reaches a later process with the same id."""

import os
import signal
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True)
class Process:
    """A process by its id, its start in clock ticks since boot, and the boot. Only Linux has the last two."""

    pid: int
    ticks: int | None
    boot: str | None

    @classmethod
    def of(cls, pid: int) -> Self:
        return cls(pid, _start_ticks(pid), _boot_id())

    @classmethod
    def from_note(cls, note: Any) -> Self | None:
        """The process described by `note`; None for other text."""
        if not isinstance(note, dict) or not isinstance(note.get("pid"), int):
            return None
        return cls(note["pid"], note.get("ticks"), note.get("boot"))

    def note(self) -> dict[str, Any]:
        return asdict(self)

    def is_alive(self) -> bool:
        """Whether this very process is alive, not just another with its id."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
        return self == type(self).of(self.pid)

    def send(self, number: signal.Signals, *, to_group: bool = False) -> bool:
        """Sends a signal to the process, or to the group it leads. Returns False if it has ended."""
        if not self.is_alive():
            return False
        try:
            if to_group:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)
        except ProcessLookupError:
            return False
        return True


def _start_ticks(pid: int) -> int | None:
    """Field 22 of /proc/PID/stat. The name in field 2 may contain spaces and brackets."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return None


def _boot_id() -> str | None:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
