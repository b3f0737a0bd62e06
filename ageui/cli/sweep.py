"""`ageui sweep`: a grid of runs, queued."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from ageui.cli.config_flags import THIS_RUN, ConfigFlags, option, resolve_flags, tell_choices, with_config_flags
from ageui.cli.options import AsJson, CheckpointSeconds, Database, messages, open_store, print_json, results

if TYPE_CHECKING:
    from ageui.store import NewRun, Store
    from engine.config import RunConfig

_LISTED = 8


@with_config_flags
def sweep(
    flags: ConfigFlags,
    seeds: Annotated[int | None, option("Repeat each setting with N seeds.", THIS_RUN, "N")] = None,
    again: Annotated[
        bool, option("Also what is finished, or queued, with the very same config and data.", THIS_RUN, None, "--again")
    ] = False,
    name: Annotated[str | None, option("Name of the runs, which get a number each.", THIS_RUN)] = None,
    tag: Annotated[list[str] | None, option("Tag of the runs, may be repeated.", THIS_RUN)] = None,
    priority: Annotated[int, option("Higher is taken first.", THIS_RUN, "N")] = 0,
    dry_run: Annotated[bool, option("Only print what would be queued.", THIS_RUN, None, "--dry-run")] = False,
    checkpoint_seconds: CheckpointSeconds = None,
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """Queue every combination of comma lists: ageui sweep --loss mse,mape --weights none,gender,gender+age --seeds 3.

    A + joins what is one value: gender+age weighs by both, --epochs 25+25 are 25 per stage. Runs of the same config and
    data that are done, or still to be done, are not queued twice. Prints the ids of the queued runs.
    """
    from ageui.cli.background import refuse_missing_devices, see_to_worker
    from ageui.store import NewRun

    console = messages()
    with open_store(db, create=True) as store:
        configs = _configs(store, flags, seeds)
        tell_choices(console, resolve_flags(store, flags, {**flags.values, **_first(flags)}), flags)
        specs = {config.data: store.data_set(config.data) for config in configs}
        wanted = [NewRun(config, specs[config.data]) for config in configs]

        def say(text: str) -> None:
            console.print(text, soft_wrap=True)

        new = wanted if again else _without_known(store, wanted, say)
        if name is not None:
            names = [name] if len(new) == 1 else [f"{name}-{number}" for number in range(1, len(new) + 1)]
            new = [NewRun(one.config, one.spec, called) for one, called in zip(new, names, strict=True)]
        devices = [one.config.device for one in new]
        refuse_missing_devices(devices)
        if dry_run:
            _print_plan(new, as_json=as_json)
            say(f"{len(new)} run{'s' if len(new) != 1 else ''} would be queued")
            return
        ids = store.add_runs(new, tags=tag or [], priority=priority)
        say(f"{len(ids)} run{'s' if len(ids) != 1 else ''} queued in {store.path}")
        if ids:
            see_to_worker(store, devices, checkpoint_seconds, console)
        if as_json:
            print_json([store.row(run_id).to_json() for run_id in ids])
        else:
            for run_id in ids:
                typer.echo(run_id)


def _configs(store: "Store", flags: ConfigFlags, count: int | None) -> "list[RunConfig]":
    """The distinct configs of the grid, in its order."""
    from ageui.sweeps import grid, seeds
    from engine.errors import ConfigError

    values = dict(flags.values)
    if count is not None:
        if count < 1:
            raise ConfigError(f"--seeds {count}: give at least 1")
        if "," in values.get("seed", ""):
            raise ConfigError("--seeds counts up from one --seed; give a list of seeds, or their number, not both")
        first = resolve_flags(store, flags, {**values, **_first(flags)}).config.seed
        values["seed"] = seeds(first, count)
    configs = [resolve_flags(store, flags, combination).config for combination in grid(values)]
    return list({config.hash: config for config in configs}.values())


def _first(flags: ConfigFlags) -> dict[str, str]:
    """The first combination of the grid."""
    from ageui.sweeps import grid

    return grid(flags.values)[0]


def _without_known(store: "Store", wanted: "list[NewRun]", say: Callable[[str], None]) -> "list[NewRun]":
    """Those that are not done, nor still to be done; says which are left out."""
    known = store.same_runs(wanted)
    left_out = [found for found in known if found is not None]
    if left_out:
        listed = ", ".join(f"{run_id} ({status})" for run_id, status in left_out[:_LISTED])
        more = f" and {len(left_out) - _LISTED} more" if len(left_out) > _LISTED else ""
        say(f"left out, as there is such a run: {listed}{more}; --again queues them all the same")
    return [run for run, found in zip(wanted, known, strict=True) if found is None]


def _print_plan(new: "list[NewRun]", *, as_json: bool) -> None:
    from ageui.cli.tables import Column, fitted_table
    from ageui.compare.settings import differing_settings, setting

    configs = [run.config.model_dump(mode="json") for run in new]
    if as_json:
        print_json(configs)
        return
    if not configs:
        return
    fields = differing_settings(configs) or ("loss", "weights", "seed")
    console = results()
    table, left_out = fitted_table(
        [
            Column(field, [setting(config, field) for config in configs], leaves=-place)
            for place, field in enumerate(fields)
        ],
        console.width,
    )
    console.print(table)
    if left_out:
        console.print(f"too narrow for {', '.join(left_out)}", style="dim")
