"""How much memory a run would find free on this machine now."""

import os
from collections.abc import Iterator
from pathlib import Path

import psutil

_GROUPS = Path("/proc/self/cgroup")
_MOUNT = Path("/sys/fs/cgroup")


def free_memory(device: str) -> int | None:
    """Free bytes of `cpu`, or of a GPU (`cuda:0`); None where that cannot be told.

    The processor's are what the system could give without swapping, and no more than the control groups of this process
    allow, as in a container.
    """
    if device != "cpu":
        return _free_on_gpu(int(device.partition(":")[2] or 0))
    return min([psutil.virtual_memory().available, *group_rooms(_GROUPS, _MOUNT)])


def group_rooms(groups: Path, mount: Path) -> Iterator[int]:
    """What is left, in bytes, below the limit of each control group that `groups` (a /proc/PID/cgroup) names, and of
    those around it. Cached files that the system would give up count as left."""
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
    """None where the group has no limit, or does not tell."""
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
