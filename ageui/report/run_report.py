"""The report of one run, or of several runs with a comparison."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from ageui.compare import compare
from ageui.compare.comparison_cache import ComparisonCache
from ageui.report.comparison_section import comparison_section
from ageui.report.document import Document, Paragraph, Section
from ageui.report.model_card import model_card
from ageui.report.run_facts import RunFacts
from ageui.report.run_sections import lead, run_sections
from ageui.text.sentences import counted

if TYPE_CHECKING:
    from ageui.compare.crossed_groups import LoadPredictions
    from ageui.store.records import RunDetail


def report(runs: "Sequence[RunDetail]", predictions: "LoadPredictions", split: str | None = None) -> Document:
    """The report of runs on one split: the one given, or the one that `compare` chooses for all of them.

    `predictions(run id, split)` loads those of a run. Raises `ConfigError` without a run, or if runs have scores, but
    none on the split.
    """
    load, known = cache(predictions), ComparisonCache()
    together = compare(runs, split=split, predictions=load, further=["signed"], cache=known)
    every = [run_facts(run, together.split, load, known) for run in runs]
    if len(every) == 1:
        (only,) = every
        return Document(only.detail.name, lead(only), (*run_sections(only), model_card(only)))
    sections = [Section(one.detail.name, lead(one), (*run_sections(one), model_card(one))) for one in every]
    blocks = (Paragraph(f"{counted(len(every), 'run')} side by side, then each by itself."),)
    return Document(f"{counted(len(every), 'run')} of ageui", blocks, (comparison_section(together), *sections))


def run_facts(run: "RunDetail", split: str | None, predictions: "LoadPredictions", known: ComparisonCache) -> RunFacts:
    """The facts of a compared run on a split; `predictions` and `known` are as in `report` and `compare`."""
    scores = run.scores(split) if split else None
    if scores is None:
        return RunFacts(run, split, None, None, compare([run]) if run.row.is_published else None)
    alone = compare([run], split=split, predictions=predictions, further=["signed"], cache=known)
    return RunFacts(run, split, scores, predictions(run.id, scores.split), alone)
