"""Studies: tables of the report as grids of runs, and their measured figures in a database."""

from ageui.study.matching import NormalizedRun, normalized_runs
from ageui.study.measured_cells import CellRow, StudyFigure, StudyTable, study_table, with_tests
from ageui.study.publish import publish
from ageui.study.rank_agreement import Agreement
from ageui.study.remaining_runs import RemainingRuns, find_remaining
from ageui.study.study import Study, StudyCell, load, studies
from ageui.study.variants import NO_CHOICE, Choice, Variant, describe

__all__ = [
    "NO_CHOICE", "Agreement", "CellRow", "Choice", "NormalizedRun", "RemainingRuns", "Study", "StudyCell",
    "StudyFigure", "StudyTable", "Variant", "describe", "find_remaining", "load", "normalized_runs", "publish",
    "studies", "study_table", "with_tests",
]  # fmt: skip
