"""The table of fields for the manual: its values are those that configs take."""

import re

from ageui.planning.config_fields import markdown
from engine.config import field_problem

ROW = re.compile(r"\| `(?:--)?(?P<name>\w+)` \| \S+ \| .*?(?: \((?P<values>[^()]+)\))? \|")


def test_fields_take_the_values_that_the_table_lists() -> None:
    listed = {row["name"]: (row["values"] or "").split(", ") for row in map(ROW.fullmatch, markdown().splitlines()[2:])}
    words = [(name, value) for name, values in listed.items() for value in values if re.fullmatch("[a-z0-9-]+", value)]
    assert ("loss", "group-dro") in words
    assert ("patience", "none") in words
    assert [pair for pair in words if field_problem(*pair)] == []
    assert listed["size"] == ["32 to 1,024"]
    assert listed["dropout"] == ["0 or more and below 1"]
    assert listed["lr"] == ["above 0 and at most 100"]
