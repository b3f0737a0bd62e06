"""The report of one run, or of several beside each other."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from ageui.compare import compare
from ageui.compare.comparison_cache import Known
from ageui.report.comparison_section import comparison_section
from ageui.report.document import Document, Paragraph, Section
from ageui.report.model_card import model_card
from ageui.report.run_facts import OfRun
from ageui.report.run_sections import lead, run_sections
from ageui.text.sentences import counted

if TYPE_CHECKING:
    from ageui.compare.image_errors import LoadPredictions
    from ageui.store.records import RunDetail


def report(runs: "Sequence[RunDetail]", predictions: "LoadPredictions", split: str | None = None) -> Document:
    """The report of runs on one split: the one given, else the one that `compare` chooses for all of them.

    `predictions(run id, split)` loads those of a run. Raises `ConfigError` where there is no run, or none of them has
    scores on the split although some have on another.
    """
    load, known = cache(predictions), Known()
    together = compare(runs, split=split, predictions=load, known=known)
    found = [_of_run(run, together.split, load, known) for run in runs]
    if len(found) == 1:
        (of,) = found
        return Document(of.detail.name, lead(of), (*run_sections(of), model_card(of)))
    sections = [Section(of.detail.name, lead(of), (*run_sections(of), model_card(of))) for of in found]
    blocks = (Paragraph(f"{counted(len(found), 'run')} side by side, then each by itself."),)
    return Document(f"{counted(len(found), 'run')} of ageui", blocks, (comparison_section(together), *sections))


def _of_run(run: "RunDetail", split: str | None, predictions: "LoadPredictions", known: Known) -> OfRun:
    """What is known of a run after it was compared, which left the intervals of its scores in `known`."""
    scores = run.scores(split) if split else None
    if scores is None:
        return OfRun(run, split, None, None, compare([run]) if run.row.is_published else None)
    result = known.results.get((run.id, scores.images, scores.result.mae), scores.result)
    alone = compare([run], split=split, predictions=predictions, known=known)
    return OfRun(run, split, replace(scores, result=result), predictions(run.id, scores.split), alone)
