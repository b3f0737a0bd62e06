"""Reads histories and figures from tables that other tools write: W&B, TensorBoard, MLflow, Keras, Lightning."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import pandas as pd

from engine.choices import REPORT_ATTRIBUTES
from engine.data.sources.read_table import read_table
from engine.errors import ConfigError, DataError
from engine.short_text import quoted, short_list

CURVES: Final = ("train_loss", "val_loss", "val_mae", "lr")
FIGURES: Final = ("mae", *(f"{attribute}_bias" for attribute in REPORT_ATTRIBUTES), "val_loss")
NAME, EPOCH, STEP, VALUE, METRIC = "name", "epoch", "step", "value", "metric"
FIELDS: Final = tuple(dict.fromkeys((*CURVES, *FIGURES, NAME, EPOCH, STEP)))
"""The fields that a person may name a column for."""
MOST_EPOCHS: Final = 100_000
_YEARS: Final = {"val_mae", *FIGURES} - {"val_loss"}

_MEAN_OF_UNKNOWN_IMAGES: Final = ("mae", "mean_absolute_error")
"""Names of an MAE without a split. Beside that of the validation images, Keras means the train images."""
_SYNONYMS: Final[dict[str, tuple[str, ...]]] = {
    "train_loss": ("train_loss", "loss", "training_loss", "loss_train"),
    "val_loss": ("val_loss", "valid_loss", "validation_loss", "eval_loss", "loss_val", "best_val_loss"),
    "val_mae": ("val_mae", "valid_mae", "validation_mae", "eval_mae", "val_mean_absolute_error"),
    "lr": ("lr", "learning_rate"),
    "mae": ("test_mae", "test_mean_absolute_error", *_MEAN_OF_UNKNOWN_IMAGES),
    **{f"{name}_bias": (f"{name}_bias", f"bias_{name}", f"test_bias_{name}", f"test_{name}_bias")
       for name in REPORT_ATTRIBUTES},
    NAME: ("name", "run_name", "run", "tags_mlflow_runname", "display_name", "run_id"),
    EPOCH: ("epoch",),
    STEP: ("step", "_step", "global_step", "trainer_global_step"),
    METRIC: ("metric", "key", "metric_key", "metric_name", "tag"),
    VALUE: ("value",),
}  # fmt: skip
"""Usual names of columns, as `_plain` writes them; the first that a file has counts."""
_PREFIXES: Final = ("metrics_", "epoch_", "params_")
_WANDB: Final = re.compile(r"(?P<run>.+) - (?P<metric>.+?)(?P<end>__MIN|__MAX)?")
_TENSORBOARD: Final = re.compile(r"run-(?P<run>.+)-tag-(?P<tag>.+)", re.IGNORECASE)
_OF_VALIDATION: Final = re.compile(r"[/_. -]?(validation|valid|val|eval)$", re.IGNORECASE)
_OF_TRAINING: Final = re.compile(r"[/_. -](training|train)$", re.IGNORECASE)


@dataclass(frozen=True)
class TrackedRun:
    """A run in a table: `figures` by field, and `history` as values by epoch, by field."""

    name: str
    figures: dict[str, float] = field(default_factory=dict)
    history: dict[str, dict[int, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class TrackerTable:
    """The content of a table: what it is, its runs, its columns without a use, and rows without a figure.

    `first` is its first epoch as its own tool counts; None if its epochs follow from steps or fractions.
    """

    form: str
    runs: tuple[TrackedRun, ...]
    ignored: tuple[str, ...]
    empty: int = 0
    first: int | None = None

    @property
    def epochs(self) -> int:
        """The number of different epochs in the histories of its runs."""
        return len({epoch for run in self.runs for points in run.history.values() for epoch in points})


@dataclass(frozen=True)
class Reading:
    """How a person wants tables to be read.

    `name` is that of the run in tables of one run. `columns` maps fields to columns. `steps_per_epoch` turns steps into
    epochs. `age_scale` are the years that 1 stands for in MAE and biases.
    """

    name: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    steps_per_epoch: int | None = None
    age_scale: float = 1.0


def read_tracker_table(path: Path, reading: Reading) -> TrackerTable:
    """The runs in a table.

    Raises
    ------
    ConfigError
        If a named column does not exist, if `reading.name` is for several runs, or if steps are not epochs.
    DataError
        If the file is no table, has no column with a known name, or has a cell that is not a number.
    """
    frame = read_table(path, tuple(reading.columns.values()))
    table = _Table(path, frame, reading)
    found = table.read()
    if not found.runs:
        raise DataError(f"{path} has no figure in any row; its columns are {short_list(map(str, frame.columns))}")
    if reading.name is not None:
        if len(found.runs) > 1:
            names = short_list(run.name for run in found.runs)
            raise ConfigError(f"{path} holds {len(found.runs)} runs ({names}); leave --name out")
        return replace(found, runs=(replace(found.runs[0], name=reading.name),))
    return found


class _Table:
    """A table of text cells, and the fields that its columns hold."""

    def __init__(self, path: Path, frame: pd.DataFrame, reading: Reading) -> None:
        self._path = path
        self._frame = frame
        self._reading = reading
        self._columns = _columns_of(frame.columns, reading.columns)
        self._first: int | None = None

    def read(self) -> TrackerTable:
        return replace(self._content(), first=self._first)

    def _content(self) -> TrackerTable:
        has, heads = self._columns, [str(column) for column in self._frame.columns]
        if METRIC in has and VALUE in has and STEP in has:
            return self._metric_rows()
        if VALUE in has and STEP in has and len(heads) <= 3:
            return self._scalar()
        charted = [column for column in heads if _WANDB.fullmatch(column)]
        if charted and (STEP in has or EPOCH in has) and not self._reading.columns:
            return self._chart(charted)
        is_history = (EPOCH in has or STEP in has) and any(name in has for name in CURVES)
        names = self._texts(NAME) if NAME in has else []
        is_table = any(name in has for name in FIGURES) and bool(names)
        if is_table and not (is_history and len(set(names)) < len(names)):
            return self._runs()
        if is_history:
            return self._history()
        raise DataError(
            f"{self._path} has no known columns; it has {short_list(heads)}. Known are a history (epoch or step, and "
            f"{', '.join(CURVES)}), a table of runs (name, and {', '.join(FIGURES)}), and charts of W&B, TensorBoard "
            "and MLflow. Name a column for a field with --map, as in --map mae=COLUMN --map name=COLUMN"
        )

    # Forms

    def _metric_rows(self) -> TrackerTable:
        """A row per point, as MLflow writes the histories of metrics."""
        runs: dict[str, dict[str, dict[float, float]]] = {}
        unknown: dict[str, None] = {}
        names, steps = self._names(), self._numbers(STEP)
        for name, metric, step, value in zip(names, self._texts(METRIC), steps, self._numbers(VALUE), strict=True):
            known = _curve(metric)
            if known is None:
                unknown[metric] = None
            elif value is not None and step is not None:
                runs.setdefault(name, {}).setdefault(known, {})[step] = value
        if not runs:
            raise self._no_curve("metric", unknown)
        return TrackerTable("metrics of MLflow", self._with_epochs(runs, STEP), tuple(unknown))

    def _scalar(self) -> TrackerTable:
        """One curve, as TensorBoard writes it. The name of the file holds those of the run and the curve."""
        found = _TENSORBOARD.fullmatch(self._path.stem)
        run, tag = (found["run"], found["tag"]) if found else ("", self._path.stem)
        known = _curve(tag)
        if known == "train_loss" and _OF_VALIDATION.search(run):
            known = "val_loss"
        named = next((name for name, column in self._reading.columns.items() if name in CURVES), known)
        if named is None:
            raise DataError(
                f"{self._path} does not say which curve it holds; name it run-NAME-tag-val_loss.csv, or add "
                f"--map val_loss=Value ({', '.join(CURVES)})"
            )
        name = _OF_TRAINING.sub("", _OF_VALIDATION.sub("", run)) or self._path.stem
        points = {
            step: value
            for step, value in zip(self._numbers(STEP), self._numbers(VALUE), strict=True)
            if step is not None and value is not None
        }
        return TrackerTable("a curve of TensorBoard", self._with_epochs({name: {named: points}}, STEP), ())

    def _chart(self, charted: Iterable[str]) -> TrackerTable:
        """A column per run, named `RUN - METRIC`, as Weights & Biases exports charts."""
        axis = EPOCH if EPOCH in self._columns else STEP
        places = self._numbers(axis)
        runs: dict[str, dict[str, dict[float, float]]] = {}
        unknown: dict[str, None] = {}
        for column in charted:
            found = _WANDB.fullmatch(column)
            if found is None or found["end"]:
                continue
            known = _curve(found["metric"])
            if known is None:
                unknown[found["metric"]] = None
                continue
            for place, value in zip(places, self._cells(column), strict=True):
                if place is not None and value is not None:
                    runs.setdefault(found["run"], {}).setdefault(known, {})[place] = value
        if not runs:
            raise self._no_curve("curve", unknown)
        return TrackerTable("a chart of Weights & Biases", self._with_epochs(runs, axis), tuple(unknown))

    def _history(self) -> TrackerTable:
        """A row per epoch or step, as Keras, Lightning and W&B write them; of several runs if a column names them."""
        axis = EPOCH if EPOCH in self._columns else STEP
        names, places = self._names(), self._numbers(axis)
        runs: dict[str, dict[str, dict[float, float]]] = {}
        for curve in (one for one in CURVES if one in self._columns):
            for name, place, value in zip(names, places, self._numbers(curve), strict=True):
                if place is not None and value is not None:
                    runs.setdefault(name, {}).setdefault(curve, {})[place] = value
        return TrackerTable("a history", self._with_epochs(runs, axis), self._unused((NAME, axis, *CURVES)))

    def _runs(self) -> TrackerTable:
        """A row per run with its figures, as Weights & Biases and MLflow write tables of runs."""
        names = self._texts(NAME)
        repeated = {name for name in names if names.count(name) > 1}
        if repeated and (EPOCH in self._columns or STEP in self._columns):
            raise ConfigError(
                f"{self._path} has several rows of {short_list(sorted(repeated))}, but no known curve; name the column "
                f"of one with --map, as in --map val_mae=COLUMN ({', '.join(CURVES)})"
            )
        if repeated:
            raise ConfigError(
                f"{self._path} names several runs {short_list(sorted(repeated))}; choose a column that tells them "
                f"apart, as in --map name=COLUMN: {short_list(map(str, self._frame.columns))}"
            )
        columns = dict(self._columns)
        is_of_train = "mae" not in self._reading.columns and _plain(columns.get("mae", "")) in _MEAN_OF_UNKNOWN_IMAGES
        if is_of_train and "val_mae" in columns:
            columns["mae"] = columns["val_mae"]
        figures = {name: self._cells(columns[name]) for name in FIGURES if name in columns}
        runs = []
        for place, name in enumerate(names):
            known = {one: value for one, values in figures.items() if (value := values[place]) is not None}
            if name and known:
                runs.append(TrackedRun(name, {one: self._in_years(one, value) for one, value in known.items()}))
        unused = self._unused((NAME, *FIGURES), columns)
        return TrackerTable("a table of runs", tuple(runs), unused, len(names) - len(runs))

    # Cells

    def _names(self) -> list[str]:
        """The run of each row: that of the file where no column names one."""
        names = self._texts(NAME) if NAME in self._columns else [""] * len(self._frame)
        return [name or self._path.stem for name in names]

    def _texts(self, name: str) -> list[str]:
        return [str(cell).strip() for cell in self._frame[self._columns[name]]]

    def _numbers(self, name: str) -> list[float | None]:
        return self._cells(self._columns[name])

    def _cells(self, column: str) -> list[float | None]:
        """The numbers of a column, None for an empty cell. NaN and infinity are numbers."""
        found: list[float | None] = []
        for row, cell in enumerate(self._frame[column]):
            text = "" if cell is None else str(cell).strip()
            try:
                found.append(float(text) if text else None)
            except ValueError:
                raise DataError(
                    f"{self._path}, row {row + 1}, column {column}: {quoted(text)} is not a number; write it as 0.5, "
                    "or leave the cell empty"
                ) from None
        return found

    def _in_years(self, name: str, value: float) -> float:
        if value < 0 and name in _YEARS:
            raise DataError(f"{self._path}: {name} is {value:g}, but errors in years are not negative")
        return value * self._reading.age_scale if name in _YEARS else value

    def _unused(self, fields: Iterable[str], columns: Mapping[str, str] | None = None) -> tuple[str, ...]:
        columns = self._columns if columns is None else columns
        used = {columns[name] for name in fields if name in columns}
        return tuple(str(column) for column in self._frame.columns if column not in used)

    def _no_curve(self, what: str, unknown: Iterable[str]) -> DataError:
        return DataError(
            f"{self._path} has no known {what}: it has {short_list(unknown) or 'none'}; rename one of them in the "
            f"file to {', '.join(CURVES)}"
        )

    # Epochs

    def _with_epochs(
        self, runs: Mapping[str, Mapping[str, Mapping[float, float]]], axis: str
    ) -> tuple[TrackedRun, ...]:
        places = {place for curves in runs.values() for points in curves.values() for place in points}
        epochs = self._epochs(places, axis)
        return tuple(
            TrackedRun(
                name,
                {},
                {
                    curve: {epochs[place]: self._in_years(curve, points[place]) for place in sorted(points)}
                    for curve, points in curves.items()
                },
            )
            for name, curves in runs.items()
        )

    def _epochs(self, places: Iterable[float], axis: str) -> dict[float, int]:
        """The epoch of each place on the axis, as the table counts them; those of steps and fractions count from 1.

        Of several places in an epoch, the last counts.
        """
        ordered = sorted(places)
        if any(not math.isfinite(place) or place < 0 for place in ordered):
            raise DataError(
                f"{self._path}: {axis} counts from 0 or 1; correct the column, or name another with --map {axis}=COLUMN"
            )
        if axis == STEP and self._reading.steps_per_epoch is not None:
            found = {place: max(1, math.ceil(place / self._reading.steps_per_epoch)) for place in ordered}
        elif all(place == int(place) for place in ordered):
            self._first = int(ordered[0]) if ordered else None
            if axis == STEP and ordered and (ordered[0] > 1 or ordered[-1] - ordered[0] + 1 != len(ordered)):
                raise ConfigError(
                    f"{self._path} counts steps ({ordered[0]:.0f} to {ordered[-1]:.0f}), not epochs; add "
                    "--steps-per-epoch N"
                )
            found = {place: int(place) for place in ordered}
        else:
            found = {place: max(1, math.ceil(place)) for place in ordered}
        if found and max(found.values()) > MOST_EPOCHS:
            raise DataError(f"{self._path} has more than {MOST_EPOCHS:,} epochs; add --steps-per-epoch N")
        return found


def _columns_of(heads: Iterable[object], named: Mapping[str, str]) -> dict[str, str]:
    """The column of each field: the one that a person named, else the first with a usual name."""
    plain: dict[str, str] = {}
    for head in map(str, heads):
        plain.setdefault(_plain(head), head)
    usual = {name: plain[word] for name, words in _SYNONYMS.items() for word in words if word in plain}
    first = {name: next(plain[word] for word in _SYNONYMS[name] if word in plain) for name in usual}
    free = {name: column for name, column in first.items() if name == VALUE or column not in named.values()}
    return {**free, **named}


def _curve(metric: str) -> str | None:
    """The curve that a metric's name means; None for others."""
    plain = _plain(metric)
    return next((name for name in CURVES if plain in _SYNONYMS[name]), None)


