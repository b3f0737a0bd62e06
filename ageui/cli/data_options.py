"""Options and lookups that the data set commands share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ageui.cli.completion import data_sets, words
from ageui.cli.options import open_store
from engine import choices

if TYPE_CHECKING:
    from engine.data.spec import DataSpec

DataName = Annotated[
    str, typer.Argument(metavar="NAME", help="Registered data set, or synthetic.", autocompletion=data_sets)
]
TargetOption = Annotated[
    str,
    typer.Option(
        metavar="apparent|real", help="Age to use if the data has both.", autocompletion=words("apparent", "real")
    ),
]


def registered(name: str, db: Path | None) -> "DataSpec":
    """The data set with that name; the built-in data set needs no database."""
    from ageui.files.database_path import database_path
    from engine.data.spec import BUILT_IN

    if name == BUILT_IN.name and not database_path(db).exists():
        return BUILT_IN
    with open_store(db, read_only=True) as store:
        return store.data.get(name)


def target_of(text: str) -> choices.Target:
    """The age that `--target` names. Raises `ConfigError` for anything else."""
    from typing import get_args

    from engine.errors import ConfigError

    for known in get_args(choices.Target):
        if text == known:
            return known  # type: ignore[no-any-return]
    raise ConfigError(f"--target {text}: choose apparent or real")
