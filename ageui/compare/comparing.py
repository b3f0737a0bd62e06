"""Runs side by side: MAE and biases, best figures, differences to a baseline, and what cannot be compared."""

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ageui.compare.comparison import CONSTANT, MAE, ComparedRow, Comparison, Group, Marking
from ageui.compare.comparison_cache import ComparisonCache
from ageui.compare.comparison_notes import (
    computed_apart,
    diverged,
    duplicates_in_train,
    luck_of_one_seed,
    no_better_than_constant,
    offer_to_fold,
    pretraining,
    unlike_machines,
    untested,
)
from ageui.compare.crossed_groups import CROSS, with_crossed
from ageui.compare.differences import Differences, with_differences
from ageui.compare.differing_settings import differing, settings_of
from ageui.compare.draft_rows import DraftRow, constant_draft, published_draft, run_draft
from ageui.compare.figure_names import better
from ageui.compare.folding import folded, left_out, unfolded, with_tests
from ageui.compare.ranking import fair_places, ranked
from ageui.compare.row_labels import row_labels
from ageui.compare.seed_figures import Across, figures_of, resolved, seed_variances, setting_key, settled_precisions
from ageui.compare.seed_variance import SeedVariance
from ageui.present.figures import number
from engine.choices import REPORT_ATTRIBUTES, SPLIT_PREFERENCE, SPLITS
from engine.errors import ConfigError
from engine.fairness import RESAMPLES
from engine.figure_forms import ATTRIBUTE_KINDS, figure_names
from engine.split_result import GroupResult

if TYPE_CHECKING:
    from ageui.compare.crossed_groups import LoadPredictions
    from ageui.compare.draft_rows import Columns
    from ageui.compare.seed_figures import LoadScored
    from ageui.store.records import RunDetail
    from ageui.store.score_records import SplitScores
    from engine.data.manifest import Progress


