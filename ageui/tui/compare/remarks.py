"""Remarks on a comparison: its marks in one line, their meanings, and the details of a row."""

from collections.abc import Collection, Mapping

from rich.cells import cell_len
from rich.text import Text

from ageui.compare import ComparedRow, Comparison
from ageui.compare.comparison_table import legend
from ageui.compare.figure_names import better, figure_title
from ageui.compare.measures import is_main, measure_title
from ageui.present.figures import change
from ageui.present.marks import APART, BEST, EQUIVALENT, FRONT, NO_BETTER, NOISE, PUBLISHED, REAL, brief
from ageui.present.terminal import shortened
from ageui.present.wording import note_text
from ageui.store import RunDetail
from ageui.text.clean import clean
from ageui.text.sentences import counted
from ageui.text.states import IMPORTED
from ageui.tui.compare.cells import BASELINE, Order, baseline_label

_MOST_NAMES, _LONGEST_LABEL = 5, 24
_EXPLAINS = "E explains"


def explained(comparison: Comparison) -> list[str]:
    """Explains every mark in use, then lists the notes."""
    return [f"{BASELINE} the baseline", *map(note_text, legend(comparison))]


def about_comparison(
    comparison: Comparison, runs: Collection[RunDetail], wanted: str | None, order: Order, *, is_computing: bool
) -> str:
    """The compared runs, their data and images, the baseline and the order in one line.

    `wanted` is the baseline of the view, which the comparison lacks if it has no scores.
    """
    where = "no scores yet" if comparison.split is None else f"{comparison.split}, {comparison.n:,} images"
    data = dict.fromkeys(str(run.config["data"]) for run in runs if "data" in run.config)
    on = f" on {', '.join(data)}" if data else ""
    own = (row.label or row.name for row in comparison.rows if wanted in [str(run_id) for run_id in row.runs])
    baseline = baseline_label(comparison) or next((f"{name} (no scores)" for name in own), "none")
    parts = [f"{counted(len(runs), 'run')}{on} / {where}"]
    parts += ["computing intervals …"] if is_computing else []
    parts += [f"baseline {baseline}"]
    parts += [f"by {measure_title(comparison, order.name)}"] if order.name else []
    parts += ["f folds seeds"] if comparison.is_foldable else []
    return clean(" · ".join(parts))


def about_row(row: ComparedRow, comparison: Comparison, names: Mapping[int, str]) -> Text:
    """The details of a row: its name, why it is not comparable, why figures are missing, intervals of its differences,
    and its runs, whose `names` are given by id."""
    figures = [pair for pair in zip(comparison.columns, row.cells, strict=True) if is_main(comparison, pair[0])]
    said = [row.reason] if row.reason else []
    if row.kind == "run" and row.is_selected and comparison.has_unselected:
        said.append("selected: its images chose its weights")
    said += [f"{figure_title(column)}: {cell.reason}" for column, cell in figures if cell.reason]
    said += [
        f"{figure_title(column)} {change(cell.difference.value, cell.unit)} "
        f"({change(interval.low, cell.unit)} to {change(interval.high, cell.unit)})"
        for column, cell in figures
        if cell.difference and (interval := cell.difference.interval)
    ]
    own = [names[run_id] for run_id in row.runs[:_MOST_NAMES] if run_id in names]
    own += [f"{len(row.runs) - _MOST_NAMES} more"] if len(row.runs) > _MOST_NAMES else []
    said += [", ".join(own)] if row.kind == "run" else []
    text = Text(shortened(clean(row.label or row.name), _LONGEST_LABEL), style="bold")
    return text.append(f"  {clean(' · '.join(said))}", style="not bold")


def legend_of(comparison: Comparison, width: int) -> Text:
    """The marks in use, as many as fit into a line of `width` cells."""
    rows = comparison.rows
    cells = [cell for row in rows for cell in row.cells]
    are_low = all(better(column) == "low" for column in comparison.columns)
    lower, higher = ("better", "worse") if are_low else ("lower", "higher")
    marks = (
        (any(cell.best for cell in cells), brief(BEST)),
        (any(cell.no_better for cell in cells), brief(NO_BETTER)),
        (any(row.is_apart for row in rows), brief(APART)),
        (any(cell.inside_noise for cell in cells), brief(NOISE)),
        (comparison.baseline is not None, f"− {lower} + {higher} than {BASELINE}"),
        (any(cell.difference and cell.difference.real for cell in cells), brief(REAL)),
        (any(cell.difference and cell.difference.equivalent for cell in cells), brief(EQUIVALENT)),
        (any(row.on_front for row in rows), brief(FRONT)),
        (any(row.status == "published" for row in rows), brief(PUBLISHED)),
        (any(row.status == "imported" for row in rows), IMPORTED),
        (any(cell.spread for cell in cells), "± std over seeds"),
        (any(cell.interval for cell in cells), "± – 95% interval"),
    )
    used = [text for is_used, text in marks if is_used]
    if not used:
        return Text("years, lower is better")
    text = _EXPLAINS
    for place in range(len(used)):
        longer = "  ".join((*used[: place + 1], _EXPLAINS))
        if cell_len(longer) > width:
            break
        text = longer
    return Text(text)
