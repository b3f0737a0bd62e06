"""The fields of the form for a study's runs: from a choice to texts and back, and the command that does the same."""

import shlex
from collections.abc import Mapping
from typing import Final

from ageui.study import Choice, Study
from ageui.study.queueing import asked_choice
from engine.errors import ConfigError

PRESET, DATA, SEEDS, SETTINGS = "preset", "data", "seeds", "set"

FIELDS: Final[Mapping[str, str]] = {
    PRESET: "report: the study as published; another for all but what it compares",
    DATA: "the data set",
    SEEDS: "how many seeds, from 0 on, each cell is run with",
    SETTINGS: "field=value, parted by spaces (quote what has some): any field but those it compares",
}


def texts_of(choice: Choice | None, seeds: int) -> dict[str, str]:
    """What the fields say of a choice; nothing where there is nothing to say."""
    if choice is None:
        return {}
    settings = shlex.join(f"{name}={value}" for name, value in choice.settings.items())
    texts = {PRESET: choice.preset or "", DATA: choice.data or "", SEEDS: str(seeds), SETTINGS: settings}
    return {name: text for name, text in texts.items() if text}


def choice_of_texts(texts: Mapping[str, str]) -> Choice:
    """Raises `ConfigError` for a preset that there is not, and settings that are none."""
    settings = texts.get(SETTINGS, "")
    try:
        assignments = shlex.split(settings)
    except ValueError:
        raise ConfigError(f"set {settings}: a quotation mark or what a backslash stands before is missing") from None
    return asked_choice(texts.get(PRESET), texts.get(DATA), assignments)


def seeds_of(texts: Mapping[str, str]) -> int:
    """Raises `ConfigError` for what is no whole number."""
    text = texts.get(SEEDS, "1")
    try:
        return int(text)
    except ValueError:
        raise ConfigError(f"seeds {text}: give a whole number") from None


def command(study: Study, choice: Choice, seeds: int) -> str:
    """The command line that queues the same."""
    parts = ["ageui", "study", "run", study.name if study.path is None else str(study.path)]
    parts += ["--preset", choice.preset] if choice.preset else []
    parts += ["--data", choice.data] if choice.data else []
    parts += ["--seeds", str(seeds)] if seeds > 1 else []
    for field, value in choice.settings.items():
        parts += ["--set", f"{field}={value}"]
    return shlex.join([*parts, "--detach"])
