"""The chart with the keys that all curves of the application have."""

from typing import ClassVar

from textual.binding import BindingType

from ageui.tui import keys
from ageui.tui.chart.chart import Chart


class KeyedChart(Chart):
    """Binds the chart's actions as the table of keys says."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.CURVES)]
