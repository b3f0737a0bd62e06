"""A study as a table for people: published figures, measured figures and their differences, cell by cell."""

from collections.abc import Iterator, Sequence

from ageui.compare.figure_names import SELECTED, SIGNED_GAP
from ageui.present.figures import (
    CORRELATION,
    MEAN_LOSS,
    MINUTES,
    PUBLISHED_LOSS,
    SIGNED_MEAN_LOSS,
    SIGNED_YEARS,
    YEARS,
    Unit,
    between,
)
from ageui.present.marks import MEANINGS, NOISE, PUBLISHED
from ageui.present.table import BLANK, Cell, Column, Note, Spread, Table
from ageui.study.measured_cells import CellRow, StudyFigure, StudyTable
from ageui.study.rank_agreement import Agreement
from ageui.study.study import Study
from ageui.study.wording import figure_title, progress_text

_UNITS = {"val_loss": MEAN_LOSS, "minutes": MINUTES}


def published_and_measured(table: StudyTable) -> Table:
    """The figures of every cell, then the constant predictor and the rankings."""
    names = table.shown_figures
    columns = (Column("cell"), Column(""), *(Column(figure_title(name), "figure") for name in names))
    rows = [line for row in table.rows for line in _cell_lines(row, table.study, names)]
    notes = (Note("", note) for note in (*table.notes, *table.warnings))
    return Table(columns, (*rows, *closing_lines(table)), table.study.title, (*legend(table), *notes))


def closing_lines(table: StudyTable) -> Iterator[tuple[Cell, ...]]:
    """The rows below the cells: the constant predictor and the rankings, if known."""
    names = table.shown_figures
    if any(name in table.constant for name in names):
        yield (
            Cell(text="constant"),
            Cell(text="always the train mean"),
            *(constant_cell(table, name) for name in names),
        )
    agreements = [table.agreement.get(name) for name in names]
    if any(one is not None and one.rho is not None for one in agreements):
        yield (Cell(text="ranking"), Cell(text="Spearman's ρ (n)"), *map(_correlation, agreements))
        yield (BLANK, Cell(text="95% interval"), *map(_correlation_interval, agreements))


def constant_cell(table: StudyTable, name: str) -> Cell:
    """A figure of the constant predictor, marked inside noise once it is tested."""
    return Cell(table.constant.get(name), p_value=table.constant_p_values.get(name), unit=unit_of(name))


def legend(table: StudyTable) -> Iterator[Note]:
    """The meaning of marks and units."""
    units = {"mae": "MAE and biases in years", "val_loss": "losses on ages divided by 100"}
    said = ", ".join(text for name, text in units.items() if name in table.shown_figures)
    difference = "; difference: measured − published" if table.study.has_published else ""
    yield Note("", f"{said}; measured: mean ± standard deviation over (n) seeds{difference}")
    if any(row.cell.published for row in table.rows):
        yield Note(PUBLISHED, MEANINGS[PUBLISHED])
    shown = [figure for row in table.rows for figure in row.figures.values()]
    if table.is_selected:
        yield Note("selected:", SELECTED)
    if any(row.figures[gap].measured is not None for row in table.rows for gap in table.study.signed_gaps.values()):
        yield Note("signed gap:", SIGNED_GAP)
    if any(figure.interval is not None for figure in shown):
        yield Note("", "95% interval: over images, of their errors averaged over the seeds")
    constant = [constant_cell(table, name) for name in table.constant]
    if any(figure.inside_noise for figure in shown) or any(cell.inside_noise for cell in constant):
        yield Note(NOISE, MEANINGS[NOISE])
    if any(one.rho is not None for one in table.agreement.values()):
        yield Note(
            "",
            "ranking: Spearman's ρ of the measured with the published order of cells (1 the same, −1 reversed), with "
            "Fisher's interval (Bonett and Wright's error), which covers the choice of cells and not the seeds",
        )


def published_cell(name: str, figure: StudyFigure) -> Cell:
    """A published figure; losses have the three decimals that the report prints."""
    return Cell(figure.published, unit=PUBLISHED_LOSS if name == "val_loss" else unit_of(name))


def measured_cell(name: str, figure: StudyFigure) -> Cell:
    """A measured figure: its mean and spread over seeds, marked inside noise, strong if it exists."""
    if figure.measured is None:
        return Cell()
    spread = Spread(figure.std, figure.n)
    return Cell(figure.measured, p_value=figure.p_value, spread=spread, unit=unit_of(name), tone="strong")


def difference_cell(name: str, difference: float | None) -> Cell:
    """Measured minus published; blank for None."""
    return BLANK if difference is None else Cell(difference, unit=signed_unit(name))


def _cell_lines(row: CellRow, study: Study, names: Sequence[str]) -> Iterator[tuple[Cell, ...]]:
    label = Cell(text=row.cell.label)
    for what, figures in _lines(row, study, names):
        yield (label, what, *figures)
        label = BLANK


def _lines(row: CellRow, study: Study, names: Sequence[str]) -> Iterator[tuple[Cell, list[Cell]]]:
    """The rows of a cell: what each holds, and its figures."""
    figures = row.figures
    if row.cell.published:
        yield Cell(text="published", published=True), [published_cell(name, figures[name]) for name in names]
    waiting = progress_text(row)
    if not row.is_measured:
        is_unknown = row.cell.unknown is not None
        said = "cannot be run" if is_unknown else waiting or "not run"
        yield Cell(text=said), [BLANK if is_unknown else Cell()] * len(names)
        return
    measured = ", ".join(filter(None, ("measured", waiting)))
    yield from _with_intervals(measured, row, names)
    differences = [difference_cell(name, row.difference(name)) for name in names]
    if any(cell is not BLANK for cell in differences):
        yield Cell(text="difference"), differences
    gaps = [study.signed_gaps.get(name) for name in names]
    if any(gap is not None and figures[gap].measured is not None for gap in gaps):
        yield from _with_intervals("signed gap", row, gaps)


def _with_intervals(what: str, row: CellRow, names: Sequence[str | None]) -> Iterator[tuple[Cell, list[Cell]]]:
    """A row of measured figures, and one of their intervals if there are any; blank where there is no name."""
    yield Cell(text=what), [BLANK if name is None else measured_cell(name, row.figures[name]) for name in names]
    intervals = ["" if name is None else between(row.figures[name].interval, unit_of(name)) for name in names]
    if any(intervals):
        yield Cell(text="95% interval"), [Cell(text=interval) for interval in intervals]


def unit_of(name: str) -> Unit:
    """The unit of a figure."""
    return _UNITS.get(name, YEARS)


def signed_unit(name: str) -> Unit:
    """The unit of a difference of a figure."""
    return SIGNED_MEAN_LOSS if name == "val_loss" else SIGNED_YEARS


def _correlation(one: Agreement | None) -> Cell:
    return BLANK if one is None else Cell(one.rho, spread=Spread(None, one.n), unit=CORRELATION)


def _correlation_interval(one: Agreement | None) -> Cell:
    if one is None or one.interval is None:
        return BLANK if one is None else Cell()
    return Cell(text=between(one.interval, CORRELATION, " to "))
