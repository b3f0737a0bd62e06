"""The options of a cluster on the command line."""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ageui.worker.places.slurm import ClusterOptions

DataRoot = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="With --on: folder of the data sets on the nodes, if elsewhere.", show_default=False
    ),
]

Sbatch = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY=VALUE", help="With --on: option of sbatch, as in time=4:00:00.", show_default=False),
]


def cluster_options(on: str, sbatch: Sequence[str]) -> "ClusterOptions":
    """The options of `--on` and `--sbatch`.

    Raises `ConfigError` for another cluster, wrong options, or a machine without Slurm's commands.
    """
    from ageui.text.clean import clean
    from ageui.worker.places.slurm import ClusterOptions
    from engine.errors import ConfigError

    if not re.fullmatch(r"slurm(:[\w.,-]+)?", on):
        raise ConfigError(f"--on {clean(on)}: choose slurm or slurm:PARTITION")
    options = ClusterOptions.of(on, sbatch)
    if shutil.which("sbatch") is None:
        raise ConfigError(f"--on {on}: sbatch was not found; use a machine with Slurm's commands")
    return options


def refuse_silent_cluster(on: str) -> None:
    """Raises `ConfigError` if Slurm does not answer."""
    from ageui.worker.places.protocol import RefusedError, UnreachableError
    from ageui.worker.places.slurm_commands import version
    from engine.errors import ConfigError

    try:
        version()
    except (RefusedError, UnreachableError) as error:
        advice = f"try again once sinfo lists its partitions, or on another machine; see also ageui doctor --on {on}"
        raise ConfigError(f"--on {on}: {error}; {advice}") from error
