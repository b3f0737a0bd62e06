"""Dots with whiskers on one axis, at every width."""

import pytest
from rich.text import Text

from ageui.tui.chart.dot_plot import DotHeading, DotRow, dot_plot

HOSTILE = "[/x] 顔\n\x1b[31m" + "long" * 30
GROUPS = (
    DotHeading("gender", ("0.50~", "0.05–1.20", "detectable 0.60")),
    DotRow("male", 7.1, 6.7, 7.5, 766, note="6.70–7.50"),
    DotRow("female", 7.6, 7.0, 8.1, 716, note="7.00–8.10"),
    DotHeading("age", ("4.39",)),
    DotRow("20-59", 6.1, 5.9, 6.3, 1005, reference=5.0, is_joined=True),
    DotRow("60+", 14.5, 9.0, 60.0, 61, marks="worst"),
)
ODD = (
    DotHeading(HOSTILE, (HOSTILE,)),
    DotRow(HOSTILE, 3.0, marks="worst ~"),
    DotRow("", None, reference=4.0),
    DotRow("far", 1e300, -1e300, 1e300),
    DotRow("nan", float("nan"), 1.0, float("inf")),
    DotRow("alone", 3.0, 3.0, 3.0, reference=3.0),
)


def lines(entries: tuple[DotRow | DotHeading, ...], width: int) -> list[Text]:
    return dot_plot(entries, width, line=7.3, legend="┊ MAE 7.30")


@pytest.mark.parametrize("entries", [GROUPS, ODD, ODD[:1], ODD[2:3], ()])
def test_fits_every_width_and_keeps_values_and_marks(entries: tuple[DotRow | DotHeading, ...]) -> None:
    for width in range(20, 201):
        drawn = lines(entries, width)
        assert max((text.cell_len for text in drawn), default=0) <= width
        assert len(drawn) - len(entries) in (0, 1)
        if entries is GROUPS:
            assert [word in drawn[-1].plain for word in ("14.50", "worst", "60+")] == [True] * 3
            assert "7.10" in drawn[-5].plain


def test_dots_whiskers_and_line_share_one_axis() -> None:
    axis, _, male, female, _, adults, old = (text.plain for text in lines(GROUPS, 100))
    assert axis.startswith("┊ MAE 7.30")
    line = male.index("┊")
    assert female[line] == adults[line] == old[line] == "┊"
    assert male.index("├") < male.index("●") < line < female.index("●") < female.index("┤")
    assert adults.index("◆") < adults.index("●") < male.index("●")
    ticks = {int(label): axis.index(f" {label} ") + 1 for label in axis[12:].replace("┊", " ").split()}
    assert ticks[6] < male.index("●") < ticks[8]
    assert "6.70–7.50" in male


def test_cuts_whiskers_that_would_squeeze_the_values() -> None:
    *_, old = (text.plain for text in lines(GROUPS, 60))
    assert "›" in old
    assert "┤" not in old
    whole = dot_plot([DotRow("a", 1.0, 0.5, 1.5), DotRow("b", 1.2, 0.8, 1.6)], 60)
    assert not {"‹", "›"} & set("".join(text.plain for text in whole))


def test_leaves_out_notes_then_counts_then_the_axis() -> None:
    wide, usual, narrow, least = ("\n".join(text.plain for text in lines(GROUPS, width)) for width in (90, 48, 36, 24))
    assert "6.70–7.50" in wide
    assert "766" in usual
    assert "6.70–7.50" not in usual
    assert "●" in narrow
    assert "766" not in narrow
    assert "●" not in least


def test_a_reference_beside_an_equal_value_stays_visible() -> None:
    for value in (1.0, 5.0):
        rows = [DotRow("a", value, reference=value), DotRow("b", 1.0), DotRow("c", 5.0)]
        assert {"●", "◆"} <= set(dot_plot(rows, 60)[1].plain)
