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
    """The named fields of a config as short text: `mape · gender · seed 3`."""
    return " · ".join(
        setting(config, name) if name in _SPEAK_FOR_THEMSELVES else f"{name} {setting(config, name)}" for name in names
    )


def telling(settings: Sequence[Mapping[str, str]]) -> list[tuple[str, ...]]:
    """For each of the settings, given as text, the fields that distinguish it from the others.

    Loss and weights come first if they differ. Among settings that share these fields, the field with the most values
    follows, preferably one with a short name. Fields in common are not named.

    Examples
    --------
    >>> rows = [("mse", "adam", "64"), ("mape", "adam", "64"), ("mape", "sgd", "64"), ("mape", "sgd", "224")]
    >>> telling([dict(zip(("loss", "optimizer", "size"), row)) for row in rows])
    [('loss',), ('loss', 'optimizer'), ('loss', 'optimizer', 'size'), ('loss', 'optimizer', 'size')]
    """
    left = [name for name in differing(settings) if name not in _NOT_TELLING]
    told: list[tuple[str, ...]] = [()] * len(settings)
    groups: list[tuple[tuple[str, ...], list[int]]] = [((), list(range(len(settings))))]
    while groups:
        names, places = groups.pop()
        apart: dict[str, dict[str | None, list[int]]] = {name: {} for name in left if name not in names}
        for name, values in apart.items():
            for place in places:
                values.setdefault(settings[place].get(name), []).append(place)
        firsts = [name for name in _FIRST if name in apart]
        others = [name for name, values in apart.items() if len(values) > 1]
        if not firsts and not others:
            for place in places:
                told[place] = names
            continue
        best = firsts[0] if firsts else max(others, key=lambda name: (name in _SHORT, len(apart[name])))
        groups += [((*names, best), part) for part in apart[best].values()]
    return told


def in_short(settings: Mapping[str, str]) -> str:
    """Fields as short text: `mse · gender · 64 px · s2`."""
    return " · ".join(
        _NOT_DERIVED
        if (name, text) == ("derived", _NOTHING)
        else _SHORT.get(name, f"{name} {{}}").format(text.rsplit("/", 1)[-1])
        for name, text in settings.items()
    )


_FIRST = ("loss", "weights")
_NOT_TELLING = ("seed", "device")
_SPEAK_FOR_THEMSELVES = ("data", "backbone", "head", "strategy", "loss", "optimizer")
_NOT_DERIVED = "as trained"
_SHORT = dict.fromkeys((*_SPEAK_FOR_THEMSELVES, "weights", "derived"), "{}") | {
    "head": "head {}", "init": "from {}", "crop": "crop {}", "size": "{} px", "seed": "s{}",
}  # fmt: skip
