"""Predicts the peak memory of runs before they are queued, in bytes and in words."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from ageui.devices import resolve_device
from ageui.memory.free_memory import free_memory
from ageui.store import NewRun, RunDetail
from ageui.text.sentences import gigabytes
from engine.config import RunConfig, build_config
from engine.data.kept_reports import kept_report
from engine.data.spec import DataSpec
from engine.errors import AgeUIError, ConfigError, DataError, DeviceError, Problem
from engine.first_weights import CheckedWeights, WeightsKey, known_fit
from engine.footprints import (
    CheckedNetwork,
    FootprintCounter,
    FootprintKey,
    NetworkKey,
    known_footprint,
    no_answer,
)
from engine.limits import gpu_pixels_limit
from engine.memory_advice import smaller
from engine.memory_model import Footprint, PeakMemory, predicted_peak
from engine.paths import cache_folder

_LISTED = 3
_KINDS = {kind.failure: kind for kind in (ConfigError, DataError, DeviceError)}


@dataclass(frozen=True)
class Forecast:
    """A sentence about the memory of runs.

    `missing` networks must be counted or checked before it is complete. `is_too_much` if a run needs more than is free.
    `loaded` says what of weights files would be loaded, and `warnings` what about first weights may not be meant.
    """

    text: str
    missing: tuple[NetworkKey, ...] = ()
    is_too_much: bool = False
    loaded: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


NOTHING_TO_SAY = Forecast("")


class Forecaster:
    """Predicts memory, knows the networks that no run can use, and caches its lookups.

    `count` counts and checks missing networks in a few seconds. All other methods are for one thread at a time.
    """

    def __init__(self, free: Callable[[str], int | None] = free_memory) -> None:
        self._free = free
        self._footprints: dict[FootprintKey, Footprint] = {}
        self._problems: dict[FootprintKey, str] = {}
        self._fitting: dict[WeightsKey, CheckedWeights] = {}
        self._refusals: dict[NetworkKey, AgeUIError] = {}
        self._images: dict[tuple[str, str], int | None] = {}

    def forecast(self, runs: Iterable[NewRun]) -> Forecast:
        """The forecast for `runs`, which train one after the other on each device."""
        runs, free = list(runs), cache(self._free)
        key_of = _Keys()
        wanted = list(dict.fromkeys(key_of(run.config) for run in runs))
        footprints = {key: self._footprint(key) for key in wanted}
        weights = list(dict.fromkeys(WeightsKey.of(run.config) for run in runs))
        missing = self._missing(footprints, weights)
        peaks: dict[str, list[tuple[PeakMemory, NewRun]]] = {}
        for run in runs:
            footprint = footprints[key_of(run.config)]
            if footprint is not None:
                peak = self._peak(run, footprint, free)
                peaks.setdefault(_device(run.config, peak), []).append((peak, run))
        said = [_sentence(device, found, free(device)) for device, found in peaks.items()]
        texts = [text for text, _ in said] + _problem_texts(wanted, self._problems)
        texts += ["peak memory: being worked out"] if any(isinstance(key, FootprintKey) for key in missing) else []
        texts += ["first weights: being checked"] if any(isinstance(key, WeightsKey) for key in missing) else []
        fitting = [self._fitting[key] for key in weights if key in self._fitting]
        return Forecast(
            "; ".join(texts),
            missing,
            any(is_too_much for _, is_too_much in said),
            tuple(dict.fromkeys(one.sentence for one in fitting if one.sentence and one.key.init != "imagenet")),
            tuple(dict.fromkeys(text for one in fitting for text in one.warnings)),
        )

    def refusals(self, config: RunConfig) -> list[AgeUIError]:
        """Why no run can use the network or the first weights of a config, as far as they are counted and checked."""
        keys = (FootprintKey.of(config), WeightsKey.of(config))
        return [self._refusals[key] for key in keys if key in self._refusals]

    def footprint(self, config: RunConfig) -> Footprint | None:
        """The footprint of a config's backbone; None if it is not counted."""
        return self._footprint(FootprintKey.of(config))

    def count(
        self, missing: Sequence[NetworkKey], begun: Callable[[FootprintCounter], None] = lambda counter: None
    ) -> None:
        """Counts and checks missing networks in a process of its own; `begun` receives it, to be able to stop it."""
        try:
            with FootprintCounter(missing) as counter:
                begun(counter)
                for answer in counter.answers():
                    self._note(answer)
        except OSError as error:
            for key in missing:
                self._note(no_answer(key, f"no process could be started: {error.strerror}"))

    def _missing(
        self, footprints: Mapping[FootprintKey, Footprint | None], weights: Sequence[WeightsKey]
    ) -> tuple[NetworkKey, ...]:
        """The networks that are neither known nor answered."""
        for key in weights:
            if key not in self._fitting and (known := known_fit(key)) is not None:
                self._fitting[key] = known
        return (
            *(key for key, found in footprints.items() if found is None and key not in self._problems),
            *(key for key in weights if key not in self._fitting and key not in self._refusals),
        )

    def _note(self, answer: CheckedNetwork) -> None:
        if answer.failure in _KINDS:
            field = "init" if isinstance(answer, CheckedWeights) else "backbone"
            is_device = answer.failure == DeviceError.failure
            problem = Problem("device" if is_device else field, answer.problem, () if is_device else ("size",))
            self._refusals[answer.key] = _KINDS[answer.failure](problems=[problem])
        if isinstance(answer, CheckedWeights):
            if not answer.failure:
                self._fitting[answer.key] = answer
        elif answer.footprint is not None:
            self._footprints[answer.key] = answer.footprint
        else:
            self._problems[answer.key] = answer.problem

    def _peak(self, run: NewRun, footprint: Footprint, free: Callable[[str], int | None]) -> PeakMemory:
        free_bytes = free(resolve_device(run.config.device)) if footprint.device_type == "cuda" else None
        most_pixels = gpu_pixels_limit(free_bytes)[0] if free_bytes is not None else None
        return predicted_peak(run.config, footprint, self._image_count(run), most_pixels)

    def _footprint(self, key: FootprintKey) -> Footprint | None:
        if key not in self._footprints and (found := known_footprint(key)) is not None:
            self._footprints[key] = found
        return self._footprints.get(key)

    def _image_count(self, run: NewRun) -> int | None:
        key = (run.spec.model_dump_json(), run.config.target)
        if key not in self._images:
            self._images[key] = image_count(run.spec, run.config)
        return self._images[key]


