"""Variants of a study: the data, and the settings other than its own fields, that its cells are trained with.

A study compares the fields that its cells set. All other fields (backbone, epochs, size …) may come from the report, a
preset or `--set`: cells that share them are one variant. Runs are compared by a normal form of their configs, since
fields that validation fills in (`init`, `widths`, `epochs`, `lr`) depend on the cell.
"""

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ageui.compare.differing_settings import setting
from ageui.planning.settings import SettingsLayer, read_settings
from ageui.study.study import FREE, Study, StudyCell
from engine.arithmetic import settled_precision
from engine.config import PRESETS, RunConfig, default_init, format_value
from engine.data.spec import DataSpec
from engine.errors import ConfigError, Problem

Normal = Mapping[str, Hashable]

REPORT = "report"
REPORT_DATA = DataSpec(name="appa-real", format="course")
"""The data of the report: the course edition of APPA-REAL, without a path."""
_REPORT_FORMATS = ("course", "appa_real")
_CHOSEN_ELSEWHERE = ("data", "seed", "device", "precision")
_SHOWN = ("backbone", "init", "size", "strategy", "epochs", "optimizer", "lr", "batch")


@dataclass(frozen=True)
class Choice:
    """A person's choice: a preset (`report` is the study as published), a data set, and values of fields."""

    preset: str | None = None
    data: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)


NO_CHOICE = Choice()


@dataclass(frozen=True)
class Variant:
    """`normal` has all config fields except the study's own, `FREE` ones, and those that follow from others."""

    normal: Normal
    data_spec: Mapping[str, Any]

    @property
    def data(self) -> str:
        """The name of the data set."""
        return str(self.normal["data"])

    @property
    def key(self) -> tuple[Hashable, ...]:
        """Equal for runs with the same settings on data with the same description."""
        return (key_of(self.normal), json.dumps(self.data_spec, sort_keys=True))


def cell_config(
    study: Study, cell: StudyCell, choice: Choice, *, registered: Sequence[str], cuda_available: Callable[[], bool]
) -> RunConfig:
    """The config of a cell under a choice, with seed 0.

    Fields that are not chosen come from the preset, by default `report`. Settings files and the environment decide only
    data, device and precision. Raises `ConfigError` for a field that the study compares, an unknown field, or a wrong
    value.
    """
    settings = {**choice.settings, **({"data": choice.data} if choice.data is not None else {})}
    for name in settings:
        if name in study.fields:
            text = f"the study {study.name} compares {name}, so --set and --data cannot change it; leave it out"
            raise ConfigError(problems=[Problem(name, text)])
        if name == "seed":
            text = "the seeds of a study count up from 0; give their number with --seeds instead"
            raise ConfigError(problems=[Problem(name, text)])
    preset = choice.preset or REPORT
    shared = SettingsLayer(f"study {study.name}", _shared(study, preset))
    flags = {**cell.settings, **settings}
    below = read_settings(preset=preset, like=shared, registered=registered, cuda_available=cuda_available)
    return below.resolve(flags).config.model_copy(update={"seed": 0})


def _shared(study: Study, preset: str) -> dict[str, Any]:
    """The settings that all cells share. Other presets replace every field that they or `report` set."""
    defaults = {name: one.default for name, one in RunConfig.model_fields.items()}
    if preset == REPORT or preset not in PRESETS:
        values = {**defaults, **study.base}
    else:
        # Widths and weights files belong to the network that the preset replaces.
        replaced = {"widths", "init", *PRESETS[REPORT], *PRESETS[preset]}
        kept = {name: value for name, value in study.base.items() if name not in replaced}
        values = {**defaults, **kept, **PRESETS[preset]}
    named = [name for name in _CHOSEN_ELSEWHERE if name not in study.base]
    return {name: value for name, value in values.items() if name not in named}


