"""Joins the test predictions of K runs, each trained without one of K folds, in a derived run: out-of-fold scores."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from ageui.derive.derived_config import derived_config, derived_hash, derived_manifest
from ageui.store.derivations import DerivedData, DerivedSplit, NewDerivedRun
from ageui.store.score_records import Predictions
from engine.choices import AGE_EDGES
from engine.data.folds import hash_of_folds
from engine.derived_methods import Operation, method_of
from engine.errors import AgeUIError, ConfigError, DataError
from engine.events import Evaluated
from engine.fairness import evaluate_split
from engine.image_errors import image_errors

if TYPE_CHECKING:
    from ageui.store import RunDetail, RunRow, Store

SPLIT = "test"
_OPERATION: Operation = "folds"


@dataclass(frozen=True)
class FoldRuns:
    """The runs of one config on K folds; None for a fold without a run."""

    runs: "tuple[RunRow | None, ...]"

    @property
    def done(self) -> "tuple[RunRow, ...]":
        return tuple(run for run in self.runs if run is not None and run.status == "done")

    @property
    def missing(self) -> str:
        """The folds without a done run, in words; empty if all runs are done."""
        return "; ".join(
            f"fold {number} {'has no run' if run is None else f'(run {run.id}, {run.name}) is {run.status}'}"
            for number, run in enumerate(self.runs, 1)
            if run is None or run.status != "done"
        )


def fold_runs(store: "Store", config_hash: str, spec: Mapping[str, Any]) -> FoldRuns:
    """The runs of a config on all folds of the data in `spec`, which describes any fold.

    If a fold has several runs, the newest done run counts, else the newest.
    """
    by_fold = store.runs.on_folds(config_hash, spec)
    rows = store.runs.get_many([run_id for ids in by_fold.values() for run_id in ids])

    def best(ids: Sequence[int]) -> "RunRow | None":
        found = [rows[run_id] for run_id in ids if run_id in rows]
        return max(found, key=lambda row: (row.status == "done", row.id), default=None)

    return FoldRuns(tuple(best(by_fold.get(number, ())) for number in range(1, spec["fold"][1] + 1)))


def fold_runs_of(store: "Store", run_id: int) -> FoldRuns:
    """The runs on all folds, given one of them. Raises `ConfigError` for a run outside of folds."""
    detail = store.runs.detail(run_id)
    if not detail.data_spec.get("fold"):
        raise ConfigError(
            f"run {run_id} ({detail.name}) was not trained on folds; train runs on folds with: ageui run --folds 5"
        )
    return fold_runs(store, detail.row.config_hash, detail.data_spec)


def joined_run(store: "Store", runs: FoldRuns) -> int | None:
    """The id of the run that joins these done runs; None if it does not exist yet."""
    sources = store.runs.details([run.id for run in runs.done])
    return store.derivations.find(derived_hash(sources, _OPERATION, {"count": len(sources)}))


def join_folds(store: "Store", runs: FoldRuns, *, name: str | None = None, tags: Sequence[str] = ()) -> int:
    """Stores the out-of-fold scores of K runs as a new run, and returns its id.

    Each image has the prediction of the only run that was tested on it. The new run gets the tags that all runs share.

    Parameters
    ----------
    store
        The database of the runs.
    runs
        The run on each fold.
    name
        Name of the new run (default: the shared name of the runs without their number, if it is free).
    tags
        Further tags of the new run.

    Raises
    ------
    ConfigError
        If a run is not done, or the joined run already exists.
    DataError
        If predictions were deleted, or images changed between the runs.
    """
    if runs.missing:
        raise ConfigError(
            f"{runs.missing}; out-of-fold scores need all {len(runs.runs)} folds; continue failed and interrupted runs "
            "with ageui retry RUN, and train missing runs by repeating ageui run --folds"
        )
    sources = store.runs.details([run.id for run in runs.done])
    options = {"count": len(sources)}
    weights = method_of(_OPERATION, options).fit(np.empty((len(sources), 0)), np.empty(0), np.ones((1, 0), np.float32))
    config = derived_config(sources, f"out of fold, {len(sources)} folds")
    new = NewDerivedRun(
        operation=_OPERATION,
        options=options,
        parameters=np.asarray(weights[0]).tolist(),
        sources=sources,
        config={**config, "seed": sources[0].config.get("seed", 0)},
        config_hash=derived_hash(sources, _OPERATION, options),
        manifest=derived_manifest(sources, _OPERATION, options),
        splits=[_joined(store, sources)],
        data=_data(sources),
        name=name or _shared_name(store, sources),
        tags=[*tags, *set.intersection(*(set(run.row.tags) for run in sources))],
    )
    (made,) = store.derivations.add([new])
    return made


def join_if_complete(store: "Store", run_id: int, say: Callable[[str], None]) -> None:
    """Stores the out-of-fold scores once the last run on a fold is done. Reports errors to `say` instead of raising."""
    try:
        runs = fold_runs_of(store, run_id)
        if not runs.missing and joined_run(store, runs) is None:
            join_folds(store, runs)
    except AgeUIError as error:
        say(f"the out-of-fold scores of run {run_id} and the others were not stored: {error}")


def _joined(store: "Store", sources: "Sequence[RunDetail]") -> DerivedSplit:
    parts, scores = [], []
    for run in sources:
        found, own = store.scores.predictions(run.id, SPLIT), run.scores(SPLIT)
        if found is None or own is None:
            raise DataError(
                f"run {run.id} ({run.name}) has no predictions, because they were deleted; train its fold again"
            )
        parts.append(found)
        scores.append(own)
    labelled = _by_name(parts)
    edges = sources[0].config.get("age_edges", AGE_EDGES)
    errors = image_errors(labelled, scores[0].result.group_names, edges)
    constants = [one.result.baseline.age for one in scores if one.result.baseline]
    counts = [one.result.n for one in scores if one.result.baseline]
    result = evaluate_split(
        errors.ages,
        labelled.predicted.astype(np.float64),
        errors.groups,
        float(np.average(constants, weights=counts)) if constants else None,
        subjects=errors.subjects,
        split=SPLIT,
    )
    scored = Evaluated(SPLIT, result, labelled.items(), labelled.predicted, scores[0].selected_on)
    return DerivedSplit(scored, scores[0].target, scores[0].data_name)


def _by_name(parts: Sequence[Predictions]) -> Predictions:
    """The predictions of several splits joined and sorted by image name, so that the order of folds does not matter."""
    names = [name for one in parts for name in one.names]
    order = sorted(range(len(names)), key=names.__getitem__)
    if len(set(names)) < len(names):
        twice = next(name for name, times in Counter(names).items() if times > 1)
        raise DataError(
            f"two runs were tested on image {twice}, so the data changed between them; train all folds again"
        )

    def joined(values: Iterable[Iterable[Any]]) -> tuple[Any, ...]:
        flat = list(chain.from_iterable(values))
        return tuple(flat[place] for place in order) if flat else ()

    return Predictions(
        split=SPLIT,
        images="",
        names=joined(one.names for one in parts),
        ages=np.array(joined(one.ages for one in parts), dtype=np.float64),
        attributes={name: joined(one.attributes[name] for one in parts) for name in parts[0].attributes},
        predicted=np.array(joined(one.predicted for one in parts), dtype=np.float32),
        subjects=joined(one.subjects for one in parts),
        ranges={name: np.array(joined(one.ranges[name] for one in parts)) for name in parts[0].ranges},
    )


def _data(sources: "Sequence[RunDetail]") -> DerivedData:
    """The data of all folds, with every image in the test split."""
    hashes = {None if run.data_hash is None else hash_of_folds(run.data_hash) for run in sources}
    if len(hashes) > 1:
        raise DataError("the images, ages or attributes of the data changed between the runs; train all folds again")
    sizes = [(run.splits or {}).get(SPLIT, {}) for run in sources]
    total = {name: sum(one.get(name, 0) for one in sizes) for name in ("images", "labelled")}
    spec = {name: value for name, value in sources[0].data_spec.items() if name != "fold"}
    return DerivedData(spec, hashes.pop(), {SPLIT: total})


def _shared_name(store: "Store", sources: "Sequence[RunDetail]") -> str | None:
    """The name behind the numbered names of `fold_names`; None if the runs have other names or the name is taken."""
    name = sources[0].name.rpartition("-")[0]
    is_shared = name and [run.name for run in sources] == fold_names(name, len(sources))
    return name if is_shared and not store.runs.taken_names([name]) else None


def fold_names(name: str, folds: int) -> list[str]:
    """The names of the runs on folds, from the `name` of the joined run."""
    return [f"{name}-{number}" for number in range(1, folds + 1)]
