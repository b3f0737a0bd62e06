"""Reads and compares the runs of the comparison screen, with or without a bootstrap."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

from ageui.compare import CONSTANT, Comparison, compare
from ageui.compare.comparison_cache import ComparisonCache
from ageui.store import ENDED, RunDetail, Store
from ageui.text.states import state_of
from engine.choices import SPLIT_PREFERENCE
from engine.errors import ConfigError
from engine.figure_forms import ATTRIBUTE_KINDS, OVERALL_FIGURES

Further = Literal["signed gaps", "all", "none"]
"""The choice of further figures below MAE and biases."""


@dataclass(frozen=True)
class ComparisonView:
    """The compared runs and the options of the comparison. A `split` of None means the best split of all runs;
    `baseline` is an id, `constant` or None."""

    run_ids: tuple[int, ...]
    split: str | None = None
    baseline: str | None = None
    folded: bool = True
    further: Further = "signed gaps"
    groups: bool = True
    group_intervals: bool = False
    all_settings: bool = False


@dataclass(frozen=True, eq=False)
class ComparisonSnapshot:
    """The existing runs by id, and their comparison without a new bootstrap.

    Equal comparisons have the same `signature`. `gone` has a sentence about each missing run; `view` omits these runs.
    """

    view: ComparisonView
    runs: dict[int, RunDetail]
    comparison: Comparison
    signature: str
    gone: tuple[str, ...]

    @property
    def splits(self) -> list[str]:
        """The splits with scores, the preferred one first."""
        there = {scores.split for run in self.runs.values() for scores in run.results}
        return [split for split in SPLIT_PREFERENCE if split in there]

    def is_same(self, other: "ComparisonSnapshot") -> bool:
        """Whether another snapshot shows the same."""
        same_runs = self.runs.keys() == other.runs.keys() and all(
            run is other.runs[id] for id, run in self.runs.items()
        )
        return same_runs and (self.view, self.signature, self.gone) == (other.view, other.signature, other.gone)


def read_comparison(
    store: Store, view: ComparisonView, known: ComparisonCache, before: Mapping[int, RunDetail]
) -> ComparisonSnapshot:
    """Reads the runs and compares their stored scores. Reuses ended runs from `before` if their rows are unchanged.

    Raises `ConfigError` if none of the runs exists.
    """
    rows = store.runs.get_many(view.run_ids)
    runs: dict[int, RunDetail] = {}
    gone = []
    for run_id in view.run_ids:
        kept, row = before.get(run_id), rows.get(run_id)
        is_final = row is not None and row.status in ENDED
        if kept is not None and is_final and kept.row == row and not any(scores.is_stale for scores in kept.results):
            runs[run_id] = kept
            continue
        try:
            runs[run_id] = store.runs.detail(run_id)
        except ConfigError as error:
            gone.append(str(error))
    if not runs:
        raise ConfigError(gone[0] if gone else "no runs to compare")
    view = _existing(view, runs)
    comparison = compare_runs(view, runs, known, None)
    return ComparisonSnapshot(view, runs, comparison, repr(comparison), tuple(gone))


def compare_runs(
    view: ComparisonView, runs: dict[int, RunDetail], known: ComparisonCache, store: Store | None
) -> Comparison:
    """Compares runs. With a store, computes intervals from predictions; without, only uses `known` ones."""
    return compare(
        list(runs.values()),
        split=view.split,
        baseline=view.baseline,
        predictions=store.scores.predictions if store else None,
        fold_seeds=view.folded,
        further=_further(view.further, runs.values()),
        groups=view.groups,
        all_settings=view.all_settings,
        scored=store.scores.on_images if store else None,
        cache=known,
    )


def _further(shown: Further, runs: Collection[RunDetail]) -> list[str]:
    """The names of further figures, those of all images only if a run has them."""
    if shown != "all":
        return ["signed"] if shown == "signed gaps" else []
    there = {name for run in runs for scores in run.results for name in scores.result.others}
    return [*ATTRIBUTE_KINDS, *(name for name in OVERALL_FIGURES if name in there and name not in ATTRIBUTE_KINDS)]


def next_baseline(view: ComparisonView, comparison: Comparison) -> str | None:
    """The baseline after that of the view: each scored row, the constant, none."""
    rows = comparison.rows
    choices: list[str | None] = [str(row.runs[0]) for row in rows if row.runs and row.n is not None]
    choices += [CONSTANT] if any(not row.runs for row in rows) else []
    choices.append(None)
    # Any run of a row over seeds may be the baseline.
    own = next((str(row.runs[0]) for row in rows if str(view.baseline) in map(str, row.runs)), view.baseline)
    now = choices.index(own) if own in choices else -1
    return choices[(now + 1) % len(choices)]


def with_next_further(view: ComparisonView) -> ComparisonView:
    """The view with the next further figures: signed gaps, all, none."""
    shown: tuple[Further, ...] = get_args(Further)
    return replace(view, further=shown[(shown.index(view.further) + 1) % len(shown)])


def with_next_groups(view: ComparisonView) -> ComparisonView:
    """The view with the next groups: groups, groups with intervals, no groups."""
    has_both = view.groups and view.group_intervals
    return replace(view, groups=not has_both, group_intervals=view.groups and not view.group_intervals)


def run_state(run: RunDetail) -> str:
    """The state of a run, and its epoch while it trains."""
    summary = run.row.summary
    return (
        f"{state_of(run.row)} {summary.epoch or 0}/{summary.epochs}" if run.status == "running" else state_of(run.row)
    )


def _existing(view: ComparisonView, runs: dict[int, RunDetail]) -> ComparisonView:
    """Removes missing runs, baseline and split from the view. Published runs are the baseline only of one another."""
    splits = {scores.split for run in runs.values() for scores in run.results}
    measured = [str(run.id) for run in runs.values() if not run.row.is_published]
    fit = {CONSTANT, None, *(measured or map(str, runs))}
    return replace(
        view,
        run_ids=tuple(runs),
        split=view.split if view.split in splits else None,
        baseline=view.baseline if view.baseline in fit else next(iter(measured), str(next(iter(runs)))),
    )
