"""Values for JSON that every parser reads."""

import math
from typing import Any


def plain_json(value: Any) -> Any:
    """The value with non-finite floats as the strings `nan`, `inf` and `-inf`."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {str(key): plain_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_json(item) for item in value]
    return value
