"""A config as a settings file."""

import json
from typing import Any

from engine.config import RunConfig


def config_toml(config: RunConfig) -> str:
    """All fields as TOML for `--config`; None becomes the text `none`."""
    return "".join(f"{name} = {_value(value)}\n" for name, value in config.model_dump().items())


def _value(value: Any) -> str:
    if value is None:
        return '"none"'
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return str(value).lower()
    return f"[{', '.join(map(_value, value))}]" if isinstance(value, tuple) else repr(value)
