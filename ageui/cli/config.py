"""`ageui config show`: prints the effective settings and their origins."""

from pathlib import Path
from typing import Annotated

import typer

from ageui.cli.command_group import CommandGroup
from ageui.cli.completion import words
from ageui.cli.options import AsJson, Database, open_store, print_json
from ageui.console.consoles import results
from ageui.files.database_path import database_path
from engine import choices

app = CommandGroup(
    help="""Show the effective settings.

        ageui config show --origin
    """,
    no_args_is_help=True,
)


@app.callback()
def root() -> None:
    """Keeps `show` a subcommand: without a callback, Typer makes an only command the program itself."""


@app.command("show")
def show(
    origin: Annotated[bool, typer.Option("--origin", help="Show the origin of each setting.")] = False,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(choices.PRESETS),
            help="As for ageui run.",
            autocompletion=words(*choices.PRESETS),
            show_default=False,
        ),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="As for ageui run.", metavar="FILE", show_default=False)] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", help="As for ageui run.", metavar="FIELD=VALUE", show_default=False)
    ] = None,
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """Print the config that ageui run would use.

    Settings come from these sources, strongest first: flags, --config FILE, environment variables AGEUI_FIELD,
    ./ageui.toml, your settings file, the preset, defaults. A preset given with --preset overrides environment and
    files.

        ageui config show --origin
        ageui config show --preset report --set lr=1e-4
    """
    from ageui.files.own_settings import user_file
    from ageui.planning.settings import parse_assignments, read_settings
    from ageui.present.table import Table
    from ageui.present.terminal import rich_table
    from engine.config import RunConfig, format_value
    from engine.cuda import cuda_available

    registered: list[str] = []
    if database_path(db).exists():
        with open_store(db, read_only=True) as store:
            registered = store.data.registered_names()
    settings = read_settings(preset=preset, config_file=config, registered=registered, cuda_available=cuda_available)
    resolved = settings.resolve(parse_assignments(assignments or []))
    values = resolved.config.model_dump(mode="json")
    if as_json:
        print_json(
            {name: {"value": values[name], "origin": resolved.origins[name]} for name in values} if origin else values
        )
        return
    rows = []
    for name, field in RunConfig.model_fields.items():
        origins = [resolved.origins[name]] if origin else []
        rows.append((name, format_value(getattr(resolved.config, name)), *origins, field.description or ""))
    console = results()
    console.print(rich_table(Table.of_names(("field", "value", *(["from"] if origin else []), "meaning"), rows)))
    if origin:
        console.print(f"\npreset {resolved.preset}: {resolved.preset_origin}\nuser file: {user_file()}", soft_wrap=True)
