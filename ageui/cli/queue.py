"""`ageui queue` and the commands that change it: cancel, pause, resume, retry, move, wait."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ageui.cli.options import AsJson, CheckpointSeconds, Database, messages, open_store, print_json, results, sayer
from ageui.cli.waiting import SECONDS_BETWEEN_LOOKS, wait_until_ended

if TYPE_CHECKING:
    from ageui.store import Claim, RunRow, Store
    from ageui.worker.foreground import Foreground

References = Annotated[list[str], typer.Argument(metavar="RUN...", help="Ids, names or filters.")]
OptionalReferences = Annotated[
    list[str] | None, typer.Argument(metavar="[RUN]...", help="Ids, names or filters.", show_default=False)
]
Here = Annotated[bool, typer.Option("--here", help="Go on in this terminal instead of in the background.")]

_SECONDS_TO_OBEY = 5.0


def show_queue(db: Database = None, as_json: AsJson = False) -> None:
    """Show what runs, what is queued, in the order in which it is taken, and what was paused or interrupted."""
    from ageui.cli.background import paused_sentence, unserved, unserved_sentence
    from ageui.cli.queue_table import queue_table
    from ageui.cli.tables import print_fitted
    from ageui.worker.background_workers import workers

    with open_store(db, read_only=True) as store:
        running, paused, interrupted = (
            store.runs.search(f"status={status}", order="id") for status in ("running", "paused", "interrupted")
        )
        waiting = store.queue.waiting()
        pause, states = store.queue.current_pause(), workers(store)
        alone = unserved(store, waiting)
    if as_json:
        print_json(
            {
                "held": pause.reason if pause else None,
                "running": [row.to_json() for row in running],
                "queued": [row.to_json() for row in waiting],
                "paused": [row.to_json() for row in paused],
                "interrupted": [row.to_json() for row in interrupted],
                "workers": [state.row.device for state in states if state.is_alive],
            }
        )
        return
    console = results()
    if rows := [*running, *waiting, *paused, *interrupted]:
        print_fitted(console, queue_table(rows))
    else:
        console.print("nothing runs and nothing is queued; queue a run with: ageui run --detach")
    say = sayer(messages())
    if pause is not None:
        say(paused_sentence(pause))
    elif alone:
        say(unserved_sentence(alone, are_all=len(alone) == len(waiting)))
    if paused or interrupted:
        say("paused and interrupted runs go on with: ageui resume RUN")
    for state in states:
        if state.is_alive and state.row.waiting_for:
            say(f"the worker on {state.row.device} waits: {state.row.device} is in use by {state.row.waiting_for}")


def cancel_runs(
    references: References,
    now: Annotated[bool, typer.Option("--now", help="Kill it: do not wait for the step to end.")] = False,
    db: Database = None,
) -> None:
    """End runs that are queued, running or paused. A running one stops after its step.

    What was measured is kept, and its checkpoint: ageui retry goes on from there.
    """
    with open_store(db) as store:

        def cancel(run_id: int) -> str:
            status = store.queue.cancel(run_id, at_once=now)
            return _settled(store, run_id, kill=now) if status == "running" else status

        _exit_with(_for_each(store, store.runs.find_all(references), cancel))


def pause_runs(references: OptionalReferences = None, db: Database = None) -> None:
    """Pause runs: a queued one is not taken, a running one writes a checkpoint and stops. Without RUN, the queue:
    what runs goes on, and nothing new is taken."""
    from ageui.cli.background import BY_THE_USER

    with open_store(db) as store:
        if not references:
            store.queue.pause_queue(BY_THE_USER)
            messages().print("the queue is paused: what runs goes on, nothing new is taken")
            return

        def pause(run_id: int) -> str:
            return _settled(store, run_id) if store.queue.pause(run_id) == "running" else "paused"

        _exit_with(_for_each(store, store.runs.find_all(references), pause))


def resume_runs(
    references: OptionalReferences = None,
    here: Here = False,
    checkpoint_seconds: CheckpointSeconds = None,
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """Queue paused and interrupted runs again; they go on from their last checkpoint. Without RUN, the queue."""
    from engine.errors import ConfigError

    if not references and (here or as_json):
        raise ConfigError("--here and --json are for runs: name them, as ageui resume RUN --here")
    with open_store(db) as store:
        if not references:
            was_paused = store.queue.resume_queue()
            messages().print("the queue goes on" if was_paused else "the queue was not paused")
            _start_missing_workers(store, store.queue.waiting(), checkpoint_seconds)
            return
        _again(store, references, store.queue.resume, here, checkpoint_seconds, as_json)


def retry_runs(
    references: References,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="Forget all it measured and its checkpoints, and begin anew.")
    ] = False,
    here: Here = False,
    checkpoint_seconds: CheckpointSeconds = None,
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """Queue runs again that failed, were cancelled or interrupted; they go on from their last checkpoint."""
    from ageui.worker.run_files import remove_checkpoints

    with open_store(db) as store:

        def retry(run_id: int) -> None:
            remove_checkpoints(store, store.queue.retry(run_id, from_start=from_start))

        _again(store, references, retry, here, checkpoint_seconds, as_json)


def move_run(
    reference: Annotated[str, typer.Argument(metavar="RUN", help="A queued run: an id, a name, or a filter.")],
    first: Annotated[bool, typer.Option("--first", help="To the front of the queue.")] = False,
    last: Annotated[bool, typer.Option("--last", help="To its end.")] = False,
    before: Annotated[str | None, typer.Option(metavar="RUN", help="Before another.", show_default=False)] = None,
    after: Annotated[str | None, typer.Option(metavar="RUN", help="After another.", show_default=False)] = None,
    priority: Annotated[
        int | None, typer.Option(metavar="N", help="Higher is taken first; 0 unless set.", show_default=False)
    ] = None,
    db: Database = None,
) -> None:
    """Give a queued run another place. Next to another run it also takes that one's priority."""
    from engine.errors import ConfigError

    if sum((first, last, before is not None, after is not None, priority is not None)) != 1:
        raise ConfigError("say where to: one of --first, --last, --before RUN, --after RUN, --priority N")
    with open_store(db) as store:
        run_id = store.runs.find_one(reference)
        if priority is not None:
            store.queue.prioritise(run_id, priority)
        elif before is not None or after is not None:
            store.queue.move(
                run_id, "before" if before is not None else "after", store.runs.find_one(before or after or "")
            )
        else:
            store.queue.move(run_id, "first" if first else "last")
        order = [row.id for row in store.queue.waiting()]
        place = (
            f"is number {order.index(run_id) + 1} of {len(order)} in the queue"
            if run_id in order
            else "was taken just now"
        )
        sayer(messages())(f"run {run_id} {place}")


