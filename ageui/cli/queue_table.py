"""The table of `ageui queue`."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ageui.compare.differing_settings import differing_settings, label
from ageui.present.figures import DURATION, NUMBER
from ageui.present.table import BLANK, Cell, Column, Table, words
from ageui.text.states import state_of

if TYPE_CHECKING:
    from ageui.planning.queue_places import QueuePlace
    from ageui.store import RunRow, Whereabouts


def queue_table(
    rows: "Sequence[RunRow]", places: "Mapping[int, QueuePlace]", where: "Mapping[int, Whereabouts]"
) -> Table:
    """Runs in queue order: place and expected start of queued runs, progress, and the settings that differ.

    `where` says where runs on a cluster run.
    """
    fields = [name for name in differing_settings([row.config for row in rows]) if name != "device"]
    columns = [
        (Column("", "figure"), _places(rows, places)),
        (Column("id", "figure"), [Cell(row.id, unit=NUMBER) for row in rows]),
        (Column("run"), [words(row.name) for row in rows]),
        (Column("state"), [words(state_of(row)) for row in rows]),
        (Column("progress", leaves=3), [words(_progress(row, places, where.get(row.id))) for row in rows]),
        (Column("left", "figure", leaves=2), [_left(row) for row in rows]),
        (Column("differs in", leaves=1), [words(label(row.config, fields or ("loss", "weights"))) for row in rows]),
    ]
    if any(row.priority for row in rows):
        priorities = [Cell(row.priority, unit=NUMBER) for row in rows]
        columns.insert(4, (Column("priority", "figure", leaves=4), priorities))
    if where:
        shown = [words(str(where[row.id]) if row.id in where else None) for row in rows]
        columns.insert(-1, (Column("where", leaves=5), shown))
    return Table.of_columns(*columns)


def _places(rows: "Sequence[RunRow]", places: "Mapping[int, QueuePlace]") -> list[Cell]:
    return [Cell(text=f"{places[row.id].place}.") if row.id in places else BLANK for row in rows]


def _progress(row: "RunRow", places: "Mapping[int, QueuePlace]", where: "Whereabouts | None") -> str | None:
    summary = row.summary
    if row.id in places and places[row.id].start:
        return places[row.id].start
    if row.status == "running" and summary.activity:
        return summary.activity if summary.activity != str(where) else None
    return f"epoch {summary.epoch or 0}/{summary.epochs} · step {summary.step:,}" if summary.step else None


def _left(row: "RunRow") -> Cell:
    return Cell(row.summary.eta_seconds if row.status == "running" else None, unit=DURATION)
