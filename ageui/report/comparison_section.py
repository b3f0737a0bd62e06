"""Runs side by side, as a section."""

from ageui.compare import Comparison, comparison_table
from ageui.compare.comparison_table import settings_table
from ageui.present.wording import note_text
from ageui.report.document import Block, Bullets, Plot, Section
from ageui.report.plots import side_by_side

_PLOT = "comparison"
_MOST_SETTINGS = 4
"""If more settings differ, they have a table of their own."""


def comparison_section(comparison: Comparison) -> Section:
    """The table of a comparison and its plot."""
    table = comparison_table(comparison)
    blocks: list[Block] = [table]
    if len(comparison.settings) > _MOST_SETTINGS:
        blocks = [table.only(table.places("name", "figure")), settings_table(comparison)]
    if drawing := side_by_side(_PLOT, comparison):
        caption = _caption(comparison)
        blocks.append(Plot(_PLOT, caption, f"Dots. {caption}", drawing))
    return Section("Comparison", (*blocks, Bullets(tuple(map(note_text, table.legend)))))


def _caption(comparison: Comparison) -> str:
    cells = [cell for row in comparison.rows for cell in row.cells]
    deviations = [cell.spread is not None and cell.spread.std is not None for cell in cells]
    lines = ["one standard deviation over seeds to each side of a mean"] if any(deviations) else []
    if any(cell.interval and not has_std for cell, has_std in zip(cells, deviations, strict=True)):
        lines.append("95% intervals")
    strokes = f" Lines are {', else '.join(lines)}." if lines else ""
    hollow = " Hollow dots cannot be told from no bias." if any(cell.inside_noise for cell in cells) else ""
    return (
        f"The same figures: lower is better.{strokes}{hollow} Squares are the constant predictor, diamonds published "
        "figures, crosses figures that cannot be compared."
    )
