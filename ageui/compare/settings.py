"""What the configs of runs do not share."""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.config import format_value


def setting(config: Mapping[str, Any], name: str) -> str:
    """A config field as the command line takes it; a stored list is a tuple there."""
    value = config.get(name)
    return format_value(tuple(value) if isinstance(value, list) else value)


def differing_settings(configs: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The fields that are not the same in all configs, in the order they stand there."""
    names = dict.fromkeys(name for config in configs for name in config)
    return tuple(name for name in names if len({setting(config, name) for config in configs}) > 1)


def label(config: Mapping[str, Any], names: Sequence[str]) -> str:
    """The named fields of a config in a few words: `mape · gender · seed 3`; numbers and odd words with their field."""
    return " · ".join(
        setting(config, name) if name in _SPEAK_FOR_THEMSELVES else f"{name} {setting(config, name)}" for name in names
    )


_SPEAK_FOR_THEMSELVES = ("data", "backbone", "head", "strategy", "loss", "optimizer")
