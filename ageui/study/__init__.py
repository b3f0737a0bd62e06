"""Studies: tables of the report as grids of runs, and what a database has measured of them."""

from ageui.study.publish import publish
from ageui.study.ranking import Agreement
from ageui.study.remaining_runs import Work, work
from ageui.study.study import Cell, Study, load, studies
from ageui.study.table import CellRow, Figure, StudyTable, study_table
from ageui.study.variants import NO_CHOICE, Choice, Variant, describe

__all__ = [
    "NO_CHOICE", "Agreement", "Cell", "CellRow", "Choice", "Figure", "Study", "StudyTable", "Variant", "Work",
    "describe", "load", "publish", "studies", "study_table", "work",
]  # fmt: skip
