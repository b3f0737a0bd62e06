"""Folders outside the project, where decoded pixels and cached features live, and how large they may be said to be."""

import os
from pathlib import Path

import platformdirs

from engine.errors import ConfigError


def cache_folder() -> Path:
    """`$AGEUI_CACHE`, else the platform's cache folder for ageui. It may be deleted at any time; it is rebuilt."""
    named = os.environ.get("AGEUI_CACHE")
    return Path(named).expanduser() if named else platformdirs.user_cache_path("ageui", appauthor=False)


def limit_in_bytes(variable: str) -> int | None:
    """The bytes of an environment variable that is in gigabytes, None where it is not set.

    Raises `ConfigError` for one that is no such number.
    """
    text = os.environ.get(variable, "")
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise ConfigError(f"{variable}={text}: give a number of gigabytes, 0 or more")
    return int(number * 1e9)
