"""A user's own settings file, and its table `notify`, which names commands to start and is allowed in no other file."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import platformdirs

from ageui.files.toml_file import read_toml
from engine.bounded_files import problem_of
from engine.errors import ConfigError

NOTIFY: Final = "notify"


@dataclass(frozen=True)
class Notify:
    """How to announce ends: with the application's `bell` and `title`, and with shell commands at the end of every run
    and of the queue; an empty command starts nothing."""

    bell: bool = True
    title: bool = True
    on_end: str = ""
    on_queue_end: str = ""


def user_file() -> Path:
    return platformdirs.user_config_path("ageui", appauthor=False) / "config.toml"


def read_notify() -> Notify:
    """The table `notify` of the user's file. Raises `ConfigError` if it is wrong."""
    file = user_file()
    table = (read_settings_file(file) or {}).get(NOTIFY, {})
    kinds = {field.name: field.type for field in fields(Notify)}
    if not isinstance(table, dict):
        raise ConfigError(f"{file}: {NOTIFY} is a table: write [{NOTIFY}] above its settings")
    for name, value in table.items():
        if name not in kinds:
            raise ConfigError(f"{file}: [{NOTIFY}]: unknown setting {name!r}; choose one of {', '.join(kinds)}")
        if not isinstance(value, bool if kinds[name] is bool else str):
            raise ConfigError(f"{file}: [{NOTIFY}] {name}: give {'true or false' if kinds[name] is bool else 'a text'}")
    return Notify(**table)


def read_settings_file(path: Path) -> dict[str, Any] | None:
    """The settings of a file; None if it is missing. Raises `ConfigError` if it cannot be read."""
    try:
        return read_toml(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read as TOML: {problem_of(error)}") from error
