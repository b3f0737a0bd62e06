"""A study: cells that differ in a few config fields, the figures to measure, and the published figures."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from ageui.compare.differing_settings import label
from ageui.planning.settings import absolute_init
from ageui.planning.sweeps import combinations
from ageui.study.study_file import CellPart, Measures, PublishedPart, StudyFile, bundled_names, read_study_file
from engine.choices import REPORT_ATTRIBUTES
from engine.config import RunConfig, build_config, format_value
from engine.errors import ConfigError

_MOST_NAMED = 20

FREE = ("seed", "device", "deterministic")
"""Fields that do not distinguish cells."""

FIGURES: Mapping[Measures, tuple[str, ...]] = {
    "scores": ("mae", *REPORT_ATTRIBUTES),
    "loss": ("val_loss", "minutes"),
    "curve": ("val_loss",),
}


@dataclass(frozen=True)
class Making:
    """The operation that makes a cell's runs from runs of other `cells`: their mean, or the calibration of one cell."""

    operation: Literal["mean", "slope"]
    cells: tuple[str, ...]


@dataclass(frozen=True)
class StudyCell:
    """One cell. `settings` has a value for each of the study's fields; `unknown` says why it cannot be run.

    Runs of a cell with a `making` are derived ones, and it has no settings.

    `published` maps the published figures to their values.
    """

    name: str
    label: str
    settings: Mapping[str, Any]
    published: Mapping[str, float]
    unknown: str | None = None
    note: str | None = None
    making: Making | None = None


@dataclass(frozen=True)
class Study:
    """A validated study: every trained cell has a valid config.

    `fields` are those that any cell sets, and `loss` if losses are measured: no preset and no setting changes them.
    `base` holds the fields that all cells share. `path` is the absolute path of the file; None for a bundled study.
    """

    name: str
    title: str
    shows: str
    measures: Measures
    notes: tuple[str, ...]
    base: Mapping[str, Any]
    fields: tuple[str, ...]
    cells: tuple[StudyCell, ...]
    path: Path | None = None

    @property
    def figures(self) -> tuple[str, ...]:
        """The names of the figures that the study is about, in the order of columns."""
        return FIGURES[self.measures]

    @property
    def all_figures(self) -> tuple[str, ...]:
        """`figures`, then MAE and biases unless they are among them, since runs of every study are scored."""
        return tuple(dict.fromkeys((*self.figures, *FIGURES["scores"])))

    @property
    def signed_gaps(self) -> Mapping[str, str]:
        """The signed gap that stands beside each bias, by the bias's name. The report gives none."""
        return {name: f"{name}_signed" for name in self.figures if name in REPORT_ATTRIBUTES}

    @property
    def has_published(self) -> bool:
        """Whether any cell has published figures."""
        return any(cell.published for cell in self.cells)

    @cached_property
    def runnable(self) -> tuple[StudyCell, ...]:
        """The cells that can have runs, trained or made from others."""
        return tuple(cell for cell in self.cells if cell.unknown is None)

    @cached_property
    def trained(self) -> tuple[StudyCell, ...]:
        """The cells with runs that are trained, at least one."""
        return tuple(cell for cell in self.runnable if cell.making is None)

    def config(self, cell: StudyCell) -> RunConfig:
        """The config of a trained cell, on a config's default data; as in runs, a weights file is an absolute path."""
        config = build_config({**self.base, **cell.settings})
        return config.model_copy(update={"init": absolute_init(config.init)})


def studies() -> list[Study]:
    """The bundled studies."""
    return [load(name) for name in bundled_names()]


def load(name_or_path: str) -> Study:
    """A study by its name or the path of its TOML file. Raises a `ConfigError` that names the file and the key."""
    name, file, path = read_study_file(name_or_path)
    try:
        return replace(_study(name, file), path=path)
    except ConfigError as error:
        raise ConfigError(f"study {name_or_path}: {error}") from None


