"""Makes runs for the cells of a study that combine other cells' runs of the same seed."""

from collections.abc import Sequence

from ageui.derive.deriving import calibrate, make_ensemble
from ageui.store import MeasuredRun, Store
from ageui.study.matching import has_figures, matched, normalized_runs, seeds_to_join
from ageui.study.study import Study
from ageui.study.variants import Variant
from engine.errors import ConfigError, DataError


def make_missing(study: Study, store: Store, variant: Variant, tags: Sequence[str] = ()) -> tuple[list[int], list[str]]:
    """Makes the missing runs whose sources have ended with figures.

    Returns the ids of the new runs, and the errors of the runs that could not be made.
    """
    made: list[int] = []
    problems: list[str] = []
    for cell in study.runnable:
        if cell.making is None:
            continue
        # Read anew for each cell: it may be made of a cell that was made just now.
        found = next((one for one in matched(study, normalized_runs(store)) if one.variant == variant), None)
        if found is None:
            break
        there = found.of(cell.name)
        for seed, sources in seeds_to_join(cell.making, found.runs).items():
            if seed in there or not all(map(has_figures, sources)):
                continue
            try:
                made.append(_make(store, cell.making.operation, sources, tags))
            except (ConfigError, DataError) as error:
                problems.append(f"{cell.label}, seed {seed}: {error}")
    return made, problems


def _make(store: Store, operation: str, sources: Sequence[MeasuredRun], tags: Sequence[str]) -> int:
    ids = [run.id for run in sources]
    return make_ensemble(store, ids, tags=tags) if operation == "mean" else calibrate(store, ids, tags=tags)[0]