class _Keys:
    """The footprint keys of configs, cached: thousands of runs share a few, and making one inspects the machine."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], FootprintKey] = {}

    def __call__(self, config: RunConfig) -> FootprintKey:
        fields = (config.backbone, config.size, config.device, config.precision)
        if fields not in self._known:
            self._known[fields] = FootprintKey.of(config)
        return self._known[fields]


def predicted_memory(detail: RunDetail) -> int | None:
    """The predicted peak memory of a run in bytes: as stored when it began, else as predicted now."""
    if detail.predicted_memory_bytes is not None:
        return detail.predicted_memory_bytes
    try:
        config, spec = build_config(detail.config), DataSpec.model_validate(detail.data_spec)
    except (ConfigError, ValueError):
        return None
    footprint = known_footprint(FootprintKey.of(config))
    if footprint is None or _computed_otherwise(detail, footprint):
        return None
    return predicted_peak(config, footprint, image_count(spec, config)).bytes


def _computed_otherwise(detail: RunDetail, footprint: Footprint) -> bool:
    """Whether a run that has begun used another kind of device or arithmetic than the footprint."""
    manifest = detail.manifest or {}
    counted = (footprint.device_type, footprint.dtype)
    return bool(manifest) and (manifest.get("device_type"), manifest.get("dtype")) != counted


def image_count(spec: DataSpec, config: RunConfig) -> int | None:
    """Counts a data set's images without reading them: drawn faces, or a kept report; None if unknown."""
    if spec.format == "synthetic" and spec.path is None:
        return sum(spec.synthetic.counts)
    kept = kept_report(spec, config.target, cache_folder())
    return sum(split.images for split in kept.report.splits) if kept is not None else None


def _device(config: RunConfig, peak: PeakMemory) -> str:
    return "cpu" if peak.device_type == "cpu" else resolve_device(config.device)


def _sentence(device: str, found: Sequence[tuple[PeakMemory, NewRun]], free: int | None) -> tuple[str, bool]:
    """The memory of the runs on one device in words, and whether it exceeds the free memory."""
    largest, run = max(found, key=lambda one: one[0].bytes)
    least = min(peak.bytes for peak, _ in found)
    what = "peak memory" if device == "cpu" else f"peak memory of {device}"
    text = f"{what}: about {gigabytes(largest.bytes)}"
    if gigabytes(least) != gigabytes(largest.bytes):
        config = run.config
        text = (
            f"{what}: about {gigabytes(least)} to {gigabytes(largest.bytes)}, the most with {config.backbone} at "
            f"{config.size} px, batch {config.batch}"
        )
    if not largest.counts_images and device == "cpu":
        text += ", without the pixels of the images"
    needed = max(peak.needed for peak, _ in found)
    if free is None:
        return text, False
    if needed <= free:
        return f"{text}; {gigabytes(free)} are free", False
    return f"{text}, but only {gigabytes(free)} are free: {smaller(run.config)}", True


def _problem_texts(wanted: Sequence[FootprintKey], problems: Mapping[FootprintKey, str]) -> list[str]:
    texts = [f"peak memory not known for {one.backbone}: {problems[one]}" for one in wanted if one in problems]
    return texts[:_LISTED]
