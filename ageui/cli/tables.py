"""Prints tables without the columns that do not fit the terminal, and names these."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from ageui.present.table import Table


def print_fitted(console: "Console", table: "Table", about: str = "") -> None:
    """Prints as many columns as the terminal holds, then a line with `about` and the titles of the others."""
    from ageui.present.terminal import fit, rich_table

    shown, left_out = fit(table, console.width)
    console.print(rich_table(shown))
    narrow = f"too narrow for {', '.join(left_out)}" if left_out else ""
    if said := "; ".join(filter(None, (about, narrow))):
        console.print(said, style="dim", soft_wrap=True)
