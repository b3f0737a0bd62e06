"""Comparisons of runs: tables, statistics and exports, as pure functions over plain records."""

from ageui.compare.comparison import CONSTANT, Cell, Comparison, Difference, Row
from ageui.compare.render import FORMATS, render_table, render_text
from ageui.compare.table import compare

__all__ = ["CONSTANT", "FORMATS", "Cell", "Comparison", "Difference", "Row", "compare", "render_table", "render_text"]
