"""Compares runs of a database, given by ids, names or filters, and finds the best setting among them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ageui.compare import CONSTANT, Comparison, compare
from ageui.compare.best import Best, best_first
from ageui.compare.comparison import MAE, Marking
from ageui.compare.seed_figures import Across
from ageui.planning.confirmation import judged_runs, repeats_to_queue, setting_of
from ageui.store import NewRun, RunDetail, Store
from engine.choices import REPORT_ATTRIBUTES
from engine.errors import ConfigError

if TYPE_CHECKING:
    from engine.data.manifest import Progress

_TO_CHOOSE_FROM = "status=done source=measured"


@dataclass(frozen=True)
class StoredComparison:
    """A comparison and its runs. `confirming` has the status of those that repeat a chosen setting by id, see
    `ageui.planning.confirmation`."""

    comparison: Comparison
    runs: list[RunDetail]
    confirming: Mapping[int, str] = field(default_factory=dict)


def compare_stored(
    store: Store,
    references: Sequence[str],
    *,
    split: str | None = None,
    baseline: str | None = None,
    fold_seeds: bool = False,
    fold_across: Collection[Across] = (),
    further: Sequence[str] = (),
    crossed: Sequence[str] = (),
    groups: bool = False,
    marking: Marking | None = None,
    tested: bool = True,
    best: Best | None = None,
    progress: "Progress" = lambda what, done, total: None,
) -> StoredComparison:
    """Compares the runs of RUN arguments, as `compare` does with the parameters of the same names.

    Parameters
    ----------
    store
        The database.
    references
        Ids, names and filters; with `best`, none means all runs that were trained.
    baseline
        A RUN argument that matches one run, or `constant`.
    tested
        Whether differences have intervals and tests, which need stored predictions.
    best
        A goal: seeds are folded, and only the rows that it asks about are left, the winner first.

    Raises
    ------
    ConfigError
        If a reference, the split, the baseline, a figure or the goal is wrong.
    """
    if not references and best is None:
        raise ConfigError("no runs to compare; name runs, or list them with: ageui ls")
    ids = dict.fromkeys(store.runs.find_all(references or [_TO_CHOOSE_FROM]))
    against = baseline if baseline in (None, CONSTANT) else str(store.runs.find_one(baseline))
    kept = [int(against)] if against not in (None, CONSTANT) else []
    runs = store.runs.details(list(ids | dict.fromkeys(kept)))
    confirming: Mapping[int, str] = {}
    if best is not None:
        judged = judged_runs(store, runs, kept, fold_across)
        runs, confirming = judged.runs, judged.confirming
        further = [*further, *(name for name in best.figures if name not in (MAE, *REPORT_ATTRIBUTES))]
    comparison = compare(
        runs,
        split=split,
        baseline=against,
        predictions=store.scores.predictions if tested or crossed else None,
        fold_seeds=fold_seeds or bool(fold_across) or best is not None,
        fold_across=fold_across,
        further=further,
        crossed=crossed,
        groups=groups,
        marking=marking,
        scored=store.scores.on_images,
        progress=progress,
    )
    if best is not None:
        comparison = best_first(comparison, best, confirming)
    return StoredComparison(comparison, runs, confirming)


def confirming_runs(store: Store, found: StoredComparison) -> list[NewRun]:
    """The runs to queue so that winner and baseline have seeds that chose nothing; empty if they are stored.

    Raises `ConfigError` if there is no winner, or if one of both cannot be trained again.
    """
    comparison = found.comparison
    if not comparison.winner:
        raise ConfigError("--confirm repeats the best setting, but no setting was found; change --where")
    new = repeats_to_queue(store, _alike(found, comparison.winner), found.confirming)
    for row in comparison.rows:
        if row.is_baseline and row.kind == "run" and row.runs != comparison.winner:
            # The baseline was not chosen by its figures, so all its seeds count.
            alike = _alike(found, row.runs)
            new += repeats_to_queue(store, alike, [run.id for run in alike])
    return new


def _alike(found: StoredComparison, row: Collection[int]) -> list[RunDetail]:
    """The runs of a row, then others of its setting: those under another revision of the recipe have their own row."""
    own = [run for run in found.runs if run.id in row]
    setting = setting_of(own[0])
    return [*own, *(run for run in found.runs if run.id not in row and setting_of(run) == setting)]
