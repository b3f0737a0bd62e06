"""The config flags that `ageui run` and `ageui sweep` share."""

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from ageui.cli import completion
from ageui.cli.command_group import FURTHER
from ageui.cli.completion import Complete, lists, words
from ageui.cli.options import DEVICES
from engine import choices

if TYPE_CHECKING:
    from rich.console import Console

    from ageui.planning.settings import Resolved

SETTINGS, RUNS = "Settings", "Runs"


class _Flag(NamedTuple):
    help: str
    panel: str
    metavar: str
    complete: Complete | None = None


_WEIGHTS = ("none", *choices.REPORT_ATTRIBUTES, choices.LDS)
_FLAGS = {
    "data": _Flag("Registered data set, or synthetic.", SETTINGS, "NAME", completion.data_sets),
    "size": _Flag("Side of the input image.", SETTINGS, "PIXELS"),
    "crop": _Flag(
        "Use images as they are, or find and align faces (needs the extra faces).",
        SETTINGS,
        "|".join(choices.CROPS),
        lists(*choices.CROPS),
    ),
    "augment": _Flag("Augmentation of train images.", FURTHER, "|".join(choices.AUGMENTS), lists(*choices.AUGMENTS)),
    "backbone": _Flag(
        "torchvision classifier (NAME@LAYER cuts it; resnet50-v1: Keras' form), dlib-age or timm/NAME.",
        SETTINGS,
        "NAME",
    ),
    "init": _Flag(f"First weights: {', '.join(choices.INITS)}, or a file.", SETTINGS, "NAME", lists(*choices.INITS)),
    "head": _Flag(
        f"Layers on top of the backbone: {', '.join(choices.HEADS)}.", FURTHER, "NAME", lists(*choices.HEADS)
    ),
    "loss": _Flag(f"Training loss: {', '.join(choices.LOSSES)}.", SETTINGS, "NAME", lists(*choices.LOSSES)),
    "weights": _Flag(
        f"Sample weights by attribute: {', '.join(_WEIGHTS)} (smoothed ages), or another attribute of the data.",
        SETTINGS,
        "NAME[,NAME]",
        lists(*_WEIGHTS),
    ),
    "strategy": _Flag(
        "Train all layers from random weights (scratch), new layers first and then all (freeze), or all layers at once "
        "(finetune).",
        FURTHER,
        "|".join(choices.STRATEGIES),
        lists(*choices.STRATEGIES),
    ),
    "epochs": _Flag("Epochs, in total or per stage.", SETTINGS, "N[,N]"),
    "optimizer": _Flag(
        "Optimizer, with Keras' constants.", FURTHER, "|".join(choices.OPTIMIZERS), lists(*choices.OPTIMIZERS)
    ),
    "lr": _Flag("Learning rate, for all stages or per stage.", SETTINGS, "X[,X]"),
    "batch": _Flag("Images per step.", SETTINGS, "N"),
    "seed": _Flag("Seed for all randomness.", SETTINGS, "N"),
    "device": _Flag("Device to train on.", SETTINGS, "auto|cpu|cuda[:N]", lists(*DEVICES)),
}


@dataclass(frozen=True)
class ConfigFlags:
    """The config flags of a command line: a preset, a settings file, and `values` by field, as typed."""

    values: Mapping[str, str]
    preset: str | None
    file: Path | None


def option(
    help_text: str, panel: str, metavar: str | None = None, *names: str, complete: Complete | None = None
) -> Any:
    """An option in a panel of the help, without its default."""
    return typer.Option(
        *names,
        help=help_text,
        rich_help_panel=panel,
        metavar=metavar,
        autocompletion=complete,
        show_default=False,
    )


DespiteFullDisk = Annotated[
    bool, option("Queue the runs even if the disk is too small for their files.", FURTHER, None, "--force")
]
DryRun = Annotated[bool, option("Print the runs without queueing them.", RUNS, None, "--dry-run")]


def with_config_flags(command: Callable[..., None]) -> Callable[..., None]:
    """Adds all config flags to a command and passes them as `flags`, a `ConfigFlags`."""
    own = [one for one in inspect.signature(command, eval_str=True).parameters.values() if one.name != "flags"]
    presets = "|".join(choices.PRESETS)
    kinds: dict[str, Any] = {
        "preset": Annotated[
            str | None, option("Settings to start from.", SETTINGS, presets, complete=words(*choices.PRESETS))
        ],
        **{
            name: Annotated[str | None, option(flag.help, flag.panel, flag.metavar, complete=flag.complete)]
            for name, flag in _FLAGS.items()
        },
        "assignments": Annotated[
            list[str] | None, option("Any other field (see ageui config show).", SETTINGS, "FIELD=VALUE", "--set")
        ],
        "config": Annotated[Path | None, option("TOML file with settings.", FURTHER, "FILE")],
    }
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in kinds.items()
    ]

    @functools.wraps(command)
    def with_flags(**given: Any) -> None:
        from ageui.planning.settings import parse_assignments

        named = {name: given.pop(name) for name in kinds}
        values = {name: named[name] for name in _FLAGS if named[name] is not None}
        values |= parse_assignments(named["assignments"] or [])
        command(flags=ConfigFlags(values, named["preset"], named["config"]), **given)

    signature = inspect.Signature([*shared, *(one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own)])
    with_flags.__signature__ = signature  # type: ignore[attr-defined]
    with_flags.__annotations__ = {one.name: one.annotation for one in signature.parameters.values()}
    return with_flags


def print_choices(console: "Console", resolved: "Resolved", flags: ConfigFlags) -> None:
    """Prints the default preset and data set if no flag named them, and the flags that do."""
    if flags.preset is None:
        console.print(f"preset {resolved.preset}: {resolved.preset_origin}; choose another with --preset")
    if "data" not in flags.values:
        console.print(f"data {resolved.config.data}: {resolved.data_origin}; choose another with --data")
