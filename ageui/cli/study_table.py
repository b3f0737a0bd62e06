"""A study's table in the terminal: as many figures side by side as fit, the others in a table below."""

import sys
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from ageui.study.table import StudyTable
from ageui.study.wording import Line, heads, lines
from ageui.text import clean

_LONGEST_CELL = 30


def fitted_study(table: StudyTable) -> RenderableType:
    """The lines of the table; no figure is cut."""
    return _Fitted(heads(table), lines(table))


@dataclass(frozen=True)
class _Fitted:
    titles: list[str]
    lines: list[Line]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        unbounded = options.update(max_width=sys.maxsize)
        start, end = 0, len(self.titles) - 2
        while start < end:
            for stop in range(end, start, -1):
                table = self._part(start, stop)
                if Measurement.get(console, unbounded, table).minimum <= options.max_width:
                    break
            yield table
            start = stop

    def _part(self, start: int, stop: int) -> Table:
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        longest = max(len(clean(line.cell)) for line in self.lines)
        shortest = min(longest, _LONGEST_CELL)
        table.add_column(self.titles[0], overflow="fold", min_width=shortest, max_width=_LONGEST_CELL)
        table.add_column(self.titles[1], no_wrap=True)
        for title in self.titles[2:][start:stop]:
            table.add_column(Text(clean(title)), justify="right", no_wrap=True)
        for line in self.lines:
            style = "bold" if line.is_strong else ""
            figures = [Text(clean(text), style=style) for text in line.figures[start:stop]]
            table.add_row(Text(clean(line.cell)), Text(clean(line.what), style=style), *figures)
        return table
