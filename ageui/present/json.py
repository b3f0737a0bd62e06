"""Data as JSON in full precision."""

import json
from typing import Any

from ageui.text.plain_json import plain_json
from engine.csv_text import HIDDEN


def text(data: Any) -> str:
    """Indented JSON, ending in a line feed; floats that are not finite are the strings `nan`, `inf` and `-inf`.

    Hidden characters, such as those that turn the direction of writing, are escaped: `\\u202e`.
    """
    written = json.dumps(plain_json(data), indent=2, ensure_ascii=False, allow_nan=False)
    return HIDDEN.sub(lambda found: json.dumps(found[0])[1:-1], written) + "\n"
