"""How long new runs will take, from earlier runs with the same settings on this device."""

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
from ageui.text.sentences import counted
from engine.config import RunConfig

_SEARCHED = 1000
_TRIED = 3
_NO_MATTER = (
    "seed", "epochs", "lr", "weights", "weighting", "effective_beta", "combine", "lds_kernel", "lds_sigma", "momentum",
    "patience", "min_delta", "keep", "early_stopping", "age_edges", "device", "precision",
)  # fmt: skip
"""Fields that do not change the time of an epoch; the device and its arithmetic are compared as they were used."""


@dataclass(frozen=True)
class _Speed:
    """Measured seconds: of an epoch by stage, and of everything else, such as reading images."""

    of_epoch: Mapping[int, float]
    other: float

    def seconds(self, config: RunConfig) -> float | None:
        """The time of a run that ends no stage early; None if a stage was not measured."""
        stages = {stage: epochs for stage, epochs in enumerate(config.epochs, start=1) if epochs}
        if not stages.keys() <= self.of_epoch.keys():
            return None
        return self.other + sum(epochs * self.of_epoch[stage] for stage, epochs in stages.items())


def time_sentence(store: Store, runs: Sequence[NewRun]) -> str:
    """How long the runs will take one after the other; unknown without finished runs of the same settings here."""
    speeds = Speeds(store)
    known = [seconds for run in runs if (seconds := speeds.expected(run.config)) is not None]
    if not known:
        return "time: unknown, because no run with these settings has finished on this device"
    unknown = len(runs) - len(known)
    without = f", without {counted(unknown, 'run')} of unknown speed" if unknown else ""
    early = ", less if stages stop early" if any(run.config.patience is not None for run in runs) else ""
    return f"time: about {duration(sum(known))} one after the other{without}{early}"


class Speeds:
    """The speeds of the newest done runs, read once for each combination of settings."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._done: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for row in store.runs.search("status=done source=measured", limit=_SEARCHED):
            self._done[_key(row.config)].append(row.id)
        self._known: dict[tuple[tuple[str, ...], str], _Speed | None] = {}

    def expected(self, config: RunConfig) -> float | None:
        """Seconds of a run from its start; None if unknown."""
        key, device = _key(config.model_dump()), resolve_device(config.device)
        if (key, device) not in self._known:
            details = (self._store.runs.detail(run_id) for run_id in self._done[key][:_TRIED])
            found = (_speed(detail, device, config.precision) for detail in details)
            self._known[key, device] = next(filter(None, found), None)
        speed = self._known[key, device]
        return speed.seconds(config) if speed else None


def _key(config: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(setting(config, name) for name in RunConfig.model_fields if name not in _NO_MATTER)


def _speed(detail: RunDetail, device: str, precision: str) -> _Speed | None:
    """The speed of a run that trained here in one attempt, in the arithmetic `precision`; None for any other."""
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
    return _Speed({stage: fmean(seconds) for stage, seconds in of_stage.items()}, max(0.0, attempt.seconds - trained))
