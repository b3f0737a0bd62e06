"""Numbers as text for people, also those that are not finite."""

import math
from collections.abc import Callable

MINUS = "−"
"""A minus sign that cannot be mistaken for a hyphen."""


def number_text(value: float, write: Callable[[float], str]) -> str:
    """The value in the form of `write` if it is finite, else `NaN`, `+inf` or `−inf`."""
    if math.isfinite(value):
        return write(value)
    return "NaN" if math.isnan(value) else "+inf" if value > 0 else f"{MINUS}inf"
