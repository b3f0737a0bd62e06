"""The report of a study: published beside measured figures, then the runs behind them side by side."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ageui.compare import compare
from ageui.report.comparison_section import comparison_section
from ageui.report.document import Bullets, Document, Paragraph, Section, Table
from ageui.report.of_run import sentence
from ageui.study.wording import headline, heads, legend, lines

if TYPE_CHECKING:
    from ageui.compare.scoring import LoadPredictions
    from ageui.store.records import RunDetail
    from ageui.study.table import StudyTable


def study_report(table: "StudyTable", runs: "Sequence[RunDetail]", predictions: "LoadPredictions") -> Document:
    """The report of a study's table and of the runs of its cells, repeats of a cell folded to their mean.

    `predictions(run id, split)` loads those of a run.
    """
    body = tuple((line.cell, line.what, *line.figures) for line in lines(table))
    shown = Table(table.study.title, tuple(heads(table)), body, words=2)
    sections = [Section("Published and measured", (shown, Bullets(tuple(legend(table)))))]
    if runs:
        sections.append(comparison_section(compare(runs, split=table.split, predictions=predictions, fold_seeds=True)))
    opening = (Paragraph(table.study.shows), Paragraph(sentence(headline(table))))
    return Document(table.study.title, opening, tuple(sections))
