"""The memory that runs will take on this machine, known from earlier runs, in bytes and as sentences."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial

import psutil

from ageui.devices import cores, resolve_device
from ageui.memory.device_memory import DeviceMemory, device_memory, gpu
from ageui.memory.measured_peaks import ExpectedPeak, MeasuredPeaks, MemoryKey, image_count
from ageui.store import NewRun, RunDetail, Store
from ageui.store.done_runs import OfDoneRuns
from ageui.text.sentences import counted, gigabytes
from engine.arithmetic import cpu_arithmetic, cpu_name
from engine.config import RunConfig, build_config
from engine.data.kept_reports import known_image_count
from engine.data.spec import DataSpec
from engine.errors import ConfigError
from engine.library_versions import library_versions
from engine.memory_advice import smaller
from engine.memory_settings import MEMORY_FIELDS, memory_settings
from engine.paths import cache_folder
from engine.recipe import recipe_revision

_TO_COME = ("queued", "running", "paused", "interrupted")


@dataclass(frozen=True)
class ExpectedMemory:
    """A sentence about the memory of runs, and whether any of them needs more than is free."""

    text: str = ""
    is_too_much: bool = False


class CurrentPeaks(OfDoneRuns[MeasuredPeaks]):
    def read(self, store: Store) -> MeasuredPeaks:
        return MeasuredPeaks(store.peak_memory.measured())


def expected_memory(
    peaks: MeasuredPeaks, runs: Iterable[NewRun], memory_of: Callable[[str], DeviceMemory | None] = device_memory
) -> ExpectedMemory:
    """The expected memory of `runs`, which train one after another on each device."""
    by_device: dict[str, list[tuple[NewRun, ExpectedPeak | None]]] = defaultdict(list)
    counts: dict[tuple[int, str], int | None] = {}
    known: dict[tuple[object, ...], ExpectedPeak | None] = {}  # thousands of runs share a few settings

    def images(run: NewRun) -> int | None:
        data = id(run.spec), run.config.target
        if data not in counts:
            counts[data] = _image_count(peaks, run.spec, run.config)
        return counts[data]

    device_of = cache(resolve_device)
    for run in runs:
        config, device = run.config, device_of(run.config.device)
        settings = (getattr(config, field) for field in ("target", "precision", *MEMORY_FIELDS))
        key = (id(run.spec), device, *settings)
        if key not in known:
            known[key] = _expected(peaks, config, partial(images, run), device)
        by_device[device].append((run, known[key]))
    said = [_sentence(device, found, memory_of(device)) for device, found in by_device.items()]
    return ExpectedMemory("; ".join(one.text for one in said), any(one.is_too_much for one in said))


def expected_peak(
    peaks: MeasuredPeaks, detail: RunDetail, device: str | None = None, threads: int | None = None
) -> ExpectedPeak | None:
    """The peak of a stored run on `device`, with `threads` threads; by default where it started or would start.

    None if it is unknown.
    """
    facts = detail.manifest
    with suppress(ConfigError, ValueError, LookupError, TypeError):
        if facts and device is None:
            key, images = MemoryKey.of(detail.config, facts), image_count(facts["data"]["splits"])
            return peaks.expected([key], detail.config["batch"], images)
        config, spec = build_config(detail.config), DataSpec.model_validate(detail.data_spec)
        count = partial(_image_count, peaks, spec, config)
        return _expected(peaks, config, count, device or resolve_device(config.device), threads)
    return None


def peak_to_come(store: Store, detail: RunDetail) -> str:
    """A sentence about the peak of a run that waits or trains; empty if the peak was measured, or nothing is known."""
    if detail.status not in _TO_COME or detail.peak_memory_bytes is not None:
        return ""
    expected = expected_peak(MeasuredPeaks(store.peak_memory.measured()), detail)
    return expected.text if expected is not None else ""


def memory_keys(config: RunConfig, device: str, threads: int | None = None) -> Iterator[MemoryKey]:
    """The keys that a new run may have on a device, one for each number of threads that torch may choose."""
    counts: Iterable[int | None] = (None,)
    if device == "cpu":
        name, dtype, counts = cpu_name(), cpu_arithmetic(config.backbone).name, _thread_counts(threads)
    elif (found := gpu(device)) is not None:
        name, dtype = found[0], "bf16" if found[1] else "fp32"
    else:
        return
    for count in counts:
        yield MemoryKey(
            name,
            device != "cpu",
            dtype if config.precision == "auto" else config.precision,
            count,
            tuple(library_versions()),
            recipe_revision(config),
            config.size,
            memory_settings(config.model_dump()),
        )


def _expected(
    peaks: MeasuredPeaks, config: RunConfig, images: Callable[[], int | None], device: str, threads: int | None = None
) -> ExpectedPeak | None:
    """The peak of a run that has not started. Counts images, which may take a while, only if the peak may be known."""
    keys = [key for key in memory_keys(config, device, threads) if key in peaks]
    count = images() if keys else None
    return peaks.expected(keys, config.batch, count) if count is not None else None


def _image_count(peaks: MeasuredPeaks, spec: DataSpec, config: RunConfig) -> int | None:
    """The number of images, known from a check of the data set or from an earlier run on it."""
    known = known_image_count(spec, config.target, cache_folder())
    return known if known is not None else peaks.images_of(spec)


def _sentence(
    device: str, found: Sequence[tuple[NewRun, ExpectedPeak | None]], memory: DeviceMemory | None
) -> ExpectedMemory:
    what = "peak memory" if device == "cpu" else f"peak memory of {device}"
    known = [(peak, run) for run, peak in found if peak is not None]
    if not known:
        like = "this" if len(found) == 1 else "these"
        return ExpectedMemory(f"{what}: not known yet; no run like {like} ended here")
    (least, _), (most, run) = (choose(known, key=lambda one: one[0].bytes) for choose in (min, max))
    text = f"{what}: {most.text}"
    if gigabytes(least.bytes) != gigabytes(most.bytes):
        config = run.config
        text = (
            f"{what}: {gigabytes(least.bytes)} to {gigabytes(most.bytes)}, the most with {config.backbone} at "
            f"{config.size} px, batch {config.batch} ({most.source})"
        )
    if len(known) < len(found):
        text += f"; not known yet for {len(found) - len(known):,} of {counted(len(found), 'run')}"
    if memory is None:
        return ExpectedMemory(text)
    free = gigabytes(memory.free)
    if max(peak.bytes - peak.pixels for peak, _ in known) <= memory.free:
        return ExpectedMemory(f"{text}; {free} are free")
    return ExpectedMemory(f"{text}, but only {free} are free: {smaller(run.config)}", is_too_much=True)


def _thread_counts(given: int | None) -> set[int]:
    """The number of threads of an engine on the processor, as far as known without torch."""
    named = str(given) if given is not None else os.environ.get("OMP_NUM_THREADS", "")
    if named.isdecimal():
        return {int(named)}
    return {cores(), min(cores(), psutil.cpu_count(logical=False) or cores())}