def _plain(head: str) -> str:
    """A column's name in lower case with `_` between words, without usual prefixes.

    >>> [_plain(head) for head in ("Run Name", "metrics.val_loss", "epoch/train_loss", "_step", "val/loss")]
    ['run_name', 'val_loss', 'train_loss', '_step', 'val_loss']
    """
    plain = re.sub(r"[\s/.\-]+", "_", head.strip().lower())
    for prefix in _PREFIXES:
        plain = plain.removeprefix(prefix)
    return plain


def counts_from_0(tables: Iterable[TrackerTable]) -> bool:
    """Whether one of the tables has an epoch 0. Then all of them that name epochs count from 0."""
    return any(table.first == 0 for table in tables)


def merged(tables: Sequence[tuple[Path, TrackerTable]]) -> Iterator[TrackedRun]:
    """The runs of several tables, with epochs from 1; those of the same name become one.

    Raises `ConfigError` for a field in two tables.
    """
    runs: dict[str, TrackedRun] = {}
    origin: dict[tuple[str, str], Path] = {}
    from_0 = counts_from_0(table for _, table in tables)
    for path, table in tables:
        shift = 1 if from_0 and table.first is not None else 0
        for run in table.runs:
            whole = runs.setdefault(run.name, TrackedRun(run.name))
            for kind, own in (("figure", run.figures), ("curve", run.history)):
                for name in own:
                    other = origin.setdefault((run.name, f"{kind} {name}"), path)
                    if other != path:
                        raise ConfigError(f"run {run.name!r} has the {kind} {name} in two files: {other} and {path}")
            whole.figures.update(run.figures)
            for name, points in run.history.items():
                whole.history[name] = {epoch + shift: value for epoch, value in points.items()}
    yield from runs.values()
