"""What all topics share: what was asked for, and measurements taken in turn."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from children import MeasurementError
from faces import FaceFolders
from work import Way

T = TypeVar("T")


@dataclass(frozen=True)
class Asked:
    """What the command was asked for. `backbone` and `init` are those of the works where accuracy counts or features
    are kept; `ways` are those installed; `machine` is `machine.describe`'s."""

    faces: FaceFolders
    folder: Path
    repeats: int
    backbone: str
    init: str
    ways: tuple[Way, ...]
    machine: dict[str, Any]

    @contextmanager
    def empty_cache(self) -> Iterator[str]:
        """A cache folder in which nothing is decoded or computed yet."""
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            yield name

    @property
    def cache(self) -> str:
        """The cache folder that measurements share whose images are decoded before."""
        return str(self.folder / "cache")

    @property
    def workers(self) -> int:
        """Loader workers of the best settings, where the fastest number is not looked for."""
        return 0 if self.is_on_cpu else min(8, self.machine["cores"])

    @property
    def is_on_cpu(self) -> bool:
        return bool(self.machine["device_type"] == "cpu")


def in_turn(repeats: int, works: dict[str, Callable[[int], T]]) -> dict[str, list[T]]:
    """Every work once, then all again, given the number of the repeat; one that fails is left out from then on."""
    found: dict[str, list[T]] = {name: [] for name in works}
    failed: set[str] = set()
    for repeat in range(repeats):
        for name, work in works.items():
            if name in failed:
                continue
            say(f"  {repeat + 1}/{repeats} {name}")
            try:
                found[name].append(work(repeat))
            except MeasurementError as error:
                say(f"  {name} FAILED and is left out: {error}")
                failed.add(name)
    return {name: values for name, values in found.items() if name not in failed}


def say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
