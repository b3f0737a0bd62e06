"""The bars of groups: a line for each, in whatever room there is."""

import dataclasses

import pytest
from store_rows import evaluated

from ageui.store import Interval, SplitScores
from ageui.tui.widgets.group_bars import _groups


def scores_of(*names: str) -> SplitScores:
    result = evaluated().result
    (bias,) = result.biases
    groups = tuple(
        dataclasses.replace(bias.groups[0], group=name, n=1316, mae=10.0 / place, interval=None)
        for place, name in enumerate(names, start=1)
    )
    named = dataclasses.replace(result, biases=(dataclasses.replace(bias, groups=groups),))
    return SplitScores("valid", "hash", "apparent", "faces", named)


@pytest.mark.parametrize("cells", [30, 36, 44, 80])
def test_every_group_is_one_line_of_the_room_there_is(cells: int) -> None:
    shown = _groups(scores_of("caucasian", "slightly happy", "名前" * 9), cells)
    assert max(line.cell_len for line in shown.split("\n")) <= cells
    _, _, *lines = shown.plain.split("\n")
    assert len(lines) == 3
    assert " 10.00 " in lines[0]
    assert lines[0].endswith(" worst")
    assert "1,316" in lines[0]
    assert ("slightly happy" if cells >= 44 else "slight") in lines[1]


@pytest.mark.parametrize(("cells", "has_room"), [(30, False), (42, True), (80, True)])
def test_intervals_of_groups_are_shown_where_there_is_room(cells: int, has_room: bool) -> None:
    scores = scores_of("female", "male")
    (bias,) = scores.result.biases
    groups = tuple(dataclasses.replace(group, interval=Interval(4.25, 11.5)) for group in bias.groups)
    result = dataclasses.replace(scores.result, biases=(dataclasses.replace(bias, groups=groups),))
    shown = _groups(dataclasses.replace(scores, result=result), cells)
    assert max(line.cell_len for line in shown.split("\n")) <= cells
    assert shown.plain.count("4.25–11.50") == (2 if has_room else 0)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (30, ["gender  0.50  0.25–0.75", "  signed gap  8.50 ~"]),
        (39, ["gender  0.50  0.25–0.75", "  signed gap  8.50 ~  0.00–9.50"]),
        (80, ["gender  0.50  0.25–0.75  detectable 0.38", "  signed gap  8.50 ~  0.00–9.50  detectable 8.75"]),
    ],
)
def test_bias_and_signed_gap_are_shown_with_as_much_as_there_is_room_for(cells: int, said: list[str]) -> None:
    assert _groups(scores_of("female", "male"), cells).plain.split("\n")[:2] == said


def test_a_bias_that_is_undefined_says_why() -> None:
    scores = scores_of("female", "male")
    undefined = evaluated(gender=None).result.biases
    shown = _groups(dataclasses.replace(scores, result=dataclasses.replace(scores.result, biases=undefined)), 80)
    first, second, *_ = shown.plain.split("\n")
    assert first == "gender  no image of other in valid"
    assert second.split()[0] == "male"


def test_bars_are_as_long_as_their_mae() -> None:
    _, _, first, second = _groups(scores_of("a", "b"), 80).plain.split("\n")
    assert (first.count("█"), second.count("█")) == (12, 6)
