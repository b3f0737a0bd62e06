"""The columns of the table of runs, and the cells of a run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ageui.compare.differing_settings import label, setting
from ageui.compare.summary_cells import bias_cell, mae_cell
from ageui.present.bars import progress_bar
from ageui.present.figures import LOSS, NUMBER, SPEED
from ageui.present.marks import MEANINGS, NO_BETTER, NOISE
from ageui.present.table import BLANK, Cell, words
from ageui.store import RunRow
from ageui.text.states import state_of
from ageui.tui.queue_state import eta_text
from ageui.tui.tones import state_tone
from ageui.tui.widgets.table_rows import TableColumn, TableRow
from engine.choices import REPORT_ATTRIBUTES
from engine.config import RunConfig

_BIAS_TITLES = {"gender": "gender", "expression": "expr.", "ethnicity": "ethn.", "age": "age"}


@dataclass(frozen=True)
class RunColumn:
    """A column, and the field to order by. `cell` takes a run and the config fields that vary among the runs."""

    title: str
    width: int
    what: str
    cell: Callable[[RunRow, Sequence[str]], Cell]
    right: bool = False
    order: str | None = None


def _state(row: RunRow, varying: Sequence[str]) -> Cell:
    return words(state_of(row), "dim" if row.is_published else state_tone(row.status))


def _differs(row: RunRow, varying: Sequence[str]) -> Cell:
    """Loss and weights come first, since long text loses its end."""
    telling_first = sorted(varying, key=lambda name: name not in ("loss", "weights"))
    return words(label(row.config, telling_first) if varying else str(row.config.get("loss", "")))


def _progress(row: RunRow, varying: Sequence[str]) -> Cell:
    """The steps or activity of a running run, the epochs of any other; a dash for published figures."""
    summary = row.summary
    if row.is_published:
        return Cell()
    if row.status != "running":
        return words(f"{summary.epoch or 0}/{summary.epochs}", "plain" if summary.epoch else "dim")
    if summary.activity and not summary.step:
        return words(summary.activity, "dim")
    filled = progress_bar(summary.step or 0, summary.total_steps or 0)
    return words(f"{filled} {summary.epoch or 0}/{summary.epochs}", "accent")


def _eta(row: RunRow, varying: Sequence[str]) -> Cell:
    if row.status != "running" or row.summary.eta_seconds is None:
        return Cell() if row.status in ("queued", "running", "paused") else BLANK
    return words(eta_text(row))


def _bias(attribute: str) -> RunColumn:
    def cell(row: RunRow, varying: Sequence[str]) -> Cell:
        return bias_cell(row.summary, attribute)

    title = _BIAS_TITLES[attribute]
    return RunColumn(title, 7, f"{attribute} bias, years; {NOISE} {MEANINGS[NOISE]}", cell, right=True, order=attribute)


def _moment(moment: datetime | None) -> Cell:
    return words(f"{moment.astimezone():%m-%d %H:%M}" if moment else None)


def _number(value: int) -> Cell:
    return Cell(value, unit=NUMBER, tone="dim")


def _loss(value: float | None) -> Cell:
    return Cell(value, unit=LOSS)


def _mae(row: RunRow, varying: Sequence[str]) -> Cell:
    cell = mae_cell(row.summary)
    return replace(cell, tone="plain" if cell.value is None else "bad" if cell.no_better else "strong")


def _rate(images_per_second: float | None) -> Cell:
    return Cell(images_per_second or None, unit=SPEED)


def _field(name: str) -> RunColumn:
    field = RunConfig.model_fields[name]

    def cell(row: RunRow, varying: Sequence[str]) -> Cell:
        return words(setting(row.config, name))

    return RunColumn(name, max(len(name) + 1, 10), field.description or name, cell, order=_order_of(name))


def _order_of(name: str) -> str | None:
    return None if name in ("epochs", "lr", "weights", "widths", "age_edges") else name


COLUMNS: Mapping[str, RunColumn] = {
    "state": RunColumn("state", 13, "queued, running, paused, done …", _state, order="turn"),
    "id": RunColumn("id", 5, "number of the run", lambda row, _: _number(row.id), right=True, order="id"),
    "run": RunColumn("run", 24, "name of the run", lambda row, _: words(row.name, "strong"), order="name"),
    "differs": RunColumn("differs in", 32, "the config fields that the runs found do not share", _differs),
    "progress": RunColumn("epoch", 15, "progress, and epochs of all", _progress, order="epoch"),
    "eta": RunColumn("ETA", 8, "time left of the stage; + where another follows", _eta, right=True),
    "val_loss": RunColumn(
        "val loss", 9, "newest validation loss", lambda row, _: _loss(row.summary.val_loss), right=True,
        order="val_loss",
    ),
    "best_val_loss": RunColumn(
        "best val", 9, "best validation loss", lambda row, _: _loss(row.summary.best_val_loss), right=True,
        order="best_val_loss",
    ),
    "mae": RunColumn(
        "MAE", 7, f"mean absolute error, years; {NO_BETTER} {MEANINGS[NO_BETTER]}", _mae, right=True, order="mae"
    ),
    **{attribute: _bias(attribute) for attribute in REPORT_ATTRIBUTES},
    "split": RunColumn("split", 6, "split of the scores", lambda row, _: words(row.summary.split), order="split"),
    "val_mae": RunColumn(
        "val MAE", 8, "newest validation MAE, years", lambda row, _: Cell(row.summary.val_mae), right=True,
        order="val_mae",
    ),
    "tags": RunColumn("tags", 14, "tags of the run", lambda row, _: words(" ".join(row.tags), "dim")),
    "note": RunColumn("note", 30, "note on the run", lambda row, _: words(row.note, "dim"), order="note"),
    "error": RunColumn("why", 30, "why a run ended that is not done", lambda row, _: words(row.error, "dim")),
    "created": RunColumn("created", 11, "when it was made", lambda row, _: _moment(row.created_at), order="created"),
    "ended": RunColumn("ended", 11, "when it ended", lambda row, _: _moment(row.ended_at), order="ended"),
    "priority": RunColumn(
        "prio.", 5, "priority in the queue", lambda row, _: _number(row.priority), right=True, order="priority"
    ),
    "speed": RunColumn(
        "img/s", 7, "images trained per second", lambda row, _: _rate(row.summary.images_per_second), right=True
    ),
    **{f"config.{name}": _field(name) for name in RunConfig.model_fields},
}  # fmt: skip

DEFAULT_COLUMNS = (
    "run",
    "state",
    "differs",
    "progress",
    "eta",
    "val_loss",
    "best_val_loss",
    "mae",
    *REPORT_ATTRIBUTES,
    "tags",
)


def known(names: Sequence[str]) -> tuple[str, ...]:
    """Keeps the names of existing columns, and puts the run's name first."""
    chosen = dict.fromkeys(("run", *(name for name in names if name in COLUMNS)))
    return tuple(chosen)


def table_columns(names: Sequence[str]) -> list[TableColumn]:
    return [
        TableColumn(name, column.title, column.width, column.right, column.order)
        for name in names
        for column in [COLUMNS[name]]
    ]


def table_row(row: RunRow, names: Sequence[str], varying: Sequence[str]) -> TableRow:
    return TableRow(row.id, tuple(COLUMNS[name].cell(row, varying) for name in names))
