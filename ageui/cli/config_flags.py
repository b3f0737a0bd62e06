"""The config flags that `ageui run` and `ageui sweep` share."""

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from ageui.cli import completion
from ageui.cli.completion import Complete, lists, words
from ageui.cli.options import DEVICES
from engine import choices

if TYPE_CHECKING:
    from rich.console import Console

    from ageui.planning.settings import Resolved

MODEL, TRAINING, DATA, THIS_RUN = "Model", "Training", "Data", "This run"


class _Flag(NamedTuple):
    help: str
    panel: str
    metavar: str
    complete: Complete | None = None


_WEIGHTS = ("none", *choices.REPORT_ATTRIBUTES, choices.LDS)
_FLAGS = {
    "data": _Flag("A registered data set, or synthetic.", DATA, "NAME", completion.data_sets),
    "size": _Flag("Side of the input image.", DATA, "PIXELS"),
    "crop": _Flag(
        "Images as they are, or faces found and aligned (needs the extra faces).",
        DATA,
        "|".join(choices.CROPS),
        lists(*choices.CROPS),
    ),
    "augment": _Flag("Augmentation of train images.", DATA, "|".join(choices.AUGMENTS), lists(*choices.AUGMENTS)),
    "backbone": _Flag(
        "torchvision classifier (NAME@LAYER cuts it, resnet50-v1 is Keras' form), dlib-age, or timm/NAME.",
        MODEL,
        "NAME",
    ),
    "init": _Flag("Weights to start from.", MODEL, f"{'|'.join(choices.INITS)}|FILE", lists(*choices.INITS)),
    "head": _Flag(f"Layers put on the backbone: {', '.join(choices.HEADS)}.", MODEL, "NAME", lists(*choices.HEADS)),
    "loss": _Flag(f"Training loss: {', '.join(choices.LOSSES)}.", TRAINING, "NAME", lists(*choices.LOSSES)),
    "weights": _Flag(
        f"Attributes that weigh the samples: {', '.join(_WEIGHTS)} (smoothed ages), others of the data, or several.",
        TRAINING,
        "NAME[,NAME]",
        lists(*_WEIGHTS),
    ),
    "strategy": _Flag(
        "All layers from random weights (scratch), new layers first, then all (freeze), or all at once (finetune).",
        TRAINING,
        "|".join(choices.STRATEGIES),
        lists(*choices.STRATEGIES),
    ),
    "epochs": _Flag("Epochs, per stage: 25,25.", TRAINING, "N[,N]"),
    "optimizer": _Flag("With Keras' constants.", TRAINING, "|".join(choices.OPTIMIZERS), lists(*choices.OPTIMIZERS)),
    "lr": _Flag("Learning rate, one or one per stage.", TRAINING, "X[,X]"),
    "batch": _Flag("Images per step.", TRAINING, "N"),
    "seed": _Flag("Seed for all randomness.", TRAINING, "N"),
    "device": _Flag("Where to compute.", TRAINING, "auto|cpu|cuda[:N]", lists(*DEVICES)),
}


@dataclass(frozen=True)
class ConfigFlags:
    """The config flags of a command line: `values` by field, as typed, a preset and a settings file."""

    values: Mapping[str, str]
    preset: str | None
    file: Path | None


def option(
    help_text: str, panel: str, metavar: str | None = None, *names: str, complete: Complete | None = None
) -> Any:
    """An option without a shown default, in a panel of the help."""
    return typer.Option(
        *names,
        help=help_text,
        rich_help_panel=panel,
        metavar=metavar,
        autocompletion=complete,
        show_default=False,
    )


DespiteFullDisk = Annotated[
    bool, option("Queue the runs even if their files do not fit on the disk.", THIS_RUN, None, "--force")
]
DryRun = Annotated[bool, option("Print the runs that would be queued; queue nothing.", THIS_RUN, None, "--dry-run")]


def with_config_flags(command: Callable[..., None]) -> Callable[..., None]:
    """Adds all config flags to a command, which receives them as `flags`, a `ConfigFlags`."""
    own = [one for one in inspect.signature(command, eval_str=True).parameters.values() if one.name != "flags"]
    kinds: dict[str, Any] = {
        name: Annotated[str | None, option(flag.help, flag.panel, flag.metavar, complete=flag.complete)]
        for name, flag in _FLAGS.items()
    }
    kinds["assignments"] = Annotated[
        list[str] | None, option("Any other field; see ageui config show.", TRAINING, "FIELD=VALUE", "--set")
    ]
    kinds["preset"] = Annotated[
        str | None,
        option("Settings to start from.", THIS_RUN, "|".join(choices.PRESETS), complete=words(*choices.PRESETS)),
    ]
    kinds["config"] = Annotated[Path | None, option("Settings from a TOML file.", THIS_RUN, "FILE")]
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
    """Prints the preset and data that were chosen by default, and how to choose others."""
    if flags.preset is None:
        console.print(f"preset {resolved.preset}: {resolved.preset_origin}; choose with --preset")
    if "data" not in flags.values:
        console.print(f"data {resolved.config.data}: {resolved.data_origin}; choose with --data")
