"""Load and memory of the devices of this machine: NVIDIA's GPUs, else the processor."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import psutil

_GIB = 1 << 30


@dataclass(frozen=True)
class DeviceLoad:
    """`load` is 0 to 1; memory in bytes. `name` is `cpu`, or as `cuda:0`."""

    name: str
    load: float
    memory_used: int
    memory_total: int

    @property
    def memory(self) -> str:
        return f"{self.memory_used / _GIB:.1f}/{self.memory_total / _GIB:.0f} GiB"


class Machine:
    """Asks the machine; made once, since a first look at the processor's load has nothing to compare with."""

    def __init__(self) -> None:
        self._gpus = _nvidia_gpus()
        psutil.cpu_percent()

    def look(self) -> list[DeviceLoad]:
        """The GPUs, or the processor where there are none. Takes about a millisecond."""
        if self._gpus is not None:
            with contextlib.suppress(Exception):  # a driver that was unloaded, a GPU that fell off the bus
                return self._gpus()
        memory = psutil.virtual_memory()
        return [DeviceLoad("cpu", psutil.cpu_percent() / 100, memory.total - memory.available, memory.total)]


def _nvidia_gpus() -> Callable[[], list[DeviceLoad]] | None:
    """A function that looks at all NVIDIA GPUs; None where there are none, or no driver."""
    import pynvml

    try:
        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
    except pynvml.NVMLError:
        return None
    if not handles:
        return None

    def look() -> list[DeviceLoad]:
        found = []
        for index, handle in enumerate(handles):
            memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
            load = pynvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100
            found.append(DeviceLoad(f"cuda:{index}", load, int(memory.used), int(memory.total)))
        return found

    return look
