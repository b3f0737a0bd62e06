"""Run and compare experiments in age regression from face images with less bias, in the terminal and in Python.

`ageui explain python` describes the Python interface. Its names are imported when they are first used, so that the
command line stays quick.
"""

import importlib
from typing import Any

__version__ = "0.2.0"

_INTERFACE = ("Database", "ShownComparison", "ShownRun", "demo", "open", "queue", "train")


def __getattr__(name: str) -> Any:
    if name in _INTERFACE:
        return getattr(importlib.import_module("ageui.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_INTERFACE})
