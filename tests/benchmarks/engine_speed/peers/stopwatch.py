"""Times training steps after some that warm up. Every way calls `step` after each of its train steps."""

import time

import torch


class Stopwatch:
    """Seconds from the end of step `warm` to the end of step `warm + timed`, the device's work included.

    The device is waited for at these two steps only, so that no way loses what it does not wait for by itself.
    `arithmetic` is what the network computes in, fp32 or bf16; a way that decides it by itself sets it.
    """

    def __init__(self, warm: int, timed: int, arithmetic: str) -> None:
        self.arithmetic = arithmetic
        self._warm, self._last = warm, warm + timed
        self._steps = 0
        self._begin = time.perf_counter()
        self.seconds: float | None = None

    def step(self) -> None:
        self._steps += 1
        if self._steps == self._warm:
            self._begin = _now()
        elif self._steps == self._last:
            self.seconds = _now() - self._begin


def _now() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()
