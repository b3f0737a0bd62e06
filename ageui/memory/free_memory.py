"""Finds the free memory of this machine's processor and GPUs."""

import os
from collections.abc import Iterator
from pathlib import Path

import psutil

_GROUPS = Path("/proc/self/cgroup")
_MOUNT = Path("/sys/fs/cgroup")


def free_memory(device: str) -> int | None:
    """Free bytes of `cpu`, or of a GPU (`cuda:0`); None if unknown.

    For the processor, what the system could give without swapping, within the limits of this process's control groups,
    as in a container.
    """
    if device != "cpu":
        return _free_on_gpu(int(device.partition(":")[2] or 0))
    return min([psutil.virtual_memory().available, *group_rooms(_GROUPS, _MOUNT)])


def group_rooms(groups: Path, mount: Path) -> Iterator[int]:
    """Yields the bytes left below the limit of each control group in `groups` (a /proc/PID/cgroup), and of its parents.

    Cached files that the system would give up count as left.
    """
    try:
        lines = groups.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            top, limit, used, cached = mount, "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):
            top, limit, used = mount / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
            cached = "total_inactive_file"
        else:
            continue
        folder = top / path.strip("/")
        for group in (folder, *folder.parents):
            if group.is_relative_to(top) and (room := _room(group, limit, used, cached)) is not None:
                yield room


def _room(group: Path, limit: str, used: str, cached: str) -> int | None:
    """Bytes left in a group; None if it has no limit or does not report one."""
    try:
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        room = int((group / limit).read_text()) - int((group / used).read_text())
        return max(0, room + int(stat.get(cached, 0)))
    except (OSError, ValueError):
        return None


def _free_on_gpu(number: int) -> int | None:
    import pynvml

    visible = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    name = visible[number] if number < len(visible) else str(number)
    try:
        pynvml.nvmlInit()
        by_number = name.isdecimal()
        handle = pynvml.nvmlDeviceGetHandleByIndex(int(name)) if by_number else pynvml.nvmlDeviceGetHandleByUUID(name)
        return int(pynvml.nvmlDeviceGetMemoryInfo(handle).free)
    except pynvml.NVMLError:
        return None
