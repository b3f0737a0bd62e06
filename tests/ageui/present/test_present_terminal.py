"""Tables in the terminal leave columns out whole rather than cut them, and put marks in front of figures."""

import math

import pytest
from rich.console import Console, RenderableType

from ageui.present.figures import LOSS, PERCENT, SLOPE, YEARS, Unit, between
from ageui.present.table import BLANK, Cell, Column, Difference, Spread, Table, words
from ageui.present.terminal import Blocks, cell_text, fit, plain_lines, rich_table, shortened
from engine.split_result import Interval

TABLE = Table.of_columns(
    (Column("run"), [words("calm-otter"), words("x")]),
    (Column("backbone", leaves=0), [words("resnet18@layer3"), words("vgg16")]),
    (Column("epoch", "figure", leaves=1), [words("8/8"), words("12/50")]),
    (Column("MAE", "figure"), [Cell(6.12), Cell(11.36)]),
)


def _printed(renderable: RenderableType, width: int = 80) -> str:
    console = Console(width=width)
    with console.capture() as captured:
        console.print(renderable)
    return captured.get()


@pytest.mark.parametrize(("width", "left_out"), [(41, []), (40, ["backbone"]), (20, ["backbone", "epoch"])])
def test_columns_give_way_in_their_order(width: int, left_out: list[str]) -> None:
    table, found = fit(TABLE, width)
    assert found == left_out
    text = _printed(rich_table(table), width)
    assert "…" not in text
    assert text.splitlines()[-1].rstrip().endswith("11.36")


def test_a_pipe_gets_the_same_lines() -> None:
    lines = [line.rstrip() for line in _printed(rich_table(TABLE)).splitlines()]
    assert list(plain_lines(TABLE)) == lines
    assert list(plain_lines(Table((Column("note"),), ((words("two\nlines\x1b[2J"),),)))) == ["note", "two", "lines"]


def test_control_characters_reach_no_terminal() -> None:
    table = Table((Column("run\x1b[1m"),), ((words("a\x1b[31m"),),), "title\x1b[2J")
    assert "\x1b" not in _printed(rich_table(table))


def test_a_table_without_rows_has_its_titles() -> None:
    assert "MAE" in _printed(rich_table(Table(TABLE.columns, ())))


def test_settings_that_the_names_repeat_have_no_column() -> None:
    columns = (Column("run"), Column("loss", "setting"), Column("weights", "setting"), Column("MAE", "figure"))
    rows = [(words("mse · age"), words("mse"), words("age"), Cell(6.12)), (words("constant"), BLANK, BLANK, Cell(9.0))]
    assert "loss" not in _printed(Blocks(Table(columns, tuple(rows))))
    rows.append((words("calm-otter"), words("mape"), words("age"), Cell(6.5)))
    shown = _printed(Blocks(Table(columns, tuple(rows))))
    assert "loss · weights" in shown
    assert "mape · age" in shown


@pytest.mark.parametrize(
    ("low", "unit", "text"),
    [
        (0.0, YEARS, "0.00–0.50"),
        (1e-9, YEARS, "<0.01–0.50"),
        (0.00499, YEARS, "<0.01–0.50"),
        (0.00501, YEARS, "0.01–0.50"),
        (-0.001, YEARS, "−0.00–0.50"),
        (0.001, SLOPE, "+0.001–+0.500"),
    ],
)
def test_a_low_end_above_0_is_never_printed_as_0(low: float, unit: Unit, text: str) -> None:
    assert between(Interval(low, 0.5), unit) == text


def test_long_names_leave_room_for_settings() -> None:
    long_name, settings, figures = words("n" * 40), words("s" * 22), tuple(Cell(6.12) for _ in range(6))
    columns = (Column("run"), Column("init", "setting"), *(Column(f"figure {place}", "figure") for place in range(6)))
    lines = _printed(Blocks(Table(columns, ((long_name, settings, *figures),), is_stacked=True)), 110).splitlines()
    assert [line.count("n") for line in lines if "nn" in line] == [24, 16]
    assert any("s" * 22 in line for line in lines)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (Cell(6.125, interval=Interval(5.5, 6.5), best=True, p_value=0.2), "★~ 6.12 [5.50–6.50]"),
        (Cell(6.0, interval=Interval(5.5, 6.5), half_width=True), "6.00 ±0.50"),
        (Cell(6.0, spread=Spread(0.25, 5), difference=Difference(-1.0, Interval(-2.0, -0.5), 0.001, 0.01)),
         "6.00 ±0.25 (n=5) (✔ −1.00)"),
        (Cell(40.0, unit=PERCENT, difference=Difference(2.5)), "40.0% (+2.5%)"),
        (Cell(-0.5, unit=SLOPE, difference=Difference(-0.004)), "−0.500 (−0.004)"),
        (Cell(6.0, difference=Difference(math.inf)), "6.00 (+inf)"),
        (Cell(6.0, difference=Difference(math.nan)), "6.00 (NaN)"),
        (Cell(6.0, spread=Spread(None, 1)), "6.00 (n=1)"),
        (Cell(None, "only one group", comparable=False), "—"),
        (Cell(1.0, comparable=False), "≠ 1.00"),
        (Cell(0.03125, unit=LOSS), "0.03125"),
        (Cell(float("nan")), "NaN"),
        (Cell(float("-inf")), "−inf"),
        (Cell(text="c", comparable=False, note="queued"), "≠ c (queued)"),
        (BLANK, ""),
    ],
)  # fmt: skip
def test_cells_in_the_terminal(cell: Cell, text: str) -> None:
    assert cell_text(cell) == text


def test_long_text_ends_in_an_ellipsis() -> None:
    assert [shortened("名前名前", width) for width in (8, 7, 0)] == ["名前名前", "名前名…", ""]
