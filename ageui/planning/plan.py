"""Plans runs: every combination of the given settings, and the equal runs that already exist."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ageui.planning import sweeps
from ageui.planning.settings import Resolved, Settings, SettingsLayer, read_settings
from ageui.store import NewRun, Store
from engine.arithmetic import settled
from engine.config import RunConfig
from engine.cuda import cuda_available
from engine.errors import ConfigError, Problem


@dataclass(frozen=True)
class Plan:
    """The planned `runs`, of distinct configs in the grid's order.

    `known` has, for each, the id and status of a finished or pending run with the same config and data, or None.
    `first` is the first combination, with its origins. `repeats` counts the combinations that equal an earlier one.
    """

    first: Resolved
    runs: tuple[NewRun, ...]
    known: tuple[tuple[int, str] | None, ...]
    repeats: int = 0

    @property
    def left_out(self) -> list[tuple[int, str]]:
        """Id and status of the runs that already exist."""
        return [found for found in self.known if found is not None]

    def to_queue(self, *, again: bool, name: str | None = None) -> list[NewRun]:
        """The new runs, or all runs with `again`. Several named runs are numbered by their place in the plan.

        Settles the arithmetic of a sweep by the rule for this machine, so that all of its runs compute alike.
        """
        planned = enumerate(zip(self.runs, self.known, strict=True), start=1)
        new = [(place, run) for place, (run, found) in planned if again or found is None]
        if len(self.runs) == 1:
            return [replace(run, name=name) for _, run in new]
        return [replace(run, config=settled(run.config), name=name and f"{name}-{place}") for place, run in new]


@dataclass(frozen=True)
class Basis:
    """The settings below the given values, besides settings files and the environment. `like` is a complete config."""

    preset: str | None = None
    config_file: Path | None = None
    like: SettingsLayer | None = None


def plan(
    store: Store,
    values: Mapping[str, str],
    basis: Basis,
    *,
    seeds: int | None = None,
    sample: sweeps.Sample | None = None,
) -> Plan:
    """Plans every combination of `values`, comma lists by field, or a `sample` of lists and ranges.

    `seeds` repeats each with that many seeds. Raises `ConfigError` for a wrong value, an unknown data set, or more than
    `sweeps.MOST_RUNS` runs.
    """
    settings = _settings(store, basis)  # once: --config may be a pipe
    first = settings.resolve(_combinations(values, sample)[0])
    combinations = _combinations(with_seeds(values, first.config.seed, seeds), sample)
    runs = with_data(store, _configs(settings, combinations))
    return Plan(first, runs, tuple(store.runs.find_same(runs)), len(combinations) - len(runs))


def resolve_here(store: Store, values: Mapping[str, str], basis: Basis) -> Resolved:
    """The config of `values`, on top of the basis, the settings files and the environment."""
    return _settings(store, basis).resolve(values)


def grid_configs(store: Store, values: Mapping[str, str], basis: Basis) -> list[RunConfig]:
    """The distinct configs of a grid, in its order."""
    return _configs(_settings(store, basis), sweeps.grid(values))


def with_seeds(values: Mapping[str, str], first: int, count: int | None) -> dict[str, str]:
    """The values with `count` seeds from `first` on; unchanged if `count` is None."""
    if count is None:
        return dict(values)
    problem = None
    if count < 1:
        problem = f"--seeds {count}: give at least 1"
    elif count > sweeps.MOST_RUNS:
        problem = f"--seeds {count:,}: give at most {sweeps.MOST_RUNS:,}"
    elif "," in values.get("seed", ""):
        problem = "--seeds counts up from one --seed; give either a list of seeds or their number"
    if problem is not None:
        raise ConfigError(problems=[Problem("seeds", problem)])
    return {**values, "seed": sweeps.seeds(first, count)}


def with_data(store: Store, configs: Sequence[RunConfig]) -> tuple[NewRun, ...]:
    """Each config with the description of its data. Raises `ConfigError` if a data set is not registered."""
    specs = {name: store.data.get(name) for name in dict.fromkeys(config.data for config in configs)}
    return tuple(NewRun(config, specs[config.data]) for config in configs)


def _combinations(values: Mapping[str, str], sample: sweeps.Sample | None) -> list[dict[str, str]]:
    return sweeps.grid(values) if sample is None else sweeps.sampled(values, sample)


def _configs(settings: Settings, combinations: Sequence[Mapping[str, str]]) -> list[RunConfig]:
    configs = [settings.resolve(combination).config for combination in combinations]
    return list({config.hash: config for config in configs}.values())


def _settings(store: Store, basis: Basis) -> Settings:
    return read_settings(
        preset=basis.preset,
        config_file=basis.config_file,
        like=basis.like,
        registered=store.data.registered_names(),
        cuda_available=cuda_available,
    )
