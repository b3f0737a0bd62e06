"""The cells of the rows of the table of runs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ageui.compare.differing_settings import in_short, setting
from ageui.compare.summary_cells import bias_cell, mae_cell
from ageui.present.figures import number
from ageui.present.table import BLANK, DASH, Cell, Spread, Tone, words
from ageui.store import RunRow
from ageui.text.sentences import counted
from ageui.text.states import SYMBOLS, state_of
from ageui.tui.runs.columns import COLUMNS
from ageui.tui.runs.entries import FIGURES, Entry
from ageui.tui.runs.listing import RunList
from ageui.tui.runs.progress import QueuePlaces, progress_text
from ageui.tui.tones import state_tone
from ageui.tui.widgets.table_rows import TableColumn, TableRow
from engine.choices import REPORT_ATTRIBUTES

_NO_SETTINGS_OF_A_FOLD = ("seed", "device", "precision")
_WITHOUT_SCORES = ("queued", "running", "paused", "interrupted", "cancelled")
_URGENT_FIRST = ("running", "queued", "paused", "interrupted", "failed", "diverged", "cancelled", "done")
_OPEN, _CLOSED, _CONSTANT = "⌄", "›", "–"
_BLANKS = (BLANK,) * len(FIGURES)


@dataclass(frozen=True)
class ShownPage:
    """The inputs of a page's cells: the whole list, the runs of the page by id, and the queue."""

    found: RunList
    runs: Mapping[int, RunRow]
    queue: QueuePlaces
    grouped: str = ""


def table_row(entry: Entry, page: ShownPage, columns: Sequence[TableColumn]) -> TableRow:
    """The row of an entry. A run deleted after the list was read has a dash in every cell."""
    row = page.runs.get(entry.runs[0]) if entry.kind in ("run", "fold") else None
    if row is None and entry.kind in ("run", "fold"):
        return TableRow(entry.key, (DASH,) * len(columns), ())
    figures = _figures(entry, row, page)
    by_name = dict(zip(FIGURES, figures, strict=True))
    room = _room(columns, are_blank=figures[0] is BLANK)
    cells = tuple(
        by_name[column.key] if column.key in by_name else _CELLS[entry.kind](column, entry, row, page, room)
        for column in columns
    )
    return TableRow(entry.key, cells, entry.runs, _bars(entry, figures, page, columns), entry.kind == "heading")


def _room(columns: Sequence[TableColumn], *, are_blank: bool) -> int:
    """The cells for the progress of a run, including those of the following figures if these are blank."""
    keys = [column.key for column in columns]
    if "progress" not in keys:
        return 0
    place = keys.index("progress")
    room = columns[place].width
    for column in columns[place + 1 :] if are_blank else ():
        if column.key not in FIGURES:
            break
        room += column.gap + column.width
    return room


# Figures


def _figures(entry: Entry, row: RunRow | None, page: ShownPage) -> tuple[Cell, ...]:
    if entry.kind == "run" and row is not None:
        return _figures_of_run(entry, row, page.found)
    if all(figure is None for figure in entry.figures):
        return _BLANKS
    tone: Tone = "plain" if entry.kind == "fold" else "dim"
    cells = []
    for place, (value, std) in enumerate(zip(entry.figures, entry.stds, strict=True)):
        cell = Cell(
            value,
            p_value=entry.p_values[place],
            best=entry.kind == "fold" and page.found.is_best(entry, place),
            spread=Spread(std, entry.scored) if std is not None else None,
            no_better=entry.no_better and place == 0,
            tone=tone,
        )
        cells.append(replace(cell, tone=_mae_tone(cell)) if place == 0 and entry.kind == "fold" else cell)
    return tuple(cells)


def _figures_of_run(entry: Entry, row: RunRow, found: RunList) -> tuple[Cell, ...]:
    """The scores of a run; before it has scores, those of its newest epoch on the validation split, dim."""
    summary = row.summary
    cells = (mae_cell(summary), *(bias_cell(summary, attribute) for attribute in REPORT_ATTRIBUTES))
    if all(cell.value is None for cell in cells):
        newest = (summary.val_mae, *(summary.val_bias.get(attribute) for attribute in REPORT_ATTRIBUTES))
        if row.status not in _WITHOUT_SCORES or all(value is None for value in newest):
            return _BLANKS
        return tuple(BLANK if value is None else Cell(value, tone="dim") for value in newest)
    marked = [replace(cell, best=found.is_best(entry, place)) for place, cell in enumerate(cells)]
    return (replace(marked[0], tone=_mae_tone(marked[0])), *marked[1:])


