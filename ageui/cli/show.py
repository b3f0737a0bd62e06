"""`ageui show`: shows one run."""

from typing import Annotated

import typer

from ageui.cli.options import AsJson, Database, Reference, Split, open_store, print_json
from ageui.cli.streams import write_data


def show_run(
    reference: Reference,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="A[*B]", help="Show only the groups of an attribute: gender, or gender*age.", show_default=False
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(metavar="GROUP", help="With --by: group to compare with (default: the best).", show_default=False),
    ] = None,
    split: Split = None,
    full: Annotated[bool, typer.Option("--full", help="Print the command with all settings.")] = False,
    toml: Annotated[bool, typer.Option("--toml", help="Print the config as TOML, for ageui run --config.")] = False,
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """Show a run's command, history, and scores per split and group.

    The command trains the same config again. It names a preset and the settings that differ from it; with --full, it
    names all settings and gives the same config in every folder.

    --by shows the groups of one or more attributes, with the difference and ratio of each to the best group.

        ageui show 12
        ageui show 12 --by gender*age
        ageui show 12 --toml > config.toml
    """
    from ageui.cli.run_page import print_groups, print_run
    from ageui.compare.crossed_groups import CROSS, with_crossed
    from ageui.memory.expected_memory import peak_to_come
    from ageui.planning.config_file import config_toml
    from ageui.planning.run_command import repeat_command
    from engine.config import build_config
    from engine.errors import ConfigError

    if by is None and (against is not None or split is not None):
        raise ConfigError("--against and --split need an attribute; add --by, as in --by gender")
    if sum((by is not None, full, toml)) > 1 or (as_json and (full or toml)):
        raise ConfigError(
            "--by, --full and --toml exclude each other, and --json already contains the config and command; choose one"
        )

    with open_store(db, read_only=True) as store:
        detail = store.runs.detail(store.runs.find_one(reference))
        if toml:
            write_data(config_toml(build_config(detail.config)))
            return
        if by is not None and CROSS in by:
            for scores in detail.results:
                detail = with_crossed(detail, scores.split, [by], store.scores.predictions)
        command = detail.command if full else repeat_command(store, detail)
        memory = peak_to_come(store, detail)
    if as_json:
        print_json(detail.to_json())
    elif by is not None:
        print_groups(detail, by, split, against)
    else:
        print_run(detail, command, full=full, memory=memory)
