"""The load and memory of this machine's NVIDIA GPUs, or of its processor if it has none."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import psutil

_GIB = 1 << 30


@dataclass(frozen=True)
class DeviceLoad:
    """`name` is `cpu` or `cuda:N`; `load` is from 0 to 1; memory is in bytes."""

    name: str
    load: float
    memory_used: int
    memory_total: int

    @property
    def memory(self) -> str:
        return f"{self.memory_used / _GIB:.1f}/{self.memory_total / _GIB:.0f} GiB"


class LoadMeter:
    """Reads the load of this machine. Keep one instance: the processor's load is measured since the last read."""

    def __init__(self) -> None:
        self._gpus = _nvidia_gpus()
        psutil.cpu_percent()

    def read(self) -> list[DeviceLoad]:
        """The load of all GPUs, or of the processor. Takes about a millisecond."""
        if self._gpus is not None:
            with contextlib.suppress(Exception):  # the driver was unloaded, or a GPU disappeared
                return self._gpus()
        memory = psutil.virtual_memory()
        return [DeviceLoad("cpu", psutil.cpu_percent() / 100, memory.total - memory.available, memory.total)]


def _nvidia_gpus() -> Callable[[], list[DeviceLoad]] | None:
    """A function that reads all NVIDIA GPUs; None without GPUs or driver."""
    import pynvml

    try:
        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
    except pynvml.NVMLError:
        return None
    if not handles:
        return None

    def read() -> list[DeviceLoad]:
        loads = []
        for index, handle in enumerate(handles):
            memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
            utilization = pynvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100
            loads.append(DeviceLoad(f"cuda:{index}", utilization, int(memory.used), int(memory.total)))
        return loads

    return read
