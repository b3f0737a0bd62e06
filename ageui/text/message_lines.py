"""Messages of a command to the application that started it: JSON lines on stderr, among lines for people."""

import json
import os
from typing import Any

VARIABLE = "AGEUI_MESSAGE_LINES"
"""The environment variable that makes a command write its error and progress as JSON lines."""


def are_wanted() -> bool:
    return bool(os.environ.get(VARIABLE))


def error_line(error: str) -> str:
    return json.dumps({"error": error})


def progress_line(what: str, done: int, total: int) -> str:
    return json.dumps({"progress": what, "done": done, "total": total})


def read_line(line: bytes) -> dict[str, Any]:
    """The message in a line; empty for a line for people."""
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}
