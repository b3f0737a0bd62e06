"""Part: two runs at a time on one device, each in a process of its own, against one alone."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from check import Check, Session
from step_timing import training_of
from work import Training

NEIGHBOUR = Path(__file__).with_name("neighbour.py")
EPOCHS = 100_000
"""More than fit into the time: the runs are left."""


class Neighbour:
    """A run in a process of its own, which counts when told to."""

    def __init__(self, check: Check, training: Training) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(NEIGHBOUR)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        request = {
            "training": training.to_json(),
            "cache": str(check.cache),
            "seconds": check.sizes.seconds_side_by_side,
        }
        self._write(json.dumps(request))

    def wait_until_ready(self) -> None:
        self._read()

    def begin(self) -> None:
        self._write("go")

    def images_per_second(self) -> float:
        return float(self._read())

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _read(self) -> str:
        assert self._process.stdout is not None
        if not (line := self._process.stdout.readline()):
            raise RuntimeError(f"a run side by side ended with exit code {self._process.wait()}; the log says why")
        return line.strip()


def measure(session: Session) -> None:
    check, sizes = session.check, session.check.sizes
    for network, pixels in sizes.large_and_small:
        training = replace(training_of(check, session.found["images"], network, pixels), epochs=EPOCHS)
        together, alone = _measured(check, training)
        rates = " + ".join(f"{rate:,.0f}" for rate in together)
        session.row(
            f"two runs of {network}, {pixels} px, batch {sizes.batch}",
            f"{rates} = {sum(together):,.0f} images/s, validation included",
            f"{sum(together) / alone:.2f} times the {alone:,.0f} images/s of one alone",
        )


def _measured(check: Check, training: Training) -> tuple[list[float], float]:
    """Images per second of each of two at a time, then of one alone."""
    both = [Neighbour(check, replace(training, seed=seed)) for seed in range(2)]
    for one in both:
        one.wait_until_ready()
    for one in both:
        one.begin()
    together = [one.images_per_second() for one in both]
    left, other = both
    other.close()
    left.begin()
    alone = left.images_per_second()
    left.close()
    return together, alone
