"""Numbers as text for people, including non-finite numbers."""

import math
from collections.abc import Callable

MINUS = "−"
"""A minus sign, distinct from a hyphen."""


def number_text(value: float, write: Callable[[float], str]) -> str:
    """The value as written by `write` if it is finite, else `NaN`, `+inf` or `−inf`."""
    if math.isfinite(value):
        return write(value)
    return "NaN" if math.isnan(value) else "+inf" if value > 0 else f"{MINUS}inf"
