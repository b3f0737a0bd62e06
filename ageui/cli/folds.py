"""`ageui run --folds` and `ageui folds`: runs on all folds of a data set, and their out-of-fold scores."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import typer

from ageui.cli.derive import Name, Tags, show_derived
from ageui.cli.end_commands import remember_commands
from ageui.cli.options import AsJson, Database, open_store, print_json
from ageui.cli.queue import References
from ageui.cli.training_here import end_here
from ageui.console.checked_queueing import check_runs, print_memory
from ageui.console.consoles import sayer
from ageui.console.foreground_training import working_here

if TYPE_CHECKING:
    from rich.console import Console

    from ageui.store import Claim, NewRun, RunRow, Store
    from ageui.worker.foreground import Foreground
    from ageui.worker.places.local import Engines
    from engine.config import RunConfig

_TO_RETRY = ("failed", "cancelled", "interrupted")


def join_runs_on_folds(
    references: References,
    name: Name = None,
    tags: Tags = None,
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """Join runs on folds in a new run with out-of-fold scores.

    ageui run --folds K divides all images into K folds, regardless of their splits; subjects and identical images stay
    together. Run k is tested on fold k, validated on the next fold, and trained on the others. Repeat the command to
    continue after a stop.

    The last run joins the scores when it is done. Use ageui folds if the joined run was deleted or the last run was
    killed; it also lists missing runs. Name any one of the runs. ageui predict averages all of them.

        ageui folds first-1
    """
    from ageui.derive.folds import fold_runs_of, join_folds
    from engine.errors import ConfigError

    with open_store(db) as store:
        sets = [fold_runs_of(store, run_id) for run_id in store.runs.find_all(references)]
        found = {tuple(run and run.id for run in one.runs): one for one in sets}
        if name is not None and len(found) > 1:
            raise ConfigError(f"--name {name}: {len(found)} runs cannot share a name; leave it out, or name one run")
        show_derived(store, [join_folds(store, runs, name=name, tags=tags or ()) for runs in found.values()], as_json)


@dataclass(frozen=True)
class Queueing:
    """Options of new runs: tags, priority, end commands, and seconds between checkpoints."""

    tags: Sequence[str]
    priority: int
    on_end: str | None
    on_queue_end: str | None
    checkpoint_seconds: float | None

    def remember(self, store: "Store", run_ids: Sequence[int]) -> None:
        remember_commands(store, run_ids, self.on_end, self.on_queue_end)


@dataclass(frozen=True)
class PlannedFolds:
    """The runs left to train for a config, by fold number: `new` runs, and existing runs to train `again`."""

    config: "RunConfig"
    spec: dict[str, Any]
    folds: int
    new: "dict[int, NewRun]"
    again: "dict[int, RunRow]"


def plan_folds(store: "Store", new: "NewRun", folds: int, queueing: Queueing, console: "Console") -> PlannedFolds:
    """Plans the folds of the data of `new` whose run is missing or not done.

    Raises `ConfigError` for a run that diverged, `DataError` for folds unfit for training, and the errors of
    `refuse_invalid` and `check_runs`.
    """
    from ageui.console.progress import count_progress
    from ageui.derive.folds import fold_names, fold_runs
    from engine.arithmetic import settled
    from engine.data.fold_counts import refuse_folds
    from engine.data.folds import fold_specs
    from engine.errors import ConfigError
    from engine.paths import cache_folder

    specs, config = fold_specs(new.spec, folds), settled(new.config)  # all runs use the same arithmetic
    with count_progress(console) as progress:
        refuse_folds(new.spec, folds, config.target, cache=cache_folder(), progress=progress)
    spec = specs[0].model_dump(mode="json")
    found = dict(enumerate(fold_runs(store, config.hash, spec).runs, 1))
    names = fold_names(new.name, folds) if new.name is not None else [None] * folds
    planned = PlannedFolds(
        config,
        spec,
        folds,
        {
            number: replace(new, config=config, spec=own, name=name)
            for (number, run), own, name in zip(found.items(), specs, names, strict=True)
            if run is None
        },
        {number: run for number, run in found.items() if run is not None and run.status != "done"},
    )
    for number, run in planned.again.items():
        if run.status == "diverged":
            raise ConfigError(
                f"fold {number} (run {run.id}, {run.name}) diverged and would diverge again; follow the advice of "
                f"ageui show {run.id} for all folds"
            )
    store.runs.refuse_invalid(list(planned.new.values()), tags=queueing.tags, priority=queueing.priority)
    to_train = [*planned.new.values(), *store.runs.to_train_again([run.id for run in planned.again.values()])]
    if to_train:
        networks = check_runs(console, to_train)
        print_memory(console, store, to_train, networks)
    done = folds - len(planned.new) - len(planned.again)
    sayer(console)(f"data {new.spec.name} in {folds} folds, ignoring its splits; {done} of {folds} are done")
    return planned


def queue_folds(
    store: "Store", planned: PlannedFolds, queueing: Queueing, console: "Console", *, as_json: bool
) -> None:
    """Queues the remaining runs and prints their ids."""
    from ageui.console.background import start_missing_workers

    again = [run.id for run in planned.again.values() if run.status in _TO_RETRY]
    changed = store.queue.add(list(planned.new.values()), again, tags=queueing.tags, priority=queueing.priority)
    queueing.remember(store, changed.ids)
    if changed.ids:
        start_missing_workers(store, store.queue.devices(changed.ids), queueing.checkpoint_seconds, console)
    if as_json:
        print_json([row.to_json() for row in store.runs.get_many(changed.ids).values()])
    else:
        for run_id in changed.ids:
            typer.echo(run_id)


def train_folds(
    store: "Store",
    planned: PlannedFolds,
    queueing: Queueing,
    engines: "Engines",
    *,
    share: bool,
    console: "Console",
    as_json: bool,
) -> None:
    """Trains the remaining runs one after another, and prints the out-of-fold scores.

    Exits with the code of the first run that is not done. Raises `ConfigError` for a run that another process trains.
    """
    from ageui.derive.folds import fold_runs, join_folds, joined_run
    from engine.errors import ConfigError

    say = sayer(console)
    for number, run in planned.again.items():
        if run.status in ("running", "lost"):
            raise ConfigError(
                f"fold {number} (run {run.id}, {run.name}) is {run.status}; wait with ageui wait {run.id}, then repeat "
                "this command"
            )
    if planned.new or planned.again:
        with working_here(
            store, planned.config.device, engines, queueing.checkpoint_seconds, share=share, console=console
        ) as work:
            for number in sorted({*planned.new, *planned.again}):
                claimed, outcome = work(partial(_claim, store, planned, number, queueing, say))
                if outcome.status != "done":
                    say(f"fold {number} of {planned.folds} is not done; repeat the command to continue it")
                end_here(store, claimed, outcome, console)
    runs = fold_runs(store, planned.config.hash, planned.spec)
    # The last run joined the scores at its end, unless it was killed.
    show_derived(store, [joined_run(store, runs) or join_folds(store, runs)], as_json)


def _claim(
    store: "Store",
    planned: PlannedFolds,
    number: int,
    queueing: Queueing,
    say: Callable[[str], None],
    foreground: "Foreground",
) -> "Claim":
    """Claims the run on a fold; a run that started before continues from its checkpoint."""
    from engine.errors import StoreError

    if number in planned.new:
        new = planned.new[number]
        claimed = store.runs.add_claimed(new, foreground.claimant, foreground.hold, tags=queueing.tags)
    else:
        run = planned.again[number]
        if run.status != "queued":
            (store.queue.retry if run.status in _TO_RETRY else store.queue.resume)([run.id])
        found = store.queue.claim(run.id, foreground.claimant, foreground.hold)
        if found is None:
            raise StoreError(
                f"run {run.id}: a worker has just taken it; wait with ageui wait {run.id}, then repeat this command"
            )
        claimed = found
    queueing.remember(store, [claimed.run_id])
    say(f"fold {number} of {planned.folds}: run {claimed.run_id} {claimed.name}")
    return claimed
