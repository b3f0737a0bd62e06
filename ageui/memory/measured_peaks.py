"""The peak memory of a run, from the measured peaks of earlier runs with the same settings on the same device.

Measured is what an earlier run took; between two measured batches or numbers of images the peak is interpolated, and
beyond them it is unknown.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from ageui.store.peak_memory import PeakRow
from ageui.text.sentences import counted, gigabytes
from engine.library_versions import NETWORK_LIBRARIES
from engine.memory_settings import memory_settings
from engine.recipe import revision_of


class MemoryKey(NamedTuple):
    """What a peak depends on besides the batch and the number of images.

    `device` is the name of the GPU or processor, `threads` the engine's, None on a GPU. `settings` are those of
    `memory_settings`.
    """

    device: str
    on_gpu: bool
    dtype: str
    threads: int | None
    versions: tuple[str, ...]
    recipe: int
    size: int
    settings: tuple[object, ...]

    @classmethod
    def of(cls, config: Mapping[str, Any], facts: Mapping[str, Any]) -> Self:
        """The key of a run that has begun, from its config and its manifest. Raises `KeyError` if one lacks a part."""
        on_gpu = facts["device_type"] == "cuda"
        return cls(
            facts["device"],
            on_gpu,
            facts["dtype"],
            None if on_gpu else facts["threads"],
            tuple(facts["versions"].get(name, "") for name in NETWORK_LIBRARIES),
            revision_of(facts),
            config["size"],
            memory_settings(config),
        )


@dataclass(frozen=True)
class MeasuredPeak:
    """The largest peak that was measured with a batch and a number of images, and the run that had it."""

    batch: int
    images: int
    bytes: int
    run_id: int


@dataclass(frozen=True)
class ExpectedPeak:
    """A peak in bytes, from one measured peak, or interpolated between two, the lower of which is `least`.

    On a processor, `mapped` of the bytes are pixels that the system can drop again when memory gets short.
    """

    bytes: int
    least: int
    mapped: int
    source: str
    is_measured: bool

    @property
    def text(self) -> str:
        """`2.10 GB, measured by run 14`, or `between 1.90 GB at batch 16 (run 3) and 2.40 GB at batch 64 (run 9)`."""
        return f"{gigabytes(self.bytes)}, {self.source}" if self.is_measured else self.source


class MeasuredPeaks:
    """The measured peaks of earlier runs, by their keys."""

    def __init__(self, rows: Iterable[PeakRow] = ()) -> None:
        self._peaks: dict[MemoryKey, dict[tuple[int, int], MeasuredPeak]] = defaultdict(dict)
        for row in rows:
            try:
                key, images = MemoryKey.of(row.config, row.facts), image_count(row.facts["splits"])
                self._add(key, MeasuredPeak(row.config["batch"], images, row.bytes, row.run_id))
            except (KeyError, TypeError, AttributeError):
                continue  # from a version of ageui that did not store all of this

    @property
    def largest(self) -> int:
        """The largest of all peaks in bytes; 0 without any."""
        return max((peak.bytes for of_key in self._peaks.values() for peak in of_key.values()), default=0)

    def expected(self, keys: Iterable[MemoryKey], batch: int, images: int) -> ExpectedPeak | None:
        """The peak of a run with one of the keys, the largest of several; None if it was never measured."""
        found = [self._expected(key, batch, images) for key in keys if key in self._peaks]
        return max(filter(None, found), key=lambda peak: peak.bytes, default=None)

    def _add(self, key: MemoryKey, peak: MeasuredPeak) -> None:
        """Remembers a peak if it is the largest one of its kind."""
        of_key = self._peaks[key]
        known = of_key.get((peak.batch, peak.images))
        if known is None or peak.bytes > known.bytes:
            of_key[peak.batch, peak.images] = peak

    def _expected(self, key: MemoryKey, batch: int, images: int) -> ExpectedPeak | None:
        pixels = 3 * key.size**2
        mapped = 0 if key.on_gpu else images * pixels
        peaks = self._peaks[key]
        if (exact := peaks.get((batch, images))) is not None:
            return ExpectedPeak(exact.bytes, exact.bytes, mapped, f"measured by run {exact.run_id}", True)
        around = _neighbours((peak for peak in peaks.values() if peak.images == images), batch, lambda peak: peak.batch)
        if around is not None:
            return _between(*around, batch, mapped, lambda peak: peak.batch, lambda count: f"at batch {count:,}")
        around = _neighbours((peak for peak in peaks.values() if peak.batch == batch), images, lambda peak: peak.images)
        if around is None or (key.on_gpu and not _both_hold_pixels(*around, pixels)):
            return None
        return _between(*around, images, mapped, lambda peak: peak.images, lambda n: f"with {counted(n, 'image')}")


def image_count(splits: Mapping[str, Mapping[str, int]]) -> int:
    """The images of a data set, from the splits of a manifest."""
    return sum(split["images"] for split in splits.values())


def _neighbours(
    peaks: Iterable[MeasuredPeak], wanted: int, size_of: Callable[[MeasuredPeak], int]
) -> tuple[MeasuredPeak, MeasuredPeak] | None:
    """The nearest smaller and the nearest larger one; None unless there are both."""
    listed = list(peaks)
    below = max((peak for peak in listed if size_of(peak) < wanted), key=size_of, default=None)
    above = min((peak for peak in listed if size_of(peak) > wanted), key=size_of, default=None)
    return None if below is None or above is None else (below, above)


def _both_hold_pixels(below: MeasuredPeak, above: MeasuredPeak, pixels: int) -> bool:
    """Whether a GPU held the pixels of both. It streams those of many images, which then take nearly no memory."""
    return above.bytes - below.bytes >= (above.images - below.images) * pixels


def _between(
    below: MeasuredPeak,
    above: MeasuredPeak,
    wanted: int,
    mapped: int,
    size_of: Callable[[MeasuredPeak], int],
    words: Callable[[int], str],
) -> ExpectedPeak:
    share = (wanted - size_of(below)) / (size_of(above) - size_of(below))
    low, high = (f"{gigabytes(one.bytes)} {words(size_of(one))} (run {one.run_id})" for one in (below, above))
    interpolated = round(below.bytes + share * (above.bytes - below.bytes))
    return ExpectedPeak(interpolated, min(below.bytes, above.bytes), mapped, f"between {low} and {high}", False)
