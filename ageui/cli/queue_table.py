"""The table of `ageui queue`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from ageui.store import RunRow


def print_queue(console: "Console", rows: "list[RunRow]") -> None:
    """Prints runs in their order: their places, how far they are and what they differ in."""
    from ageui.cli.tables import Column, fitted_table
    from ageui.compare.differing_settings import differing_settings, label
    from ageui.text.states import state_of

    fields = [name for name in differing_settings([row.config for row in rows]) if name != "device"]
    places = _places(rows)
    columns = [
        Column("", places, right=True),
        Column("id", [str(row.id) for row in rows], right=True),
        Column("run", [row.name for row in rows]),
        Column("state", [state_of(row) for row in rows]),
        Column("progress", [_progress(row) for row in rows], leaves=3),
        Column("left", [_left(row) for row in rows], right=True, leaves=2),
        Column("differs in", [label(row.config, fields or ("loss", "weights")) for row in rows], leaves=1),
    ]
    if any(row.priority for row in rows):
        columns.insert(4, Column("priority", [str(row.priority) for row in rows], right=True, leaves=4))
    table, left_out = fitted_table(columns, console.width)
    console.print(table)
    if left_out:
        console.print(f"too narrow for {', '.join(left_out)}", style="dim")


def _places(rows: "Sequence[RunRow]") -> list[str]:
    waiting = [row.id for row in rows if row.status == "queued"]
    return [f"{waiting.index(row.id) + 1}." if row.status == "queued" else "" for row in rows]


def _progress(row: "RunRow") -> str:
    summary = row.summary
    if row.status == "running" and summary.activity:
        return summary.activity
    if not summary.step:
        return "—"
    return f"epoch {summary.epoch or 0}/{summary.epochs} · step {summary.step:,}"


def _left(row: "RunRow") -> str:
    seconds = row.summary.eta_seconds
    if row.status != "running" or seconds is None:
        return "—"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
