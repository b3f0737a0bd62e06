"""A comparison as a table for people: a row per run, a column per figure, and the meaning of its marks."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ageui.compare.comparison import CONSTANT, MAE, ComparedRow, Comparison
from ageui.compare.figure_names import SELECTED, SIGNED_GAP, figure_title
from ageui.compare.many_tests import CORRECTIONS
from ageui.present.figures import NOTHING
from ageui.present.marks import APART, BEST, EQUIVALENT, FRONT, MEANINGS, NO_BETTER, NOISE, PUBLISHED, REAL, marks_of
from ageui.present.table import Cell, Column, Note, Table
from ageui.text.sentences import counted
from engine.short_text import short_list

RANK = "rank"
SETTINGS_DIFFER = "the settings differ: "


def comparison_table(comparison: Comparison) -> Table:
    """Names, settings that differ, MAE and biases with further figures, the rank, then the MAE of every group.

    A narrow terminal leaves out signed gaps, and the rank rather than show it alone.
    """
    settings = tuple(Column(name, "setting") for name in comparison.settings)
    figures = [
        Column(figure_title(name), "figure", leaves=0 if name.endswith("_signed") else None)
        for name in comparison.columns
    ]
    if comparison.ranked_over:
        figures.insert(_ranked_place(comparison), Column(RANK, "figure", stands_alone=False))
    return Table(
        columns=(Column("run"), *settings, *figures),
        rows=tuple(_cells(row, comparison) for row in comparison.rows),
        title="MAE and biases in years",
        legend=tuple(legend(comparison)),
        is_stacked=True,
    )


def settings_table(comparison: Comparison) -> Table:
    """The settings that differ between the runs, without their figures."""
    columns = (Column("run"), *map(Column, comparison.settings))
    rows = tuple((name_cell(row, comparison), *_settings(row, comparison)) for row in comparison.rows if row.settings)
    return Table(columns, rows, "Settings that differ")


def legend(comparison: Comparison) -> Iterator[Note]:
    """The answer to a goal, the meaning of every mark in use, then remarks."""
    yield from (Note("", text) for text in comparison.answer)
    rows = comparison.rows
    cells = [cell for row in rows for cell in row.cells]
    if comparison.split is not None and comparison.n is not None:
        selected = " (selected)" if any(row.is_selected for row in rows) else ""
        images = f"{comparison.split}{selected}, {counted(comparison.n, 'image')}"
        yield Note("", f"{images}; MAE and biases in years, lower is better")
        if selected:
            yield Note("selected:", SELECTED)
    if any(column.endswith("_signed") for column in comparison.further):
        yield Note("signed:", SIGNED_GAP)
    if any(row.kind == CONSTANT for row in rows):
        yield Note("constant:", "the predictor that always says the mean age of the train split")
    if any(cell.best for cell in cells):
        yield Note(BEST, MEANINGS[BEST])
    if comparison.ranked_over:
        figures = ", ".join(map(figure_title, comparison.ranked_over))
        yield Note(RANK, f"mean place among the runs over {figures}; those that tie share theirs")
    if any(row.on_front for row in rows):
        yield Note(FRONT, MEANINGS[FRONT])
    if any(cell.interval for cell in cells):
        yield Note("± and –", "95% bootstrap interval, for MAE as half its width")
    if any(cell.spread for cell in cells):
        yield Note("± (n)", "mean and standard deviation over n seeds")
    if any(cell.inside_noise for cell in cells):
        yield Note(NOISE, MEANINGS[NOISE])
    if any(cell.no_better for cell in cells):
        yield Note(NO_BETTER, MEANINGS[NO_BETTER])
    if any(cell.difference for cell in cells):
        yield Note("+ and −", f"difference to the baseline {comparison.baseline or ''}")
    if comparison.tests or comparison.further_tests:
        yield Note(REAL, f"{SETTINGS_DIFFER}p at most 0.05 over seeds and images, {_tests(comparison)}")
    if comparison.marking.margin is not None:
        within = f"within ±{comparison.marking.margin:g} years: the 90% interval over seeds and images lies inside"
        yield Note(EQUIVALENT, f"{within} (two seeds a side, not corrected)")
    published = [row.reason for row in rows if row.kind == "published" and row.reason is not None]
    yield from (Note(PUBLISHED, reason) for reason in dict.fromkeys(published))
    runs = [row for row in rows if row.kind == "run"]
    yield from _reasons(runs)
    yield from _reasons_of_figures(runs, comparison)
    if counts := [f"{name} {group.n:,}" for name, group in comparison.groups.items() if group.n is not None]:
        yield Note("", f"images of the groups: {', '.join(counts)}")
    yield from (Note("", note) for note in comparison.notes)


def _tests(comparison: Comparison) -> str:
    """The number of tests and the correction of their p-values."""
    found = [counted(comparison.tests, "test")] if comparison.tests else []
    apart = comparison.further_tests
    found += [f"{counted(apart, 'test')} of further figures apart"] if apart else []
    return f"{CORRECTIONS[comparison.marking.correction]} for {' and '.join(found)}"


def _ranked_place(comparison: Comparison) -> int:
    """The place of the rank: after the ranked figures, before the groups."""
    return len(comparison.columns) - len(comparison.groups)


def shown_figure(column: str, cell: Cell) -> Cell:
    """A figure as it is shown: the interval of an MAE as half its width, since it is symmetric."""
    return replace(cell, half_width=True) if column == MAE else cell


def _cells(row: ComparedRow, comparison: Comparison) -> tuple[Cell, ...]:
    figures = list(map(shown_figure, comparison.columns, row.cells))
    if comparison.ranked_over:
        figures.insert(_ranked_place(comparison), Cell(row.rank, on_front=bool(row.on_front)))
    return (name_cell(row, comparison), *_settings(row, comparison), *figures)


def name_cell(row: ComparedRow, comparison: Comparison) -> Cell:
    """The name of a row, its marks, and its state."""
    return Cell(
        text=row.name,
        note=", ".join(filter(None, (row.state, "selected" if row.is_selected and comparison.has_unselected else ""))),
        comparable=not row.is_apart,
        published=row.kind == "published",
        tone="plain" if row.kind == "run" else "dim",
    )


def _settings(row: ComparedRow, comparison: Comparison) -> tuple[Cell, ...]:
    return tuple(Cell(text=row.settings.get(name, "")) for name in comparison.settings)


def _reasons(rows: Sequence[ComparedRow]) -> Iterator[Note]:
    """Why rows have no scores, or are not compared."""
    names: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.reason:
            names.setdefault((APART if row.is_apart else NOTHING, row.reason), []).append(row.name)
    for (mark, reason), found in names.items():
        yield Note(mark, f"{short_list(found)}: {reason}")


def _reasons_of_figures(rows: Sequence[ComparedRow], comparison: Comparison) -> Iterator[Note]:
    """Why single figures are missing, or are not compared."""
    names: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        for column, cell in zip(comparison.columns, row.cells, strict=True):
            if cell.reason is not None:
                mark = APART if APART in marks_of(cell) else NOTHING
                names.setdefault((mark, cell.reason, figure_title(column)), []).append(row.name)
    figures: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for (mark, reason, figure), found in names.items():
        figures.setdefault((mark, reason, tuple(found)), []).append(figure)
    for (mark, reason, of), titles in figures.items():
        yield Note(mark, f"{', '.join(titles)} of {short_list(of)}: {reason}")
