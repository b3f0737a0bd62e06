"""Runs side by side: MAE and biases, what is best, what differs from a baseline, and what cannot be compared."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ageui.compare.comparison import CONSTANT, MAE, Comparison, Group, Row
from ageui.compare.comparison_cache import Known
from ageui.compare.differences import with_differences
from ageui.compare.differing_settings import differing, settings_of
from ageui.compare.draft_rows import Entry, constant_entry, published_entry, run_entry
from ageui.compare.folding import folded, left_out
from ageui.compare.ranking import ranked
from engine.choices import REPORT_ATTRIBUTES, SPLIT_PREFERENCE, SPLITS
from engine.errors import ConfigError
from engine.fairness import RESAMPLES, GroupResult

if TYPE_CHECKING:
    from ageui.compare.draft_rows import Columns
    from ageui.compare.image_errors import LoadPredictions
    from ageui.store.records import RunDetail, SplitScores


def compare(
    runs: "Sequence[RunDetail]",
    *,
    split: str | None = None,
    baseline: str | None = None,
    predictions: "LoadPredictions | None" = None,
    resamples: int = RESAMPLES,
    fold_seeds: bool = False,
    groups: bool = False,
    all_settings: bool = False,
    known: Known | None = None,
) -> Comparison:
    """Sets runs side by side on one split: the one given, else the first of test, valid, train that all scored have.

    `baseline` is the name or id of one of the runs, or `constant`. `predictions(run id, split)` loads what the paired
    bootstrap needs; without it differences have no interval but those `known` from before, nor has the MAE of a group.
    Rows on other images than the baseline's (else than most runs') are kept, marked, and left out of all comparing.

    With `fold_seeds` runs that differ in their seed alone are one row of means; best is the lowest mean, and a
    difference is one of means (see `folding` and `seeds`). With `groups` the MAE of every group is a figure too, and
    with `all_settings` rows have every config field. Raises `ConfigError` for a split or baseline that is not there.
    """
    runs = list({run.id: run for run in runs}.values())
    if not runs:
        raise ConfigError("there are no runs to compare; name some, or see ageui ls")
    known = Known() if known is None else known
    chosen, notes = _choose_split(runs, split)
    baseline_run = _baseline_run(runs, baseline)
    reference = _reference_scores(runs, chosen, baseline_run)
    columns = _columns(runs, chosen, reference, groups)
    entries = [
        published_entry(run, columns)
        if run.row.is_published
        else run_entry(
            run,
            chosen,
            columns,
            reference,
            predictions(run.id, chosen) if predictions and chosen else None,
            resamples,
            known,
        )
        for run in runs
    ]
    entries += _constant_entries(entries, columns, resamples, known)
    if reference is not None:
        entries = [_mark_other_groups(entry, reference, columns) for entry in entries]
    if fold_seeds:
        entries = folded(entries)
        notes += [note for entry in entries if (note := left_out(entry))]
    settings, entries = _with_settings(entries, all_settings)
    against = _baseline_entry(entries, baseline, baseline_run)
    if against is not None:
        entries = with_differences(entries, against, columns, resamples, known)
    elif baseline is not None:
        why = "is published figures" if baseline_run and baseline_run.row.is_published else "has no scores here"
        called = baseline_run.name if baseline_run else baseline
        notes.append(f"the baseline {called} {why}: there are no differences")
    rows, ranked_over = ranked(
        _mark_best([entry.row for entry in entries]), [name for name, group in columns.items() if group is None]
    )
    notes += _no_better_than_constant(rows) + _luck_of_one_seed(rows)
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
        groups={column: group for column, group in columns.items() if group},
        folded=fold_seeds,
        ranked_over=ranked_over,
    )


def _choose_split(runs: "Sequence[RunDetail]", split: str | None) -> tuple[str | None, list[str]]:
    """The split to compare on, None where no run was scored; and what there is to say about the choice."""
    having = [{scores.split for scores in run.results} for run in runs if run.results]
    there = [name for name in SPLIT_PREFERENCE if any(name in splits for splits in having)]
    if split is not None and split not in SPLITS:
        raise ConfigError(f"there is no split {split!r}; choose one of {', '.join(SPLITS)}")
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


def _columns(
    runs: "Sequence[RunDetail]", split: str | None, reference: "SplitScores | None", groups: bool
) -> "Columns":
    """MAE, the report's attributes that were measured, then any others in the order they come; then their groups."""
    scored = [scores for run in runs if split and (scores := run.scores(split))]
    named = dict.fromkeys(bias.attribute for scores in scored for bias in scores.result.biases)
    known = [name for name in REPORT_ATTRIBUTES if name in named or not scored]
    attributes = [*known, *(name for name in named if name not in known)]
    columns: dict[str, Group | None] = dict.fromkeys((MAE, *attributes))
    if groups and reference is not None:
        for attribute in attributes:
            names = dict.fromkeys(group.group for one in scored for group in _groups(one, attribute))
            counts = {group.group: group.n for group in _groups(reference, attribute)}
            columns |= {f"{attribute} {name}": Group(attribute, name, counts.get(name)) for name in names}
    return columns


