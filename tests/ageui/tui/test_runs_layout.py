"""The columns of the table of runs by its width."""

import itertools

import pytest

from ageui.tui.runs.columns import COLUMNS
from ageui.tui.runs.entries import FIGURES
from ageui.tui.runs.layout import Layout, automatic, chosen
from ageui.tui.widgets.table_strips import PREFIX

WIDTHS = (80, 100, 120, 160, 200)


def width_of(layout: Layout) -> int:
    return PREFIX + sum(column.width + column.gap for column in layout.columns)


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
def test_all_figures_and_the_setting_fit(width: int, folded: bool) -> None:
    layout = automatic(width - 1, folded=folded)
    assert width_of(layout) <= width - 1
    assert {"state", "differs", "progress", *FIGURES} <= layout.widths().keys()
    assert layout.widths()["differs"] >= 20
    assert all(column.is_fixed for column in layout.columns)
    assert layout.fixed == 0


def test_wider_tables_add_columns_by_use_and_room_for_deviations() -> None:
    added = [automatic(width - 1, folded=False).widths().keys() for width in WIDTHS]
    assert [sorted(wider - narrower) for narrower, wider in itertools.pairwise(added)] == [
        ["run"], ["epoch"], ["created", "tags"], ["ended", "split"],
    ]  # fmt: skip
    assert [automatic(width - 1, folded=False).widths()["state"] > 1 for width in WIDTHS] == [False] * 3 + [True] * 2
    assert [automatic(width - 1, folded=True).widths()["age"] for width in WIDTHS] == [7, 7, 13, 13, 13]


def test_chosen_columns_keep_their_order_where_they_fit_and_else_figures_stay_in_view() -> None:
    names = ("run", "note", "mae", "gender", "expression", "ethnicity", "age", "config.loss")
    wide = chosen(names, 150, folded=False)
    assert [column.key for column in wide.columns] == list(names)
    assert wide.fixed == 0
    narrow = chosen(names, 79, folded=False)
    assert [column.key for column in narrow.columns] == ["run", *FIGURES, "note", "config.loss"]
    assert narrow.fixed == 6
    assert PREFIX + sum(column.width + column.gap for column in narrow.columns[:6]) <= 79


@pytest.mark.parametrize("width", [10, 40, 60])
def test_tiny_tables_and_all_columns_make_a_layout(width: int) -> None:
    for layout in (automatic(width, folded=False), chosen(tuple(COLUMNS), width, folded=True)):
        assert all(column.width >= 1 for column in layout.columns)
