"""Prints the columns of a table that fit the terminal, and names the others."""

import sys
from typing import TYPE_CHECKING

from ageui.console.consoles import messages, print_prose, sayer
from ageui.text.sentences import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from ageui.present.table import Cell, Table

ROWS_ON_A_TERMINAL = 50


def rows_to_show(limit: int | None) -> int | None:
    """The number of rows to list: `limit`, or by default two screens on a terminal and all (None) elsewhere."""
    return limit if limit is not None or not sys.stdout.isatty() else ROWS_ON_A_TERMINAL


def more_sentence(shown: int, total: int, noun: str = "run") -> str:
    """The number of rows left out and the option that lists them; empty if all rows are shown."""
    return f"{shown:,} of {counted(total, noun)}; --limit {total} lists all" if shown < total else ""


def advise_if_none_is_better(maes: "Iterable[Cell]") -> None:
    """Says what lowers the MAE if none of these, those of the runs shown, is below the constant predictor's."""
    scored = [cell for cell in maes if cell.value is not None]
    if scored and all(cell.no_better for cell in scored):
        sayer(messages())(
            "no run shown is better than the constant predictor; train longer (--epochs), or fine-tune pretrained "
            "weights with: ageui run --preset best (extra faces)"
        )


def is_too_wide(console: "Console", table: "Table") -> bool:
    """Whether the terminal would cut figures of the table, even with wrapped names."""
    from ageui.present.terminal import rich_table

    unbounded = console.options.update(max_width=sys.maxsize)
    return console.measure(rich_table(table), options=unbounded).minimum > console.width


def print_fitted(console: "Console", table: "Table", about: str = "") -> None:
    """Prints the columns that fit the terminal, then `about`, the meaning of marks, and the titles of the others."""
    from ageui.present.marks import with_meanings
    from ageui.present.terminal import fit, plain_lines, rich_table
    from ageui.present.wording import note_text

    shown, left_out = fit(table, console.width)
    if console.is_terminal:
        console.print(rich_table(shown))
    else:
        console.file.writelines(f"{line}\n" for line in plain_lines(shown))
    narrow = f"too narrow for {', '.join(left_out)}" if left_out else ""
    if said := "; ".join(filter(None, (about, *map(note_text, with_meanings(shown).legend), narrow))):
        print_prose(console, said, "dim")
