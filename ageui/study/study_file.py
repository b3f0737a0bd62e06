"""A study's TOML file: its keys, and errors that name the file, the key and its valid values."""

from collections.abc import Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ageui.files.home import from_home
from ageui.files.toml_file import parse_toml, read_toml
from ageui.store.names import did_you_mean
from ageui.text.clean import clean
from engine.bounded_files import problem_of
from engine.errors import ConfigError

Measures = Literal["scores", "loss", "curve"]

_FIRST_NUMBERED = ("table", "figure")
_TAKES = {
    "string_type": "text in quotes",
    "float_type": "a number",
    "list_type": "a list in [ ]",
    "dict_type": "a table in { }",
    "model_type": "a table in { }",
}


class _FilePart(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class CellPart(_FilePart):
    """A listed cell. `unknown` says why it cannot be run, so that it has published figures only.

    `mean_of` and `calibrated` name earlier cells. Their runs make this cell's runs, seed by seed.
    """

    name: str = Field(min_length=1)
    label: str | None = None
    settings: dict[str, Any] = Field(default_factory=dict)
    mean_of: list[str] = Field(default_factory=list)
    calibrated: str | None = None
    unknown: str | None = None
    note: str | None = None


class PublishedPart(_FilePart):
    """Published figures of a cell: MAE and biases in years, validation loss on ages divided by 100, minutes."""

    mae: float | None = None
    gender: float | None = None
    expression: float | None = None
    ethnicity: float | None = None
    age: float | None = None
    val_loss: float | None = None
    minutes: float | None = None


class StudyFile(_FilePart):
    """The content of a study's file. Its cells are the combinations of `grid`, or those listed in `cells`.

    `base` holds the config fields that all cells share; other fields have their defaults. `published` maps names of
    cells to figures; the name of a grid's cell is its values joined by `-`, such as `mse-16`.
    """

    title: str = Field(min_length=1)
    shows: str = ""
    measures: Measures
    notes: list[str] = Field(default_factory=list)
    base: dict[str, Any] = Field(default_factory=dict)
    grid: dict[str, list[Any]] = Field(default_factory=dict)
    cells: list[CellPart] = Field(default_factory=list)
    published: dict[str, PublishedPart] = Field(default_factory=dict)


def bundled_names() -> list[str]:
    """The bundled studies: tables and figures by number, then the others."""
    names = [file.name.removesuffix(".toml") for file in _folder().iterdir() if file.name.endswith(".toml")]
    return sorted(names, key=_place)


def read_study_file(name_or_path: str) -> tuple[str, StudyFile, Path | None]:
    """The name and content of a study, and its path unless it is bundled. Raises `ConfigError`."""
    if name_or_path in bundled_names():
        values = parse_toml((_folder() / f"{name_or_path}.toml").read_text(encoding="utf-8"))
        return name_or_path, _checked(name_or_path, values), None
    path = from_home(name_or_path)
    if path.suffix != ".toml":
        names = bundled_names()
        raise ConfigError(
            f"unknown study {clean(name_or_path)!r}{did_you_mean(name_or_path, names)}; choose one of "
            f"{', '.join(names)}, or give the path of a .toml file"
        )
    try:
        values = read_toml(path)
    except FileNotFoundError:
        raise ConfigError(f"the study file {clean(name_or_path)} does not exist; check the path") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"study {clean(name_or_path)} cannot be read as TOML: {problem_of(error)}") from error
    return path.stem, _checked(name_or_path, values), path.absolute()


def _folder() -> Traversable:
    return resources.files("ageui") / "studies"


def _place(name: str) -> tuple[int, int, str]:
    for place, kind in enumerate(_FIRST_NUMBERED):
        number = name.removeprefix(kind)
        if number != name and number.isdecimal():
            return place, int(number), name
    return len(_FIRST_NUMBERED), 0, name


def _checked(where: str, values: dict[str, Any]) -> StudyFile:
    try:
        return StudyFile.model_validate(values)
    except ValidationError as error:
        lines = [f"study {clean(where)}: {_explain(problem)}" for problem in error.errors(include_url=False)]
        raise ConfigError("\n".join(lines)) from None


def _explain(problem: Any) -> str:
    key = _key(problem["loc"])
    match problem["type"]:
        case "missing":
            return f"{key} is missing"
        case "extra_forbidden":
            return f"unknown key {key}; {_known(problem['loc'])}"
        case "literal_error":
            return f"{key} takes {problem['ctx']['expected'].replace(chr(39), '')}, not {problem['input']!r}"
        case kind if kind in _TAKES:
            return f"{key} takes {_TAKES[kind]}, not {problem['input']!r}"
    return f"{key}: {problem['msg']}"


def _key(loc: Sequence[int | str]) -> str:
    """`cells[2].name`, counted from 1."""
    text = ""
    for part in loc:
        text += f"[{part + 1}]" if isinstance(part, int) else f"{'.' if text else ''}{part}"
    return clean(text)


def _known(loc: Sequence[int | str]) -> str:
    parts: dict[object, type[BaseModel]] = {"cells": CellPart, "published": PublishedPart}
    model = StudyFile if len(loc) == 1 else parts[loc[0]]
    return f"choose one of {', '.join(model.model_fields)}"
