"""`ageui queue` and the commands that change it: cancel, pause, resume, retry, move, wait."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ageui.cli import completion
from ageui.cli.changed_runs import print_changed
from ageui.cli.end_commands import OnEnd, remember_commands
from ageui.cli.options import AsJson, CheckpointSeconds, Database, Limit, open_store, print_json
from ageui.cli.waiting import SECONDS_BETWEEN_LOOKS, wait_until_ended
from ageui.console.checked_queueing import check_runs
from ageui.console.consoles import messages, results, sayer

if TYPE_CHECKING:
    from ageui.store import Changed, Claim, Store
    from ageui.worker.foreground import Foreground

    Requeue = Callable[[list[int]], Changed]

_REFERENCES_HELP = "Ids, names, or terms that must all hold: status=failed loss=mape."

References = Annotated[
    list[str], typer.Argument(metavar="RUN...", help=_REFERENCES_HELP, autocompletion=completion.runs)
]
OptionalReferences = Annotated[
    list[str] | None,
    typer.Argument(metavar="RUN...", help=_REFERENCES_HELP, autocompletion=completion.runs, show_default=False),
]
Here = Annotated[bool, typer.Option("--here", help="Train in this terminal instead of the background.")]

_SECONDS_TO_OBEY = 5.0


def show_queue(limit: Limit = None, db: Database = None, as_json: AsJson = False) -> None:
    """Show the queue: running, queued, paused and interrupted runs.

    ageui queue
    ageui queue --json
    """
    from ageui.cli.queue_table import queue_table
    from ageui.cli.tables import more_sentence, print_fitted, rows_to_show
    from ageui.console.background import paused_sentence, unserved_sentence
    from ageui.planning.queue_places import QueueForecast
    from ageui.text.sentences import counted
    from ageui.worker.background_workers import devices_without_worker, workers
    from ageui.worker.queue_waits import queue_waits

    shown = None if as_json else rows_to_show(limit)
    with open_store(db, read_only=True) as store:
        counts = store.runs.status_counts()
        running, paused, interrupted = (
            store.runs.search(f"status={status}", order="id", limit=shown)
            for status in ("running", "paused", "interrupted")
        )
        waiting = store.queue.waiting(shown)
        pause, states = store.queue.current_pause(), workers(store)
        devices = store.queue.devices()
        unserved = devices_without_worker(store, devices)
        held, waits = store.queue.held(), queue_waits(store)
        is_moving = pause is None and not unserved and not waits
        places = QueueForecast().places(store, is_moving=is_moving)
        where = {run.run_id: run.where for run in store.queue.running() if run.where is not None}
    if as_json:
        print_json(
            {
                "held": pause.reason if pause else None,
                "running": [
                    {**row.to_json(), "where": asdict(where[row.id]) if row.id in where else None} for row in running
                ],
                "queued": [row.to_json() for row in waiting],
                "paused": [row.to_json() for row in paused],
                "interrupted": [row.to_json() for row in interrupted],
                "workers": [state.row.device for state in states if state.is_alive],
            }
        )
        return
    console = results()
    if rows := [*running, *waiting, *paused, *interrupted][:shown]:
        total = sum(counts.get(status, 0) for status in ("running", "queued", "paused", "interrupted"))
        print_fitted(console, queue_table(rows, places, where), more_sentence(len(rows), total))
    else:
        console.print("the queue is empty; queue a run with: ageui run --detach")
    say = sayer(messages())
    if pause is not None:
        say(paused_sentence(pause))
    elif unserved:
        say(unserved_sentence(unserved, are_all=len(unserved) == len(devices)))
    for reason, count in held.items():
        say(f"{counted(count, 'run')} {reason}")
    if counts.get("paused", 0) + counts.get("interrupted", 0) > sum(held.values()):
        say("to resume paused and interrupted runs: ageui resume RUN")
    for wait in waits:
        say(wait.sentence)


def cancel_runs(
    references: References,
    now: Annotated[bool, typer.Option("--now", help="Kill running runs instead of ending the current step.")] = False,
    db: Database = None,
) -> None:
    """Cancel queued, running or paused runs.

    A running run stops after its current step and keeps its measurements and checkpoint; ageui retry continues it.

        ageui cancel 12
        ageui cancel 'status=queued loss=mape'
    """
    from ageui.worker.end_commands import start_end_commands

    with open_store(db) as store:
        changed = store.queue.cancel(store.runs.find_all(references), at_once=now)
        start_end_commands(store, changed.with_status("cancelled"), sayer(messages()))
        _stop(store, changed, kill=now)


def pause_runs(references: OptionalReferences = None, db: Database = None) -> None:
    """Pause runs, or the queue if you name no RUN.

    A running run writes a checkpoint and stops. Workers skip paused runs. While the queue is paused, running runs
    continue and no new runs start.

        ageui pause 12
        ageui pause
    """
    from ageui.store.queue import BY_THE_USER

    with open_store(db) as store:
        if not references:
            store.queue.pause_queue(BY_THE_USER)
            messages().print("the queue is paused: running runs continue, no new runs start")
            return

        _stop(store, store.queue.pause(store.runs.find_all(references)))


def resume_runs(
    references: OptionalReferences = None,
    here: Here = False,
    on_end: OnEnd = None,
    checkpoint_seconds: CheckpointSeconds = None,
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """Resume paused and interrupted runs, or the queue if you name no RUN.

    Runs continue from their last checkpoint. Resuming the queue also resumes held runs.

        ageui resume 12
        ageui resume 12 --here
        ageui resume
    """
    from engine.errors import ConfigError

    if not references and (here or as_json or on_end is not None):
        raise ConfigError("--here, --on-end and --json need a run; name one, as in ageui resume RUN --here")
    with open_store(db) as store:
        if not references:
            was_paused = store.queue.resume_queue() is not None
            released = store.queue.resume_held()
            messages().print("resumed the queue" if was_paused or released.ids else "the queue was not paused")
            if released.ids:
                print_changed(store, released)
            _start_missing_workers(store, None, checkpoint_seconds)
            return

        def resume(run_ids: list[int]) -> "Changed":
            changed = store.queue.resume(run_ids)
            remember_commands(store, changed.ids, on_end)
            return changed

        _again(store, references, resume, here, checkpoint_seconds, as_json)


def retry_runs(
    references: References,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="Delete measurements and checkpoints, and start over.")
    ] = False,
    here: Here = False,
    on_end: OnEnd = None,
    checkpoint_seconds: CheckpointSeconds = None,
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """Queue failed, cancelled and interrupted runs again.

    Runs continue from their last checkpoint.

    ageui retry 12
    ageui retry status=failed --from-start
    """
    from ageui.worker.run_files import remove_checkpoints

    with open_store(db) as store:

        def retry(run_ids: list[int]) -> "Changed":
            changed = store.queue.retry(run_ids, from_start=from_start)
            remove_checkpoints(store, changed.files)
            remember_commands(store, changed.ids, on_end)
            return changed

        _again(store, references, retry, here, checkpoint_seconds, as_json)


def move_runs(
    references: References,
    first: Annotated[bool, typer.Option("--first", help="Move to the front of the queue.")] = False,
    last: Annotated[bool, typer.Option("--last", help="Move to the end of the queue.")] = False,
    before: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="Move before this run.", autocompletion=completion.runs, show_default=False),
    ] = None,
    after: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="Move after this run.", autocompletion=completion.runs, show_default=False),
    ] = None,
    priority: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Set the priority; workers take higher numbers first (default: 0).", show_default=False
        ),
    ] = None,
    db: Database = None,
) -> None:
    """Move queued runs within the queue.

    Several runs keep their order. --before and --after also copy the other run's priority.

    ageui move 12 --first
    ageui move 12 --before 8
    ageui move loss=mape --priority 5
    """
    from ageui.cli.changed_runs import print_problems
    from ageui.text.sentences import counted
    from engine.errors import ConfigError

    if sum((first, last, before is not None, after is not None, priority is not None)) != 1:
        raise ConfigError("give one target: --first, --last, --before RUN, --after RUN or --priority N")
    with open_store(db) as store:
        meant = store.runs.find_all(references)
        if priority is not None:
            changed = store.queue.prioritise(meant, priority)
        elif before is not None or after is not None:
            other = store.runs.find_one(before or after or "")
            changed = store.queue.move(meant, "before" if before is not None else "after", other)
        else:
            changed = store.queue.move(meant, "first" if first else "last")
        order = store.queue.order()
    moved = set(meant)
    places = [place for place, run_id in enumerate(order, 1) if run_id in moved]
    what = f"run {meant[0]} is" if len(meant) == 1 else f"{counted(len(places), 'run')} moved; the first is"
    say = sayer(messages())
    say(f"{what} number {places[0]} of {len(order)} in the queue" if places else "none of these runs is queued")
    print_problems(changed.problems)


def wait_for_runs(
    references: OptionalReferences = None,
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=0, help="Stop waiting after this time.", show_default=False)
    ] = None,
    db: Database = None,
) -> None:
    """Wait until runs end (default: all running and queued runs).

    The exit code is 0 if all runs are done, else 1.

    ageui wait
    ageui wait 12 13 --timeout 3600
    """
    with open_store(db, read_only=True) as store:
        unfinished = store.runs.ids("status=queued,running")
        left = store.runs.find_all(references) if references else unfinished
        all_done = wait_until_ended(store, left, sayer(messages()), timeout)
    if not all_done:
        raise typer.Exit(1)


def _stop(store: "Store", changed: "Changed", *, kill: bool = False) -> None:
    """Gives running runs some seconds to stop, then prints the new statuses."""
    if asked := changed.with_status("running"):
        _settle(store, asked, kill=kill)
    print_changed(store, changed, asked="to stop at once" if kill else "to write a checkpoint and stop")


def _again(
    store: "Store",
    references: Sequence[str],
    requeue: "Requeue",
    here: bool,
    checkpoint_seconds: float | None,
    as_json: bool,
) -> None:
    """Queues runs again and starts missing workers, or trains the only run `here`."""
    if here:
        _work_here_again(store, references, requeue, checkpoint_seconds, as_json)
        return
    meant = store.runs.find_all(references)
    check_runs(messages(), store.runs.to_train_again(meant))
    changed = requeue(meant)
    if changed.ids:
        _start_missing_workers(store, changed.ids, checkpoint_seconds)
    if as_json:
        rows = store.runs.get_many(meant)
        print_json([rows[run_id].to_json() for run_id in meant if run_id in rows])
    print_changed(store, changed)


def _work_here_again(
    store: "Store",
    references: Sequence[str],
    requeue: "Requeue",
    checkpoint_seconds: float | None,
    as_json: bool,
) -> None:
    from ageui.cli.training_here import work_here
    from ageui.console.background import device_of
    from ageui.worker.places.local import Engines
    from engine.errors import ConfigError, StoreError

    meant = store.runs.find_all(references)
    if len(meant) != 1:
        raise ConfigError(f"--here trains one run, but {len(meant)} runs match; name one, or leave --here out")
    run_id = meant[0]
    console, engines = messages(), Engines()
    engines.start_ahead()

    def claim(foreground: "Foreground") -> "Claim":
        requeue([run_id])
        claimed = store.queue.claim(run_id, foreground.claimant, foreground.hold)
        if claimed is None:
            raise StoreError(f"run {run_id}: a worker has just taken it; follow it with: ageui logs -f {run_id}")
        begins = "continues from its last checkpoint" if claimed.states else "starts over: it has no checkpoint"
        sayer(console)(f"run {run_id} {claimed.name} {begins}")
        return claimed

    with closing(engines):
        check_runs(console, store.runs.to_train_again(meant))
        work_here(
            store,
            device_of(store.runs.get(run_id)),
            engines,
            claim,
            checkpoint_seconds,
            share=None,
            console=console,
            as_json=as_json,
        )


def _start_missing_workers(store: "Store", run_ids: Sequence[int] | None, checkpoint_seconds: float | None) -> None:
    """Starts missing workers for the queued runs with these ids, or for all queued runs."""
    from ageui.console.background import start_missing_workers

    start_missing_workers(store, store.queue.devices(run_ids), checkpoint_seconds, messages())


def _settle(store: "Store", run_ids: Sequence[int], *, kill: bool) -> None:
    """Waits some seconds until running runs stop. With `kill`, ends engines whose supervisor does not react."""
    from ageui.worker.lost_runs import recover_lost
    from ageui.worker.supervisor import kill_engine

    end = time.monotonic() + _SECONDS_TO_OBEY
    while left := {run.run_id for run in store.queue.running()}.intersection(run_ids):
        if time.monotonic() > end:
            if not kill or not any([kill_engine(store, run_id) for run_id in left]):
                return
            end = time.monotonic() + _SECONDS_TO_OBEY
        time.sleep(SECONDS_BETWEEN_LOOKS)
        list(recover_lost(store))
