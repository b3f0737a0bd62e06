"""The fields of the form for new runs, in groups: all fields of a config, and those about the runs themselves."""

import types
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, Literal, Union, get_args, get_origin

from ageui.tui.form.checked_form import FormField
from engine import choices
from engine.config import RunConfig
from engine.data.spec import DataSpec

PRESET, NAME, TAGS, PRIORITY, SEEDS = "preset", "name", "tags", "priority", "seeds"


GROUPS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("Runs", (PRESET, NAME, TAGS, PRIORITY, SEEDS)),
    ("Data", ("data", "size", "crop", "augment")),
    ("Model", ("backbone", "init", "head")),
    ("Training", ("loss", "weights", "strategy", "epochs", "lr", "batch", "optimizer", "seed")),
    ("Machine", ("device",)),
    ("More of data and model", ("target", "widths", "dropout", "standardize", "bn", "bn_momentum", "bn_epsilon")),
    (
        "More of training",
        (
            "weighting",
            "effective_beta",
            "combine",
            "momentum",
            "weight_decay",
            "schedule",
            "warmup",
            "clip_norm",
            "ema",
            "last_batch",
            "patience",
            "min_delta",
            "keep",
            "early_stopping",
        ),
    ),
    (
        "More of losses and weights",
        (
            "dldl_sigma",
            "l1_lambda",
            "mean_lambda",
            "variance_lambda",
            "bmc_sigma",
            "group_dro_loss",
            "group_dro_step",
            "lds_kernel",
            "lds_sigma",
        ),
    ),
    ("More of evaluation and machine", ("age_edges", "mirror", "precision", "deterministic", "compile")),
)
"""Titles and fields; fields that most studies set come first."""

_RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
_SUGGESTED: dict[str, tuple[str, ...]] = {
    "backbone": (*_RESNETS, *(f"{name}-v1" for name in _RESNETS), "resnet18@layer3", "dlib-age"),
    "init": choices.INITS,
    "size": ("64", "96", "128", "224"),
    "batch": ("16", "32", "64", "128", "256"),
    "lr": ("1e-3", "5e-4", "1e-4", "1e-5"),
    "patience": ("none", "5", "10"),
    "warmup": ("none", "0.05", "0.1", "0.3"),
    "clip_norm": ("none", "1", "5"),
    "dropout": ("0", "0.2", "0.5"),
    "ema": ("0", "0.99", "0.999"),
    "bn_momentum": ("none", "0.9", "0.99"),
    "bn_epsilon": ("none", "1e-5", "1.001e-5", "1e-3"),
    "device": ("auto", "cpu", "cuda"),
}
_ABOUT_RUNS = (
    FormField(PRESET, "values of all empty fields below", choices.PRESETS, takes_several=False),
    FormField(NAME, "name of the run; several runs are numbered", takes_several=False),
    FormField(TAGS, "tags, separated by spaces", takes_several=False),
    FormField(PRIORITY, "higher starts first", takes_several=False),
    FormField(SEEDS, "seeds per setting, counted up from seed", ("1", "3", "5", "10"), takes_several=False),
)
ABOUT_RUNS: Final = tuple(field.name for field in _ABOUT_RUNS)
_COLUMNS_OF_IMAGES = ("image", "age", "real_age", "age_std", "split", "subject")


def form_fields(data: Sequence[DataSpec] = (), devices: Sequence[str] = ()) -> dict[str, FormField]:
    """The fields by name. `data` are the registered data sets, `devices` the devices of this machine."""
    configs = [
        FormField(name, field.description or "", _choices(name, field.annotation))
        for name, field in RunConfig.model_fields.items()
    ]
    fields = {field.name: field for field in (*_ABOUT_RUNS, *configs)}
    attributes = {
        **dict.fromkeys(choices.REPORT_ATTRIBUTES),
        **{name: None for spec in data for name in spec.columns if name not in _COLUMNS_OF_IMAGES},
    }
    about_data = f"{fields['data'].what}; for folds of it, use ageui run --folds K"  # a form reads no images to divide
    fields["data"] = replace(fields["data"], what=about_data, choices=tuple(spec.name for spec in data))
    fields["weights"] = replace(fields["weights"], choices=("none", *attributes, choices.LDS))
    fields["device"] = replace(fields["device"], choices=tuple(dict.fromkeys((*_SUGGESTED["device"], *devices))))
    return fields


def _choices(name: str, annotation: Any) -> tuple[str, ...]:
    if name in _SUGGESTED:
        return _SUGGESTED[name]
    if annotation is bool:
        return ("true", "false")
    if get_origin(annotation) is Literal:
        return tuple(get_args(annotation))
    if get_origin(annotation) in (Union, types.UnionType):
        return tuple(choice for kind in get_args(annotation) for choice in _choices("", kind))
    return ()