def _mae_tone(cell: Cell) -> Tone:
    return "plain" if cell.value is None else "bad" if cell.no_better else "strong"


def _bars(entry: Entry, figures: Sequence[Cell], page: ShownPage, columns: Sequence[TableColumn]) -> dict[int, float]:
    """The shares of bias cells to cover with a faint bar, relative to the largest bias in the column."""
    if entry.kind == "heading":
        return {}
    found = {}
    for place, column in enumerate(columns):
        if column.key in REPORT_ATTRIBUTES:
            figure = FIGURES.index(column.key)
            value, largest = figures[figure].value, page.found.largest[figure]
            if value is not None and 0 < value <= largest:
                found[place] = value / largest
    return found


# Other cells

_MakeCell = Callable[[TableColumn, Entry, RunRow | None, ShownPage, int], Cell]


def _cell_of_run(column: TableColumn, entry: Entry, row: RunRow | None, page: ShownPage, room: int) -> Cell:
    assert row is not None
    match column.key:
        case "state":
            cell = COLUMNS["state"].cell
            assert cell is not None
            return cell(row) if column.width > 1 else words(state_of(row)[0], cell(row).tone)
        case "run":
            return words(f"  {row.name}" if entry.depth else row.name, "strong")
        case "differs":
            return words(_setting_of_run(entry, row, page))
        case "progress":
            # Without figures, a text about the progress stands in their place.
            needs_words = row.summary.mae is None and not row.is_published
            return words(progress_text(row, page.queue, room), _progress_tone(row)) if needs_words else BLANK
    make = COLUMNS[column.key].cell
    assert make is not None
    return make(row)


def _setting_of_run(entry: Entry, row: RunRow, page: ShownPage) -> str:
    if entry.depth:
        return f"└ seed {row.config.get('seed', 0)} · {row.name}"
    return _named_settings(row, page.found, with_seed=True)


def _named_settings(row: RunRow, found: RunList, *, with_seed: bool) -> str:
    names = found.telling.get((row.config_hash, row.is_published), ())
    seed = ("seed",) if with_seed and not row.is_published and "seed" in found.varying else ()
    known = {name: setting(row.config, name) for name in (*names, *seed) if name in row.config}
    return in_short(known) or row.name


def _progress_tone(row: RunRow) -> Tone:
    return "accent" if row.status == "running" else "dim" if row.status == "queued" else state_tone(row.status)


def _cell_of_fold(column: TableColumn, entry: Entry, row: RunRow | None, page: ShownPage, room: int) -> Cell:
    assert row is not None
    count = len(entry.runs)
    match column.key:
        case "state":
            status = min(entry.statuses, key=lambda status: _URGENT_FIRST.index(status))
            symbol = SYMBOLS[status]
            return words(f"{symbol} {status}" if column.width > 1 else symbol, state_tone(status))
        case "run":
            return words(f"{row.name} +{count - 1}", "strong")
        case "differs":
            return words(_named_settings(row, page.found, with_seed=False))
        case "progress":
            text = f"×{count}" if entry.scored == count else f"×{entry.scored} of {count}"
            return words(text, "dim")
        case "split":
            return words(row.summary.split, "dim")
        case name if name.startswith("config.") and name.removeprefix("config.") not in _NO_SETTINGS_OF_A_FOLD:
            return _cell_of_run(column, entry, row, page, room)
    return BLANK


def _cell_of_heading(column: TableColumn, entry: Entry, row: RunRow | None, page: ShownPage, room: int) -> Cell:
    match column.key:
        case "state":
            return words(_OPEN if entry.is_open else _CLOSED, "dim")
        case "differs":
            best = f" · best {number(entry.best)}" if entry.best is not None else ""
            return words(f"{page.grouped} {entry.title} · {counted(len(entry.runs), 'run')}{best}", "strong")
    return BLANK


def _cell_of_constant(column: TableColumn, entry: Entry, row: RunRow | None, page: ShownPage, room: int) -> Cell:
    match column.key:
        case "state":
            return words(_CONSTANT, "dim")
        case "differs":
            return words(entry.title, "dim")
        case "split":
            return words(page.found.constants[entry.key].split, "dim")
    return BLANK


_CELLS: Mapping[str, _MakeCell] = {
    "run": _cell_of_run,
    "fold": _cell_of_fold,
    "heading": _cell_of_heading,
    "constant": _cell_of_constant,
}
