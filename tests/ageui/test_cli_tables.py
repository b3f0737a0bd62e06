"""Tables of the command line leave columns out whole rather than cut them."""

import pytest
from rich.console import Console

from ageui.cli.tables import Column, fitted_table

COLUMNS = [
    Column("run", ["calm-otter", "x"]),
    Column("backbone", ["resnet18@layer3", "vgg16"], leaves=0),
    Column("epoch", ["8/8", "12/50"], right=True, leaves=1),
    Column("MAE", ["6.12", "11.36"], right=True),
]


@pytest.mark.parametrize(("width", "left_out"), [(41, []), (40, ["backbone"]), (20, ["backbone", "epoch"])])
def test_columns_give_way_in_their_order(width: int, left_out: list[str]) -> None:
    table, found = fitted_table(COLUMNS, width)
    assert found == left_out
    console = Console(width=width)
    with console.capture() as captured:
        console.print(table)
    assert "…" not in captured.get()
    assert captured.get().splitlines()[-1].rstrip().endswith("11.36")


def test_control_characters_reach_no_terminal() -> None:
    table, _ = fitted_table([Column("run", ["a\x1b[31m"])], 80)
    console = Console(width=80)
    with console.capture() as captured:
        console.print(table)
    assert "\x1b" not in captured.get()
