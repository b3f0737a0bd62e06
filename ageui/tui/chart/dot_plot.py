"""Draws rows of a label, a count, a dot with whiskers and a value, all on one axis, as lines of text."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.style import StyleType
from rich.text import Text

from ageui.present.figures import YEARS, Unit, number
from ageui.present.marks import PUBLISHED
from ageui.present.terminal import shortened
from ageui.text.clean import clean
from ageui.tui.chart.axis_ticks import linear_ticks, number_labels, padded
from ageui.tui.chart.text_layout import tick_label_line

REFERENCE = "┊"
_DOT, _LINE, _LOW_END, _HIGH_END, _CUT_LOW, _CUT_HIGH = "●", "─", "├", "┤", "‹", "›"
_FARTHEST = 1e100
_SHORTEST_LABEL, _LONGEST_LABEL, _LONGEST_VALUE = 8, 20, 12
_NARROW_PLOT, _USUAL_PLOT, _WIDE_PLOT = 9, 18, 32
_CELLS_PER_TICK = 7


@dataclass(frozen=True)
class DotRow:
    """A value with the ends of its interval, its whiskers.

    `text` replaces the value in its usual form. `reference` is a second value, marked ◆ and joined to the dot if
    `is_joined`. `marks` stand right of the value; `note` follows them if there is room. `style` is that of dot and
    whiskers.
    """

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    text: str | None = None
    reference: float | None = None
    is_joined: bool = False
    marks: str = ""
    note: str = ""
    marker: str = _DOT
    style: StyleType = ""


@dataclass(frozen=True)
class DotHeading:
    """A line between rows: a title and details. The last details are omitted if they do not fit."""

    title: str
    details: tuple[str, ...] = ()


def dot_plot(
    entries: Sequence[DotRow | DotHeading],
    width: int,
    *,
    line: float | None = None,
    legend: str = "",
    include: Sequence[float] = (),
    unit: Unit = YEARS,
) -> list[Text]:
    """Lines of at most `width` cells: the axis with its ticks, then one per entry.

    The axis covers all values and those of `include`. Whiskers that would squeeze the values are cut, with ‹ or › at
    the cut. If room is short, notes are left out first, then counts, then the axis with its dots.

    `line` is a value that a vertical line marks in all rows, such as the MAE of all images. `legend` names it, left of
    the ticks.

    >>> rows = [DotHeading("gender"), DotRow("male", 7.1, 6.7, 7.5, 766), DotRow("female", 7.6, 7.0, 8.1, 716)]
    >>> for text in dot_plot(rows, 48, line=7.3):
    ...     print(text.plain.rstrip())
                      7      ┊  7.5         8
    gender                   ┊
     male   766 ├────────●───┊───┤              7.10
     female 716       ├──────┊─────●──────────┤ 7.60
    """
    rows = [entry for entry in entries if isinstance(entry, DotRow)]
    is_indented = len(rows) < len(entries)
    layout = _Layout.fit(rows, width, unit, int(is_indented), cell_len(clean(legend)))
    if not layout.plot:
        return [_heading(one, width) if isinstance(one, DotHeading) else layout.row(one, Text()) for one in entries]
    axis = _Axis.of(rows, [*include, *([] if line is None else [line])], layout.plot)
    rule = None if line is None else axis.column(line)
    lines = [_axis_line(axis, rule, legend, layout.left)]
    for one in entries:
        if isinstance(one, DotRow):
            lines.append(layout.row(one, Text.assemble(*_drawn(one, axis, rule))))
            continue
        heading = _heading(one, width)
        if rule is not None and heading.cell_len < layout.left + rule:
            heading.append(" " * (layout.left + rule - heading.cell_len)).append(REFERENCE, style="dim")
        lines.append(heading)
    return lines


def plot_lines(rows: Sequence[DotRow], cells: int, *, include: Sequence[float] = ()) -> tuple[str, list[str]]:
    """The axis with its ticks, and the plot of each row, all `cells` wide, for tables that show the rest."""
    axis = _Axis.of(rows, include, cells)
    plots = ["".join(character for character, _ in _drawn(row, axis, None)) for row in rows]
    return _axis_line(axis, None, "", 0).plain, plots


def _heading(heading: DotHeading, width: int) -> Text:
    text = Text(shortened(clean(heading.title), width), style="bold")
    for place, detail in enumerate(map(clean, heading.details)):
        room = width - text.cell_len - 2
        if place and cell_len(detail) > room:
            break
        text.append(f"  {shortened(detail, room)}", style="dim not bold" if place else "not bold")
    text.truncate(width)
    return text


def _value_text(row: DotRow, unit: Unit) -> str:
    return shortened(clean(row.text) if row.text is not None else number(row.value, unit), _LONGEST_VALUE)


@dataclass(frozen=True)
class _Layout:
    """The cells of each column; 0 for one that is left out."""

    width: int
    unit: Unit
    indent: int
    label: int
    count: int
    plot: int
    value: int
    marks: int
    note: int

    @classmethod
    def fit(cls, rows: Sequence[DotRow], width: int, unit: Unit, indent: int, legend: int) -> "_Layout":
        def widest(texts: Iterable[str]) -> int:
            return max(map(cell_len, texts), default=0)

        longest = min(widest(clean(row.label) for row in rows), max(_LONGEST_LABEL, width // 3))
        count = widest(f"{row.n:,}" for row in rows if row.n is not None)
        value = widest(_value_text(row, unit) for row in rows)
        marks = widest(clean(row.marks) for row in rows)
        note = widest(clean(row.note) for row in rows)
        short = min(longest, _SHORTEST_LABEL)
        longest = max(longest, legend - indent - (count + 1 if count else 0))
        for label, counts, notes, least in (
            (longest, count, note, _WIDE_PLOT),
            (longest, count, 0, _USUAL_PLOT),
            (longest, 0, 0, _NARROW_PLOT),
            (short, 0, 0, _NARROW_PLOT),
        ):
            others = indent + sum(cells + 1 for cells in (label, counts, value, marks, notes) if cells)
            if width - others >= least:
                return cls(width, unit, indent, label, counts, width - others, value, marks, notes)
        room = width - indent - sum(cells + 1 for cells in (value, marks) if cells)
        return cls(width, unit, indent, max(0, min(longest, room)), 0, 0, value, marks, 0)

    @property
    def left(self) -> int:
        """The cells left of the plot."""
        return self.indent + sum(cells + 1 for cells in (self.label, self.count) if cells)

    def row(self, row: DotRow, drawn: Text) -> Text:
        text = Text(" " * self.indent)
        text.append(set_cell_size(shortened(clean(row.label), self.label), self.label))
        if self.count:
            text.append(f" {'' if row.n is None else f'{row.n:,}':>{self.count}}", style="dim")
        if self.plot:
            text.append(" ").append_text(drawn)
        value = _value_text(row, self.unit)
        text.append(" " * (1 + self.value - cell_len(value)) + value)
        if self.marks:
            text.append(f" {set_cell_size(clean(row.marks), self.marks)}", style="bold")
        if self.note:
            text.append(f" {clean(row.note):>{self.note}}", style="dim")
        text.truncate(self.width)
        return text


@dataclass(frozen=True)
class _Axis:
    """The range of values that `cells` cells show, from the middle of the first to the middle of the last."""

    low: float
    high: float
    cells: int

    @classmethod
    def of(cls, rows: Sequence[DotRow], others: Sequence[float], cells: int) -> "_Axis":
        values = _finite([*others, *(value for row in rows for value in (row.value, row.reference))])
        ends = _finite(end for row in rows for end in (row.low, row.high))
        low, high = min(values, default=0.0), max(values, default=1.0)
        lengths = sorted(_finite(row.high - row.low for row in rows if row.low is not None and row.high is not None))
        usual = lengths[len(lengths) // 2] if lengths else 0.0
        most = max((high - low) / 2, usual)
        low, high = max(low - most, min([low, *ends])), min(high + most, max([high, *ends]))
        return cls(*padded(low, high), cells)

    def place(self, value: float) -> int:
        """The cell of a value, also where that is outside the plot."""
        share = (value - self.low) / (self.high - self.low)
        return round(min(max(share, -1.0), 2.0) * (self.cells - 1))

    def column(self, value: float) -> int | None:
        place = self.place(value) if abs(value) < _FARTHEST else -1
        return place if 0 <= place < self.cells else None


def _finite(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None and abs(value) < _FARTHEST]


def _axis_line(axis: _Axis, rule: int | None, legend: str, left: int) -> Text:
    ticks = linear_ticks(axis.low, axis.high, max(3, axis.cells // _CELLS_PER_TICK))
    labels = tick_label_line(zip(map(axis.place, ticks), number_labels(ticks), strict=True), axis.cells)
    if rule is not None and not labels[max(0, rule - 1) : rule + 2].strip():
        labels = labels[:rule] + REFERENCE + labels[rule + 1 :]
    named = clean(legend) if cell_len(clean(legend)) < left else ""
    return Text(set_cell_size(named, left) + labels, style="dim")


def _drawn(row: DotRow, axis: _Axis, rule: int | None) -> list[tuple[str, StyleType]]:
    """The cells with the dot, whiskers and reference of a row, over the vertical line."""
    last = axis.cells - 1
    cells: list[tuple[str, StyleType]] = [(" ", "")] * axis.cells
    value = None if row.value is None else axis.column(row.value)
    reference = None if row.reference is None else axis.column(row.reference)
    if row.is_joined and value is not None and reference is not None:
        begin, end = sorted((value, reference))
        cells[begin:end] = [(_LINE, row.style)] * (end - begin)
    if value is not None and row.low is not None and row.high is not None:
        low, high = axis.place(row.low), axis.place(row.high)
        begin, end = max(low, 0), min(high, last)
        cells[begin : end + 1] = [(_LINE, row.style)] * (end + 1 - begin)
        cells[begin] = _LOW_END if low >= 0 else _CUT_LOW, row.style
        cells[end] = _HIGH_END if high <= last else _CUT_HIGH, row.style
    if reference is not None and reference == value:
        reference += 1 if reference < last else -1
    if rule is not None:
        cells[rule] = REFERENCE, "dim"
    if reference is not None:
        cells[reference] = PUBLISHED, ""
    if value is not None:
        cells[value] = row.marker, row.style
    return cells