def _groups(scores: "SplitScores", attribute: str) -> tuple[GroupResult, ...]:
    bias = scores.result.bias(attribute)
    return bias.groups if bias else ()


def _with_settings(entries: Sequence[Entry], all_settings: bool) -> tuple[tuple[str, ...], list[Entry]]:
    """The config fields to show, and the entries with their text."""
    texts = [settings_of([run.config for run in entry.runs]) for entry in entries]
    of_runs = [text for text in texts if text]
    shown = tuple(dict.fromkeys(name for text in of_runs for name in text)) if all_settings else differing(of_runs)
    return shown, [
        replace(entry, row=replace(entry.row, settings={name: text.get(name, "none") for name in shown if text}))
        for entry, text in zip(entries, texts, strict=True)
    ]


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
    """The scores whose images decide what is comparable: the baseline's, else those that most runs share."""
    if split is None:
        return None
    if baseline is not None and (own := baseline.scores(split)):
        return own
    found = [scores for run in runs if (scores := run.scores(split))]
    if not found:
        return None
    ((most, _),) = Counter(scores.images for scores in found).most_common(1)
    return next(scores for scores in found if scores.images == most)


def _constant_entries(entries: Sequence[Entry], columns: "Columns", resamples: int, known: Known) -> list[Entry]:
    """One entry for every different constant predictor (the train mean of a data set), the comparable ones first."""
    distinct: dict[tuple[str, float, tuple[tuple[str, ...], ...]], Entry] = {}
    for entry in entries:
        if entry.scores and entry.scores.result.baseline:
            key = (entry.scores.images, entry.scores.result.baseline.age, tuple(entry.groups.values()))
            distinct.setdefault(key, entry)
    made = [constant_entry(entry, columns, resamples, known) for entry in distinct.values()]
    return sorted((entry for entry in made if entry), key=lambda entry: not entry.row.comparable)


def _mark_other_groups(entry: Entry, reference: "SplitScores", columns: "Columns") -> Entry:
    """Takes biases over other groups than the reference's (other age edges, say) out of the comparison."""
    expected = {bias.attribute: tuple(group.group for group in bias.groups) for bias in reference.result.biases}
    cells = list(entry.row.cells)
    for place, column in enumerate(columns):
        groups = entry.groups.get(column)
        if groups is not None and column in expected and groups != expected[column]:
            reason = f"over the groups {' '.join(groups)}, the others over {' '.join(expected[column])}"
            cells[place] = replace(cells[place], comparable=False, reason=cells[place].reason or reason)
    return replace(entry, row=replace(entry.row, cells=tuple(cells)))


def _baseline_entry(entries: Sequence[Entry], baseline: str | None, baseline_run: "RunDetail | None") -> Entry | None:
    """The entry that others are set against, None where there is no baseline or it has no scores."""
    if baseline is None:
        return None
    if baseline_run is None:
        return next((entry for entry in entries if entry.row.kind == "constant" and entry.row.comparable), None)
    return next((entry for entry in entries if baseline_run.id in entry.row.runs and entry.scores), None)


def _no_better_than_constant(rows: Sequence[Row]) -> list[str]:
    """Names the runs that a predictor which always says one age would equal or beat on MAE."""
    comparable = [row for row in rows if row.comparable]
    constants = [row.cells[0].value for row in comparable if row.kind == "constant"]
    lowest = min((value for value in constants if value is not None), default=math.inf)
    names = [row.name for row in comparable if row.kind == "run" and not (row.cells[0].value or 0.0) < lowest]
    return [f"no better than the constant predictor on MAE: {', '.join(names)}"] if names else []


def _luck_of_one_seed(rows: Sequence[Row]) -> list[str]:
    """Says it where the best of a figure is a single run that was set against means over seeds."""
    comparable = [row for row in rows if row.kind == "run" and row.comparable]
    names = [row.name for row in comparable if len(row.runs) == 1 and any(cell.best for cell in row.cells)]
    if not names or all(len(row.runs) == 1 for row in comparable):
        return []
    return [f"a single run may be best by the luck of its seed, means over seeds less so: {', '.join(names)}"]


def _mark_best(rows: Sequence[Row]) -> list[Row]:
    """Marks the lowest figure of each column, and all that equal it, among comparable runs; one alone is no best."""
    cells = [list(row.cells) for row in rows]
    for place in range(len(rows[0].cells)):
        running = {
            index: value
            for index, row in enumerate(rows)
            if row.kind == "run" and row.comparable and row.cells[place].comparable
            if (value := row.cells[place].value) is not None and not math.isnan(value)
        }
        if len(running) > 1:
            lowest = min(running.values())
            for index, value in running.items():
                cells[index][place] = replace(cells[index][place], best=value == lowest)
    return [replace(row, cells=tuple(own)) for row, own in zip(rows, cells, strict=True)]
