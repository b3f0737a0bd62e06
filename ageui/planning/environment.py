"""The environment variables that ageui reads: their meanings, wrong values, and unknown variables with similar names.

Each field of a config has one, see `FIELD_VARIABLES`.
"""

import difflib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from engine.choices import OFF, REPORT_ATTRIBUTES
from engine.errors import ConfigError
from engine.limits import amount_problem

_PREFIX: Final = "AGEUI_"
_SWITCH: Final = (*OFF, "1", "on", "yes", "true")


@dataclass(frozen=True)
class Variable:
    """A variable other than those of config fields. `problem` returns the problem of a value, or None."""

    name: str
    meaning: str
    problem: Callable[[str], str | None] = lambda text: None


def _switch_problem(text: str) -> str | None:
    return None if text.lower() in _SWITCH else "give on or off"


_OF_AN_END: Final = "set for the commands of --on-end and --on-queue-end"
_BIASES: Final = tuple(f"BIAS_{attribute.upper()}" for attribute in REPORT_ATTRIBUTES)
_GIGABYTES: Final = partial(amount_problem, unit="gigabytes")
VARIABLES: Final = (
    Variable("AGEUI_DB", "the database"),
    Variable("AGEUI_CACHE", "the folder for decoded pixels, features and other things that can be rebuilt"),
    Variable("AGEUI_CACHE_GB", "limit in gigabytes for pixels, and for features, in the cache", _GIGABYTES),
    Variable("AGEUI_GPU_PIXELS_GB", "limit in gigabytes for a run's pixels on a GPU", _GIGABYTES),
    Variable("AGEUI_CHECKPOINT_SECONDS", "seconds between checkpoints", partial(amount_problem, unit="seconds")),
    Variable("AGEUI_CUDA_GRAPHS", "whether to train with CUDA graphs", _switch_problem),
    Variable("AGEUI_VIEWER", "the program that opens pictures and reports"),
    Variable("AGEUI_READ_ONLY", "if on, no database is opened for writing", _switch_problem),
    Variable("AGEUI_MESSAGE_LINES", "set by the application for its own commands"),
    Variable("AGEUI_EVENT", _OF_AN_END),
    *(
        Variable(f"AGEUI_RUN_{name}", _OF_AN_END)
        for name in ("ID", "NAME", "STATUS", "TAGS", "ERROR", "SPLIT", "MAE", *_BIASES)
    ),
)


@dataclass(frozen=True)
class FoundVariable:
    """A variable found in the environment. `problem` is empty if the variable is known and its value valid."""

    name: str
    value: str
    meaning: str
    problem: str


def found_variables(environment: Mapping[str, str] = os.environ) -> list[FoundVariable]:
    """All environment variables that begin with `AGEUI_`, by name."""
    return [_described(name, environment[name]) for name in sorted(environment) if name.startswith(_PREFIX)]


def unknown_variables(environment: Mapping[str, str] = os.environ) -> list[str]:
    """A sentence about each unknown variable whose name begins with `AGEUI_`."""
    known = {variable.name for variable in VARIABLES}
    if not any(name.startswith(_PREFIX) and name not in known for name in environment):
        return []  # avoids importing the config fields
    return [found.problem for found in found_variables(environment) if not found.meaning]


def refuse_wrong_variables(environment: Mapping[str, str] = os.environ) -> None:
    """Raises `ConfigError` for wrong values of variables other than those of config fields."""
    for variable in VARIABLES:
        text = environment.get(variable.name, "")
        if text and (problem := variable.problem(text)) is not None:
            raise ConfigError(f"{variable.name}={text}: {problem}")


def _described(name: str, text: str) -> FoundVariable:
    from ageui.planning.settings import FIELD_VARIABLES
    from engine.config import PRESETS, RunConfig, field_problem

    known = {variable.name: variable for variable in VARIABLES}
    if name in known:
        return FoundVariable(name, text, known[name].meaning, (text and known[name].problem(text)) or "")
    if name == "AGEUI_PRESET":
        problem = "" if text in PRESETS else f"choose one of {', '.join(PRESETS)}"
        return FoundVariable(name, text, "the preset", problem)
    if name in FIELD_VARIABLES:
        field = FIELD_VARIABLES[name]
        meaning = RunConfig.model_fields[field].description or field
        return FoundVariable(name, text, meaning, field_problem(field, text) or "")
    others = [one.removeprefix(_PREFIX) for one in (*known, *FIELD_VARIABLES)]
    close = difflib.get_close_matches(name.removeprefix(_PREFIX), others, n=1)
    nearest = f"did you mean {_PREFIX}{close[0]}?" if close else "see ageui config show for the fields that can be set"
    return FoundVariable(name, text, "", f"ageui has no environment variable {name}; {nearest}")
