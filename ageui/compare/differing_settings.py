"""Config fields that differ between runs."""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.config import format_value

_NOTHING = format_value(None)


def setting(config: Mapping[str, Any], name: str) -> str:
    """A config field as text that the command line takes; a stored list stands for a tuple."""
    value = config.get(name)
    return format_value(tuple(value) if isinstance(value, list) else value)


def differing_settings(configs: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The fields that differ between configs, in their order."""
    names = dict.fromkeys(name for config in configs for name in config)

    def differs(name: str) -> bool:
        first = configs[0].get(name)
        others = (config for config in configs if config.get(name) != first)
        return any(setting(config, name) != setting(configs[0], name) for config in others)

    return tuple(filter(differs, names))


def settings_of(configs: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """All fields of configs as text, with a comma list for fields that differ between them, as seeds do."""
    names = dict.fromkeys(name for config in configs for name in config)
    return {name: ",".join(dict.fromkeys(setting(config, name) for config in configs)) for name in names}


def differing(rows: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    """The names whose texts differ between rows, in their order."""
    names = dict.fromkeys(name for row in rows for name in row)
    return tuple(name for name in names if len({row.get(name, _NOTHING) for row in rows}) > 1)


def label(config: Mapping[str, Any], names: Sequence[str]) -> str:
    """The named fields of a config in a few words: `mape · gender · s3`."""
    return in_words({name: setting(config, name) for name in names})


def in_words(settings: Mapping[str, str]) -> str:
    """Fields as text in a few words: `mape · gender · s3`."""
    return " · ".join(_in_words(name, text) for name, text in settings.items())


def _in_words(name: str, text: str) -> str:
    if name == "seed":
        return f"s{text}"
    return text if name in _SPEAK_FOR_THEMSELVES else f"{name} {text}"


_SPEAK_FOR_THEMSELVES = ("data", "backbone", "head", "strategy", "loss", "weights", "optimizer")
