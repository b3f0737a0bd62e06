"""Every mark that a table can carry is explained in its legend."""

import pytest

from ageui.present import marks
from ageui.present.table import Cell, Difference, Note, Table, name_columns

CARRIED = {
    marks.BEST: Cell(6.0, best=True),
    marks.NOISE: Cell(0.5, p_value=0.5),
    marks.REAL: Cell(6.0, difference=Difference(-1.0, adjusted=0.01)),
    marks.EQUIVALENT: Cell(6.0, difference=Difference(0.0, equivalent=True)),
    marks.APART: Cell(6.0, comparable=False),
    marks.PUBLISHED: Cell(6.0, published=True),
    marks.FRONT: Cell(6.0, on_front=True),
    marks.NO_BETTER: Cell(12.0, no_better=True),
}


def test_the_marks_here_are_all_marks() -> None:
    named = {value for name, value in vars(marks).items() if name.isupper() and isinstance(value, str)}
    assert named == CARRIED.keys()


@pytest.mark.parametrize("mark", CARRIED)
def test_a_legend_explains_the_marks_of_its_table_and_no_other(mark: str) -> None:
    table = marks.with_meanings(Table(name_columns("", ""), ((Cell(1.0), CARRIED[mark]),)))
    assert table.legend == (Note(mark, marks.MEANINGS[mark]),)
    assert marks.brief(mark).startswith(f"{mark} ")
