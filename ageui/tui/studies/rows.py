"""A study as a list entry and as a table: a row per cell, with progress, published and measured figures."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from rich.cells import cell_len
from rich.text import Text

from ageui.present.marks import PUBLISHED
from ageui.present.table import BLANK, Cell, words
from ageui.present.terminal import shortened
from ageui.present.wording import note_text
from ageui.study import CellRow, StudyTable
from ageui.study.matching import FURTHEST_FIRST
from ageui.study.published_and_measured import (
    closing_lines,
    difference_cell,
    legend,
    measured_cell,
    published_cell,
)
from ageui.study.wording import figure_title, headline, others_text, split_text, trained_on
from ageui.text.clean import clean
from ageui.text.sentences import counted
from ageui.text.states import SYMBOLS, symbols_text
from ageui.tui.tones import state_tone
from ageui.tui.widgets.table_rows import TableColumn, TableRow

MISSING = "missing"
_COUNTED = ("measured", "running", "queued", MISSING)
_CELL, _PROGRESS, _PUBLISHED, _MEASURED, _DIFFERENCE, _SIGNED = 26, 18, 12, 20, 9, 8


def states_of(table: StudyTable) -> Counter[str]:
    """The number of runnable cells that are measured, running, queued or missing; counts each cell once."""
    found: Counter[str] = Counter()
    for row in table.rows:
        if row.cell.unknown is None:
            waiting = next((state for state in ("running", "queued") if row.progress.get(state)), MISSING)
            found["measured" if row.is_measured else waiting] += 1
    return found


def states_text(table: StudyTable) -> str:
    """`14 cells: 2 measured, 1 running, 3 queued, 8 missing`."""
    states = states_of(table)
    said = ", ".join(f"{states[state]} {state}" for state in _COUNTED if states[state])
    return f"{counted(len(table.study.runnable), 'cell')}: {said}"


def list_text(table: StudyTable, width: int) -> Text:
    """`table8     2/14 ▶1 ·3`: measured and runnable cells, then running and queued ones."""
    states = states_of(table)
    name = shortened(clean(table.study.name), width)
    text = Text(name + " " * (width - cell_len(name)))
    cells = len(table.study.runnable)
    text.append(f" {states['measured']:>2}/{cells}", style="" if states["measured"] == cells else "dim")
    for state in ("running", "queued"):
        if states[state]:
            text.append(f" {SYMBOLS[state]}{states[state]}", style="bold")
    return text


def about_text(table: StudyTable) -> Text:
    """The title and purpose, the states of cells, the split, and the settings of the measured runs."""
    study = table.study
    text = Text.assemble((clean(f"{study.name}: {study.title}"), "bold"), "  ", (clean(study.shows), "dim"))
    parts = (states_text(table), split_text(table), clean(trained_on(table)))
    return text.append(f"\n{' · '.join(filter(None, parts))}")


def columns(table: StudyTable) -> list[TableColumn]:
    """The cell and its progress, then each figure's published value, measured value, their difference, and a bias's
    signed gap."""
    found = [TableColumn("cell", "cell", _CELL), TableColumn("progress", "runs", _PROGRESS)]
    for name in table.study.figures:
        title = figure_title(name)
        if any(name in row.cell.published for row in table.rows):
            found.append(TableColumn(f"{name} published", f"{PUBLISHED} {title}", _PUBLISHED, right=True))
        found.append(TableColumn(name, title, _MEASURED, right=True))
        if _has_difference(table, name):
            found.append(TableColumn(f"{name} difference", f"− {PUBLISHED}", _DIFFERENCE, right=True))
        if (gap := table.study.signed_gaps.get(name)) is not None:
            found.append(TableColumn(gap, "signed", _SIGNED, right=True))
    return found


def rows(table: StudyTable, statuses: Mapping[int, str], fractions: Mapping[int, float]) -> list[TableRow]:
    """A row per cell, keyed by its place, then the constant and the rankings.

    `statuses` are by run id; `fractions` are the progress of running runs, from 0 to 1.
    """
    found = [
        TableRow(
            place,
            (
                words(row.cell.label, "dim" if row.cell.unknown else "strong"),
                progress_cell(row, statuses, fractions),
                *_figures(table, row),
            ),
        )
        for place, row in enumerate(table.rows)
    ]
    for name, what, *figures in closing_lines(table):
        cells: list[Cell] = []
        for figure_name, figure in zip(table.study.figures, figures, strict=True):
            cells += _beside(table, figure_name, BLANK, figure, BLANK, BLANK)
        names = (name.text, "train mean") if name.text == "constant" else (what.text, name.text)
        found.append(TableRow(len(found), (*(Cell(text=text, tone="dim") for text in names), *cells)))
    return found


def progress_cell(row: CellRow, statuses: Mapping[int, str], fractions: Mapping[int, float]) -> Cell:
    """`✓ 5 done`, `✓ 2 ▶ 40% · 1`: the number of runs in each state, and the progress of running ones."""
    if row.cell.unknown is not None:
        return words("cannot be run", "dim")
    if not row.runs:
        return words("not run", "dim")
    found = Counter(statuses.get(run_id, "?") for run_id in row.runs.values())
    states = [state for state in FURTHEST_FIRST if found[state]]
    running = [fractions[run_id] for run_id in row.runs.values() if run_id in fractions]
    parts = []
    for state in states:
        share = f"{sum(running) / len(running):.0%}" if state == "running" and running else ""
        count = "" if share and found[state] == 1 else str(found[state])
        parts.append(" ".join(filter(None, (SYMBOLS[state], count, share))))
    if len(states) == 1:
        parts.append(states[0])
    telling = next((state for state in ("running", "failed", *states) if found[state]), "")
    return words(" ".join(parts), state_tone(telling))


def about_cell(row: CellRow, statuses: Mapping[int, str]) -> str:
    """Remarks on a cell, and its runs by seed."""
    said = [row.cell.unknown or "", row.cell.note or ""]
    said += [
        f"seed {seed}: run {run_id} {SYMBOLS.get(statuses.get(run_id, ''), '?')}" for seed, run_id in row.runs.items()
    ]
    return clean(" · ".join(filter(None, said)) or "no run of it yet")


def notes_text(table: StudyTable) -> Text:
    """Notes on the study and its figures, then its other variants."""
    lines = [Text(clean(note)) for note in table.notes]
    lines += [Text(clean(f"also there: {line}"), style="dim") for line in others_text(table)]
    return Text("\n").join(lines)


def explained(table: StudyTable) -> list[str]:
    """Explains every figure and mark of the table."""
    runs = f"runs of a cell: {symbols_text()}; a percentage says how far those are that run"
    return [headline(table), *map(note_text, legend(table)), runs]


def run_ids(rows: Sequence[CellRow]) -> list[int]:
    """The distinct runs of cells, those of measured cells first."""
    ordered = sorted(rows, key=lambda row: not row.is_measured)
    return list(dict.fromkeys(run_id for row in ordered for run_id in row.runs.values()))


def _figures(table: StudyTable, row: CellRow) -> list[Cell]:
    cells: list[Cell] = []
    for name in table.study.figures:
        figure = row.figures[name]
        published = replace(published_cell(name, figure), tone="dim")
        difference = difference_cell(name, row.difference(name))
        gap = row.figures.get(table.study.signed_gaps.get(name, ""))
        signed = Cell(gap.measured, p_value=gap.p_value) if gap is not None else BLANK
        cells += _beside(table, name, published, measured_cell(name, figure), difference, signed)
    return cells


def _beside(
    table: StudyTable, name: str, published: Cell, measured: Cell, difference: Cell, signed: Cell
) -> list[Cell]:
    """Keeps those of the four cells that have a column."""
    has_published = any(name in row.cell.published for row in table.rows)
    return [
        *([published] if has_published else []),
        measured,
        *([difference] if _has_difference(table, name) else []),
        *([signed] if name in table.study.signed_gaps else []),
    ]


def _has_difference(table: StudyTable, name: str) -> bool:
    return any(row.difference(name) is not None for row in table.rows)
