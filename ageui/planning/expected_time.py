"""The expected time of new runs, from earlier runs with the same settings on this device."""

import socket
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from ageui.compare.differing_settings import setting
from ageui.devices import resolve_device
from ageui.present.figures import duration
from ageui.store import NewRun, RunDetail, Store
from ageui.store.done_runs import OfDoneRuns
from ageui.text.sentences import counted
from engine.config import RunConfig

_SEARCHED = 1000
_TRIED = 3
_NO_MATTER = (
    "seed", "epochs", "lr", "weights", "weighting", "effective_beta", "combine", "lds_kernel", "lds_sigma", "momentum",
    "patience", "min_delta", "keep", "early_stopping", "age_edges", "device", "precision", "schedule",
    "warmup", "weight_decay", "l1_lambda",
)  # fmt: skip
"""Fields that do not change the time of an epoch. Device and arithmetic are compared as used, not as configured."""
_MATTERS = tuple(name for name in RunConfig.model_fields if name not in _NO_MATTER)


@dataclass(frozen=True)
class _Speed:
    """Measured seconds: of an epoch by stage, and of everything else, such as reading images."""

    run_id: int
    of_epoch: Mapping[int, float]
    other: float

    def seconds(self, config: RunConfig) -> float | None:
        """The time of a run that stops no stage early; None if a stage was not measured."""
        stages = {stage: epochs for stage, epochs in enumerate(config.epochs, start=1) if epochs}
        if not stages.keys() <= self.of_epoch.keys():
            return None
        return self.other + sum(epochs * self.of_epoch[stage] for stage, epochs in stages.items())


@dataclass(frozen=True)
class ExpectedTime:
    """The `seconds` of each run of known speed, based on `basis` finished runs; `unknown` counts the other runs."""

    seconds: Sequence[float] = ()
    basis: int = 0
    unknown: int = 0
    may_stop_early: bool = False

    @property
    def text(self) -> str:
        """`time: 2:10 each, 26:00 in all, from 3 runs like these`; empty without runs."""
        if not self.seconds:
            return "time: unknown until a run like these has finished on this device" if self.unknown else ""
        total, one = duration(sum(self.seconds)), len(self.seconds) + self.unknown == 1
        each = list(dict.fromkeys(map(duration, (min(self.seconds), max(self.seconds)))))
        times = total if len(self.seconds) == 1 else f"{'–'.join(each)} each, {total} in all"
        unknown = f" plus {counted(self.unknown, 'run')} of unknown speed" if self.unknown else ""
        early = "; less if stopped early" if self.may_stop_early else ""
        return f"time: {times}{unknown}, from {counted(self.basis, 'run')} like {'this' if one else 'these'}{early}"


def time_sentence(store: Store, runs: Sequence[NewRun]) -> str:
    """The expected time of the runs, one after another; unknown without finished runs of the same settings here."""
    return expected_time(Speeds(store), runs).text


def expected_time(speeds: "Speeds", runs: Sequence[NewRun]) -> ExpectedTime:
    """The time of new runs. Raises `StoreError`."""
    seconds: list[float] = []
    basis: set[int] = set()
    for run in runs:
        if (expected := speeds.expected(run.config)) is not None:
            seconds.append(expected)
            basis.update(speed.run_id for speed in speeds.like(run.config) if speed.seconds(run.config) is not None)
    stops_early = any(run.config.patience is not None for run in runs)
    return ExpectedTime(seconds, len(basis), len(runs) - len(seconds), stops_early)


class Speeds:
    """The speeds of the newest done runs, read once for each combination of settings."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._done: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for row in store.runs.search("status=done source=measured", limit=_SEARCHED):
            self._done[_key(row.config)].append(row.id)
        self._known: dict[tuple[object, ...], tuple[_Speed, ...]] = {}

    def expected(self, config: RunConfig) -> float | None:
        """Seconds of a run from its start; None if unknown."""
        times = [seconds for speed in self.like(config) if (seconds := speed.seconds(config)) is not None]
        return fmean(times) if times else None

    def like(self, config: RunConfig) -> tuple[_Speed, ...]:
        """The speeds of runs with the settings of a config on its device; at most `_TRIED`."""
        settings = (*(getattr(config, name) for name in _MATTERS), config.device, config.precision)
        if settings not in self._known:
            device = resolve_device(config.device)
            details = map(self._store.runs.detail, self._done[_key(config.model_dump())][:_TRIED])
            found = (_speed(detail, device, config.precision) for detail in details)
            self._known[settings] = tuple(filter(None, found))
        return self._known[settings]


class CurrentSpeeds(OfDoneRuns[Speeds]):
    def read(self, store: Store) -> Speeds:
        return Speeds(store)


def _key(config: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(setting(config, name) for name in _MATTERS)


def _speed(detail: RunDetail, device: str, precision: str) -> _Speed | None:
    """The speed of a run that trained here in one attempt with arithmetic `precision`; None for other runs."""
    (*earlier, attempt) = detail.attempts or (None,)
    if earlier or attempt is None or attempt.seconds is None:
        return None
    dtype = (attempt.manifest or {}).get("dtype", precision)
    if (attempt.host, attempt.device) != (socket.gethostname(), device) or precision not in ("auto", dtype):
        return None
    of_stage: dict[int, list[float]] = defaultdict(list)
    for epoch in detail.history:
        of_stage[epoch.stage].append(epoch.seconds)
    trained = sum(map(sum, of_stage.values()))
    of_epoch = {stage: fmean(seconds) for stage, seconds in of_stage.items()}
    return _Speed(detail.id, of_epoch, max(0.0, attempt.seconds - trained))
