"""What the screen of compared runs asks for, and what is found: all at once without a bootstrap, the rest with one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ageui.compare import CONSTANT, Comparison, compare
from ageui.compare.comparison_cache import Known
from ageui.store import ENDED, RunDetail, Store
from ageui.text.states import state_of
from engine.errors import ConfigError

MOST_COMPARED = 150
"""Runs, each of which is a column where seeds are not folded: two of the report's tables at five seeds are 130."""


@dataclass(frozen=True)
class View:
    """What is asked for. `split` None is the best one that all runs have, `baseline` an id, `constant` or None."""

    run_ids: tuple[int, ...]
    split: str | None = None
    baseline: str | None = None
    folded: bool = True
    groups: bool = True
    group_intervals: bool = False
    all_settings: bool = False


@dataclass(frozen=True, eq=False)
class Found:
    """The runs that are there, by id, and their comparison as far as it is known without a bootstrap.

    Comparisons with the same `signature` say the same. `gone` says of runs that are not there, and `view` is what was
    asked for without them.
    """

    view: View
    runs: dict[int, RunDetail]
    comparison: Comparison
    signature: str
    gone: tuple[str, ...]


def look(store: Store, view: View, known: Known, before: Mapping[int, RunDetail]) -> Found:
    """Reads the runs and compares what is stored of them. Of those that were read `before`, ended ones are read anew
    only where their rows changed. Raises `ConfigError` where none of the runs is there.
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
    view = _possible(view, runs)
    comparison = compared(view, runs, known, None)
    return Found(view, runs, comparison, repr(comparison), tuple(gone))


def compared(view: View, runs: dict[int, RunDetail], known: Known, store: Store | None) -> Comparison:
    """With a store, predictions are read and intervals computed; without, intervals known from before are there."""
    return compare(
        list(runs.values()),
        split=view.split,
        baseline=view.baseline,
        predictions=store.scores.predictions if store else None,
        fold_seeds=view.folded,
        groups=view.groups,
        all_settings=view.all_settings,
        known=known,
    )


def state_of_run(run: RunDetail) -> str:
    """How far a run is, in a few words."""
    summary = run.row.summary
    return (
        f"{state_of(run.row)} {summary.epoch or 0}/{summary.epochs}" if run.status == "running" else state_of(run.row)
    )


def _possible(view: View, runs: dict[int, RunDetail]) -> View:
    """The view without what is not there any more: runs, the baseline's run, a split that no run has."""
    splits = {scores.split for run in runs.values() for scores in run.results}
    is_there = view.baseline is None or view.baseline == CONSTANT or int(view.baseline) in runs
    return replace(
        view,
        run_ids=tuple(runs),
        split=view.split if view.split in splits else None,
        baseline=view.baseline if is_there else str(next(iter(runs))),
    )