def wait_for_runs(
    references: OptionalReferences = None,
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=0, help="Give up after so long.", show_default=False)
    ] = None,
    db: Database = None,
) -> None:
    """Wait until runs have ended, by default all that run or are queued. Exits with 0 if all are done, else with 1."""
    with open_store(db, read_only=True) as store:
        left = store.runs.find_all(references) if references else [row.id for row in _unfinished(store)]
        all_done = wait_until_ended(store, left, sayer(messages()), timeout)
    if not all_done:
        raise typer.Exit(1)


def _unfinished(store: "Store") -> "list[RunRow]":
    return [*store.runs.search("status=running"), *store.queue.waiting()]


def _for_each(store: "Store", meant: Sequence[int], change: Callable[[int], str]) -> int:
    """Changes every run and prints its new status. Returns the number of runs that could not be changed, for
    `_exit_with`; these do not stop the others."""
    from engine.errors import ConfigError

    say, problems = sayer(messages()), 0
    for run_id in meant:
        try:
            status = change(run_id)
        except ConfigError as error:
            if len(meant) == 1:
                raise
            say(f"ageui: {error}")
            problems += 1
            continue
        row = store.runs.get(run_id)
        say(f"run {run_id} {row.name} is {f'still running: {status}' if row.status == 'running' else row.status}")
    return problems


def _exit_with(problems: int) -> None:
    if problems:
        raise typer.Exit(2)


def _again(
    store: "Store",
    references: Sequence[str],
    requeue: Callable[[int], object],
    here: bool,
    checkpoint_seconds: float | None,
    as_json: bool,
) -> None:
    """Queues runs again and makes sure of a worker, or works on the one run `here`."""
    if here:
        _work_here_again(store, references, requeue, checkpoint_seconds, as_json)
        return

    def change(run_id: int) -> str:
        requeue(run_id)
        return "queued"

    meant = store.runs.find_all(references)
    problems = _for_each(store, meant, change)
    rows = [store.runs.get(run_id) for run_id in meant]
    _start_missing_workers(store, [row for row in rows if row.status == "queued"], checkpoint_seconds)
    if as_json:
        print_json([row.to_json() for row in rows])
    _exit_with(problems)


def _work_here_again(
    store: "Store",
    references: Sequence[str],
    requeue: Callable[[int], object],
    checkpoint_seconds: float | None,
    as_json: bool,
) -> None:
    from ageui.cli.background import device_of
    from ageui.cli.run import work_here
    from engine.errors import ConfigError, StoreError

    meant = store.runs.find_all(references)
    if len(meant) != 1:
        raise ConfigError(f"--here works on one run, but {len(meant)} are meant; name one, or leave --here out")
    run_id = meant[0]
    console = messages()

    def claim(foreground: "Foreground") -> "Claim":
        requeue(run_id)
        claimed = store.queue.claim(run_id, foreground.claimant, foreground.hold)
        if claimed is None:
            raise StoreError(
                f"run {run_id} was taken by a worker in this moment; follow it with: ageui logs -f {run_id}"
            )
        sayer(console)(f"run {run_id} {claimed.name} goes on")
        return claimed

    work_here(
        store,
        device_of(store.runs.get(run_id)),
        claim,
        checkpoint_seconds,
        share=False,
        console=console,
        as_json=as_json,
    )


def _start_missing_workers(store: "Store", rows: "Sequence[RunRow]", checkpoint_seconds: float | None) -> None:
    from ageui.cli.background import device_of, start_missing_workers

    start_missing_workers(store, [device_of(row) for row in rows], checkpoint_seconds, messages())


def _settled(store: "Store", run_id: int, *, kill: bool = False) -> str:
    """Waits until a running run obeys, and returns its status, or a note if that takes long. `kill` ends its engine if
    its supervisor does not."""
    from ageui.worker.lost_runs import recover_lost
    from ageui.worker.supervisor import kill_engine

    end = time.monotonic() + _SECONDS_TO_OBEY
    while (row := store.runs.get(run_id)).status == "running":
        if time.monotonic() > end:
            if not kill:
                return "it stops after its step and writes a checkpoint; see ageui queue"
            if not kill_engine(store, run_id):
                return "it was told to stop; see ageui queue"
            end = time.monotonic() + _SECONDS_TO_OBEY
        time.sleep(SECONDS_BETWEEN_LOOKS)
        list(recover_lost(store))
    return row.status
