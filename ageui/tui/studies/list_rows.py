"""The list of studies as rows: title, progress and best figures; and a description of one study."""

from collections.abc import Sequence

from rich.text import Text

from ageui.present.figures import number
from ageui.present.marks import NOISE
from ageui.present.table import Cell, Tone
from ageui.study import StudyTable
from ageui.study.overview import (
    ABOUT_FIGURES,
    MISSING,
    OVERVIEW_FIGURES,
    best_cell,
    progress_words,
    states_of,
    states_text,
)
from ageui.study.wording import short_title, split_text
from ageui.text.clean import clean
from ageui.text.sentences import counted
from ageui.tui.studies.cell_rows import exactly
from ageui.tui.widgets.table_rows import TableColumn, TableRow

_GUTTER, _NAME, _CELLS, _FIGURE = 3, 8, 9, 6
_SHORTEST_TITLE, _LONGEST_TITLE = 12, 42


def list_columns(width: int) -> list[TableColumn]:
    """The columns that fit a width: figures before titles, the variant last."""
    title, about = _widths(width)
    found = [
        TableColumn("study", "study", _NAME, is_fixed=True, gap=1),
        TableColumn("title", "title", title, is_fixed=True, gap=1),
        TableColumn("cells", "cells", _CELLS, is_fixed=True, gap=0),
        *(
            TableColumn(name, f"{short_title(name):>{_FIGURE - 1}} ", _FIGURE, is_fixed=True, gap=0)
            for name in OVERVIEW_FIGURES
        ),
    ]
    return [*found, TableColumn("variant", " measured on", about, is_fixed=True, gap=0)] if about else found


def list_rows(tables: Sequence[StudyTable], width: int) -> list[TableRow]:
    """A row per study, keyed by its place."""
    title, about = _widths(width)
    found = []
    for place, table in enumerate(tables):
        states, cells = states_of(table), len(table.study.runnable)
        tone: Tone = "accent" if states["running"] else "plain" if states["measured"] == cells else "dim"
        texts = [
            exactly(clean(table.study.name), _NAME),
            exactly(clean(table.study.title), title, tone="strong"),
            exactly(progress_words(table), _CELLS, tone=tone),
        ]
        figures = [_figure(best_cell(table, name), is_ours=table.is_comparable) for name in OVERVIEW_FIGURES]
        variant = [exactly(f" {clean(table.variant_name)}", about)] if about else []
        found.append(TableRow(place, (*texts, *figures, *variant)))
    return found


def about_study(table: StudyTable, next_step: str) -> Text:
    """A study's question, its progress, the variant behind its figures, and what to press."""
    study = table.study
    text = Text(clean(study.title), style="bold")
    text.append(f"\n{clean(study.shows)}" if study.shows else "", style="not bold")
    said = [states_text(table), split_text(table), clean(table.variant_name)]
    text.append(f"\n{' · '.join(filter(None, said))}", style="not bold dim")
    if table.others:
        text.append(f" · variant 1 of {len(table.variants)}", style="not bold dim")
    for warning in table.warnings[:1]:
        text.append(f"\n{clean(warning)}", style="not bold")
    missing = states_of(table)[MISSING]
    queues = f" · r queues the runs of {counted(missing, 'missing cell')}" if missing else ""
    step = next_step or f"enter opens it{queues}"
    text.append(f"\n{'no runs yet · ' if next_step else ''}{clean(step)}", style="not bold")
    text.append(f"\n{ABOUT_FIGURES}" if table.measured_cells else "", style="not bold dim")
    return text


def _widths(width: int) -> tuple[int, int]:
    """The cells of the title, and of the variant or 0."""
    room = width - _GUTTER - _NAME - 1 - 1 - _CELLS - _FIGURE * len(OVERVIEW_FIGURES)
    title = max(_SHORTEST_TITLE, min(_LONGEST_TITLE, room))
    return title, room - title if room - title >= _SHORTEST_TITLE else 0


def _figure(cell: Cell, *, is_ours: bool) -> Cell:
    """A best figure; dim on other data than the published ones'."""
    mark = NOISE if cell.inside_noise else " "
    tone: Tone = "dim" if cell.value is None or cell.inside_noise or not is_ours else "plain"
    return Cell(text=f"{number(cell.value, cell.unit):>{_FIGURE - 1}}{mark}", tone=tone)
