"""Data as JSON in full precision."""

import json
from typing import Any

from ageui.text.plain_json import plain_json


def text(data: Any) -> str:
    """Indented JSON, ending in a line feed; floats that are not finite are the strings `nan`, `inf` and `-inf`."""
    return json.dumps(plain_json(data), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