def normal_form(config: Mapping[str, Any]) -> dict[str, Hashable]:
    """A stored or dumped config without `FREE` fields and fields that follow from others: equal for configs that train
    the same way. Fields that an older ageui lacked have their defaults; `precision` is `auto` if it is the one that
    this machine settles on."""
    known = {**_defaults(), **{name: _hashable(value) for name, value in config.items()}}
    normal = {name: value for name, value in known.items() if name not in FREE}
    stages = 2 if normal["strategy"] == "freeze" else 1
    if normal["init"] == default_init(normal["strategy"], normal["backbone"]):
        del normal["init"]
    if normal["widths"] == _default_widths(str(normal["head"])):
        del normal["widths"]
    if normal["precision"] == settled_precision(str(normal["backbone"]), str(known["device"])):
        normal["precision"] = "auto"
    lr, epochs = normal["lr"], normal["epochs"]
    if isinstance(lr, tuple) and len(set(lr)) == 1:
        normal["lr"] = lr[0]
    if isinstance(epochs, tuple):
        total = sum(epochs)
        if epochs == ((total,) if stages == 1 else (total - total // 2, total // 2)):
            normal["epochs"] = total
    return normal


def key_of(normal: Normal) -> tuple[Hashable, ...]:
    """A key that is equal for equal fields in any order."""
    return tuple(sorted(normal.items(), key=lambda item: item[0]))


def own_and_shared(study: Study, normal: Normal) -> tuple[dict[str, Hashable], dict[str, Hashable]]:
    """Splits a normal form into the study's own fields and all others."""
    own = {name: normal[name] for name in study.fields if name in normal}
    return own, {name: value for name, value in normal.items() if name not in study.fields}


def published_settings(study: Study) -> Normal:
    """The normal form of the variant that the study's file describes."""
    return own_and_shared(study, normal_form(study.config(study.trained[0]).model_dump()))[1]


def is_on_own_data(study: Study, variant: Variant) -> bool:
    """Whether the study is about a variant's data: the data that its file names, else that of the report if it has
    published figures, else any."""
    named = study.base.get("data")
    if named is not None or not study.has_published:
        return named is None or variant.data == named
    return variant.data == REPORT_DATA.name or variant.data_spec.get("format") in _REPORT_FORMATS


def name_of(study: Study, variant: Variant, beside: Sequence[Variant] = ()) -> str:
    """The short name of a variant: `appa-real · 224 px · resnet50 · 50 epochs`, then whether it follows the study's
    file or a preset, and settings that tell it from variants in `beside` with the same name."""

    def facts(one: Variant) -> list[str]:
        shown = {name: setting(one.normal, name) for name in one.normal}
        parts = [_data_text(one, beside)]
        parts += [f"{shown['size']} px"] if "size" in shown else []
        parts += [shown["backbone"]] if "backbone" in shown else []
        epochs = [part for part in shown.get("epochs", "").split(",") if part not in ("", "0", "none")]
        return [*parts, f"{'+'.join(epochs)} epoch{'' if epochs == ['1'] else 's'}"] if epochs else parts

    own = facts(variant)
    alike = [one for one in beside if one.key != variant.key and facts(one) == own]
    apart = [name for name, value in variant.normal.items() if any(one.normal.get(name) != value for one in alike)]
    origin = _origin(study, variant)
    return " · ".join(
        [*own, *([origin] if origin else []), *(f"{name} {setting(variant.normal, name)}" for name in apart)]
    )


def unlike_file(study: Study, variant: Variant) -> tuple[str, ...]:
    """The settings of a variant, other than data, that are not those of the study's file: `size 64`."""
    published = published_settings(study)
    names = [name for name in {**published, **variant.normal} if name != "data"]
    return tuple(
        f"{name} {setting(variant.normal, name)}" for name in names if variant.normal.get(name) != published.get(name)
    )


def _origin(study: Study, variant: Variant) -> str:
    if not unlike_file(study, variant):
        return "as published" if study.has_published else "as its file says"
    for preset in PRESETS:
        choice = Choice(preset, variant.data)
        try:
            config = cell_config(study, study.trained[0], choice, registered=(), cuda_available=lambda: False)
        except ConfigError:
            continue
        if own_and_shared(study, normal_form(config.model_dump()))[1] == variant.normal:
            return f"preset {preset}"
    return ""


def describe(study: Study, variant: Variant, beside: Sequence[Variant] = ()) -> str:
    """A variant in a line: `appa-real · resnet50 · 224 px · freeze, 50 epochs · adam, lr 1e-05 · batch 32`, then other
    settings that differ from the study's. If a variant in `beside` has data of the same name, the differing parts of
    the description, such as the path, follow the name."""
    normal = variant.normal
    shown = {name: setting(normal, name) for name in _SHOWN if name in normal}
    parts = [_data_text(variant, beside)]
    parts += [shown["backbone"]] if "backbone" in shown else []
    parts += [f"from {shown['init']}"] if "init" in shown else []
    parts += [f"{shown['size']} px"] if "size" in shown else []
    epochs = shown.get("epochs", "").replace(",", "+")
    trained = f"{epochs} epoch{'' if epochs == '1' else 's'}" if epochs else ""
    parts += [", ".join(filter(None, (shown.get("strategy"), trained)))]
    rate = f"lr {shown['lr']}" if "lr" in shown else ""
    parts += [", ".join(filter(None, (shown.get("optimizer"), rate)))]
    parts += [f"batch {shown['batch']}"] if "batch" in shown else []
    published = published_settings(study)
    others = [name for name in normal if name not in (*_SHOWN, "data") and normal[name] != published.get(name)]
    parts += [f"{name} {setting(normal, name)}" for name in others]
    return " · ".join(filter(None, parts))


def _data_text(variant: Variant, beside: Sequence[Variant]) -> str:
    """`faces`, or `faces (path /data/old)`."""
    own = _flat(variant.data_spec)
    others = [_flat(one.data_spec) for one in beside if one.data == variant.data]
    names = dict.fromkeys(name for spec in (own, *others) for name in spec)
    apart = [name for name in names if any(other.get(name) != own.get(name) for other in others)]
    said = ", ".join(f"{name} {format_value(own.get(name))}" for name in apart)
    return f"{variant.data} ({said})" if said else variant.data


def _flat(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A data spec without its name, with nested fields under names like `columns.age`."""
    nested = {name: value for name, value in spec.items() if isinstance(value, Mapping)}
    plain = {name: value for name, value in spec.items() if name not in ("name", *nested)}
    return plain | {f"{name}.{part}": one for name, value in nested.items() for part, one in value.items()}


@cache
def _defaults() -> dict[str, Hashable]:
    return {name: _hashable(value) for name, value in RunConfig().model_dump().items()}


@cache
def _default_widths(head: str) -> Hashable:
    try:
        return RunConfig.model_validate({"head": head}).widths
    except ValueError:
        return None


def _hashable(value: Any) -> Hashable:
    return tuple(_hashable(item) for item in value) if isinstance(value, list | tuple) else value
