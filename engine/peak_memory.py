"""Measures the peak memory of a run."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch

from engine.events import Event, MemoryPeaked

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # proc(5): sets the peak of the resident set to what is resident now


@contextmanager
def emitting_peak(emit: Callable[[Event], None]) -> Iterator[None]:
    """Emits the peak memory of the enclosed work, however it ends: of the GPU if used, else of this process.

    Resets the peak first, because the process may have done an earlier run.
    """
    _forget()
    try:
        yield
    finally:
        if (peak := _gpu_peak() or host_peak()) is not None:
            emit(MemoryPeaked(peak))


def host_peak() -> int | None:
    """The largest resident set of this process in bytes, including mapped files; None if the system reports none."""
    try:
        lines = _STATUS.read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    except (OSError, ValueError, StopIteration):
        return _most_ever_resident()


def _most_ever_resident() -> int | None:
    """The largest resident set since the process started."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _forget() -> None:
    with suppress(OSError):  # without a reset, the peak covers all runs of this process
        _RESET.write_text(_RESET_PEAK)
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.empty_cache()
        for device in range(torch.cuda.device_count()):
            torch.cuda.reset_peak_memory_stats(device)


def _gpu_peak() -> int:
    """The peak of memory that torch reserved, over all GPUs; 0 if none was used."""
    if not torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return 0
    return max(torch.cuda.max_memory_reserved(device) for device in range(torch.cuda.device_count()))
