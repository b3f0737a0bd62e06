"""Finds the runs of a study's cells: trained runs whose config equals a cell's except for `FREE` fields, and runs made
from other cells' runs as the cell says."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from ageui.store import MeasuredRun, Store
from ageui.store.derived_from import DerivedFrom
from ageui.study.study import Making, Study
from ageui.study.variants import (
    Normal,
    Variant,
    is_on_own_data,
    key_of,
    normal_form,
    own_and_shared,
    published_settings,
)

FURTHEST_FIRST = ("done", "diverged", "running", "queued", "paused", "interrupted", "failed", "cancelled")


def has_figures(run: MeasuredRun) -> bool:
    """Whether a run has trained to its end, or diverged and was scored with the weights of an epoch before."""
    return run.status == "done" or (run.status == "diverged" and run.is_scored)


@dataclass(frozen=True)
class NormalizedRun:
    """A run with the normal form of its config, which is the same for all studies, or with what it was `made` from."""

    run: MeasuredRun
    normal: Normal
    made: DerivedFrom | None = None


def normalized_runs(store: Store) -> list[NormalizedRun]:
    """The store's trained and derived runs, to be matched with any number of studies."""
    return [
        *(NormalizedRun(run, normal_form(run.config)) for run in store.scores.measured_runs()),
        *(NormalizedRun(run, {}, made) for run, made in store.scores.derived_runs()),
    ]


@dataclass(frozen=True)
class Matched:
    """The runs of one variant by cell and seed. Of several runs with the same seed, the one that got furthest."""

    variant: Variant
    runs: Mapping[str, Mapping[int, MeasuredRun]] = field(default_factory=dict)

    def of(self, cell: str) -> Mapping[int, MeasuredRun]:
        """A cell's runs by seed, in ascending order."""
        return dict(sorted(self.runs.get(cell, {}).items()))

    @property
    def measured_cells(self) -> int:
        """The number of cells with a run that ended with figures."""
        return sum(any(map(has_figures, runs.values())) for runs in self.runs.values())

    def rank(self, study: Study, published: Normal) -> tuple[bool, int, int, int, int]:
        """A sort key for variants: whether it is on the study's own data, measured cells, ended runs, settings equal to
        the `published` ones, newest run."""
        every = [run for runs in self.runs.values() for run in runs.values()]
        ended = sum(map(has_figures, every))
        same = sum(self.variant.normal.get(name) == value for name, value in published.items())
        newest = max((run.id for run in every), default=0)
        return is_on_own_data(study, self.variant), self.measured_cells, ended, same, newest


def matched(study: Study, runs: Sequence[NormalizedRun]) -> list[Matched]:
    """The variants of a study that have runs, best rank first."""
    cells: dict[tuple[Hashable, ...], list[str]] = {}
    for cell in study.trained:
        own, _ = own_and_shared(study, normal_form(study.config(cell).model_dump()))
        cells.setdefault(key_of(own), []).append(cell.name)
    found: dict[tuple[Hashable, ...], tuple[Variant, dict[str, dict[int, MeasuredRun]]]] = {}
    for one in runs:
        if one.made is not None:
            continue
        own, shared = own_and_shared(study, one.normal)
        names = cells.get(key_of(own), ())
        if not names:
            continue
        run = one.run
        variant = Variant(shared, run.data_spec)
        _, by_cell = found.setdefault(variant.key, (variant, {}))
        for name in names:
            by_seed = by_cell.setdefault(name, {})
            seed = int(run.config.get("seed", 0))
            by_seed[seed] = furthest([by_seed[seed], run]) if seed in by_seed else run
    derived = {key: one.run for one in runs if one.made is not None and (key := _made_of(one.made)) is not None}
    for _, by_cell in found.values():
        for cell in study.runnable:
            if cell.making is None:
                continue
            joined = {
                seed: derived.get((cell.making.operation, frozenset(source.id for source in sources)))
                for seed, sources in seeds_to_join(cell.making, by_cell).items()
            }
            by_cell[cell.name] = {seed: run for seed, run in joined.items() if run is not None}
    published = published_settings(study)
    return sorted(
        (Matched(*parts) for parts in found.values()), key=lambda one: one.rank(study, published), reverse=True
    )


def seeds_to_join(
    making: Making, by_cell: Mapping[str, Mapping[int, MeasuredRun]]
) -> dict[int, tuple[MeasuredRun, ...]]:
    """The seeds that all cells of a making have runs with, each with these runs."""
    parts = [by_cell.get(name, {}) for name in making.cells]
    shared = sorted(set(parts[0]).intersection(*parts[1:]))
    return {seed: tuple(part[seed] for part in parts) for seed in shared}


def _made_of(made: DerivedFrom) -> tuple[str, frozenset[int | None]] | None:
    """Operation and sources of a run that was made without options; None for others."""
    from ageui.derive.deriving import DEFAULT  # imports the statistics of whole comparisons

    options = made.options
    if made.operation == "mean":
        is_plain = len(set(options["weights"])) == 1
    else:
        folds = (options.get("folds"), options.get("seed"))
        is_plain = "slope" not in options and folds == (DEFAULT.folds, DEFAULT.seed)
    return (made.operation, frozenset(source.id for source in made.sources)) if is_plain else None


def furthest(runs: Sequence[MeasuredRun]) -> MeasuredRun:
    """The run that got furthest, the oldest if several did."""
    return min(runs, key=lambda run: FURTHEST_FIRST.index(run.status))