def compare(
    runs: "Sequence[RunDetail]",
    *,
    split: str | None = None,
    baseline: str | None = None,
    predictions: "LoadPredictions | None" = None,
    resamples: int = RESAMPLES,
    fold_seeds: bool = False,
    fold_across: Collection[Across] = (),
    further: Sequence[str] = (),
    crossed: Sequence[str] = (),
    groups: bool = False,
    all_settings: bool = False,
    marking: Marking | None = None,
    scored: "LoadScored | None" = None,
    cache: ComparisonCache | None = None,
    progress: "Progress" = lambda what, done, total: None,
) -> Comparison:
    """Compares runs on one split.

    Rows on other images than those of the baseline, or of most runs, stay in the comparison, marked and without best
    figures and differences.

    Parameters
    ----------
    runs
        Runs as the store returns them; repeated ones count once.
    split
        `train`, `valid`, `test`, or `DATA/SPLIT` of other data; by default the first of test, valid, train that all
        scored runs have.
    baseline
        The name or id of the run that others are compared with, or `constant`.
    predictions
        Returns the predictions of a run, given by its id, on a split, or None. Without predictions, differences have no
        intervals except those in the `cache`, and rows over seeds no tests.
    resamples
        Bootstrap resamples; 0 computes no intervals.
    fold_seeds
        Whether runs that differ only in their seed become one row of means; best is the lowest mean then, and
        differences are those of means, with tests of whether the settings differ (see `difference_test`).
    fold_across
        Further differences between runs of one row: in arithmetic, in the revision of the recipe.
    further
        Further figures by their names in `engine.figure_forms`, such as `cs5`. The suffix of a name, such as `signed`,
        stands for that figure of every attribute.
    crossed
        Attributes joined by `*`, such as `gender*ethnicity`, whose crossed groups give a further bias and the MAE of
        each group.
    groups
        Whether to add the MAE of every group.
    all_settings
        Whether rows show every config field instead of those that differ between rows.
    marking
        The correction for many tests, and the margin of equivalence; by default Holm's correction and no margin.
    scored
        Returns all scored runs on a split and images (a hash), to estimate seed variances from; by default the compared
        runs alone.
    cache
        Results of earlier comparisons with the same number of resamples; new ones are added.
    progress
        Called before each row over seeds and each figure that is tested, with what is done, how much, and of how much.

    Returns
    -------
    Comparison
        Its rows stand in the order of `runs`, constant predictors last.

    Raises
    ------
    ConfigError
        If no run is given, or if the split or the baseline does not exist.

    Examples
    --------
    Records need no database:

    >>> from types import SimpleNamespace
    >>> from ageui.store import SplitScores
    >>> from engine.split_result import SplitResult
    >>> def run(id, name, loss, mae):
    ...     result = SplitResult(4, mae, None, 0.0, (), None)
    ...     scores = SplitScores("test", "hash", "apparent", "faces", result)
    ...     return SimpleNamespace(
    ...         id=id, name=name, status="done", config={"loss": loss}, manifest=None, results=(scores,),
    ...         scores=lambda split: scores, row=SimpleNamespace(is_published=False, error=None), trainings={id},
    ...         attempts=(),
    ...     )
    >>> comparison = compare([run(1, "first", "mse", 6.5), run(2, "second", "mape", 6.0)], baseline="first")
    >>> comparison.settings
    ('loss',)
    >>> [(row.name, row.cells[0].value, row.cells[0].best) for row in comparison.rows]
    [('first', 6.5, False), ('second', 6.0, True)]
    >>> comparison.rows[1].cells[0].difference
    Difference(value=-0.5, interval=None, p_value=None, adjusted=None, equivalent=None)
    """
    runs = list({run.id: run for run in runs}.values())
    if not runs:
        raise ConfigError("no runs to compare; name runs, or list them with: ageui ls")
    cache, marking = cache or ComparisonCache(), marking or Marking()
    chosen, notes = _choose_split(runs, split)
    if crossed and chosen and predictions:
        runs = [with_crossed(run, chosen, crossed, predictions, resamples) for run in runs]
        notes += _uncrossed(runs, chosen, crossed)
    baseline_run = _baseline_run(runs, baseline)
    reference = _reference_scores(runs, chosen, baseline_run)
    main, columns = _columns(runs, chosen, reference, further, groups)
    drafts = [
        published_draft(run, columns)
        if run.row.is_published
        else run_draft(run, chosen, columns, reference, predictions)
        for run in runs
    ]
    drafts += _constant_drafts(drafts, columns, resamples, cache)
    if reference is not None:
        drafts = [_mark_other_groups(draft, reference, columns) for draft in drafts]
    if fold_seeds:
        drafts = folded(drafts, fold_across)
        for place, draft in enumerate(drafts):
            progress("testing means over seeds", place, len(drafts))
            drafts[place] = with_tests(draft, columns, resamples, cache)
    settings, drafts = _with_settings(drafts, all_settings)
    notes += [note for draft in drafts if (note := left_out(draft))]
    repeats = unfolded(drafts)
    notes += offer_to_fold(repeats)
    if fold_seeds:
        notes += computed_apart(drafts)
    against = _baseline_draft(drafts, baseline, baseline_run)
    found = Differences(drafts, 0, 0, [])
    if against is not None:
        seeds = _seed_variances(runs, chosen, reference, scored, cache)
        found = with_differences(drafts, against, columns, main, seeds, marking, resamples, cache, progress)
        notes += found.notes
    elif baseline is not None:
        why = "has only published figures" if baseline_run and baseline_run.row.is_published else "has no scores here"
        called = baseline_run.name if baseline_run else baseline
        notes.append(f"the baseline {called} {why}, so no differences are shown")
    rows, ranked_over = ranked(_mark_best([draft.row for draft in found.drafts], columns), tuple(columns), main)
    notes += duplicates_in_train(drafts) + diverged(drafts) + no_better_than_constant(rows) + luck_of_one_seed(rows)
    notes += untested(drafts) + pretraining(drafts) + unlike_machines(drafts)
    if any(row.n is not None and not row.comparable for row in rows):
        whose = f"those of {baseline_run.name}" if baseline_run else "those of most runs"
        notes.append(f"best figures and differences are among rows on the same images, {whose}")
    return Comparison(
        split=chosen,
        n=reference.result.n if reference else None,
        columns=tuple(columns),
        settings=settings,
        rows=tuple(rows),
        baseline=against.row.name if against else None,
        notes=tuple(notes),
        further=tuple(column for column, group in columns.items() if column not in main and not group),
        groups={column: group for column, group in columns.items() if group},
        folded=fold_seeds,
        ranked_over=ranked_over,
        marking=marking,
        tests=found.tests,
        further_tests=found.further_tests,
        is_foldable=bool(repeats),
        data=reference.data_name if reference else "",
    )


def _choose_split(runs: "Sequence[RunDetail]", split: str | None) -> tuple[str | None, list[str]]:
    """The split to compare on, None if no run was scored, and notes on the choice."""
    having = [{scores.split for scores in run.results} for run in runs if run.results]
    there = [name for name in SPLIT_PREFERENCE if any(name in splits for splits in having)]
    there += sorted({name for splits in having for name in splits if name not in there})
    if split is not None and split not in (*SPLITS, *there) and "/" not in split:
        raise ConfigError(f"unknown split {split!r}; choose one of {', '.join(SPLITS)}")
    if split is not None and there and split not in there:
        raise ConfigError(f"none of these runs has scores on {split}; choose one of {', '.join(there)}")
    if not there:
        return None, [] if all(run.row.is_published for run in runs) else ["none of these runs has scores yet"]
    if split is not None:
        return split, []
    common = [name for name in there if all(name in splits for splits in having)]
    if common:
        return common[0], []
    return there[0], [f"no split was scored by all runs: this is {there[0]}, choose another with --split"]


