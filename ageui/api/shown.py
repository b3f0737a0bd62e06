"""Runs and comparisons as notebooks show them: tables, their legends, and curves."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ageui.api.frames import epochs_frame
from ageui.compare import Comparison, comparison_table
from ageui.compare.comparison_export import records
from ageui.compare.run_tables import biases_table, explanations, groups_table, published_table, scores_table
from ageui.present import html
from ageui.present.figures import number
from ageui.present.table import Table
from ageui.present.terminal import plain_lines
from ageui.present.wording import note_text
from ageui.store import RunDetail, SplitScores
from ageui.text.states import state_of

if TYPE_CHECKING:
    import pandas as pd


class ShownRun:
    """A run: `detail` is its record, as it was when it was read."""

    def __init__(self, detail: RunDetail) -> None:
        self.detail = detail

    @property
    def id(self) -> int:
        return self.detail.id

    @property
    def name(self) -> str:
        return self.detail.name

    @property
    def status(self) -> str:
        return self.detail.status

    @property
    def config(self) -> Mapping[str, Any]:
        """Its settings, as stored."""
        return self.detail.config

    @property
    def command(self) -> str | None:
        """The command that makes the run again; None if this ageui cannot run its config."""
        return self.detail.command

    @property
    def history(self) -> "pd.DataFrame":
        """Its epochs, see `Database.history`."""
        return epochs_frame(self.detail.history)

    @property
    def scores(self) -> SplitScores | None:
        """Its scores on the test split if it has labels, else on valid, else on train."""
        return self.detail.primary_scores

    def __repr__(self) -> str:
        scores = self.scores
        mae = f", MAE {number(scores.result.mae)} on {scores.split}" if scores is not None else ""
        return f"<Run {self.id} {self.name}: {self.status}{mae}>"

    def _repr_html_(self) -> str:
        from ageui.report.plots import curves

        detail, scores = self.detail, self.scores
        drawing = curves(f"run-{self.id}", detail.history)
        parts = [_paragraph(f"run {self.id}  {self.name}  {state_of(detail.row)}")]
        parts += [drawing.inline(f"losses of {self.name} by epoch")] if drawing is not None else []
        if detail.row.is_published:
            parts.append(html.table_text(published_table(detail.row.summary)))
        elif scores is not None:
            tables = (scores_table(detail), biases_table(scores), groups_table(scores))
            parts += [html.table_text(table, with_title=bool(table.title)) for table in tables]
            parts += map(_paragraph, explanations(detail))
        return _block(parts)


class ShownComparison:
    """A comparison of runs: `comparison` is its record."""

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison

    @property
    def frame(self) -> "pd.DataFrame":
        """A row per run or setting, indexed by name, in full precision.

        For each figure such as `mae` or `gender_bias`: the value, 95% interval (`_low`, `_high`), p-value of no bias
        (`_p_no_bias`), whether it is best (`_best`), the difference to the baseline with its interval, its p-value
        (`_p`), the corrected one (`_p_adjusted`), whether the settings differ (`_real`, the ✔), and with folded seeds
        the standard deviation and number of seeds.
        """
        import pandas as pd

        found = records(self.comparison)
        return pd.DataFrame(found.rows, columns=pd.Index(found.heads)).set_index("run")

    @property
    def table(self) -> Table:
        """The table for people, with its legend."""
        return comparison_table(self.comparison)

    @property
    def notes(self) -> tuple[str, ...]:
        """The answer to a goal, and remarks on the comparison as a whole."""
        return (*self.comparison.answer, *self.comparison.notes)

    def plot(self, axes: str | None = None) -> "ShownPlot":
        """The rows as points, one figure or field by another, such as `mae,gender`; by default MAE and age bias."""
        from ageui.report.comparison_plot import comparison_plot

        return ShownPlot(comparison_plot(self.comparison, "svg", axes).decode())

    def __repr__(self) -> str:
        table = self.table
        return "\n".join((*plain_lines(table), *map(note_text, table.legend)))

    def _repr_html_(self) -> str:
        table = self.table
        notes = [f"<li>{html.escaped(note_text(note))}</li>" for note in table.legend]
        return _block([html.table_text(table, with_title=True), "<ul>", *notes, "</ul>"])


class ShownPlot:
    """A plot; `svg` is the text of its file."""

    def __init__(self, svg: str) -> None:
        self.svg = svg

    def _repr_svg_(self) -> str:
        return self.svg


def _paragraph(text: str) -> str:
    return f"<p>{html.escaped(text)}</p>"


def _block(parts: Iterable[str]) -> str:
    return "\n".join(('<div class="ageui">', html.NOTEBOOK_STYLE, *parts, "</div>"))
