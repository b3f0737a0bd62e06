"""Writes a plan or a stored run as the shortest equivalent command line."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ageui.files.database_path import database_path, real_path
from ageui.planning import sweeps
from ageui.planning.plan import Basis, grid_configs, resolve_here, with_seeds
from ageui.planning.settings import read_settings
from ageui.store import NewRun, RunDetail, Store
from engine.config import FLAG_FIELDS, PRESETS, RunConfig, build_config, format_value
from engine.errors import ConfigError


@dataclass(frozen=True)
class Labels:
    """The name, tags and priority of new runs."""

    name: str | None = None
    tags: tuple[str, ...] = ()
    priority: int = 0
    again: bool = False


def queue_command(
    store: Store,
    values: Mapping[str, str],
    basis: Basis,
    runs: Sequence[NewRun],
    *,
    seeds: int | None,
    labels: Labels,
) -> str | None:
    """`ageui run --detach …` for one run, else `ageui sweep …`; None if no single command gives these configs.

    No flag can name a run as basis, so its values become flags where they differ from the nearest preset.
    """
    if basis.like is not None:
        found = _in_flags(store, values, basis, [run.config for run in runs], seeds)
        if found is None:
            return None
        values, basis = found
    is_one = len(sweeps.grid(values)) == 1 and seeds in (None, 1)
    parts = ["ageui run --detach" if is_one else "ageui sweep"]
    parts += [f"--preset {shlex.quote(basis.preset)}"] if basis.preset is not None else []
    combination = sweeps.grid(values)[0] if is_one else values
    parts += [_flag(name, combination[name]) for name in RunConfig.model_fields if name in combination]
    parts += [f"--seeds {seeds}"] if not is_one and seeds is not None else []
    parts += [f"--name {shlex.quote(labels.name)}"] if labels.name is not None else []
    parts += [f"--tag {shlex.quote(tag)}" for tag in labels.tags]
    parts += [f"--priority {labels.priority}"] if labels.priority else []
    parts += ["--again"] if labels.again and not is_one else []
    if real_path(database_path()) != store.path:
        parts.append(f"--db {shlex.quote(str(store.path))}")
    return " ".join(parts)


def repeat_command(store: Store, run: RunDetail) -> str | None:
    """The shortest `ageui run` that repeats a run: a preset, the data, and the settings that differ from the preset or
    from the settings files here. None if this version cannot run the config. For a derived run, the command that
    derives it."""
    if run.command is None or run.derived_from is not None:
        return run.command
    config = build_config(run.config)
    on_presets = [_on_preset(store, config, preset) for preset in PRESETS]
    return min((run.command, *(f"{one}{run.folds_option}" for one in on_presets if one is not None)), key=len)


def _on_preset(store: Store, config: RunConfig, preset: str) -> str | None:
    """The command on top of a preset; None if no flags can offset the settings files and the environment."""
    settings = read_settings(preset=preset, registered=store.data.registered_names())

    def alone(flags: Mapping[str, str]) -> RunConfig:
        return build_config({**PRESETS[preset], **flags})

    def here(flags: Mapping[str, str]) -> RunConfig:
        return settings.resolve(flags).config

    target = config.model_dump()
    flags = _completed(here, target, _completed(alone, target, {"data": config.data}))
    if here(flags).hash != config.hash:
        return None
    return " ".join((f"ageui run --preset {preset}", *(_flag(name, flags[name]) for name in target if name in flags)))


def _flag(name: str, text: str) -> str:
    return f"--{name} {shlex.quote(text)}" if name in FLAG_FIELDS else f"--set {shlex.quote(f'{name}={text}')}"


def _in_flags(
    store: Store, values: Mapping[str, str], basis: Basis, wanted: Sequence[RunConfig], seeds: int | None
) -> tuple[dict[str, str], Basis] | None:
    """`values` plus the fewest fields of the run in `basis.like`, and the preset that these complete."""
    tries = []
    for preset in PRESETS:
        on_preset = replace(basis, preset=preset, like=None)
        added = _missing(store, values, on_preset, wanted)
        flags = {**{name: _as_one_value(text) for name, text in added.items()}, **values}
        try:
            first = resolve_here(store, sweeps.grid(flags)[0], on_preset).config
            configs = grid_configs(store, with_seeds(flags, first.seed, seeds), on_preset)
        except ConfigError:
            continue
        if [config.hash for config in configs] == [config.hash for config in wanted]:
            tries.append((len(added), flags, on_preset))
    return min(tries, key=lambda one: one[0])[1:] if tries else None


def _missing(store: Store, values: Mapping[str, str], basis: Basis, wanted: Sequence[RunConfig]) -> dict[str, str]:
    """The fields, as text, that all target configs share and `basis` alone does not give."""
    first = sweeps.grid(values)[0]
    fixed = {
        name: value
        for name, value in wanted[0].model_dump().items()
        if name not in values and all(getattr(one, name) == value for one in wanted)
    }
    return _completed(lambda added: resolve_here(store, {**added, **first}, basis).config, fixed, {})


def _completed(
    resolve: Callable[[Mapping[str, str]], RunConfig], target: Mapping[str, Any], flags: Mapping[str, str]
) -> dict[str, str]:
    """`flags`, plus the values of `target` that `resolve` does not give without them."""
    added = dict(flags)
    while True:
        try:
            got = resolve(added).model_dump()
        except ConfigError:
            return {name: format_value(value) for name, value in target.items()}
        differing = [name for name, value in target.items() if got[name] != value and name not in added]
        if not differing:
            return added
        added |= {name: format_value(target[name]) for name in differing}


def _as_one_value(text: str) -> str:
    return text.replace(",", "+")