def _study(name: str, file: StudyFile) -> Study:
    if bool(file.grid) == bool(file.cells):
        raise ConfigError("give either a [grid] or [[cells]], not both or none")
    parts = _grid_cells(file.grid) if file.grid else file.cells
    measured = ("loss",) if file.measures == "loss" else ()  # a table cannot compare values of two losses
    fields = tuple(dict.fromkeys((*(field for part in parts for field in part.settings), *measured)))
    _refuse_fields("base", file.base)
    _refuse_fields("grid" if file.grid else "cells", fields)
    names = [part.name for part in parts]
    twice = next((one for one, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise ConfigError(f"cells: two cells are named {twice!r}; rename one")
    _refuse_published(file, names)
    base = {field: value for field, value in file.base.items() if field not in fields}
    shared = {field: file.base[field] for field in fields if field in file.base}
    cells = tuple(
        _cell(part, fields, shared, file.published.get(part.name), names[:place]) for place, part in enumerate(parts)
    )
    study = Study(name, file.title, file.shows, file.measures, tuple(file.notes), base, fields, cells)
    if not study.trained:
        raise ConfigError("cells: none of them can be run")
    for cell in study.trained:
        try:
            study.config(cell)
        except ConfigError as error:
            raise ConfigError(f"cell {cell.name}: {error}") from None
    return study


def _grid_cells(grid: Mapping[str, Sequence[Any]]) -> list[CellPart]:
    for field, values in grid.items():
        if not values:
            raise ConfigError(f"grid.{field}: give at least one value")
    cells = []
    for settings in combinations(grid):
        name = "-".join(format_value(value).replace(",", "+") for value in settings.values())
        cells.append(CellPart(name=name, label=label(settings, tuple(grid)), settings=settings))
    return cells


def _cell(
    part: CellPart,
    fields: Sequence[str],
    shared: Mapping[str, Any],
    published: PublishedPart | None,
    earlier: Sequence[str],
) -> StudyCell:
    """A cell; fields that only other cells set come from the base, else from a config's defaults."""
    making = _making(part, earlier)
    if (part.unknown is not None or making is not None) and part.settings:
        why = "it is made of other cells" if making is not None else "it cannot be run"
        raise ConfigError(f"cell {part.name}: {why}; leave its settings out")
    defaults = {field: RunConfig.model_fields[field].default for field in fields}
    is_trained = part.unknown is None and making is None
    settings = {**defaults, **shared, **part.settings} if is_trained else {}
    figures = published.model_dump(exclude_none=True) if published else {}
    return StudyCell(part.name, part.label or part.name, settings, figures, part.unknown, part.note, making)


def _making(part: CellPart, earlier: Sequence[str]) -> Making | None:
    if part.calibrated is None and not part.mean_of:
        return None
    if part.calibrated is not None and part.mean_of:
        raise ConfigError(
            f"cell {part.name}: give either mean_of or calibrated; for a calibrated mean, calibrate a cell with mean_of"
        )
    if part.calibrated is None and len(set(part.mean_of)) < max(2, len(part.mean_of)):
        raise ConfigError(f"cell {part.name}: give mean_of two or more different cells")
    cells = tuple(part.mean_of) or (str(part.calibrated),)
    for name in cells:
        if name not in earlier:
            raise ConfigError(f"cell {part.name}: {name!r} is not an earlier cell; name a cell above it")
    return Making("mean" if part.mean_of else "slope", cells)


def _refuse_published(file: StudyFile, cells: Sequence[str]) -> None:
    """Raises `ConfigError` for figures of unknown cells and figures that the study does not measure."""
    known = set(cells)
    for name, part in file.published.items():
        if name not in known:
            shown = ", ".join(cells[:_MOST_NAMED]) + (", …" if len(cells) > _MOST_NAMED else "")
            raise ConfigError(f"published: unknown cell {name!r}; choose one of {shown}")
        for figure in part.model_dump(exclude_none=True):
            if figure not in FIGURES[file.measures]:
                raise ConfigError(
                    f'published.{name}: unknown figure {figure!r}; measures = "{file.measures}" allows '
                    f"{', '.join(FIGURES[file.measures])}"
                )


def _refuse_fields(where: str, fields: Sequence[str] | Mapping[str, Any]) -> None:
    for field in fields:
        if field not in RunConfig.model_fields:
            raise ConfigError(f"{where}: unknown field {field!r}; choose one of {', '.join(RunConfig.model_fields)}")
        if field in FREE:
            raise ConfigError(f"{where}.{field}: ageui study run chooses this field; leave it out")
        if field == "data" and where != "base":
            raise ConfigError(f"{where}.data: all cells are trained on the same data; name it in base, or with --data")
