"""Repeats a setting that its own figures chose, with seeds that chose nothing.

The figures of the best of many settings are too good: they were best by merit and by luck. Runs with the tag `confirm`
repeat a setting without choosing it; once they have ended, they stand for it.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ageui.compare.best import CONFIRMING_SEEDS, ENDED_WITHOUT_SCORES
from ageui.compare.seed_figures import Across, arithmetic_of, setting_key
from ageui.store import ENDED, NewRun, RunDetail, Store
from engine.arithmetic import settled_precision
from engine.config import build_config
from engine.data.spec import DataSpec
from engine.errors import ConfigError

CONFIRM: Final = "confirm"
"""The tag of runs that repeat a chosen setting."""
_SEEDS_AT_ONCE: Final = 32


@dataclass(frozen=True)
class Judged:
    """Runs to choose the best setting from, and the status of those among them that repeat a chosen setting, by id."""

    runs: list[RunDetail]
    confirming: Mapping[int, str]


def judged_runs(
    store: Store, runs: Sequence[RunDetail], kept: Collection[int] = (), across: Collection[Across] = ()
) -> Judged:
    """The runs with the stored repeats of their settings. Once all repeats of a setting have ended, those with scores
    replace the runs that they repeat.

    Repeats compute in the arithmetic of their setting, unless `across` names it. Runs with the ids `kept` are never
    replaced.
    """
    known = {run.id for run in runs}
    repeating = set(store.runs.ids(f"tag={CONFIRM}"))
    further = store.runs.details(sorted(repeating - known))
    setting = {run.id: setting_of(run, across) for run in (*runs, *further)}
    settings = {setting[run.id] for run in runs}
    found = [*runs, *(run for run in further if setting[run.id] in settings)]
    repeats = [run for run in found if run.id in repeating]
    unfinished = {setting[run.id] for run in repeats if run.status not in ENDED}
    confirmed = {setting[run.id] for run in repeats if run.results} - unfinished
    left = [run for run in found if run.id in repeating or run.id in kept or setting[run.id] not in confirmed]
    return Judged(left, {run.id: run.status for run in repeats})


def repeats_to_queue(store: Store, runs: Sequence[RunDetail], confirming: Collection[int]) -> list[NewRun]:
    """The runs that give a setting its confirming seeds, in the same arithmetic; empty if they are stored.

    Takes the first seeds without a run that is done or still to be done. Raises `ConfigError` if the setting cannot be
    trained again.

    Parameters
    ----------
    store
        The database.
    runs
        The runs of the setting.
    confirming
        The ids of those that count: they did not choose the setting.
    """
    first = runs[0]
    if first.row.is_published or first.row.is_derived:
        raise ConfigError(
            f"--confirm: {first.name} was not trained here, so it has no further seeds; repeat its source runs with "
            "other seeds, and derive it again"
        )
    counting = [run for run in runs if run.id in confirming and run.status not in ENDED_WITHOUT_SCORES]
    config = build_config({**first.config, "precision": _arithmetic(first)})
    spec = DataSpec.model_validate(first.data_spec)
    used = {run.config.get("seed") for run in runs}
    new: list[NewRun] = []
    start = 0
    while len(counting) + len(new) < CONFIRMING_SEEDS:
        seeds = [seed for seed in range(start, start + _SEEDS_AT_ONCE) if seed not in used]
        tried = [NewRun(config.model_copy(update={"seed": seed}), spec) for seed in seeds]
        new += [run for run, same in zip(tried, store.runs.find_same(tried), strict=True) if same is None]
        start += _SEEDS_AT_ONCE
    return new[: max(CONFIRMING_SEEDS - len(counting), 0)]


def setting_of(run: RunDetail, across: Collection[Across] = ()) -> str:
    """Equal for runs that differ only in their seed, device, recipe's revision and, with `across`, arithmetic."""
    arithmetic = None if "arithmetic" in across else _arithmetic(run)
    return json.dumps([setting_key(run.config), arithmetic, run.data_spec], sort_keys=True, default=str)


def _arithmetic(run: RunDetail) -> str:
    known = arithmetic_of(run.config, run.manifest)
    return known or settled_precision(str(run.config.get("backbone")), str(run.config.get("device")))
