"""The memory of this machine's processor and GPUs."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

_GROUPS = Path("/proc/self/cgroup")
_MOUNT = Path("/sys/fs/cgroup")
_FIRST_WITH_BF16 = 8
"""The lowest compute capability of GPUs with bf16."""


@dataclass(frozen=True)
class DeviceMemory:
    """The free and total bytes of a device."""

    free: int
    total: int


def device_memory(device: str) -> DeviceMemory | None:
    """The memory of `cpu`, or of a GPU (`cuda:0`); None if unknown.

    For the processor, memory is free if the system can give it without swapping. Both numbers respect the limits of
    this process's control groups, for example in a container.
    """
    if device == "cpu":
        memory = psutil.virtual_memory()
        every = [DeviceMemory(memory.available, memory.total), *group_memory(_GROUPS, _MOUNT)]
        return DeviceMemory(min(one.free for one in every), min(one.total for one in every))
    import pynvml

    try:
        found = pynvml.nvmlDeviceGetMemoryInfo(_handle(device))
        return DeviceMemory(int(found.free), int(found.total))
    except pynvml.NVMLError:
        return None


def gpu(device: str) -> tuple[str, bool] | None:
    """The name of a GPU, as reported by torch, and whether it has bf16; None if it cannot be queried."""
    import pynvml

    try:
        handle = _handle(device)
        name, (major, _) = pynvml.nvmlDeviceGetName(handle), pynvml.nvmlDeviceGetCudaComputeCapability(handle)
    except pynvml.NVMLError:
        return None
    return name.decode() if isinstance(name, bytes) else name, major >= _FIRST_WITH_BF16


def group_memory(groups: Path, mount: Path) -> Iterator[DeviceMemory]:
    """Yields the free and allowed memory of each control group in `groups` (a /proc/PID/cgroup) and of its parents.

    Cached files that the system would give up count as free.
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
            if group.is_relative_to(top) and (found := _of_group(group, limit, used, cached)) is not None:
                yield found


def _of_group(group: Path, limit: str, used: str, cached: str) -> DeviceMemory | None:
    """The memory of a group; None if it has no limit or does not report one."""
    try:
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        allowed = int((group / limit).read_text())
        return DeviceMemory(max(0, allowed - int((group / used).read_text()) + int(stat.get(cached, 0))), allowed)
    except (OSError, ValueError):
        return None


def _handle(device: str) -> Any:
    """NVML's handle of a GPU. Raises `pynvml.NVMLError`."""
    import pynvml

    number = int(device.partition(":")[2] or 0)
    visible = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    name = visible[number] if number < len(visible) else str(number)
    pynvml.nvmlInit()
    if name.isdecimal():
        return pynvml.nvmlDeviceGetHandleByIndex(int(name))
    return pynvml.nvmlDeviceGetHandleByUUID(name)
