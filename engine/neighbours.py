"""Warns of other programs on the processor, which make the threads of a run wait for each other."""

import os
import time
from dataclasses import dataclass
from typing import Final

import torch

_SECONDS: Final = 10.0
"""The time that the processor is watched."""

_TOLERANCE: Final = 0.3
"""The number of cores that other programs may use without a warning."""


@dataclass(frozen=True)
class _Usage:
    """The seconds since some fixed time, and those in which all programs, and this one, used the process's cores."""

    now: float
    everybody: float
    own: float


class Neighbours:
    """Watches the processor during the first steps with several threads, and warns once of other programs."""

    def __init__(self) -> None:
        self._begin: _Usage | None = None
        self._is_done = False

    def warning(self) -> str | None:
        """A warning, from the call that ends the watch; else None. Call it after each step."""
        if self._is_done or (threads := torch.get_num_threads()) == 1:
            return None
        if self._begin is None:
            self._begin = _usage()
        elif time.monotonic() >= self._begin.now + _SECONDS:
            self._is_done = True
            return _warning(self._begin, _usage(), threads, len(_cores()))
        return None


def _warning(begin: _Usage, end: _Usage, threads: int, cores: int) -> str | None:
    others = ((end.everybody - begin.everybody) - (end.own - begin.own)) / (end.now - begin.now)
    if others <= max(cores - threads, 0) + _TOLERANCE:
        return None
    return (
        f"other programs use {others:.1f} of {cores} cores, so {threads} threads mostly wait for each other; with "
        "OMP_NUM_THREADS=1 training may be several times as fast: see ageui explain speed"
    )


def _usage() -> _Usage:
    import psutil

    times = psutil.cpu_times(percpu=True)
    everybody = sum(times[core].user + times[core].nice + times[core].system for core in _cores() if core < len(times))
    own = psutil.Process().cpu_times()
    return _Usage(time.monotonic(), everybody, own.user + own.system)


def _cores() -> list[int]:
    """The cores on which this process may run."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
