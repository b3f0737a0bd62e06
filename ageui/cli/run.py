"""`ageui run`: trains one run, in this terminal or in the background."""

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from ageui.cli.command_group import FURTHER
from ageui.cli.config_flags import RUNS, ConfigFlags, option, print_choices, with_config_flags
from ageui.cli.end_commands import OnEnd, OnQueueEnd, remember_commands
from ageui.cli.folds import Queueing, plan_folds, queue_folds, train_folds
from ageui.cli.options import AsJson, CheckpointSeconds, Database, Files, open_store, print_json
from ageui.cli.training_here import work_here
from ageui.console.checked_queueing import check_runs, print_memory
from ageui.console.consoles import messages

if TYPE_CHECKING:
    from ageui.store import Claim
    from ageui.worker.foreground import Foreground


@with_config_flags
def run(
    flags: ConfigFlags,
    name: Annotated[str | None, option("Name of the run (default: a generated name).", RUNS, "NAME")] = None,
    tag: Annotated[list[str] | None, option("Tag of the run; repeatable.", FURTHER, "TAG")] = None,
    detach: Annotated[bool, option("Queue the run for a background worker.", RUNS, None, "--detach", "-d")] = False,
    priority: Annotated[
        int | None, option("With --detach: priority; workers take higher numbers first.", FURTHER, "N")
    ] = None,
    folds: Annotated[int | None, option("Cross-validate on K folds (see ageui folds --help).", RUNS, "K")] = None,
    share: Annotated[bool, option("Train even if another run uses the device.", FURTHER, None, "--share")] = False,
    on_end: OnEnd = None,
    on_queue_end: OnQueueEnd = None,
    checkpoint_seconds: CheckpointSeconds = None,
    db: Database = None,
    files: Files = None,
    as_json: AsJson = False,
) -> None:
    """Train one run, store it, and print its scores.

    The default preset is report with a CUDA device, else quick. The default data set is the only registered one, else
    synthetic faces. Ctrl-C stops after the current step with a checkpoint; ageui resume continues.

        ageui run --loss mape --weights gender --name first
        ageui run --preset report --data appa-real --detach
        ageui run --folds 5 --data mine --name all
    """
    from ageui.worker.places.local import Engines
    from engine.errors import ConfigError

    if priority is not None and not detach:
        raise ConfigError("--priority orders queued runs; add --detach, or leave --priority out")
    if share and detach:
        raise ConfigError(
            "--share is for runs in this terminal, but --detach queues the run; to share the device in the background, "
            "use: ageui worker start --parallel N"
        )
    console, engines = messages(), Engines()
    if not detach:
        engines.start_ahead()
    with closing(engines), open_store(db, create=True, files=files) as store:
        # Imported here, while the engine imports its own libraries.
        from ageui.planning.plan import Basis, resolve_here
        from ageui.store import NewRun
        from engine.config import LISTS

        try:
            resolved = resolve_here(store, flags.values, Basis(flags.preset, flags.file))
        except ConfigError as error:
            fields = {problem.field for problem in error.problems}.difference(LISTS)
            if not any("," in flags.values.get(name, "") for name in fields):
                raise
            raise ConfigError(f"{error}\na list of values is for: ageui sweep") from None
        config, spec = resolved.config, store.data.get(resolved.config.data)
        if folds is not None:
            print_choices(console, resolved, flags)
            queueing = Queueing(tag or [], priority or 0, on_end, on_queue_end, checkpoint_seconds)
            plan = plan_folds(store, NewRun(config, spec, name), folds, queueing, console)
            if detach:
                queue_folds(store, plan, queueing, console, as_json=as_json)
            else:
                train_folds(store, plan, queueing, engines, share=share, console=console, as_json=as_json)
            return
        new = NewRun(config, spec, name)
        store.runs.refuse_invalid([new], tags=tag or [], priority=priority or 0)
        for run_id, status in filter(None, store.runs.find_same([new])):
            console.print(
                f"this repeats run {run_id} ({status}): same config, seed and data; --seed takes another seed"
            )
        networks = check_runs(console, [new])
        if detach:
            from ageui.console.background import start_missing_workers

            print_memory(console, store, [new], networks)
            run_id = store.runs.add(config, spec, name=name, tags=tag or [], priority=priority or 0)
            remember_commands(store, [run_id], on_end, on_queue_end)
            row = store.runs.get(run_id)
            console.print(f"run {run_id} {row.name} queued: {config.loss} loss, data {spec.name}, {store.path}")
            print_choices(console, resolved, flags)
            start_missing_workers(store, [config.device], checkpoint_seconds, console)
            if as_json:
                print_json(store.runs.get(run_id).to_json())
            else:
                typer.echo(run_id)
            return
        print_choices(console, resolved, flags)

        def claim(foreground: "Foreground") -> "Claim":
            print_memory(console, store, [new], networks)
            claimed = store.runs.add_claimed(new, foreground.claimant, foreground.hold, tags=tag or [])
            remember_commands(store, [claimed.run_id], on_end, on_queue_end)
            console.print(
                f"run {claimed.run_id} {claimed.name}: {config.loss} loss, data {spec.name}, {store.path}",
                soft_wrap=True,
            )
            return claimed

        work_here(
            store, config.device, engines, claim, checkpoint_seconds, share=share, console=console, as_json=as_json
        )
