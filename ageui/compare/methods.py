"""The methods paragraph of a paper about a comparison, which describes only the computations that were made."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import ageui
from ageui.compare.comparison import ComparedRow, Comparison
from ageui.compare.differences import EQUIVALENCE
from ageui.compare.differing_settings import setting
from ageui.compare.figure_names import SELECTED
from ageui.compare.many_tests import CORRECTIONS
from ageui.compare.measures import is_main
from ageui.compare.paper_table import seeds_of
from ageui.present.formats import refuse_format
from ageui.present.markdown import escaped
from ageui.present.table import Cell, Difference
from ageui.text.clean import clean
from ageui.text.sentences import counted
from engine.fairness import CONFIDENCE, RESAMPLES, STATISTICS
from engine.gap_test import SMALLEST_GROUP
from engine.split_result import LEVEL

if TYPE_CHECKING:
    from ageui.store.records import RunDetail
    from ageui.store.score_records import SplitScores

METHODS_FORMATS = ("txt", "md")
_SHARED = (
    "backbone", "init", "crop", "size", "head", "strategy", "epochs", "loss", "weights", "augment", "optimizer", "lr",
    "batch", "patience", "keep", "precision",
)  # fmt: skip
_PERCENT = f"{CONFIDENCE:.0%}"


def methods_text(comparison: Comparison, runs: "Sequence[RunDetail]", format: str = "txt") -> str:
    """The paragraph, ending in a line feed.

    Parameters
    ----------
    comparison
        The result of `compare`.
    runs
        The runs that were compared.
    format
        `txt`, or `md` with markup escaped.

    Raises
    ------
    ConfigError
        If the format is unknown.
    """
    refuse_format(format, METHODS_FORMATS)
    text = clean(" ".join(_sentences(comparison, runs)))
    return f"{escaped(text) if format == 'md' else text}\n"


def _sentences(comparison: Comparison, runs: "Sequence[RunDetail]") -> Iterator[str]:
    rows = [row for row in comparison.rows if row.kind == "run" and row.comparable and seeds_of(row)]
    ids = {run_id for row in rows for run_id in row.runs}
    measured = [
        (run, scores)
        for run in runs
        if run.id in ids and comparison.split is not None and (scores := run.scores(comparison.split)) is not None
    ]
    if not measured:
        yield "No run of this comparison has scores."
        yield from _others(comparison)
        return
    trained = [run for run, _ in measured]
    yield from _data(comparison, measured)
    yield from _settings(rows, trained)
    yield from _seeds(comparison, rows, trained)
    yield from _left_out(comparison.split or "", runs)
    yield from _scores(comparison, rows, [scores for _, scores in measured])
    yield from _differences(comparison)
    yield from _others(comparison)
    yield from _versions(trained, [scores for _, scores in measured])


def _data(comparison: Comparison, measured: "Sequence[tuple[RunDetail, SplitScores]]") -> Iterator[str]:
    names = _listed(str(run.data_spec["name"]) for run, _ in measured)
    hashes = list(dict.fromkeys(run.data_hash for run, _ in measured if run.data_hash))
    known = f" (content hash {', '.join(hashes)})" if hashes else ""
    yield f"{_counted_runs(len(measured))} trained on {names}{known}."
    targets = _listed(scores.target for _, scores in measured)
    split = comparison.split if comparison.split and "/" in comparison.split else f"{comparison.split} split"
    yield f"Scores are those of {counted(comparison.n or 0, 'face')} of the {split}, against their {targets} ages."
    selected = [row.name for row in comparison.rows if row.is_selected and row.comparable]
    if selected:
        whose = "" if not comparison.has_unselected else f" of {', '.join(selected)}"
        yield f"The scores{whose} are selected: {SELECTED}."


def _settings(rows: Sequence[ComparedRow], runs: "Sequence[RunDetail]") -> Iterator[str]:
    values = {name: list(dict.fromkeys(row.settings[name] for row in rows)) for name in rows[0].settings}
    differing = {name: texts for name, texts in values.items() if len(texts) > 1 and name != "seed"}
    if differing:
        told = "; ".join(f"{name} ({', '.join(_without_folders(texts))})" for name, texts in differing.items())
        yield f"They differ in {told}."
    of_runs = {name: {setting(run.config, name) for run in runs if name in run.config} for name in _SHARED}
    shared = [f"{name} {_without_folders([*texts])[0]}" for name, texts in of_runs.items() if len(texts) == 1]
    if shared:
        yield f"{'They share' if len(runs) > 1 else 'Its settings are'} {', '.join(shared)}."


def _without_folders(texts: Sequence[str]) -> Sequence[str]:
    """The texts, with files by their names alone where these differ: a folder says nothing to readers."""
    names = [text.rsplit("/", 1)[-1] for text in texts]
    return names if len(set(names)) == len(names) else texts


def _seeds(comparison: Comparison, rows: Sequence[ComparedRow], runs: "Sequence[RunDetail]") -> Iterator[str]:
    counts = [seeds_of(row) for row in rows]
    low, high = min(counts), max(counts)
    seeds = ", ".join(map(str, sorted({int(run.config.get("seed", 0)) for run in runs})))
    named = f"{'seed' if len(seeds.split(', ')) == 1 else 'seeds'} {seeds}"
    if not comparison.folded or high == 1:
        yield f"Each row is a single run ({named})."
        return
    many = counted(high, "seed") if low == high else f"{low} to {high} seeds"
    yield (
        f"Each setting was trained with {many} ({named}); figures over several seeds are means, "
        "± their sample standard deviation."
    )


def _left_out(split: str, runs: "Sequence[RunDetail]") -> Iterator[str]:
    """Runs without scores, which may be those that went wrong."""
    states = Counter(run.status for run in runs if not run.row.is_published and run.scores(split) is None)
    if states:
        count, said = states.total(), ", ".join(f"{count} {state}" for state, count in states.items())
        yield f"{counted(count, 'run')} without scores on this split ({said}) {'is' if count == 1 else 'are'} left out."


def _scores(comparison: Comparison, rows: Sequence[ComparedRow], scores: "Sequence[SplitScores]") -> Iterator[str]:
    yield (
        "MAE is the mean absolute error in years. The bias of an attribute is the mean, over all pairs of its groups, "
        "of the absolute difference between the MAE of the two groups, in years."
    )
    places = [place for place, name in enumerate(comparison.columns) if is_main(comparison, name)]
    cells = [row.cells[place] for row in rows for place in places]
    if any(one.is_stale for one in scores):
        if any(cell.interval is not None or cell.p_value is not None for cell in cells):
            yield "Some intervals and tests of figures are those of an earlier revision of the statistics."
        return
    if any(row.cells[0].interval is not None for row in rows):
        yield (
            f"The {_PERCENT} interval of an MAE is a bootstrap-t interval from {RESAMPLES:,} bootstrap "
            "resamples of the images, or of the persons where the data names them."
        )
    biases = [row.cells[place] for row in rows for place in places[1:]]
    if any(cell.interval is not None for cell in biases):
        yield (
            f"The {_PERCENT} interval of a bias reaches up to the percentile of a bootstrap inside each group, and "
            "down to the smallest bias that neither a permutation test nor that bootstrap rejects."
        )
    if any(cell.p_value is not None for cell in cells):
        yield from _noise(cells)


def _noise(cells: Sequence[Cell]) -> Iterator[str]:
    """The sentences on the tests behind ~."""
    yield (
        "Whether a bias can be told from none (~ where it cannot) was decided by a permutation test of Welch's "
        f"statistic over the groups with at least {RESAMPLES:,} shuffles, at p > {LEVEL:g} and without correction; "
        f"attributes with a group of fewer than {SMALLEST_GROUP} are not tested."
    )
    if any(cell.p_value is not None and cell.spread is not None for cell in cells):
        yield "For means over seeds it used the error of each image averaged over the seeds."


def _differences(comparison: Comparison) -> Iterator[str]:
    found = [cell.difference for row in comparison.rows for cell in row.cells if cell.difference is not None]
    if not found:
        return
    yield f'Differences are to the row "{comparison.baseline}".'
    if any(one.interval is not None and one.p_value is None for one in found):
        yield (
            f"The {_PERCENT} interval of a difference between two single runs, or a run and the constant predictor, "
            f"comes from a paired bootstrap with {RESAMPLES:,} resamples, and does not cover seeds."
        )
    if comparison.tests or comparison.further_tests:
        yield from _tests(comparison, found)
    else:
        yield "Whether settings differ was not tested."


def _tests(comparison: Comparison, found: Sequence[Difference]) -> Iterator[str]:
    """The sentences on the tests behind ✔ and ≈."""
    families = [f"the {counted(comparison.tests, 'test')} of MAE and biases"] if comparison.tests else []
    if comparison.further_tests:
        families.append(f"the {counted(comparison.further_tests, 'test')} of further figures")
    correction = CORRECTIONS[comparison.marking.correction]
    apart = ", each family by itself" if len(families) > 1 and comparison.marking.correction != "none" else ""
    yield (
        "Whether settings differ (✔) was tested, two-sided, over seeds and images: the variance over images comes from "
        f"a paired bootstrap with {RESAMPLES:,} resamples, that over seeds is moderated towards the variance which "
        "repeated settings have in common, and both are combined in a t distribution. "
        f"The level is {LEVEL:g}, with {correction} for {' and '.join(families)}{apart}."
    )
    margin = comparison.marking.margin
    if margin is not None and any(one.equivalent is not None for one in found):
        yield (
            f"Settings count as equivalent (≈) within ±{margin:g} years if the {EQUIVALENCE:.0%} interval of their "
            "difference lies inside, without correction."
        )


def _others(comparison: Comparison) -> Iterator[str]:
    """Rows besides runs, and what stands beside figures."""
    kinds = [row.kind for row in comparison.rows]
    if "constant" in kinds:
        yield "The constant predictor always says the mean age of the training images."
    if published := [row.status for row in comparison.rows if row.kind == "published"]:
        verb = "holds" if len(published) == 1 else "hold"
        origins = " and ".join(dict.fromkeys(published))
        yield f"{counted(len(published), 'row')} (◆) {verb} {origins} figures, which were not measured here."
    if apart := sum(row.is_apart for row in comparison.rows):
        yield f"{counted(apart, 'row')} with scores of other images {'is' if apart == 1 else 'are'} set apart (≠)."
    if comparison.ranked_over:
        yield "Average ranks and the Pareto front (◇) ignore chance."


def _versions(runs: "Sequence[RunDetail]", scores: "Sequence[SplitScores]") -> Iterator[str]:
    known = [versions for run in runs if (versions := (run.manifest or {}).get("versions"))]
    used = [
        f"{name} {_listed(texts)}"
        for name in ("ageui", "torch")
        if (texts := [str(own[name]) for own in known if name in own])
    ]
    if used:
        unknown = f" ({counted(len(runs) - len(known), 'run')} without a record)" if len(known) < len(runs) else ""
        subject = "The run was" if len(runs) == 1 else "Runs were"
        yield f"{subject} trained with {' and '.join(used)}{unknown}."
    revisions = _listed(str(one.statistics) for one in sorted(scores, key=lambda one: one.statistics))
    yield (
        f"Scores have revision {revisions} of ageui's statistics; this comparison was made with ageui "
        f"{ageui.__version__} (revision {STATISTICS})."
    )


def _counted_runs(count: int) -> str:
    return "One run was" if count == 1 else f"{count:,} runs were"


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(texts))
