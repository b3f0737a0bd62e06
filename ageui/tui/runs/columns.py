"""The columns of the table of runs, and the cells of a run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ageui.compare.differing_settings import setting
from ageui.compare.figure_names import figure_name, short_title
from ageui.present.figures import LOSS, NUMBER, SPEED
from ageui.present.table import BLANK, Cell, words
from ageui.store import RunRow
from ageui.text.states import state_of
from ageui.tui.queue_state import eta_text
from ageui.tui.runs.entries import FIGURES, without_std
from ageui.tui.tones import state_tone
from engine.config import RunConfig

_FIGURE_WIDTH = 7


@dataclass(frozen=True)
class RunColumn:
    """A column, and the field to sort by. `cell` makes the cell of a run; None if it depends on the whole table.

    `narrow` is the width in a terminal without room to spare.
    """

    title: str
    width: int
    what: str
    cell: Callable[[RunRow], Cell] | None = None
    right: bool = False
    order: str | None = None
    narrow: int | None = None


def _state(row: RunRow) -> Cell:
    return words(state_of(row), "dim" if row.is_published else state_tone(row.status))


def _epochs(row: RunRow) -> Cell:
    return (
        BLANK if row.is_published or row.is_derived else words(f"{row.summary.epoch or 0}/{row.summary.epochs}", "dim")
    )


def _eta(row: RunRow) -> Cell:
    return words(eta_text(row)) if row.status == "running" and row.summary.eta_seconds is not None else BLANK


def _moment(moment: datetime | None) -> Cell:
    return words(f"{moment.astimezone():%m-%d %H:%M}", "dim") if moment else BLANK


def _text(text: str | None) -> Cell:
    return words(text, "dim") if text else BLANK


def _number(value: int) -> Cell:
    return Cell(value, unit=NUMBER, tone="dim")


def _loss(value: float | None) -> Cell:
    return Cell(value, unit=LOSS)


def _figure(name: str) -> RunColumn:
    return RunColumn(short_title(name), _FIGURE_WIDTH, f"{figure_name(name)}, years", right=True, order=name)


def _field(name: str) -> RunColumn:
    return RunColumn(
        name,
        max(len(name) + 1, 10),
        RunConfig.model_fields[name].description or name,
        lambda row: words(setting(row.config, name)),
        order=name,
    )


COLUMNS: Mapping[str, RunColumn] = {
    "state": RunColumn("state", 13, "queued, running, paused, done …", _state, order="turn", narrow=1),
    "run": RunColumn("run", 24, "name of the run", order="name", narrow=16),
    "differs": RunColumn("setting", 32, "the config fields that the runs found do not share", narrow=16),
    "progress": RunColumn("progress", 18, "progress, or the number of seeds of a folded row", narrow=10),
    **{name: _figure(name) for name in FIGURES},
    "epoch": RunColumn("epoch", 7, "epochs trained, and of how many", _epochs, order="epoch"),
    "eta": RunColumn("ETA", 8, "time left of the stage; + where another follows", _eta, right=True),
    "tags": RunColumn("tags", 14, "tags of the run", lambda row: _text(" ".join(row.tags))),
    "created": RunColumn("created", 11, "when it was queued", lambda row: _moment(row.created_at), order="created"),
    "ended": RunColumn("ended", 11, "when it ended", lambda row: _moment(row.ended_at), order="ended"),
    "split": RunColumn("split", 6, "split of the scores", lambda row: _text(row.summary.split), order="split"),
    "id": RunColumn("id", 5, "number of the run", lambda row: _number(row.id), right=True, order="id"),
    "val_mae": RunColumn(
        "val MAE", 8, "newest validation MAE, years", lambda row: Cell(row.summary.val_mae), right=True,
        order="val_mae",
    ),
    "val_loss": RunColumn(
        "val loss", 9, "newest validation loss", lambda row: _loss(row.summary.val_loss), right=True,
        order="val_loss",
    ),
    "best_val_loss": RunColumn(
        "best val", 9, "best validation loss", lambda row: _loss(row.summary.best_val_loss), right=True,
        order="best_val_loss",
    ),
    "note": RunColumn("note", 30, "note on the run", lambda row: _text(row.note), order="note"),
    "error": RunColumn("why", 30, "why a run failed or stopped", lambda row: _text(row.error)),
    "priority": RunColumn(
        "prio.", 5, "priority in the queue", lambda row: _number(row.priority), right=True, order="priority"
    ),
    "speed": RunColumn(
        "img/s", 7, "images trained per second",
        lambda row: Cell(row.summary.images_per_second or None, unit=SPEED), right=True,
    ),
    **{f"config.{name}": _field(name) for name in RunConfig.model_fields},
}  # fmt: skip

NAMES = ("state", "run", "differs")
FROZEN = (*NAMES, "progress", *FIGURES)
"""The columns that stay in view and do not scroll sideways if the chosen columns do not fit."""


def known(names: Sequence[str]) -> tuple[str, ...]:
    """The distinct names of existing columns. Without a column that names runs, the settings come first."""
    chosen = dict.fromkeys(name for name in names if name in COLUMNS)
    return tuple(chosen) if {"run", "differs"} & chosen.keys() else ("differs", *chosen)


def order_title(order: str, *, folded: bool) -> str:
    """The sort order of the rows: `by MAE ↑`."""
    name = (order if folded else without_std(order)).removeprefix("-")
    arrow = "↓" if order.startswith("-") else "↑"
    if name == "turn":
        return f"by state {arrow}"
    figure = without_std(name)
    known_title = next((column.title for column in COLUMNS.values() if column.order == figure), figure)
    title = figure_name(figure) if figure in FIGURES else known_title
    return f"by {title if name == figure else f'std of {title}'} {arrow}"
