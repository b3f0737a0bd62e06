"""`ageui worker`: starts, stops and shows the background workers that train queued runs."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ageui.cli.cluster import DataRoot, Sbatch
from ageui.cli.command_group import CommandGroup
from ageui.cli.completion import words
from ageui.cli.options import AsJson, CheckpointSeconds, Database, Files, open_store, print_json
from ageui.console.consoles import messages, results

if TYPE_CHECKING:
    from ageui.store import RunningRun, WorkerRow

app = CommandGroup(
    help="""Start, stop and show background workers, which train queued runs.

        ageui worker start
        ageui worker start --on slurm
        ageui worker status
        ageui worker stop
    """,
    no_args_is_help=True,
)

_MOST_AT_ONCE = 64
_JOBS = 20
_RUNS_SHOWN = 3


def _device(help_text: str, *clusters: str) -> Any:
    return typer.Option(
        *(("--device", "--on") if clusters else ()),
        metavar="|".join(("cpu", "cuda:N", *clusters)),
        help=help_text,
        autocompletion=words("cpu", "cuda", *clusters),
        show_default=False,
    )


@app.command("start")
def start(
    device: Annotated[str | None, _device("Device of the worker (default: first CUDA device, else cpu).")] = None,
    stay: Annotated[bool, typer.Option("--stay", help="Keep running while the queue is empty.")] = False,
    parallel: Annotated[
        str,
        typer.Option(
            metavar="N|auto",
            help="Number of runs to train at once; auto: one per CPU core, or two on a GPU.",
            autocompletion=words("auto"),
        ),
    ] = "1",
    on: Annotated[
        str | None,
        typer.Option(metavar="slurm[:PARTITION]", help="Train on a Slurm cluster: a job per run.", show_default=False),
    ] = None,
    at_most: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="With --on: number of jobs at once (default: 20).", show_default=False),
    ] = None,
    sbatch: Sbatch = None,
    data_root: DataRoot = None,
    checkpoint_seconds: CheckpointSeconds = None,
    db: Database = None,
    files: Files = None,
) -> None:
    """Start a background worker. Commands that queue a run start a worker automatically.

    Each device has one worker, which keeps running after you close the terminal and exits after a minute without runs.
    Parallel runs share the cores. A run starts only if its memory, measured by earlier runs, fits beside the others.
    A worker --on slurm stays until you stop it; see ageui explain cluster.

        ageui worker start
        ageui worker start --parallel auto --stay
        ageui worker start --on slurm:gpu --at-most 8 --sbatch time=4:00:00
    """
    from ageui.cli.cluster import cluster_options, refuse_silent_cluster
    from ageui.devices import default_device, resolve_device
    from ageui.planning.environment import refuse_wrong_variables
    from ageui.planning.settings import checkpoint_interval
    from ageui.worker.background_workers import IDLE_SECONDS, is_working, start_worker
    from ageui.worker.lane import lanes_for
    from engine.errors import ConfigError

    refuse_wrong_variables()
    if on is None and (at_most is not None or sbatch or data_root is not None):
        raise ConfigError("--at-most, --sbatch and --data-root need a cluster: add --on slurm, or leave them out")
    if on is not None and (device is not None or parallel != "1"):
        raise ConfigError("--on takes neither --device nor --parallel: each run says its device, see also --at-most")
    if on is not None:
        # Before a database is made.
        cluster_options(on, sbatch or ())
        refuse_silent_cluster(on)
    with open_store(db, create=True, files=files, starts_worker=True) as store:
        if on is not None:
            chosen, lanes = on, at_most or _JOBS
        else:
            chosen = resolve_device(_checked(device)) if device else default_device()
            lanes = lanes_for(chosen) if parallel == "auto" else _number(parallel)
        if is_working(store, chosen):
            there = f"{store.path} already has a worker on {chosen}"
            asked = {
                "--stay": stay,
                "--parallel": on is None and lanes > 1,
                "--at-most": at_most is not None,
                "--sbatch": bool(sbatch),
                "--data-root": data_root is not None,
                "--checkpoint-seconds": checkpoint_seconds is not None,
            }
            if ignored := " and ".join(option for option, is_given in asked.items() if is_given):
                raise ConfigError(
                    f"{there}, so {ignored} would have no effect; stop it first: ageui worker stop --device {chosen}"
                )
            messages().print(there, soft_wrap=True)
            return
        start_worker(
            store,
            chosen,
            checkpoint_seconds=checkpoint_interval(checkpoint_seconds),
            idle_seconds=float("inf") if stay or on is not None else IDLE_SECONDS,
            parallel=lanes,
            sbatch=sbatch or (),
            data_root=data_root and data_root.absolute(),
        )
        several = f", {'at most ' if on is not None else ''}{lanes} at once" if lanes > 1 else ""
        messages().print(f"started a worker on {chosen} for the runs of {store.path}{several}", soft_wrap=True)


@app.command("stop")
def stop(
    device: Annotated[str | None, _device("Device of the worker (default: all devices).", "slurm")] = None,
    now: Annotated[
        bool,
        typer.Option(
            "--now", help="Kill the worker: runs continue from their last checkpoint, a cluster's jobs run on."
        ),
    ] = False,
    db: Database = None,
) -> None:
    """Stop all workers, or the worker of one device.

    Its runs stop after their current step, write a checkpoint and are queued again.

    ageui worker stop
    ageui worker stop --device cuda:0
    ageui worker stop --on slurm
    """
    from ageui.devices import is_cluster
    from ageui.text.clean import clean
    from ageui.worker.background_workers import stop_worker, workers
    from engine.errors import ConfigError

    console = messages()
    with open_store(db) as store:
        living = [state.row.device for state in workers(store) if state.is_alive]
        wanted = living if device is None else [device if is_cluster(device) else _checked(device)]
        if not wanted:
            console.print("no worker is running")
        for one in wanted:
            if one not in living:
                raise ConfigError(f"no worker is running on {clean(one)}; see ageui worker status")
            stop_worker(store, one, at_once=now, say=lambda text: console.print(text, soft_wrap=True))
            console.print(f"stopped the worker on {one}")


@app.command("status")
def status(db: Database = None, as_json: AsJson = False) -> None:
    """Show the workers of the database, their current runs, and the reason if a worker stopped.

    ageui worker status
    """
    from ageui.cli.tables import print_fitted
    from ageui.present.figures import NUMBER
    from ageui.present.table import Cell, Column, Table, words
    from ageui.store.records import with_iso_times
    from ageui.worker.background_workers import workers

    with open_store(db, read_only=True) as store:
        states = workers(store)
        runs: dict[str, list[RunningRun]] = {}
        for run in store.queue.running():
            runs.setdefault(run.worker or "", []).append(run)
    if as_json:
        print_json(
            [
                {
                    "is_alive": state.is_alive,
                    **with_iso_times(asdict(state.row)),
                    "runs": [run.run_id for run in runs.get(state.row.device, [])],
                    "jobs": [asdict(run.where) for run in runs.get(state.row.device, []) if run.where is not None],
                }
                for state in states
            ]
        )
        return
    console = results()
    if not states:
        console.print("no worker yet; the first queued run starts one, or use: ageui worker start")
        return
    since = [state.row.started_at if state.is_alive else state.row.ended_at for state in states]
    doing = [_doing(state.is_alive, state.row, runs.get(state.row.device, [])) for state in states]
    table = Table.of_columns(
        (Column("device"), [words(state.row.device) for state in states]),
        (Column("state"), [words("▶ running" if state.is_alive else "· stopped") for state in states]),
        (Column("process", "figure", leaves=1), [Cell(state.row.pid, unit=NUMBER) for state in states]),
        (Column("since"), [words(_since(moment)) for moment in since]),
        (Column("doing"), list(map(words, doing))),
    )
    print_fitted(console, table)


def _checked(device: str) -> str:
    import re

    from ageui.text.clean import clean
    from engine.errors import ConfigError

    if not re.fullmatch(r"cpu|cuda(:\d+)?", device):
        raise ConfigError(f"--device {clean(device)}: choose cpu or cuda:N")
    return "cuda:0" if device == "cuda" else device


def _number(parallel: str) -> int:
    from ageui.text.clean import clean
    from engine.errors import ConfigError

    if not parallel.isdecimal() or not 1 <= int(parallel) <= _MOST_AT_ONCE:
        raise ConfigError(f"--parallel {clean(parallel)}: choose auto, or a number from 1 to {_MOST_AT_ONCE}")
    return int(parallel)


def _since(moment: datetime | None) -> str | None:
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}" if moment else None


def _doing(is_alive: bool, row: "WorkerRow", runs: "Sequence[RunningRun]") -> str:
    from ageui.devices import is_cluster

    if not is_alive:
        return row.reason or "ended without a reason: it was killed, or the machine was switched off"
    if runs:
        shown = [f"{run.run_id}{f' ({run.where})' if run.where is not None else ''}" for run in runs[:_RUNS_SHOWN]]
        more = f" and {len(runs) - _RUNS_SHOWN} more" if len(runs) > _RUNS_SHOWN else ""
        named = f"run{'s' if len(runs) > 1 else ''} {', '.join(shown)}{more}"
        stops = ", then stops" if row.stop_requested else ""
        return f"{named}{stops}{f'; {row.waiting_for}' if row.waiting_for and is_cluster(row.device) else ''}"
    if row.waiting_for and is_cluster(row.device):
        return f"waiting: {row.waiting_for}"
    return f"waiting for {row.waiting_for}" if row.waiting_for else "waiting for runs"
