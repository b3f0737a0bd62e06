"""Finds the runs of a study that are left to do."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ageui.planning.plan import with_data
from ageui.planning.sweeps import refuse_too_many
from ageui.store import MeasuredRun, NewRun, Store
from ageui.study.matching import FURTHEST_FIRST, furthest
from ageui.study.study import Study
from ageui.study.variants import NO_CHOICE, Choice, Variant, cell_config, key_of, normal_form, own_and_shared
from engine.arithmetic import settled
from engine.choices import INITS
from engine.cuda import cuda_available
from engine.errors import ConfigError, Problem

MOST_SEEDS = 1000


@dataclass(frozen=True)
class RemainingRuns:
    """The runs of a study's cells, all of one `variant`. A run that several cells share counts once.

    `new` runs are to be queued. Of the existing ones, `again` failed or were cancelled and `stopped` were interrupted:
    they continue from their checkpoints. `going` are queued or running, `paused` wait for a person, `done` have ended.
    `left_out` are the weights files of cells that cannot be queued without them.
    """

    variant: Variant
    new: tuple[NewRun, ...]
    again: tuple[MeasuredRun, ...]
    stopped: tuple[MeasuredRun, ...]
    going: tuple[MeasuredRun, ...]
    paused: tuple[MeasuredRun, ...]
    done: tuple[MeasuredRun, ...]
    left_out: tuple[str, ...] = ()

    def to_train(self, store: Store) -> list[NewRun]:
        """The configs and data of all runs that queueing the rest of the study queues."""
        return [*self.new, *store.runs.to_train_again([run.id for run in (*self.again, *self.stopped)])]


def find_remaining(
    study: Study,
    store: Store,
    choice: Choice = NO_CHOICE,
    seeds: int = 1,
) -> RemainingRuns:
    """The runs of every runnable cell with seeds from 0 to `seeds` - 1.

    A run stands for a cell if their configs are equal except for device and determinism, on data described the same
    way; archived runs do not count. Raises `ConfigError` for an invalid choice and for too many runs.
    """
    if not 1 <= seeds <= MOST_SEEDS:
        raise ConfigError(problems=[Problem("seeds", f"--seeds {seeds}: give 1 to {MOST_SEEDS}")])
    refuse_too_many(len(study.trained) * seeds)
    wanted = _wanted(study, store, choice, seeds)
    there: dict[Hashable, list[MeasuredRun]] = {}
    for run in store.scores.measured_runs():
        there.setdefault(_key(run.config), []).append(run)
    new: list[NewRun] = []
    left_out: dict[str, None] = {}
    found: dict[str, list[MeasuredRun]] = {status: [] for status in FURTHEST_FIRST}
    for key, one in wanted.items():
        spec = one.spec.model_dump(mode="json")
        alike = [run for run in there.get(key, ()) if run.data_spec == spec]
        if not alike:
            # One cell's own weights file; a file for all of them is refused as that of a run.
            if "init" in study.fields and (init := one.config.init) not in INITS and not Path(init).exists():
                left_out[init] = None
            else:
                new.append(one)
            continue
        best = furthest(alike)
        found[best.status].append(best)
    first = next(iter(wanted.values()))
    shared = own_and_shared(study, normal_form(first.config.model_dump()))[1]
    return RemainingRuns(
        variant=Variant(shared, first.spec.model_dump(mode="json")),
        new=tuple(new),
        again=(*found["failed"], *found["cancelled"]),
        stopped=tuple(found["interrupted"]),
        going=(*found["running"], *found["queued"]),
        paused=tuple(found["paused"]),
        done=(*found["done"], *found["diverged"]),
        left_out=tuple(left_out),
    )


def _wanted(study: Study, store: Store, choice: Choice, seeds: int) -> dict[Hashable, NewRun]:
    registered = store.data.registered_names()
    wanted: dict[Hashable, NewRun] = {}
    configs = [
        cell_config(study, cell, choice, registered=registered, cuda_available=cuda_available) for cell in study.trained
    ]
    spec = with_data(store, configs[:1])[0].spec  # the same for all cells
    # Each seed of all cells before the next seed, so that a study stopped early has figures in all cells.
    for seed in range(seeds):
        for config in configs:
            own = config.model_copy(update={"seed": seed})
            wanted.setdefault(_key(own.model_dump()), NewRun(settled(own), spec))
    return wanted


def _key(config: Mapping[str, Any]) -> Hashable:
    return (config.get("seed", 0), key_of(normal_form(config)))
