"""A comparison as a table for a paper: a row per setting with MAE and biases, each in one line."""

from collections.abc import Iterator
from dataclasses import replace

from ageui.compare.comparison import ComparedRow, Comparison
from ageui.compare.comparison_table import RANK, SETTINGS_DIFFER, legend, name_cell, shown_figure
from ageui.compare.figure_names import figure_title
from ageui.compare.measures import is_main
from ageui.present.marks import REAL
from ageui.present.table import BLANK, Cell, Column, Note, Table, words
from ageui.text.sentences import counted

_LEFT_OUT = (RANK, "± and –", "± (n)", "+ and −", "signed:", "")


def paper_table(comparison: Comparison) -> Table:
    """A row per row of the comparison, named by its setting.

    The columns are setting, seeds if their numbers differ, MAE and biases. Its legend explains every mark.
    """
    paper = _main_figures(comparison)
    has_seeds = len(_counts(paper)) > 1
    seeds = [Column("seeds")] if has_seeds else []
    figures = [Column(figure_title(name), "figure") for name in paper.columns]
    return Table(
        columns=(Column("setting"), *seeds, *figures),
        rows=tuple(_cells(row, paper, has_seeds=has_seeds) for row in paper.rows),
        title=caption(comparison),
        legend=tuple(_legend(paper)),
    )


def caption(comparison: Comparison) -> str:
    """The caption: figures, data, split, number of faces, and seeds per setting."""
    said = "MAE and biases in years; lower is better"
    if comparison.split is None or comparison.n is None:
        return f"{said}."
    split = comparison.split if "/" in comparison.split else f"{comparison.data}, {comparison.split} split".lstrip(", ")
    return f"{said}. Data: {split}, {counted(comparison.n, 'face')}. {_seeds(comparison)}."


def seeds_of(row: ComparedRow) -> int:
    """The number of seeds behind a row's figures; 0 for rows without a scored run."""
    if row.kind != "run" or row.cells[0].value is None:
        return 0
    spread = row.cells[0].spread
    return spread.n if spread is not None else 1


def _counts(comparison: Comparison) -> set[int]:
    return {count for row in comparison.rows if (count := seeds_of(row))}


def _seeds(comparison: Comparison) -> str:
    counts = _counts(comparison)
    if not counts:
        return "No run was scored"
    low, high = min(counts), max(counts)
    seeds = counted(high, "seed") if low == high else f"{low} to {high} seeds"
    return f"{seeds} per {'setting' if comparison.folded else 'row'}"


def _main_figures(comparison: Comparison) -> Comparison:
    """The comparison with MAE and biases alone, its rows named by their settings."""
    places = [place for place, column in enumerate(comparison.columns) if is_main(comparison, column)]
    rows = tuple(
        replace(row, name=row.label or row.name, cells=tuple(row.cells[place] for place in places))
        for row in comparison.rows
    )
    columns = tuple(comparison.columns[place] for place in places)
    baseline = next((row.name for row in rows if row.is_baseline), comparison.baseline)
    return replace(
        comparison,
        columns=columns,
        rows=rows,
        baseline=baseline,
        notes=(),
        further=(),
        groups={},
        further_tests=0,
    )


def _cells(row: ComparedRow, paper: Comparison, *, has_seeds: bool) -> tuple[Cell, ...]:
    name = replace(name_cell(row, paper), on_front=bool(row.on_front))
    name = replace(name, note="") if row.kind == "published" else name
    count = seeds_of(row)
    seeds = [words(str(count)) if count else BLANK] if has_seeds else []
    return (name, *seeds, *map(_figure, paper.columns, row.cells))


def _figure(column: str, cell: Cell) -> Cell:
    """A figure whose number of seeds stands in its own column."""
    spread = replace(cell.spread, n=0) if cell.spread is not None else None
    return shown_figure(column, replace(cell, spread=spread))


def _legend(paper: Comparison) -> Iterator[Note]:
    cells = [cell for row in paper.rows for cell in row.cells]
    meanings = []
    if any(cell.spread is not None and cell.spread.std is not None for cell in cells):
        meanings.append("standard deviation over seeds")
    if any(row.cells[0].interval is not None for row in paper.rows):
        whose = "an MAE without one" if meanings else "the MAE"
        meanings.append(f"for {whose}, half the width of its 95% bootstrap interval over images")
    if meanings:
        yield Note("±", "; ".join(meanings))
    if any(row.is_selected for row in paper.rows):
        yield from (note for note in legend(paper) if note.mark == "selected:")
    for note in legend(paper):
        if note.mark == REAL:
            yield Note(REAL, f"differs from {paper.baseline}: {note.text.removeprefix(SETTINGS_DIFFER)}")
        elif note.mark not in _LEFT_OUT and note.mark != "selected:":
            yield note
