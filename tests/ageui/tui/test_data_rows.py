"""What the data screen says below the counts of a data set."""

from ageui.tui.data.rows import findings_text
from engine.data.report import DataReport, RowProblem


def test_notes_come_first_and_equal_problems_are_one_line() -> None:
    problems = tuple(RowProblem(f"{number}.png", f"age 'x{number}' is not a number") for number in range(200))
    report = DataReport("it", "table", "/t.csv", "apparent", False, (), (), problems, (), (), notes=("read with tabs",))
    lines = findings_text(report, "").plain.splitlines()
    assert lines[0] == "read with tabs"
    assert "200 rows that cannot be used" in lines[1]
    assert "200 × age 'x0' is not a number (also 'x1', 'x2', 'x3' and 196 more): 0.png, 1.png" in lines[2]
    assert "--json lists all" in lines[3]