def _uncrossed(runs: "Sequence[RunDetail]", split: str, crossed: Sequence[str]) -> Iterator[str]:
    """A note on the scored runs without the crossed groups."""
    scored = [(run.name, scores.result) for run in runs if (scores := run.scores(split))]
    if lacking := [name for name, result in scored if any(result.bias(one) is None for one in crossed)]:
        yield f"crossed groups need stored predictions, which are missing for {', '.join(lacking)}"


def _columns(
    runs: "Sequence[RunDetail]",
    split: str | None,
    reference: "SplitScores | None",
    further: Sequence[str],
    groups: bool,
) -> "tuple[list[str], Columns]":
    """The main figures, which are MAE and the biases, the report's first; then all columns, where the further figures
    of an attribute follow its bias, and other further figures and groups follow all of these."""
    scored = [scores for run in runs if split and (scores := run.scores(split))]
    named = dict.fromkeys(bias.attribute for scores in scored for bias in scores.result.biases)
    reported = [name for name in REPORT_ATTRIBUTES if name in named or not scored]
    crossed = [name for name in named if CROSS in name]
    attributes = [*reported, *(name for name in named if name not in (*reported, *crossed))]
    of_attributes = [kind for kind in further if kind in ATTRIBUTE_KINDS] if scored else []
    columns: dict[str, Group | None] = {MAE: None}
    for attribute in (*attributes, *crossed):
        kinds = [f"{attribute}_{kind}" for kind in of_attributes]
        there = [name for name in kinds if any(scores.result.figure(name) for scores in scored)]
        columns |= dict.fromkeys((attribute, *there))
    alone = [name for name in further if name not in ATTRIBUTE_KINDS]
    for name in alone:
        if not any(scores.result.figure(name) for scores in scored):
            known = dict.fromkeys((*ATTRIBUTE_KINDS, *figure_names(attributes), MAE))
            raise ConfigError(f"unknown figure {name!r}; choose one of {', '.join(known)}")
    columns |= dict.fromkeys(alone)
    if reference is not None:
        for attribute in (*(attributes if groups else ()), *crossed):
            names = dict.fromkeys(group.group for one in scored for group in _groups(one, attribute))
            counts = {group.group: group.n for group in _groups(reference, attribute)}
            columns |= {f"{attribute} {name}": Group(attribute, name, counts.get(name)) for name in names}
    return [MAE, *attributes], columns


def _groups(scores: "SplitScores", attribute: str) -> tuple[GroupResult, ...]:
    bias = scores.result.bias(attribute)
    return bias.groups if bias else ()


def _with_settings(drafts: Sequence[DraftRow], all_settings: bool) -> tuple[tuple[str, ...], list[DraftRow]]:
    """The config fields to show, and the drafts with their values as text and with labels; rows over seeds are named by
    these."""
    precisions = {} if all_settings else settled_precisions([run for draft in drafts for run in draft.runs])
    texts = [settings_of([run.config | precisions.get(run.id, {}) for run in draft.runs]) for draft in drafts]
    computed = [settings_of([resolved(run.manifest) for run in draft.runs if run.manifest]) for draft in drafts]
    # A run that has not started leaves these open, which distinguishes it from no other.
    for name in differing([text for text in computed if text]):
        texts = [{**text, name: own[name]} if own else text for text, own in zip(texts, computed, strict=True)]
        if name == "arithmetic" and not all_settings:
            texts = [{key: value for key, value in text.items() if key != "precision"} for text in texts]
    of_runs = [text for text in texts if text]
    shown = tuple(dict.fromkeys(name for text in of_runs for name in text)) if all_settings else differing(of_runs)
    found = []
    for draft, text, label in zip(drafts, texts, row_labels([draft.row.name for draft in drafts], texts), strict=True):
        name = label if len(draft.runs) > 1 else draft.row.name
        settings = {name: text.get(name, "none") for name in shown if text}
        found.append(replace(draft, row=replace(draft.row, name=name, label=label, settings=settings)))
    return shown, found


