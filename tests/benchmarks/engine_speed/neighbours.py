"""Trainings in processes of their own, side by side, each of which counts its images when told to."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from children import MeasurementError
from work import Training

NEIGHBOUR = Path(__file__).with_name("neighbour.py")
EPOCHS = 100_000
"""More than fit into the time: the runs are left."""


class Neighbour:
    """A run of ageui that trains from `begin` to `end`, and waits otherwise. `environment` is its whole environment, by
    default that of this process."""

    def __init__(self, training: Training, cache: str, environment: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(NEIGHBOUR)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self._request = {"training": replace(training, epochs=EPOCHS).to_json(), "cache": cache}

    def warm_up(self) -> None:
        """Sets up the run and trains its first steps, while others that are not yet warm only import."""
        self._write(json.dumps(self._request))
        self._read()

    def begin(self) -> None:
        self._write("go")

    def end(self) -> None:
        self._write("enough")

    def images_per_second(self) -> float:
        """Those from `begin` to the end of the step in which it heard of `end`, validation included."""
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
            raise MeasurementError(f"a run side by side ended with exit code {self._process.wait()}; the log says why")
        return line.strip()
