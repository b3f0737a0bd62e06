"""Comparisons of runs: statistics, tables and exports, as pure functions over plain records."""

from ageui.compare.comparing import compare
from ageui.compare.comparison import CONSTANT, ComparedRow, Comparison
from ageui.compare.comparison_cache import ComparisonCache
from ageui.compare.comparison_export import FORMATS, render_text
from ageui.compare.comparison_table import comparison_table

__all__ = [
    "CONSTANT", "FORMATS", "ComparedRow", "Comparison", "ComparisonCache", "compare", "comparison_table", "render_text",
]  # fmt: skip