def _baseline_run(runs: "Sequence[RunDetail]", baseline: str | None) -> "RunDetail | None":
    if baseline is None or baseline == CONSTANT:
        return None
    found = next((run for run in runs if baseline == str(run.id)), None)
    found = found or next((run for run in runs if baseline == run.name), None)
    if found is None:
        names = ", ".join(run.name for run in runs)
        raise ConfigError(
            f"the baseline {baseline!r} is none of the runs compared; choose {CONSTANT} or one of {names}"
        )
    return found


def _reference_scores(
    runs: "Sequence[RunDetail]", split: str | None, baseline: "RunDetail | None"
) -> "SplitScores | None":
    """The scores whose images decide what is comparable: those of the baseline, else those that most runs share."""
    if split is None:
        return None
    if baseline is not None and (own := baseline.scores(split)):
        return own
    found = [scores for run in runs if (scores := run.scores(split))]
    if not found:
        return None
    ((most, _),) = Counter(scores.images for scores in found).most_common(1)
    return next(scores for scores in found if scores.images == most)


def _seed_variances(
    runs: "Sequence[RunDetail]",
    split: str | None,
    reference: "SplitScores | None",
    scored: "LoadScored | None",
    cache: ComparisonCache,
) -> Mapping[str, SeedVariance]:
    """The seed variances of all figures on the images of the reference, from `scored`, the cache, or the runs."""
    if split is None or reference is None:
        return {}
    if scored is not None:
        found = ((setting_key(one.config, one.manifest), one.figures) for one in scored(split, reference.images))
        cache.seeds[reference.images] = seed_variances(found)
    if reference.images in cache.seeds:
        return cache.seeds[reference.images]
    own = [(run, scores) for run in runs if (scores := run.scores(split)) and scores.images == reference.images]
    return seed_variances((setting_key(run.config, run.manifest), figures_of(scores.result)) for run, scores in own)


def _constant_drafts(
    drafts: Sequence[DraftRow], columns: "Columns", resamples: int, cache: ComparisonCache
) -> list[DraftRow]:
    """A draft per distinct constant predictor (the train mean of a data set), comparable ones first."""
    distinct: dict[tuple[str, float, tuple[tuple[str, ...], ...]], DraftRow] = {}
    for draft in drafts:
        if draft.scores and draft.scores.result.baseline:
            key = (draft.scores.images, draft.scores.result.baseline.age, tuple(draft.groups.values()))
            distinct.setdefault(key, draft)
    made = [constant_draft(draft, columns, resamples, cache) for draft in distinct.values()]
    return sorted((draft for draft in made if draft), key=lambda draft: not draft.row.comparable)


def _mark_other_groups(draft: DraftRow, reference: "SplitScores", columns: "Columns") -> DraftRow:
    """Excludes biases over other groups than those of the reference, such as other age edges, from the comparison."""
    expected = {bias.attribute: tuple(group.group for group in bias.groups) for bias in reference.result.biases}
    cells = list(draft.row.cells)
    for place, column in enumerate(columns):
        groups = draft.groups.get(column)
        if groups is not None and column in expected and groups != expected[column]:
            reason = f"over the groups {' '.join(groups)}, the others over {' '.join(expected[column])}"
            cells[place] = replace(cells[place], comparable=False, reason=cells[place].reason or reason)
    return replace(draft, row=replace(draft.row, cells=tuple(cells)))


def _baseline_draft(
    drafts: Sequence[DraftRow], baseline: str | None, baseline_run: "RunDetail | None"
) -> DraftRow | None:
    """The draft that differences are to, None without a baseline or without its scores."""
    if baseline is None:
        return None
    if baseline_run is None:
        return next((draft for draft in drafts if draft.row.kind == "constant" and draft.row.comparable), None)
    return next((draft for draft in drafts if baseline_run.id in draft.row.runs and draft.scores), None)


def _mark_best(rows: Sequence[ComparedRow], columns: "Columns") -> list[ComparedRow]:
    """Marks the best figure of each column among comparable runs, and those printed the same; a single run is never
    best.

    Scores on images that chose their weights are too good: they are best only if all runs have such scores.
    """
    cells = [list(row.cells) for row in rows]
    competing = fair_places(rows)
    for place, column in enumerate(columns):
        values = {
            index: value
            for index in competing
            if rows[index].cells[place].comparable
            and (value := rows[index].cells[place].value) is not None
            and not math.isnan(value)
        }
        if len(values) > 1 and (direction := better(column)):
            printed = {index: number(value, cells[index][place].unit) for index, value in values.items()}
            best = (min if direction == "low" else max)(values, key=values.__getitem__)
            for index, text in printed.items():
                cells[index][place] = replace(cells[index][place], best=text == printed[best])
    return [replace(row, cells=tuple(own)) for row, own in zip(rows, cells, strict=True)]
