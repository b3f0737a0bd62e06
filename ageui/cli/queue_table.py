"""The table of `ageui queue`."""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ageui.compare.differing_settings import differing_settings, label
from ageui.present.figures import DURATION, NUMBER
from ageui.present.table import BLANK, Cell, Column, Table, words
from ageui.text.states import state_of

if TYPE_CHECKING:
    from ageui.store import RunRow


def queue_table(rows: "Sequence[RunRow]") -> Table:
    """Runs in their order: their places, their progress and the settings that differ."""
    fields = [name for name in differing_settings([row.config for row in rows]) if name != "device"]
    columns = [
        (Column("", "figure"), _places(rows)),
        (Column("id", "figure"), [Cell(row.id, unit=NUMBER) for row in rows]),
        (Column("run"), [words(row.name) for row in rows]),
        (Column("state"), [words(state_of(row)) for row in rows]),
        (Column("progress", leaves=3), [words(_progress(row)) for row in rows]),
        (Column("left", "figure", leaves=2), [_left(row) for row in rows]),
        (Column("differs in", leaves=1), [words(label(row.config, fields or ("loss", "weights"))) for row in rows]),
    ]
    if any(row.priority for row in rows):
        priorities = [Cell(row.priority, unit=NUMBER) for row in rows]
        columns.insert(4, (Column("priority", "figure", leaves=4), priorities))
    return Table.of_columns(*columns)


def _places(rows: "Sequence[RunRow]") -> list[Cell]:
    places = itertools.count(1)
    return [Cell(text=f"{next(places)}.") if row.status == "queued" else BLANK for row in rows]


def _progress(row: "RunRow") -> str | None:
    summary = row.summary
    if row.status == "running" and summary.activity:
        return summary.activity
    return f"epoch {summary.epoch or 0}/{summary.epochs} · step {summary.step:,}" if summary.step else None


def _left(row: "RunRow") -> Cell:
    return Cell(row.summary.eta_seconds if row.status == "running" else None, unit=DURATION)
