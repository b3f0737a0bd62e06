"""Reads TOML written by people, with limits that tomllib lacks: on size, nesting, dots and numbers."""

import tomllib
from pathlib import Path
from typing import Any, Final

from engine.bounded_files import SETTINGS_BYTES, read_regular_or_pipe

# tomllib's time grows with the square of the dots in a key.
_MOST_DOTS_A_LINE: Final = 200
_DEEPEST: Final = 20
_LARGEST_NUMBER: Final = 2**63
_TOO_DEEP: Final = f"its lists and tables are nested more than {_DEEPEST} deep"


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a file, or of a pipe given to this process. Raises `OSError`, or `ValueError` like
    `parse_toml`."""
    return parse_toml(read_regular_or_pipe(path, SETTINGS_BYTES).decode("utf-8"))


def parse_toml(text: str) -> dict[str, Any]:
    """The values in a text. Raises `ValueError` if the text is not TOML or exceeds a limit."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.count(".") > _MOST_DOTS_A_LINE:
            raise ValueError(f"line {number} has more than {_MOST_DOTS_A_LINE} dots; split it into several lines")
    try:
        values = tomllib.loads(text)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    _refuse_extremes(values)
    return values


def _refuse_extremes(values: dict[str, Any]) -> None:
    level: list[Any] = [values]
    for _ in range(_DEEPEST):
        if any(isinstance(one, int) and abs(one) >= _LARGEST_NUMBER for one in level):
            raise ValueError("a whole number has more than 64 bits")
        parents = [one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)]
        level = [child for children in parents for child in children]
    if level:
        raise ValueError(_TOO_DEEP)
