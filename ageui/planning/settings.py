"""Merges a run's settings from flags, `--config` file, environment, project file, user file, preset and defaults."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ageui.files.own_settings import NOTIFY, read_settings_file, user_file
from ageui.store.names import did_you_mean
from engine.choices import INITS
from engine.config import PRESETS, RunConfig, build_config, format_value
from engine.errors import ConfigError, Problem
from engine.limits import amount_problem
from engine.request import CHECKPOINT_SECONDS

PROJECT_FILE = Path("ageui.toml")
CHECKPOINT_VARIABLE = "AGEUI_CHECKPOINT_SECONDS"
FIELD_VARIABLES = {f"AGEUI_{name.upper()}": name for name in ("preset", *RunConfig.model_fields)}
"""The environment variables that set a field of a config, or the preset."""
_ENVIRONMENT, _FLAG = "environment", "flag"


@dataclass(frozen=True)
class SettingsLayer:
    """Settings from one origin; `origin` names it for people."""

    origin: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Resolved:
    """The config in force, and the origin of every field."""

    config: RunConfig
    origins: Mapping[str, str]
    preset: str
    preset_origin: str
    data_origin: str


@dataclass(frozen=True)
class Settings:
    """All layers below the flags, lowest first. Read once for many configs."""

    layers: tuple[SettingsLayer, ...]
    preset: str
    preset_origin: str
    registered: tuple[str, ...]

    def resolve(self, flags: Mapping[str, Any]) -> Resolved:
        """The config of flags on top of all layers.

        Raises a `ConfigError` that names the field, and its layer unless that is the flags.
        """
        values: dict[str, Any] = {}
        origins = dict.fromkeys(RunConfig.model_fields, "default")
        for layer in [*self.layers, SettingsLayer(_FLAG, flags)]:
            for name, value in layer.values.items():
                if name not in RunConfig.model_fields and name != "preset":
                    advice = did_you_mean(name, list(RunConfig.model_fields))
                    where = "" if layer.origin == _FLAG else f"{layer.origin}: "
                    raise ConfigError(f"{where}unknown field {name!r}{advice}; see ageui explain config")
                if name != "preset" and not (name not in flags and _set_aside(name, value, flags)):
                    values[name], origins[name] = value, layer.origin
        data_origin = origins["data"]
        if "data" not in values:
            values["data"], data_origin = _data_of(self.registered)
            origins["data"] = data_origin
        values = {**values, "init": absolute_init(values.get("init", "auto"))}
        try:
            config = build_config(values)
        except ConfigError as error:
            raise ConfigError(problems=[_with_variable(one, origins) for one in error.problems]) from None
        return Resolved(config, origins, self.preset, self.preset_origin, data_origin)


def read_settings(
    *,
    preset: str | None = None,
    config_file: Path | None = None,
    like: SettingsLayer | None = None,
    registered: Sequence[str] = (),
    cuda_available: Callable[[], bool] = lambda: False,
) -> Settings:
    """Reads settings files and the environment.

    A `preset` given by a flag beats files and environment. A preset named in a file, or the default preset (`report`
    with a CUDA device, else `quick`), only fills in fields that no layer sets. `like` is a complete config that beats
    all but flags. If no layer names data, the only registered data set is used, else the built-in synthetic faces.
    Raises `ConfigError` for an unreadable file or an unknown preset.
    """
    files = [*_file_layer(user_file()), *_file_layer(PROJECT_FILE), environment_layer(os.environ)]
    chosen = [*_file_layer(config_file, required=True)] if config_file else []
    if preset is None:
        preset, preset_origin = _preset_of([*files, *chosen], cuda_available)
        layers = [preset_layer(preset), *files, *chosen]
    else:
        preset_origin = "--preset"
        layers = [*files, preset_layer(preset), *chosen]
    if like is not None:
        layers = [*layers, like]
    return Settings(tuple(layers), preset, preset_origin, tuple(registered))


def preset_layer(name: str) -> SettingsLayer:
    if name not in PRESETS:
        text = f"unknown preset {name!r}{did_you_mean(name, list(PRESETS)) or ';'} choose one of {', '.join(PRESETS)}"
        raise ConfigError(problems=[Problem("preset", text)])
    return SettingsLayer(f"preset {name}", PRESETS[name])


def environment_layer(environment: Mapping[str, str]) -> SettingsLayer:
    """The fields set by variables such as `AGEUI_LOSS=mape`, and `AGEUI_PRESET`."""
    fields = {name: environment[variable] for variable, name in FIELD_VARIABLES.items() if variable in environment}
    return SettingsLayer(_ENVIRONMENT, fields)


def checkpoint_interval(named: float | None) -> float:
    """Seconds between checkpoints: the flag's value, else `AGEUI_CHECKPOINT_SECONDS`, else the engine's default."""
    if named is not None:
        return named
    text = os.environ.get(CHECKPOINT_VARIABLE, "")
    if text and (problem := amount_problem(text, "seconds")) is not None:
        raise ConfigError(f"{CHECKPOINT_VARIABLE}={text}: {problem}")
    return float(text) if text else CHECKPOINT_SECONDS


def parse_assignments(assignments: Sequence[str]) -> dict[str, str]:
    """`["widths=64,16"]` as a mapping. Raises `ConfigError` for text without `=`."""
    values = {}
    for text in assignments:
        name, equals, value = text.partition("=")
        if not equals:
            text = f"--set {text}: write field=value, as in --set patience=10"
            raise ConfigError(problems=[Problem("set", text)])
        values[name.strip()] = value.strip()
    return values


def absolute_init(init: str) -> str:
    """`init` with an absolute path for a weights file, so that a stored config means the same file in every folder.

    Raises `ConfigError` for an invalid path.
    """
    if init in ("auto", *INITS):
        return init
    try:
        return str(Path(init).expanduser().resolve())
    except (OSError, RuntimeError, ValueError) as error:
        text = f"init: {init!r} is not the path of a weights file: {error}"
        raise ConfigError(problems=[Problem("init", text)]) from error


def _file_layer(path: Path, required: bool = False) -> list[SettingsLayer]:
    values = read_settings_file(path)
    if values is None:
        if required:
            raise ConfigError(f"--config {path}: the file does not exist; check the path")
        return []
    if NOTIFY in values and path != user_file():
        raise ConfigError(f"{path}: [{NOTIFY}] starts commands, so it belongs in your own file, {user_file()}")
    fields = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items() if name != NOTIFY}
    return [SettingsLayer(str(path), fields)]


def _preset_of(layers: Sequence[SettingsLayer], cuda_available: Callable[[], bool]) -> tuple[str, str]:
    for layer in reversed(layers):
        if "preset" in layer.values:
            return str(layer.values["preset"]), layer.origin
    if cuda_available():
        return "report", "a CUDA device was found"
    return "quick", "no CUDA device was found"


def _data_of(registered: Sequence[str]) -> tuple[str, str]:
    if len(registered) == 1:
        return registered[0], "the one registered data set"
    if registered:
        return "synthetic", f"built in; registered are {', '.join(registered)}"
    return "synthetic", "built in; no data set is registered"


def _with_variable(problem: Problem, origins: Mapping[str, str]) -> Problem:
    """Names the environment variable that set a wrong value."""
    if origins.get(problem.field) != _ENVIRONMENT:
        return problem
    return problem._replace(text=f"{problem.text} (set by the environment: AGEUI_{problem.field.upper()})")


def _set_aside(name: str, value: Any, flags: Mapping[str, Any]) -> bool:
    """Whether a lower layer's value may conflict with the head or strategy of a flag."""
    match name:
        case "widths":
            return "head" in flags
        case "lr":
            return "strategy" in flags and len(format_value(value).split(",")) > 1
        case "init" if "strategy" in flags:
            return bool((flags["strategy"] == "scratch") != (value == "random"))
        case _:
            return False
