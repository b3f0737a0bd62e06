"""The cells of a study as rows: all figures side by side, or one figure on an axis, with published figures beside."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len

from ageui.present.figures import CORRELATION, change, fitting_number, number
from ageui.present.marks import BEST, NO_BETTER, NOISE, PUBLISHED
from ageui.present.table import Cell, Tone
from ageui.present.terminal import shortened
from ageui.study import CellRow, StudyTable
from ageui.study.labels import CellLabels
from ageui.study.matching import FURTHEST_FIRST
from ageui.study.measured_cells import UNCOMPARED
from ageui.study.overview import best_texts
from ageui.study.published_and_measured import constant_cell, published_cell, signed_unit, unit_of
from ageui.study.wording import figure_title, short_title
from ageui.text.states import SYMBOLS
from ageui.tui.chart.dot_plot import DotRow, plot_lines
from ageui.tui.widgets.table_rows import TableColumn, TableRow
from engine.choices import REPORT_ATTRIBUTES

_GUTTER, _COUNT, _SPREAD, _DIFFERENCE = 3, 3, 6, 7
_DIGITS = {"val_loss": 6, "minutes": 5, "mae": 5, "age": 5}
_SHORTEST_LABEL, _LONGEST_LABEL = 12, 30
_NARROWEST_PLOT, _WIDEST_PLOT = 28, 60


@dataclass(frozen=True)
class Progress:
    """The `statuses` of runs by id, and the progress of running runs as `fractions` from 0 to 1."""

    statuses: Mapping[int, str]
    fractions: Mapping[int, float]

    def states(self, row: CellRow) -> Counter[str]:
        """The number of a cell's runs in each state."""
        return Counter(self.statuses.get(run_id, "?") for run_id in row.runs.values())

    def share(self, row: CellRow) -> float | None:
        """The progress of a cell's running runs; None if unknown."""
        known = [self.fractions[run_id] for run_id in row.runs.values() if run_id in self.fractions]
        return sum(known) / len(known) if known else None


@dataclass(frozen=True)
class _Part:
    """A column of a figure: its width and content."""

    what: str
    width: int


