"""Reads and compares the runs of the comparison screen: at once without a bootstrap, then with one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ageui.compare import CONSTANT, Comparison, compare
from ageui.compare.comparison_cache import ComparisonCache
from ageui.store import ENDED, RunDetail, Store
from ageui.text.states import state_of
from engine.errors import ConfigError


@dataclass(frozen=True)
class ComparisonView:
    """What to compare, and how. A `split` of None is the best that all runs have; `baseline` is an id, `constant` or
    None."""

    run_ids: tuple[int, ...]
    split: str | None = None
    baseline: str | None = None
    folded: bool = True
    groups: bool = True
    group_intervals: bool = False
    all_settings: bool = False


@dataclass(frozen=True, eq=False)
class ComparisonSnapshot:
    """The existing runs by id, and their comparison as far as it is known without a bootstrap.

    Comparisons with the same `signature` are equal. `gone` has a sentence for each missing run; `view` is without them.
    """

    view: ComparisonView
    runs: dict[int, RunDetail]
    comparison: Comparison
    signature: str
    gone: tuple[str, ...]


def read_comparison(
    store: Store, view: ComparisonView, known: ComparisonCache, before: Mapping[int, RunDetail]
) -> ComparisonSnapshot:
    """Reads the runs and compares their stored scores. Ended runs that were read `before` are read again only if their
    rows changed. Raises `ConfigError` if none of the runs exists.
    """
    rows = store.runs.get_many(view.run_ids)
    runs: dict[int, RunDetail] = {}
    gone = []
    for run_id in view.run_ids:
        kept, row = before.get(run_id), rows.get(run_id)
        if kept is not None and row is not None and row.status in ENDED and kept.row == row:
            runs[run_id] = kept
            continue
        try:
            runs[run_id] = store.runs.detail(run_id)
        except ConfigError as error:
            gone.append(str(error))
    if not runs:
        raise ConfigError(gone[0] if gone else "there are no runs to compare")
    view = _existing(view, runs)
    comparison = compare_runs(view, runs, known, None)
    return ComparisonSnapshot(view, runs, comparison, repr(comparison), tuple(gone))


def compare_runs(
    view: ComparisonView, runs: dict[int, RunDetail], known: ComparisonCache, store: Store | None
) -> Comparison:
    """With a store, this reads predictions and computes intervals; without, it only has those computed before."""
    return compare(
        list(runs.values()),
        split=view.split,
        baseline=view.baseline,
        predictions=store.scores.predictions if store else None,
        fold_seeds=view.folded,
        groups=view.groups,
        all_settings=view.all_settings,
        cache=known,
    )


def run_state(run: RunDetail) -> str:
    """The state of a run, with its epoch while it trains."""
    summary = run.row.summary
    return (
        f"{state_of(run.row)} {summary.epoch or 0}/{summary.epochs}" if run.status == "running" else state_of(run.row)
    )


def _existing(view: ComparisonView, runs: dict[int, RunDetail]) -> ComparisonView:
    """The view without runs, baseline and split that do not exist any more."""
    splits = {scores.split for run in runs.values() for scores in run.results}
    is_there = view.baseline is None or view.baseline == CONSTANT or int(view.baseline) in runs
    return replace(
        view,
        run_ids=tuple(runs),
        split=view.split if view.split in splits else None,
        baseline=view.baseline if is_there else str(next(iter(runs))),
    )
