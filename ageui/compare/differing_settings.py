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
    """The named fields of a config in a few words: `mape · gender · seed 3`."""
    return " · ".join(
        setting(config, name) if name in _SPEAK_FOR_THEMSELVES else f"{name} {setting(config, name)}" for name in names
    )


def short_label(config: Mapping[str, Any], names: Sequence[str]) -> str:
    """The named fields of a config in as few words as a narrow table has room for, loss and weights first.

    Examples
    --------
    >>> short_label({"seed": 2, "loss": "mse", "weights": ["gender"], "size": 64}, ["loss", "weights", "size", "seed"])
    'mse · gender · 64 px · s2'
    """
    telling_first = sorted(names, key=lambda name: name not in _TELLING)
    return in_short({name: setting(config, name) for name in telling_first})


def in_short(settings: Mapping[str, str]) -> str:
    """Fields as text in as few words: `mse · gender · 64 px · s2`."""
    return " · ".join(
        _SHORT.get(name, f"{name} {{}}").format(text.rsplit("/", 1)[-1]) for name, text in settings.items()
    )


_TELLING = ("loss", "weights")
_SPEAK_FOR_THEMSELVES = ("data", "backbone", "head", "strategy", "loss", "optimizer")
_SHORT = dict.fromkeys((*_SPEAK_FOR_THEMSELVES, "weights"), "{}") | {
    "head": "head {}", "size": "{} px", "seed": "s{}", "epochs": "{} epochs",
}  # fmt: skip