@dataclass(frozen=True)
class Layout:
    """The columns that fit a width. Depends only on width and study, so that nothing moves. `plot` may be 0."""

    names: tuple[str, ...]
    labels: CellLabels
    label: int
    plot: int
    parts: Mapping[str, tuple[_Part, ...]]

    @classmethod
    def of_figures(cls, table: StudyTable, width: int) -> "Layout":
        """All figures; if there is room, a plot of one, standard deviations and differences."""
        names = table.shown_figures
        labels = CellLabels.of(table.study)
        wanted = min(_LONGEST_LABEL, max(labels.longest, _SHORTEST_LABEL))
        further: tuple[str, ...] = ()
        parts = {name: _parts(table, name, further) for name in names}
        room = width - _GUTTER - _COUNT - wanted - _width(parts)
        plot = _NARROWEST_PLOT if room >= _NARROWEST_PLOT + 1 else 0
        for what in ("spread", "difference"):
            more = {name: _parts(table, name, (*further, what)) for name in names}
            if width - _GUTTER - _COUNT - wanted - plot - _width(more) >= 0:
                further, parts = (*further, what), more
        room = width - _GUTTER - _COUNT - wanted - _width(parts)
        if room - plot > len(names):
            parts = {name: (replace(own[0], width=own[0].width + 1), *own[1:]) for name, own in parts.items()}
            room -= len(names)
        plot = min(_WIDEST_PLOT, room - 1) if plot else 0
        return cls(names, labels, max(1, min(wanted, wanted + room - plot)), plot, parts)

    @classmethod
    def of_axis(cls, table: StudyTable, name: str, width: int) -> "Layout":
        """One figure on an axis, with all its details."""
        labels = CellLabels.of(table.study)
        label = min(_LONGEST_LABEL, max(labels.longest, _SHORTEST_LABEL), max(_SHORTEST_LABEL, width // 4))
        parts = {name: _parts(table, name, ("spread", "difference"))}
        plot = width - _GUTTER - _COUNT - label - _width(parts) - 1
        return cls((name,), labels, label, max(0, plot), parts)


def columns_and_rows(
    table: StudyTable, layout: Layout, plotted: str, progress: Progress
) -> tuple[list[TableColumn], list[TableRow]]:
    """The columns of a layout, and a row per cell, keyed by its place, then the constant and the ranking."""
    axis, plots = plot_lines(dots(table, plotted), layout.plot) if layout.plot else ("", [])
    return _columns(table, layout, axis), _rows(table, layout, plots, progress)


def _columns(table: StudyTable, layout: Layout, axis: str) -> list[TableColumn]:
    """The columns of a layout; the plot is headed by its axis."""
    found = [
        TableColumn("cell", shortened(layout.labels.title, layout.label), layout.label, is_fixed=True, gap=1),
        TableColumn("n", " n", _COUNT - 1, is_fixed=True, gap=0),
    ]
    for name in layout.names:
        parts = layout.parts[name]
        for part, title in zip(parts, _titles(name, parts), strict=True):
            found.append(TableColumn(f"{name} {part.what}", title, part.width, is_fixed=True, gap=0))
    if layout.plot:
        is_axis = len(layout.names) == 1
        plot = TableColumn("plot", axis, layout.plot, is_fixed=True, gap=0)
        place = 2 if is_axis else len(found)
        found[place - 1] = replace(found[place - 1], gap=1)
        found.insert(place, plot)
    return found


def _rows(table: StudyTable, layout: Layout, plots: Sequence[str], progress: Progress) -> list[TableRow]:
    is_axis = len(layout.names) == 1
    best = best_texts(table)
    found = []
    for place, row in enumerate(table.rows):
        label = exactly(layout.labels.text(row.cell, layout.label), layout.label, tone=_label_tone(row))
        figures = [cell for name in layout.names for cell in _figure_cells(table, row, name, layout, progress, best)]
        plot = [Cell(text=plots[place])] if layout.plot else []
        found.append(_row(place, [label, _count_cell(row, progress)], figures, plot, is_axis))
    for text, texts in _closing(table, layout.names):
        figures = [
            exactly(texts.get(name) or _after(name) if part.what == "measured" else "", part.width, right=True)
            for name in layout.names
            for part in layout.parts[name]
        ]
        plot = [exactly("", layout.plot)] if layout.plot else []
        found.append(_row(len(found), [exactly(text, layout.label), exactly("", _COUNT - 1)], figures, plot, is_axis))
    return found


def _row(place: int, label: Sequence[Cell], figures: Sequence[Cell], plot: Sequence[Cell], is_axis: bool) -> TableRow:
    """An axis stands before its figure, and behind all figures."""
    return TableRow(place, (*label, *plot, *figures) if is_axis else (*label, *figures, *plot))


def _label_tone(row: CellRow) -> Tone:
    return "dim" if row.cell.unknown else "strong"


def _after(name: str) -> str:
    """A blank in place of ~."""
    return " " if name in _MARKED else ""


_MARKED = frozenset(REPORT_ATTRIBUTES)
"""Figures with a place for ~ behind their digits."""


def _parts(table: StudyTable, name: str, further: Sequence[str]) -> tuple[_Part, ...]:
    digits = _DIGITS.get(name, 4)
    parts = [_Part("measured", 1 + digits + (name in _MARKED))]
    if "spread" in further and name != "minutes" and len(table.seeds) > 1:
        parts.append(_Part("spread", _SPREAD + (name not in _MARKED) + (name == "val_loss")))
    if any(name in row.cell.published for row in table.rows):
        parts.append(_Part("published", 1 + (5 if name == "val_loss" else digits)))
        if "difference" in further and name not in UNCOMPARED and table.is_comparable:
            parts.append(_Part("difference", _DIFFERENCE + (name == "val_loss")))
    return tuple(parts)


def _width(parts: Mapping[str, Sequence[_Part]]) -> int:
    return sum(part.width for several in parts.values() for part in several)


def _titles(name: str, parts: Sequence[_Part]) -> list[str]:
    """The name of a figure over its columns, if there is room, with ◆ over the published values."""
    whole = sum(part.width for part in parts)
    published = next((sum(one.width for one in parts[: place + 1]) for place, part in enumerate(parts)
                      if part.what == "published"), 0)  # fmt: skip
    room = (published - 2 if published else whole) - 1
    title = figure_title(name) if len(figure_title(name)) <= room else short_title(name)
    digits_end = parts[0].width - (name in _MARKED)
    line = " " * max(1, digits_end - len(title)) + title
    if published:
        line = line.ljust(published - 1) + PUBLISHED
    line = line.ljust(whole)
    titles, start = [], 0
    for part in parts:
        titles.append(line[start : start + part.width])
        start += part.width
    return titles


def exactly(text: str, width: int, *, right: bool = False, tone: Tone = "dim") -> Cell:
    """Words in exactly `width` cells."""
    shown = shortened(text, width)
    blank = " " * (width - cell_len(shown))
    return Cell(text=blank + shown if right else shown + blank, tone=tone)


def _count_cell(row: CellRow, progress: Progress) -> Cell:
    """The number of measured seeds, and the symbol of the furthest other run: `5`, `2▶`, `✗`."""
    if row.cell.unknown is not None:
        return exactly("", _COUNT - 1)
    measured = max((figure.n for figure in row.figures.values()), default=0)
    states = progress.states(row)
    others = [state for state in FURTHEST_FIRST if states[state] and state not in ("done", "diverged")]
    symbol = SYMBOLS[others[0]] if others else ""
    text = f"{measured or ''}{symbol}" or "—"
    tone: Tone = "accent" if states["running"] else "bad" if states["failed"] and not measured else "dim"
    return exactly(text, _COUNT - 1, right=True, tone=tone)


def _figure_cells(
    table: StudyTable, row: CellRow, name: str, layout: Layout, progress: Progress, best: Mapping[str, str]
) -> list[Cell]:
    figure = row.figures[name]
    found = []
    for part in layout.parts[name]:
        match part.what:
            case "measured":
                found.append(_measured_cell(table, row, name, part.width, progress, best))
            case "spread":
                text = "" if figure.std is None else f"±{number(figure.std, unit_of(name))}"
                found.append(exactly(f"{text} ", part.width, right=True))
            case "published":
                cell = published_cell(name, figure)
                digits = "" if cell.value is None else fitting_number(cell.value, cell.unit, part.width - 1)
                found.append(exactly(f"{PUBLISHED}{digits}" if digits else "", part.width, right=True))
            case _:
                value = row.difference(name)
                text = "" if value is None else change(value, signed_unit(name))
                tone: Tone = "dim" if value is None else "good" if value < 0 else "bad" if value > 0 else "dim"
                found.append(exactly(text, part.width, right=True, tone=tone))
    return found


def _measured_cell(
    table: StudyTable, row: CellRow, name: str, width: int, progress: Progress, best: Mapping[str, str]
) -> Cell:
    """`★0.22~`: digits of a column align. ∅ stands in place of ★; the best figure is bold anyway.

    A cell without figures shows its run's progress in its first column.
    """
    figure, is_first = row.figures[name], name == table.shown_figures[0]
    if row.cell.unknown is not None:
        return exactly("", width)
    after = _after(name)
    if figure.measured is None:
        share = progress.share(row)
        text = f"{SYMBOLS['running']}{share:>4.0%}" if is_first and share is not None else f"—{after}"
        return exactly(text, width, right=True, tone="accent" if share is not None else "dim")
    is_best = number(figure.measured, unit_of(name)) == best.get(name)
    constant = table.constant.get(name)
    is_no_better = name == "mae" and constant is not None and not figure.measured < constant
    before = NO_BETTER if is_no_better else BEST if is_best else ""
    digits = fitting_number(figure.measured, unit_of(name), width - 1 - len(after))
    text = f"{before}{digits}{NOISE if figure.inside_noise else after}"
    return exactly(text, width, right=True, tone="strong" if is_best else "dim" if figure.inside_noise else "plain")


def _closing(table: StudyTable, names: Sequence[str]) -> list[tuple[str, Mapping[str, str]]]:
    """The constant predictor and the rankings, if known, by figure."""
    found: list[tuple[str, Mapping[str, str]]] = []
    cells = {name: constant_cell(table, name) for name in names if name in table.constant}
    constant = {
        name: f"{number(cell.value, cell.unit)}{NOISE if cell.inside_noise else _after(name)}"
        for name, cell in cells.items()
    }
    if constant:
        found.append(("constant", constant))
    rankings = {name: one for name, one in table.agreement.items() if name in names and one.rho is not None}
    if rankings:
        texts = {name: f"{number(one.rho, CORRELATION)}{_after(name)}" for name, one in rankings.items()}
        found.append(("Spearman's ρ", texts))
    return found


def dots(table: StudyTable, name: str) -> list[DotRow]:
    """The dots of a figure: measured dots joined to published dots, or alone with their intervals."""
    labels = CellLabels.of(table.study)
    found = []
    for row in table.rows:
        figure = row.figures[name]
        interval = figure.interval if figure.published is None else None
        low, high = (interval.low, interval.high) if interval is not None else (None, None)
        label, is_joined = labels.text(row.cell), row.comparable and name not in UNCOMPARED
        found.append(DotRow(label, figure.measured, low, high, reference=figure.published, is_joined=is_joined))
    return found
