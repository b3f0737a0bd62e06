"""The report of a study: published and measured figures, then a comparison of its runs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ageui.compare import ComparisonCache, compare
from ageui.present.wording import note_text
from ageui.report.comparison_section import comparison_section
from ageui.report.document import Bullets, Document, Paragraph, Plot, Section
from ageui.report.plots import curves_of_cells
from ageui.report.run_facts import sentence
from ageui.study.published_and_measured import published_and_measured
from ageui.study.wording import headline

if TYPE_CHECKING:
    from ageui.compare.crossed_groups import LoadPredictions
    from ageui.store.records import RunDetail
    from ageui.study.measured_cells import StudyTable


def study_report(
    table: "StudyTable",
    runs: "Sequence[RunDetail]",
    predictions: "LoadPredictions",
    known: ComparisonCache | None = None,
) -> Document:
    """The report of a study's table and of its cells' runs, with repeated seeds folded to their mean.

    `predictions(run id, split)` loads those of a run; `known` are results of earlier comparisons.
    """
    shown = published_and_measured(table)
    legend = Bullets(tuple(map(note_text, shown.legend)))
    sections = [Section("Published and measured", (shown, *_curves(table, runs), legend))]
    if runs:
        comparison = compare(
            runs, split=table.split, predictions=predictions, fold_seeds=True, further=["signed"], cache=known
        )
        sections.append(comparison_section(comparison))
    opening = tuple(Paragraph(text) for text in (table.study.shows, sentence(headline(table))) if text)
    return Document(table.study.title, opening, tuple(sections))


def _curves(table: "StudyTable", runs: "Sequence[RunDetail]") -> tuple[Plot, ...]:
    """Plots the validation losses of a study's curves; empty without losses."""
    if table.study.measures != "curve":
        return ()
    histories = {run.id: run.history for run in runs}
    cells = [(row.cell.label, [histories[run_id] for run_id in row.runs.values()]) for row in table.rows]
    drawing = curves_of_cells("curves", cells)
    if drawing is None:
        return ()
    caption = "Validation loss by epoch, a line for each run; those of a cell look alike."
    return (Plot("curves", caption, f"Curves. {caption}", drawing),)
