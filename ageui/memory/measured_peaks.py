"""The peak memory of a run, from the measured peaks of earlier runs with the same settings on the same device.

Between two measured batches or numbers of images, the peak is interpolated; beyond them, it is unknown.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from ageui.store.peak_memory import PeakRow
from ageui.text.sentences import gigabytes
from engine.data.spec import DataSpec
from engine.library_versions import NETWORK_LIBRARIES
from engine.memory_settings import memory_settings
from engine.recipe import revision_of


class MemoryKey(NamedTuple):
    """The facts that decide a peak, besides the batch and the number of images.

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
        """The key of a started run, from its config and manifest. Raises `KeyError` if either lacks a part."""
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


_Measured = tuple[int, int]
"""The bytes of a peak, and the id of its run."""


@dataclass(frozen=True)
class ExpectedPeak:
    """A peak in bytes, measured or interpolated between two. `least` is the lower of the two.

    Up to `pixels` of the bytes can be saved: if memory is short, a processor's system drops pixels that it can read
    again, and a GPU gets them streamed.
    """

    bytes: int
    least: int
    pixels: int
    source: str
    is_measured: bool

    @property
    def text(self) -> str:
        """`2.10 GB, measured by run 14`, or `between 1.90 GB at batch 16 (run 3) and 2.40 GB at batch 64 (run 9)`."""
        return f"{gigabytes(self.bytes)}, {self.source}" if self.is_measured else self.source


class MeasuredPeaks:
    """The largest measured peaks of earlier runs, by key, batch and number of images."""

    def __init__(self, rows: Iterable[PeakRow] = ()) -> None:
        self._peaks: dict[MemoryKey, dict[tuple[int, int], _Measured]] = defaultdict(dict)
        self._images: dict[str, tuple[int, int]] = {}
        for row in rows:
            try:
                key, images = MemoryKey.of(row.config, row.facts), image_count(row.facts["splits"])
                sizes, spec = (row.config["batch"], images), DataSpec.model_validate(row.data_spec).model_dump_json()
            except (LookupError, TypeError, ValueError, AttributeError):
                continue  # from a version of ageui that did not store all of this
            self._images[spec] = max(self._images.get(spec, (0, 0)), (row.run_id, images))
            self._peaks[key][sizes] = max(self._peaks[key].get(sizes, (0, 0)), (row.bytes, row.run_id))

    def __contains__(self, key: MemoryKey) -> bool:
        return key in self._peaks

    def images_of(self, spec: DataSpec) -> int | None:
        """The number of images of a data set when a run last trained on it; None if none did."""
        return self._images.get(spec.model_dump_json(), (0, None))[1]

    @property
    def largest(self) -> int:
        """The largest of all peaks in bytes; 0 if none was measured."""
        return max((bytes for of_key in self._peaks.values() for bytes, _ in of_key.values()), default=0)

    def expected(self, keys: Iterable[MemoryKey], batch: int, images: int) -> ExpectedPeak | None:
        """The largest peak of a run with one of the keys; None if none was measured."""
        found = [self._expected(key, batch, images) for key in keys if key in self._peaks]
        return max(filter(None, found), key=lambda peak: peak.bytes, default=None)

    def _expected(self, key: MemoryKey, batch: int, images: int) -> ExpectedPeak | None:
        peaks, each = self._peaks[key], 3 * key.size**2
        pixels = images * each
        if (exact := peaks.get((batch, images))) is not None:
            return ExpectedPeak(exact[0], exact[0], pixels, f"measured by run {exact[1]}", True)
        batches = {size: peak for (size, count), peak in peaks.items() if count == images}
        counts = {count: peak for (size, count), peak in peaks.items() if size == batch}
        return _between(batches, batch, pixels, "at batch {:,}") or _between(
            counts, images, pixels, "with {:,} images", least_slope=each if key.on_gpu else None
        )


def image_count(splits: Mapping[str, Mapping[str, int]]) -> int:
    """The number of images of a data set, from the splits in a manifest."""
    return sum(split["images"] for split in splits.values())


def _between(
    peaks: Mapping[int, _Measured], wanted: int, pixels: int, words: str, least_slope: int | None = None
) -> ExpectedPeak | None:
    """Interpolates between the nearest smaller and larger sizes; None unless both exist.

    A GPU streams the pixels of many images, which then take almost no memory: between held and streamed images, the
    slope is below `least_slope` bytes, and the peak is unknown.
    """
    small = max((size for size in peaks if size < wanted), default=None)
    large = min((size for size in peaks if size > wanted), default=None)
    if small is None or large is None:
        return None
    (below, _), (above, _) = peaks[small], peaks[large]
    slope = (above - below) / (large - small)
    if least_slope is not None and slope < least_slope:
        return None
    low, high = (f"{gigabytes(peaks[size][0])} {words.format(size)} (run {peaks[size][1]})" for size in (small, large))
    return ExpectedPeak(
        round(below + slope * (wanted - small)), min(below, above), pixels, f"between {low} and {high}", False
    )
