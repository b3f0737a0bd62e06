"""Remarks on a comparison as a whole."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

from ageui.compare.comparison import ComparedRow
from ageui.compare.draft_rows import DraftRow
from ageui.compare.seed_figures import Across, setting_key
from ageui.present.marks import NOISE
from ageui.text.duplicates import ENDING, duplicates_line
from ageui.text.sentences import counted
from ageui.text.states import diverged_text
from engine.short_text import FEW, short_list

if TYPE_CHECKING:
    from ageui.store.records import RunDetail


def offer_to_fold(repeats: Sequence[Sequence[DraftRow]]) -> list[str]:
    """A note on rows that differ only in their seed."""
    names = [" and ".join(draft.row.name for draft in alike[:2]) for alike in repeats]
    if not names:
        return []
    which = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more settings"
    return [f"rows that differ only in their seed are not compared with each other ({which}); fold the seeds"]


def computed_apart(drafts: Sequence[DraftRow]) -> list[str]:
    """A note on rows that differ only in their arithmetic or recipe."""
    found: dict[str, list[DraftRow]] = {}
    for draft in drafts:
        if draft.runs and draft.row.kind == "run":
            key = setting_key(draft.runs[0].config, draft.runs[0].manifest, get_args(Across))
            found.setdefault(key, []).append(draft)
    apart = [", ".join(draft.row.name for draft in rows) for rows in found.values() if _are_computed_apart(rows)]
    if not apart:
        return []
    return [f"same settings, computed in another arithmetic or recipe (--fold-across joins them): {'; '.join(apart)}"]


def _are_computed_apart(drafts: Sequence[DraftRow]) -> bool:
    """Whether drafts of the same settings differ in how they were computed, not in their seed or images alone."""
    runs = [draft.runs[0] for draft in drafts]
    return len({setting_key(run.config, run.manifest) for run in runs if run.manifest}) > 1


def unlike_machines(drafts: Sequence[DraftRow]) -> list[str]:
    """A note on rows that were trained on different processors or GPUs, or with different arithmetic or threads."""
    found = [(draft.row.name, facts) for draft in drafts for run in draft.runs for facts in _machines(run)]
    values: dict[str, set[str]] = {}
    for _, facts in found:
        for name, text in facts.items():
            values.setdefault(name, set()).add(text)
    apart = [name for name, texts in values.items() if len(texts) > 1]
    rows: dict[str, dict[str, None]] = {}
    for row, facts in found:
        rows.setdefault(" · ".join(facts[name] for name in apart if name in facts), {})[row] = None
    if not apart:
        return []
    told = "; ".join(f"{text or 'unknown'} ({short_list(names, FEW)})" for text, names in rows.items())
    return [f"trained on unlike machines, so last digits may differ: {told}"]


def _machines(run: "RunDetail") -> Iterator[Mapping[str, str]]:
    """The known facts of each machine that trained a run, in words. Earlier attempts than the one from step 0 count
    for nothing."""
    attempts = [attempt for attempt in run.attempts if attempt.manifest]
    first = max((place for place, attempt in enumerate(attempts) if attempt.step == 0), default=0)
    own = [attempt.manifest or {} for attempt in attempts[first:]] or [run.manifest or {}]
    yield from filter(None, map(_facts, own))


def _facts(manifest: Mapping[str, Any]) -> dict[str, str]:
    names = ("device", "instructions", "dtype")
    facts = {name: str(manifest[name]) for name in names if manifest.get(name) is not None}
    if manifest.get("device_type") == "cpu" and manifest.get("threads"):
        facts["threads"] = counted(manifest["threads"], "thread")
    return facts


def duplicates_in_train(drafts: Sequence[DraftRow]) -> list[str]:
    """A note for each number of scored images with a duplicate in train, with the runs that have it."""
    names: dict[str, list[str]] = {}
    for draft in drafts:
        for part in draft.parts:
            own = part.scores if part.runs else None
            if own is not None and (own.in_train or own.split.endswith(ENDING)):
                line = duplicates_line(own.split, own.result.n, own.in_train, own.data_name)
                names.setdefault(line or "", []).append(part.row.name)
    return [f"{line} ({short_list(found, FEW)})" for line, found in names.items()]


def untested(drafts: Sequence[DraftRow]) -> list[str]:
    """A note for each bias that could not be tested, with the runs that have it: it lacks the mark of noise."""
    names: dict[str, list[str]] = {}
    for draft in drafts:
        for part in draft.parts:
            for bias in part.scores.result.biases if part.runs and part.scores is not None else ():
                if bias.untested:
                    line = f"no test of {bias.attribute}, so no {NOISE}: {bias.untested}"
                    names.setdefault(line, []).append(part.row.name)
    return [f"{line} ({short_list(found, FEW)})" for line, found in names.items()]


def diverged(drafts: Sequence[DraftRow]) -> list[str]:
    """A note on each scored run that diverged."""
    runs = [run for draft in drafts if draft.scores for run in draft.runs if run.status == "diverged" and run.results]
    return [f"{run.name} {diverged_text(run.kept.epoch if run.kept else None)}" for run in runs]


def pretraining(drafts: Sequence[DraftRow]) -> list[str]:
    """A note for each kind of first weights whose pretraining images may be among those that are scored."""
    names: dict[str, list[str]] = {}
    for draft in drafts:
        if draft.row.pretraining:
            names.setdefault(draft.row.pretraining, []).append(draft.row.name)
    return [f"{note} ({short_list(found, FEW)})" for note, found in names.items()]


def no_better_than_constant(rows: Sequence[ComparedRow]) -> list[str]:
    """A note that names the runs whose MAE the constant predictor equals or beats."""
    comparable = [row for row in rows if row.comparable]
    constants = [row.cells[0].value for row in comparable if row.kind == "constant"]
    lowest = min((value for value in constants if value is not None), default=math.inf)
    names = [row.name for row in comparable if row.kind == "run" and not (row.cells[0].value or 0.0) < lowest]
    return [f"no better than the constant predictor on MAE: {short_list(names, FEW)}"] if names else []


def luck_of_one_seed(rows: Sequence[ComparedRow]) -> list[str]:
    """A note on figures whose best is a single run compared with means over seeds."""
    comparable = [row for row in rows if row.kind == "run" and row.comparable]
    names = [row.name for row in comparable if len(row.runs) == 1 and any(cell.best for cell in row.cells)]
    if not names or all(len(row.runs) == 1 for row in comparable):
        return []
    return [f"a single run may be best by the luck of its seed, means over seeds less so: {short_list(names, FEW)}"]
