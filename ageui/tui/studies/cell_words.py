"""The line below a study's table: details of the row under the cursor."""

from ageui.present.figures import CORRELATION, between, number
from ageui.present.marks import NOISE
from ageui.study import CellRow, StudyTable
from ageui.study.matching import FURTHEST_FIRST
from ageui.study.published_and_measured import unit_of
from ageui.study.wording import figure_title, seeds_text
from ageui.text.states import SYMBOLS
from ageui.tui.studies.cell_rows import Progress


def about_cell(table: StudyTable, row: CellRow, name: str, progress: Progress) -> str:
    """The cell's label, one of its figures with intervals and signed gap, its runs by state, and remarks on it."""
    said = [row.cell.unknown or "", row.cell.note or ""]
    if row.runs:
        states = progress.states(row)
        share = progress.share(row)
        running = f" {share:.0%}" if share is not None else ""
        counts = [
            f"{SYMBOLS.get(state, '?')} {states[state]} {state}{running if state == 'running' else ''}"
            for state in (*FURTHEST_FIRST, "?")
            if states[state]
        ]
        runs = ", ".join(map(str, row.runs.values()))
        said = [
            *_figure_words(table, row, name),
            ", ".join(counts),
            f"{seeds_text(tuple(row.runs))}: {'run' if len(row.runs) == 1 else 'runs'} {runs}",
            *said,
        ]
    elif row.cell.making is not None:
        said.insert(0, f"made of {' and '.join(row.cell.making.cells)} by ageui study run {table.study.name}")
    elif row.cell.unknown is None:
        said.insert(0, "no run yet, r queues what is missing")
    return f"{row.cell.label}: {' · '.join(filter(None, said))}"


def _figure_words(table: StudyTable, row: CellRow, name: str) -> list[str]:
    """`gender 0.22~ 0.00–0.81`, `signed gap 0.55~ 0.00–1.39`; empty without a measured value."""
    gap = table.study.signed_gaps.get(name)
    said = []
    for title, figure in ((figure_title(name), row.figures[name]), ("signed gap", row.figures.get(gap or ""))):
        if figure is not None and figure.measured is not None:
            mark = NOISE if figure.inside_noise else ""
            said.append(f"{title} {number(figure.measured, unit_of(name))}{mark} {between(figure.interval)}".rstrip())
    return said


def ranking_words(table: StudyTable, name: str) -> str:
    """The meaning of the rows below the cells."""
    parts = ["constant: always the train mean"] if table.constant else []
    found = table.agreement.get(name)
    if found is not None and found.rho is not None:
        interval = f", 95% interval {between(found.interval, CORRELATION, ' to ')}" if found.interval else ""
        ranking = f"{figure_title(name)}: ρ {number(found.rho, CORRELATION)} (n={found.n}{interval})"
        parts.append(f"order of cells, measured and published, {ranking}")
    return " · ".join(parts)
