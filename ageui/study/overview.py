"""The list of studies: their questions, the progress of their runs, and the best measured figures."""

import math
from collections import Counter
from collections.abc import Sequence

from ageui.present.figures import number
from ageui.present.marks import APART
from ageui.present.table import Cell, Column, Table, words
from ageui.study.measured_cells import StudyTable
from ageui.study.published_and_measured import unit_of
from ageui.study.study import FIGURES
from ageui.study.variants import name_of
from ageui.study.wording import short_title
from ageui.text.sentences import counted
from ageui.text.states import SYMBOLS

MISSING = "missing"
_COUNTED = ("measured", "running", "queued", MISSING)
OVERVIEW_FIGURES = FIGURES["scores"]
ABOUT_FIGURES = "figures: best of each column, from any cell; biases over seeds untested"
"""Says that the figures of a study's row are not those of one cell, and lack the marks of means over seeds."""


def overview(tables: Sequence[StudyTable]) -> Table:
    """A row per study."""
    return Table.of_columns(
        (Column("study"), [words(table.study.name) for table in tables]),
        (Column("title"), [words(table.study.title) for table in tables]),
        (Column("cells", "figure"), [words(progress_words(table)) for table in tables]),
        *(
            (Column(short_title(name), "figure"), [best_cell(table, name) for table in tables])
            for name in OVERVIEW_FIGURES
        ),
        (Column("shows", leaves=0), [words(table.study.shows) for table in tables]),
        (Column("measured on", leaves=1), [words(_measured_on(table)) for table in tables]),
    )


def _measured_on(table: StudyTable) -> str:
    """The variant in short: what tells it from the study's other variants has no room in a terminal."""
    return "" if table.variant is None else name_of(table.study, table.variant)


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


def progress_words(table: StudyTable) -> str:
    """`2/14 ▶1 ·3`: measured and runnable cells, then running and queued ones; after ≠ those on other data."""
    states, apart = states_of(table), "" if table.is_comparable else f"{APART} "
    waiting = [f"{SYMBOLS[state]}{states[state]}" for state in ("running", "queued") if states[state]]
    return apart + " ".join([f"{states['measured']}/{len(table.study.runnable)}", *waiting])


def best_cell(table: StudyTable, name: str) -> Cell:
    """The smallest measured value of a figure; a dash without any."""
    figures = [figure for row in table.rows if (figure := row.figures.get(name)) is not None]
    known = [one for one in figures if one.measured is not None and math.isfinite(one.measured)]
    best = min(known, key=lambda one: one.measured or 0.0, default=None)
    return Cell() if best is None else Cell(best.measured, p_value=best.p_value, unit=unit_of(name))


def best_texts(table: StudyTable) -> dict[str, str]:
    """The smallest measured value of each figure as it is printed, so that equal ones share its mark.

    Empty for a single cell, and where some scores are selected and others are not.
    """
    found = {}
    for name in table.shown_figures:
        measured = [row for row in table.rows if row.figures[name].measured is not None]
        values = [value for row in measured if math.isfinite(value := row.figures[name].measured or 0.0)]
        if len(values) > 1 and len({row.is_selected for row in measured}) == 1:
            found[name] = number(min(values), unit_of(name))
    return found
