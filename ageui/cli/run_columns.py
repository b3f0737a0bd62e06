"""The columns of `ageui ls`: any field that runs can be filtered by."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ageui.compare.differing_settings import setting
from ageui.compare.figure_names import figure_title, figure_unit
from ageui.compare.summary_cells import bias_cell, mae_cell
from ageui.present.figures import LOSS, NUMBER
from ageui.present.marks import with_meanings
from ageui.present.table import Cell, Column, Records, Table, words
from ageui.store import RunRow
from ageui.store.filter_fields import FilterField, filter_fields
from ageui.store.filters import known_field
from ageui.store.names import did_you_mean
from ageui.text.clean import clean
from ageui.text.plain_json import plain_json
from ageui.text.states import state_of
from engine.choices import REPORT_ATTRIBUTES
from engine.config import RunConfig
from engine.errors import ConfigError
from engine.figure_forms import figure_names

Values = Mapping[int, Mapping[str, Any]]
"""The values of stored fields, by run and name."""

_USUAL = (
    "id", "name", "status", "data", "loss", "weights", "backbone", "epoch", "split", "mae", *REPORT_ATTRIBUTES,
)  # fmt: skip
_IN_FILES = ("pretraining",)
_LEAVING = ("backbone", "epoch", "data", "weights", "split", "loss", *reversed(REPORT_ATTRIBUTES))
"""The usual columns that a narrow terminal leaves out, in this order."""
_TITLES = {"name": "run", "status": "state", "mae": "MAE"}
_COUNTS = ("id", "epoch", "priority")
_FIGURES = figure_names(REPORT_ATTRIBUTES)
_SETTINGS = frozenset(RunConfig.model_fields)


def _epochs(row: RunRow) -> Cell:
    return words(None if row.is_published or row.is_derived else f"{row.summary.epoch or 0}/{row.summary.epochs}")


_CELLS: dict[str, Callable[[RunRow], Cell]] = {
    "status": lambda row: words(state_of(row)),
    "epoch": _epochs,
    "mae": lambda row: mae_cell(row.summary),
    **{name: lambda row, name=name: bias_cell(row.summary, name) for name in REPORT_ATTRIBUTES},  # type: ignore[misc]
}
"""Cells that show more than the value of their field."""


@dataclass(frozen=True)
class RunColumns:
    """Columns of a list of runs. If `leaving`, a narrow terminal leaves some out."""

    fields: tuple[FilterField, ...]
    leaving: bool

    @classmethod
    def of(cls, text: str | None, *, in_file: bool = False) -> "RunColumns":
        """The fields in a comma list, or the usual fields, plus those too long for a terminal if `in_file`.

        Raises `ConfigError` for an unknown field and lists the known fields.
        """
        usual = (*_USUAL, *_IN_FILES) if in_file else _USUAL
        names = usual if text is None else [name.strip() for name in text.split(",")]
        return cls(tuple(_field(name) for name in names), leaving=text is None)

    @property
    def stored(self) -> list[str]:
        """The names of the fields that the database computes: all except config fields and tags."""
        return [field.name for field in self.fields if field.kind != "tags" and not _is_setting(field)]

    def table(self, rows: Sequence[RunRow], values: Values) -> Table:
        columns = []
        for field in self.fields:
            is_figure = field.kind == "number" and not _is_setting(field)
            column = Column(_title(field), "figure" if is_figure else "name", self._leaves(field))
            columns.append((column, [_cell(field, row, values) for row in rows]))
        return with_meanings(Table.of_columns(*columns))

    def records(self, rows: Sequence[RunRow], values: Values) -> Records:
        """The names and values of the fields in full precision, with lists in command-line form."""
        found = [[_flat(_value(field, row, values)) for field in self.fields] for row in rows]
        return Records([field.name for field in self.fields], found)

    def data(self, rows: Sequence[RunRow], values: Values) -> list[dict[str, Any]]:
        """The values by the names of their fields, for JSON."""
        return [{field.name: plain_json(_plain(_value(field, row, values))) for field in self.fields} for row in rows]

    def _leaves(self, field: FilterField) -> int | None:
        return _LEAVING.index(field.name) if self.leaving and field.name in _LEAVING else None


def _field(name: str) -> FilterField:
    field = known_field(name)
    if field is None:
        known = list(filter_fields())
        text = f"unknown column {clean(name)!r}{did_you_mean(name.lower(), known)}\ncolumns: {', '.join(known)}"
        raise ConfigError(text)
    return field


def _is_setting(field: FilterField) -> bool:
    return field.name in _SETTINGS


def _title(field: FilterField) -> str:
    return _TITLES.get(field.name, figure_title(field.name) if field.name in _FIGURES else field.name)


def _value(field: FilterField, row: RunRow, values: Values) -> Any:
    if field.kind == "tags":
        return list(row.tags)
    return row.config.get(field.name) if _is_setting(field) else values[row.id][field.name]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _flat(value: Any) -> Any:
    return setting({"": value}, "") if isinstance(value, list) else _plain(value)


def _cell(field: FilterField, row: RunRow, values: Values) -> Cell:
    if field.name in _CELLS:
        return _CELLS[field.name](row)
    value = _value(field, row, values)
    if isinstance(value, datetime):
        return words(f"{value.astimezone():%Y-%m-%d %H:%M}")
    if field.kind == "tags":
        return words(" ".join(value))
    if _is_setting(field):
        return words(setting(row.config, field.name))
    if field.kind == "number":
        unit = NUMBER if field.name in _COUNTS else LOSS if field.name.endswith("_loss") else figure_unit(field.name)
        return Cell(value, unit=unit)
    return words(str(bool(value)).lower() if field.kind == "flag" else value)
