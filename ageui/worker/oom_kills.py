"""Counts processes that the system killed for lack of memory."""

from pathlib import Path


def oom_kills() -> int:
    """The number of processes of this control group, or machine, killed for lack of memory; 0 if unknown."""
    for file in (*_group_files(), Path("/proc/vmstat")):
        try:
            lines = file.read_text().splitlines()
        except OSError:
            continue
        counts = [int(line.split()[1]) for line in lines if line.startswith("oom_kill ")]
        if counts:
            return counts[0]
    return 0


def _group_files() -> list[Path]:
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    groups = [line.removeprefix("0::/") for line in lines if line.startswith("0::")]
    return [Path("/sys/fs/cgroup", group, "memory.events") for group in groups]
