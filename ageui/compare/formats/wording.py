"""What all formats say alike: figures, column heads and the legend, as plain text."""

import math

from ageui.compare.comparison import MAE, Cell, Comparison, Row
from ageui.text.clean import clean

BEST, NOISE, REAL, NOTHING, APART, PUBLISHED, FRONT = "★", "~", "✔", "—", "≠", "◆", "▲"
RANK = "rank"


def figure(value: float | None) -> str:
    """Years with two decimals; a figure that is not finite by name, a missing one as a dash."""
    if value is None:
        return NOTHING
    if math.isnan(value):
        return "NaN"
    return f"{value:.2f}" if math.isfinite(value) else f"{value:+}"


def change(value: float) -> str:
    """A signed difference in years, with a minus that cannot be taken for a hyphen; one that is not finite by name."""
    return figure(value) if math.isnan(value) else f"{value:+.2f}".replace("-", "−")


def uncertainty(cell: Cell, column: str) -> str:
    """`±0.27` of an MAE, `[0.03–1.91]` of a bias, whose interval is lopsided; `±0.05 (n=5)` of a mean over seeds.

    Nothing where there is neither.
    """
    if cell.spread is not None and cell.spread.std is not None:
        return f"±{cell.spread.std:.2f} (n={cell.spread.n})"
    if cell.interval is None or cell.value is None:
        return ""
    low, high = cell.interval.low, cell.interval.high
    return f"±{(high - low) / 2:.2f}" if column == MAE else f"[{low:.2f}–{high:.2f}]"


def rank(row: Row) -> str:
    """The average rank with two decimals; a dash for a row without one."""
    return figure(row.rank)


def head(column: str) -> str:
    """The title of a column: `MAE`, an attribute whose bias it is, or a group."""
    return "MAE" if column == MAE else clean(column)


def state(row: Row) -> str:
    """What sets a row apart: that it is the baseline, or how far the run got; nothing for a run that is done."""
    if row.is_baseline:
        return "baseline"
    return "" if row.kind == "constant" or row.status == "done" else row.status


def is_apart(row: Row) -> bool:
    """Whether a row has figures that cannot be set against the others'."""
    return row.n is not None and not row.comparable


def mark_of(row: Row) -> str:
    """What stands before a row's name: a mark and a space for one that is not like the others, else nothing."""
    if row.kind == "published":
        return f"{PUBLISHED} "
    return f"{APART} " if is_apart(row) else ""


def legend(comparison: Comparison) -> list[tuple[str, str]]:
    """(mark, meaning) for the marks in use, then ("", note) for what else there is to know."""
    rows = comparison.rows
    cells = [cell for row in rows for cell in row.cells]
    lines: list[tuple[str, str]] = []
    if comparison.split is not None and comparison.n is not None:
        lines.append(("", f"{comparison.split}, {comparison.n} images; MAE and biases in years, lower is better"))
    if any(cell.best for cell in cells):
        lines.append((BEST, "best of the runs; those that tie share it"))
    if comparison.ranked_over:
        figures = ", ".join(head(column) for column in comparison.ranked_over)
        lines.append((RANK, f"mean place among the runs over {figures}; those that tie share theirs"))
    if any(row.on_front for row in rows):
        lines.append((FRONT, "on the Pareto front: no run is as good in all of these and better in one"))
    if any(cell.interval for cell in cells):
        lines.append(("± and –", "95% bootstrap interval, for MAE as half its width"))
    if any(cell.spread for cell in cells):
        lines.append(("± (n)", "standard deviation over n seeds, of their mean"))
    if any(cell.inside_noise for cell in cells):
        lines.append((NOISE, "inside noise: no larger than chance alone would make it (95%)"))
    if any(cell.difference for cell in cells):
        lines.append(("+ and −", f"difference to the baseline {clean(comparison.baseline or '')}"))
    if any(cell.difference and cell.difference.real for cell in cells):
        lines.append((REAL, "the difference is real: its 95% paired bootstrap interval leaves out 0"))
        if any(cell.difference and cell.difference.real and cell.spread for cell in cells):
            lines.append((REAL, "between means over seeds that interval covers both images and seeds"))
    published = [row.reason for row in rows if row.kind == "published" and row.reason is not None]
    lines += [(PUBLISHED, reason) for reason in dict.fromkeys(published)]
    for row in rows:
        if row.reason is not None and row.kind == "run":
            lines.append((APART if is_apart(row) else NOTHING, f"{clean(row.name)}: {clean(row.reason)}"))
    lines += [(NOTHING, text) for text in dict.fromkeys(_reasons(comparison))]
    if counts := [f"{group_key} {group.n}" for group_key, group in comparison.groups.items() if group.n is not None]:
        lines.append(("", clean(f"images of the groups: {', '.join(counts)}")))
    return lines + [("", clean(note)) for note in comparison.notes]


def _reasons(comparison: Comparison) -> list[str]:
    return [
        f"{clean(row.name)}, {head(column)}: {clean(cell.reason)}"
        for row in comparison.rows
        for column, cell in zip(comparison.columns, row.cells, strict=True)
        if cell.reason is not None and row.kind == "run"
    ]
