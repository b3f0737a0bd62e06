"""`ageui sweep`: queues a grid or a sample of runs."""

from typing import TYPE_CHECKING, Annotated

import typer

from ageui.cli.command_group import FURTHER
from ageui.cli.config_flags import (
    RUNS,
    ConfigFlags,
    DespiteFullDisk,
    DryRun,
    option,
    print_choices,
    with_config_flags,
)
from ageui.cli.end_commands import OnEnd, OnQueueEnd, remember_commands
from ageui.cli.options import AsJson, CheckpointSeconds, Database, Files, open_store, print_json
from ageui.console.checked_queueing import check_runs, print_memory
from ageui.console.consoles import messages, results, sayer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ageui.store import NewRun

_LISTED = 8


@with_config_flags
def sweep(
    flags: ConfigFlags,
    seeds: Annotated[int | None, option("Train each combination with N seeds.", RUNS, "N")] = None,
    sample: Annotated[int | None, option("Draw N points from ranges and lists.", RUNS, "N")] = None,
    sample_seed: Annotated[int | None, option("Seed of the sample (default: 0).", FURTHER, "N")] = None,
    again: Annotated[
        bool, option("Also queue runs that already exist with the same config and data.", FURTHER, None, "--again")
    ] = False,
    folds: Annotated[
        int | None, typer.Option("--folds", metavar="K", help="Refused: sweeps have no folds.", hidden=True)
    ] = None,
    name: Annotated[str | None, option("Name of the runs; each run adds a number.", RUNS, "NAME")] = None,
    tag: Annotated[list[str] | None, option("Tag of the runs; repeatable.", FURTHER, "TAG")] = None,
    priority: Annotated[int, option("Priority; workers take higher numbers first.", FURTHER, "N")] = 0,
    force: DespiteFullDisk = False,
    dry_run: DryRun = False,
    on_end: OnEnd = None,
    on_queue_end: OnQueueEnd = None,
    checkpoint_seconds: CheckpointSeconds = None,
    db: Database = None,
    files: Files = None,
    as_json: AsJson = False,
) -> None:
    """Queue every combination of comma lists, or a sample, and print the ids.

    + joins the parts of one value, as in --weights none,gender+age or --epochs 25+25. Existing runs with the same
    config and data are left out.

    --sample draws points from ranges and lists; a larger N continues the sample.

        ageui sweep --loss mse,mape --weights none,gender,gender+age --seeds 3
        ageui sweep --lr 1e-4,5e-4 --dry-run
        ageui sweep --sample 32 --lr 1e-5..1e-3 --batch 16,32,64
    """
    from ageui.console.background import start_missing_workers
    from ageui.planning.disk_space import refuse_small_disk
    from ageui.planning.expected_time import time_sentence
    from ageui.planning.plan import Basis, plan
    from ageui.planning.sweeps import Sample
    from ageui.text.sentences import counted
    from engine.errors import ConfigError

    if folds is not None:
        raise ConfigError(
            f"--folds {folds}: a sweep has no folds; queue each setting with: ageui run --folds {folds} --detach"
        )
    if sample is None and sample_seed is not None:
        raise ConfigError("--sample-seed chooses the points of a sample; add --sample N, or leave it out")
    drawn = Sample(sample, sample_seed or 0) if sample is not None else None
    console = messages()
    with open_store(db, create=True, files=files) as store:
        planned = plan(store, flags.values, Basis(flags.preset, flags.file), seeds=seeds, sample=drawn)
        print_choices(console, planned.first, flags)
        say = sayer(console)
        if planned.repeats:
            more = "; ranges and longer lists have more distinct points" if sample is not None else ""
            say(f"left out {counted(planned.repeats, 'run')} equal to others of this sweep{more}")
        if planned.left_out and not again:
            say(_left_out_sentence(planned.left_out))
        new = planned.to_queue(again=again, name=name)
        store.runs.refuse_invalid(new, tags=tag or [], priority=priority)
        networks = check_runs(console, new)
        print_memory(console, store, new, networks)
        if not force:
            refuse_small_disk(store, new, networks, override="--force")
        if new:
            say(time_sentence(store, new))
        if dry_run:
            print_plan(new, as_json=as_json)
            say(f"dry run: {counted(len(new), 'run')} to queue")
            return
        ids = store.runs.add_many(new, tags=tag or [], priority=priority)
        remember_commands(store, ids, on_end, on_queue_end)
        say(f"{counted(len(ids), 'run')} queued in {store.path}")
        if ids:
            start_missing_workers(store, [one.config.device for one in new], checkpoint_seconds, console)
        if as_json:
            print_json([row.to_json() for row in store.runs.get_many(ids).values()])
        else:
            for run_id in ids:
                typer.echo(run_id)


def _left_out_sentence(runs: list[tuple[int, str]]) -> str:
    from engine.short_text import short_list

    listed = short_list([f"{run_id} ({status})" for run_id, status in runs], _LISTED)
    return f"left out runs that already exist: {listed}; to queue them too, add --again"


def print_plan(new: "Sequence[NewRun]", *, as_json: bool) -> None:
    """Prints the configs of planned runs: a table of the fields that differ, or all as JSON."""
    from ageui.cli.tables import print_fitted
    from ageui.compare.differing_settings import differing_settings, setting
    from ageui.present.table import Column, Table, words

    configs = [run.config.model_dump(mode="json") for run in new]
    if as_json:
        print_json(configs)
        return
    if not configs:
        return
    fields = differing_settings(configs) or ("loss", "weights", "seed")
    columns = [
        (Column(field, leaves=-place), [words(setting(config, field)) for config in configs])
        for place, field in enumerate(fields)
    ]
    print_fitted(results(), Table.of_columns(*columns))
