"""What the check was asked for, the sizes of its parts, and what a part has in its hands while it measures."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Sizes:
    """`images` are those of train and validation, `drawn` those drawn where no data is given, and `drawn_pixels` their
    side. Steps are timed in `windows` of `timed` steps each, after `warm` others. `small` is a network and its pixels
    for which a GPU is much too large; `batches` are those whose memory is measured."""

    networks: tuple[str, str]
    pixels: int
    batch: int
    images: tuple[int, int]
    drawn: tuple[int, int]
    drawn_pixels: int
    warm: int
    timed: int
    windows: int
    small: tuple[str, int]
    seconds_side_by_side: float
    batches: tuple[int, ...]

    @property
    def large_and_small(self) -> tuple[tuple[str, int], ...]:
        """A network that fills a GPU and one that does not, each with its pixels."""
        return tuple(dict.fromkeys([(self.networks[0], self.pixels), self.small]))


FULL = Sizes(
    networks=("resnet50", "resnet101"),
    pixels=224,
    batch=32,
    images=(4065, 1482),
    drawn=(1024, 256),
    drawn_pixels=224,
    warm=10,
    timed=35,
    windows=3,
    small=("resnet18@layer3", 64),
    seconds_side_by_side=4.0,
    batches=(16, 32, 48, 64),
)
"""As many images as the course edition has."""

TINY = Sizes(
    networks=("squeezenet1_1", "resnet18@layer1"),
    pixels=32,
    batch=4,
    images=(48, 8),
    drawn=(24, 8),
    drawn_pixels=32,
    warm=1,
    timed=1,
    windows=2,
    small=("squeezenet1_1", 32),
    seconds_side_by_side=0.05,
    batches=(2, 4),
)


@dataclass(frozen=True)
class Check:
    """`device` is cuda or cpu, `folder` is for files that go again, `data` is a course edition's folder or None,
    `weights` a folder of weights files or None."""

    device: str
    tiny: bool
    folder: str
    data: str | None
    weights: str | None

    @property
    def sizes(self) -> Sizes:
        return TINY if self.tiny else FULL

    @property
    def cache(self) -> Path:
        return Path(self.folder) / "cache"

    def init(self, network: str) -> str:
        """The weights file for a network, else random."""
        files = sorted(Path(self.weights).glob(f"{network}[-.]*")) if self.weights else []
        return str(files[0]) if files else "random"


class Session:
    """A part in measurement: what is asked for, the `found` figures of earlier parts, and how to tell of its own."""

    def __init__(self, check: Check, seconds: float, found: dict[str, Any], tell: Callable[..., None]) -> None:
        self.check, self.found = check, found
        self._tell, self._deadline = tell, time.monotonic() + seconds

    @property
    def seconds_left(self) -> float:
        return self._deadline - time.monotonic()

    def row(self, what: str, measured: str, beside: str = "") -> None:
        """Puts a row into the table, in place of an earlier one of the part that is of the same."""
        self._tell(row=(what, measured, beside))

    def keep(self, name: str, figure: Any) -> None:
        """Keeps a figure for later parts."""
        self.found[name] = figure
        self._tell(figure=(name, figure))
