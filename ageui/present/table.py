"""The table model: columns, rows of marked cells, and a legend. It knows no format, run or study."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from ageui.present.figures import YEARS, Unit
from engine.split_result import LEVEL, Interval

Tone = Literal["plain", "dim", "strong", "good", "bad", "warn", "accent"]


@dataclass(frozen=True)
class Difference:
    """A figure minus the baseline's, with its interval and test.

    `interval` is a 95% interval, given images that both share. If both are means over seeds, it covers the seeds too,
    and there is a test of equal settings: its `p_value`, and `adjusted` for the number of tests. `equivalent` tells
    whether the settings differ by less than the requested margin.
    """

    value: float
    interval: Interval | None = None
    p_value: float | None = None
    adjusted: float | None = None
    equivalent: bool | None = None

    @property
    def real(self) -> bool | None:
        """Whether the settings differ, at 5%; None without a test."""
        return None if self.adjusted is None else self.adjusted <= LEVEL


@dataclass(frozen=True)
class Spread:
    """The spread of a figure over `n` seeds: the sample standard deviation (over n - 1); None for a single seed.

    An `n` of 0 is not written, because a separate column shows it.
    """

    std: float | None
    n: int


@dataclass(frozen=True)
class Cell:
    """A figure with its uncertainty and marks, or words.

    `value` is in `unit`. `reason` says why it is missing, or why it cannot be compared with others. `interval` is a 95%
    interval, written as ± half its width if `half_width`. `p_value` is that of no difference between groups, and
    `detectable` the smallest figure that such a test would find with 80% power. With a `spread`, the value is a mean
    over seeds. `n` counts the images behind the figure.

    `text`, if given, replaces the value, and `note` follows it. `published` marks figures from the report, `on_front`
    rows on the Pareto front, and `no_better` an MAE that the constant predictor reaches too.
    """

    value: float | None = None
    reason: str | None = None
    comparable: bool = True
    interval: Interval | None = None
    p_value: float | None = None
    detectable: float | None = None
    best: bool = False
    difference: Difference | None = None
    spread: Spread | None = None
    n: int | None = None
    unit: Unit = YEARS
    half_width: bool = False
    text: str | None = None
    note: str = ""
    published: bool = False
    on_front: bool = False
    no_better: bool = False
    tone: Tone = "plain"

    @property
    def inside_noise(self) -> bool:
        """Whether the figure cannot be told from none at all; False if that was not tested."""
        return self.value is not None and self.p_value is not None and self.p_value > LEVEL

    @property
    def ends(self) -> tuple[float, float] | None:
        """The ends of a stroke through the figure, in its unit, as tables write it: one standard deviation to each side
        of a mean over seeds, else its interval; None if neither is known."""
        std = self.spread.std if self.spread is not None else None
        if self.value is not None and std is not None and math.isfinite(std):
            return self.value - std, self.value + std
        return (self.interval.low, self.interval.high) if self.interval is not None else None


def words(text: str | None, tone: Tone = "plain") -> Cell:
    """A cell of text from anywhere; a dash for no text."""
    return Cell(text=text, tone=tone) if text else DASH


DASH = Cell()
"""A cell without a figure or words: a dash. Lists of thousands of runs share it."""
BLANK = Cell(text="")

ColumnKind = Literal["name", "setting", "figure"]


@dataclass(frozen=True)
class Column:
    """A column of names, of settings or of figures.

    Figures are right-aligned and never cut or folded. A terminal shows settings in one column, once. If a table is too
    wide to fit, the column with the lowest `leaves` is left out first; None means never. A last column that does not
    stand alone is left out rather than shown in a block of its own.
    """

    title: str
    kind: ColumnKind = "name"
    leaves: int | None = None
    stands_alone: bool = True


class Note(NamedTuple):
    """A line of a legend: the meaning of a mark, or a remark without one."""

    mark: str
    text: str


@dataclass(frozen=True)
class Table:
    """Rows with a cell per column. A row whose first cell is blank continues the row above it.

    `is_stacked` gives the figures room: in a terminal, intervals and differences stand below their figures.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    legend: tuple[Note, ...] = ()
    is_stacked: bool = False

    def only(self, places: Sequence[int]) -> "Table":
        """The table with the columns at these places."""
        columns = tuple(self.columns[place] for place in places)
        return replace(self, columns=columns, rows=tuple(tuple(row[place] for place in places) for row in self.rows))

    def places(self, *kinds: ColumnKind) -> list[int]:
        """The places of the columns of these kinds."""
        return [place for place, column in enumerate(self.columns) if column.kind in kinds]

    @classmethod
    def of_names(cls, titles: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> "Table":
        """A table of words, given as plain text."""
        return cls(name_columns(*titles), tuple(tuple(Cell(text=text) for text in row) for row in rows), title)

    @classmethod
    def of_columns(cls, *columns: tuple[Column, Sequence[Cell]], title: str = "") -> "Table":
        """A table from its columns, each with its cells from top to bottom."""
        cells = zip(*(cells for _, cells in columns), strict=True)
        return cls(tuple(column for column, _ in columns), tuple(cells), title)


def name_columns(*titles: str) -> tuple[Column, ...]:
    """Columns of names."""
    return tuple(map(Column, titles))


def figure_columns(*titles: str) -> tuple[Column, ...]:
    """Columns of figures."""
    return tuple(Column(title, "figure") for title in titles)


@dataclass(frozen=True)
class Records:
    """The content of a table as flat rows for other programs, in full precision."""

    heads: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True)
class ExportSheet:
    """The content of an exported file: table, title and paragraphs for people, records and data for programs.

    `label` names the table in LaTeX, and `remarks` are for its author: readers do not see them.
    """

    table: Table
    records: Records
    title: str = ""
    about: tuple[str, ...] = ()
    label: str = ""
    remarks: tuple[str, ...] = ()
    data: dict[str, Any] = field(default_factory=dict)
