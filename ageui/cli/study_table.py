"""A study's table in the terminal: as many figures side by side as fit, the others in a table below."""

import sys
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from ageui.study.table import StudyTable
from ageui.study.wording import Line, heads, lines
from ageui.text.clean import clean

_SHORTEST, _LONGEST = 14, 30


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
        words = ([clean(line.cell) for line in self.lines], [clean(line.what) for line in self.lines])
        for title, said in zip(self.titles[:2], words, strict=True):
            shortest = min(max(map(cell_len, said)), _SHORTEST)
            table.add_column(title, overflow="fold", min_width=shortest, max_width=_LONGEST)
        for place, title in enumerate(self.titles[2:][start:stop], start):
            widest = max(cell_len(text) for text in (clean(title), *(line.figures[place] for line in self.lines)))
            table.add_column(Text(clean(title)), justify="right", no_wrap=True, min_width=widest)
        for line in self.lines:
            texts = line.figures[start:stop]
            figures = [Text(clean(text), style="bold" if line.is_strong(text) else "") for text in texts]
            table.add_row(Text(clean(line.cell)), Text(clean(line.what)), *figures)
        return table
