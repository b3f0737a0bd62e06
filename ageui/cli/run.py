"""`ageui run`: trains one run, here or in the background."""

import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from ageui.cli.config_flags import THIS_RUN, ConfigFlags, option, print_choices, with_config_flags
from ageui.cli.end_commands import OnEnd, OnQueueEnd, remember_commands
from ageui.cli.memory import check_runs, print_memory
from ageui.cli.options import AsJson, CheckpointSeconds, Database, Files, messages, open_store, print_json, sayer

if TYPE_CHECKING:
    from rich.console import Console

    from ageui.store import Claim, Store
    from ageui.worker.engines import Engines
    from ageui.worker.foreground import Foreground
    from ageui.worker.supervisor import Outcome


@with_config_flags
def run(
    flags: ConfigFlags,
    name: Annotated[str | None, option("Name of the run; else a generated one.", THIS_RUN, "NAME")] = None,
    tag: Annotated[list[str] | None, option("Tag; may be repeated.", THIS_RUN, "TAG")] = None,
    detach: Annotated[bool, option("Queue it for the background worker.", THIS_RUN, None, "--detach", "-d")] = False,
    priority: Annotated[int | None, option("With --detach: higher is taken first.", THIS_RUN, "N")] = None,
    share: Annotated[
        bool, option("Train even while another run computes on the device.", THIS_RUN, None, "--share")
    ] = False,
    on_end: OnEnd = None,
    on_queue_end: OnQueueEnd = None,
    checkpoint_seconds: CheckpointSeconds = None,
    db: Database = None,
    files: Files = None,
    as_json: AsJson = False,
) -> None:
    """Train one run here, store it, and print its scores; with --detach, queue it for the background.

    Without --preset, report is used if there is a CUDA device, else quick. Without --data, the one registered data set
    is used, else synthetic faces. Ctrl-C stops after the step and writes a checkpoint; ageui resume continues.

        ageui run --loss mape --weights gender --name first
        ageui run --preset report --data appa-real --detach
        ageui run --strategy scratch --epochs 8 --set patience=3
    """
    from ageui.worker.engines import Engines
    from engine.errors import ConfigError

    if priority is not None and not detach:
        raise ConfigError("--priority is for the queue: it goes with --detach")
    if share and detach:
        raise ConfigError("--share is for runs in the foreground; in the background: ageui worker start --parallel N")
    console, engines = messages(), Engines()
    if not detach:
        engines.start_ahead()
    with closing(engines), open_store(db, create=True, files=files) as store:
        # Imported while the engine imports its own libraries.
        from ageui.planning.plan import Basis, resolve_here
        from ageui.store import NewRun

        resolved = resolve_here(store, flags.values, Basis(flags.preset, flags.file))
        config, spec = resolved.config, store.data.get(resolved.config.data)
        new = NewRun(config, spec, name)
        store.runs.refuse_invalid([new], tags=tag or [], priority=priority or 0)
        networks = check_runs(console, [new])
        if detach:
            from ageui.cli.background import start_missing_workers

            print_memory(console, store, [new], networks)
            run_id = store.runs.add(config, spec, name=name, tags=tag or [], priority=priority or 0)
            remember_commands(store, [run_id], on_end, on_queue_end)
            row = store.runs.get(run_id)
            console.print(f"run {run_id} {row.name} is queued: {config.loss} loss, data {spec.name}, {store.path}")
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


def work_here(
    store: "Store",
    device: str,
    engines: "Engines",
    claim: "Callable[[Foreground], Claim]",
    checkpoint_seconds: float | None,
    *,
    share: bool | None,
    console: "Console",
    as_json: bool,
) -> None:
    """Trains the run that `claim` claims in this terminal, prints it, and exits with the code of its ending."""
    from ageui.cli.progress import progress_display
    from ageui.devices import resolve_device
    from ageui.planning.settings import checkpoint_interval
    from ageui.worker.background_workers import refuse_missing_device
    from ageui.worker.foreground import in_foreground
    from ageui.worker.supervisor import Policy

    policy = Policy(checkpoint_seconds=checkpoint_interval(checkpoint_seconds))
    resolved = resolve_device(device)
    refuse_missing_device(resolved)

    say = sayer(console)
    with (
        in_foreground(store, resolved, policy=policy, engines=engines, share=share, say=say) as foreground,
        _stop_on_interrupt(say) as (should_stop, should_kill),
    ):
        claimed = claim(foreground)
        _import_for_the_end()
        with progress_display(console, sum(claimed.config["epochs"])) as show:
            outcome = foreground.work_on(claimed, emit=show, say=say, should_stop=should_stop, should_kill=should_kill)
    detail = store.runs.detail(claimed.run_id)
    if as_json:
        print_json(detail.to_json())
    elif detail.history or detail.results:
        from ageui.cli.run_page import print_run
        from ageui.planning.run_command import repeat_command

        print_run(detail, repeat_command(store, detail))
    _print_ending(say, store, claimed, outcome)
    with suppress(KeyboardInterrupt):
        if outcome.commands is not None and (problem := outcome.commands.problem()):
            say(f"ageui: {problem}")
    if outcome.status != "done":
        raise typer.Exit(outcome.ending.exit_code)


def _import_for_the_end() -> None:
    """Imports what stores and prints the run's end, while the engine still imports its own libraries."""
    import pandas  # noqa: F401

    import ageui.cli.run_page
    import ageui.planning.run_command  # noqa: F401


def _print_ending(say: Callable[[str], None], store: "Store", claim: "Claim", outcome: "Outcome") -> None:
    from ageui.text.clean import clean
    from ageui.worker.run_files import log_file
    from engine.errors import AgeUIError

    run_id, ending = claim.run_id, outcome.ending
    reason = clean(ending.reason, lines=True)
    match outcome.status:
        case "done":
            return
        case "diverged":
            say(f"run {run_id} diverged: {reason}")
        case "interrupted":
            say(f"run {run_id} is interrupted: {reason}\n{how_to_resume(store, run_id)}")
        case "failed" if ending.failure == AgeUIError.failure and "\n" in reason:
            first, *_ = reason.splitlines()
            say(f"ageui: run {run_id} failed with {first}\nthe traceback is kept with it: ageui show {run_id}")
        case "failed":
            say(f"ageui: run {run_id} failed: {reason}")
        case "lost":
            say(f"ageui: {reason}")
        case status:
            say(f"run {run_id} is {status}")
    if ending.failure in ("protocol", "killed"):
        say(f"log: {log_file(store, run_id, claim.attempt)}")


def how_to_resume(store: "Store", run_id: int) -> str:
    """The command that resumes an interrupted run, and where the run then continues."""
    has_state = any(row.kind == "state" for row, _, _ in store.runs.checkpoints(run_id))
    what = "continue from its last checkpoint" if has_state else "it has no checkpoint; start over"
    return f"{what}: ageui resume {run_id} --here (or without --here)"


@contextmanager
def _stop_on_interrupt(
    say: Callable[[str], None],
) -> Iterator[tuple[Callable[[], bool], Callable[[], bool]]]:
    """Gives two functions: whether SIGINT, SIGTERM or SIGHUP has arrived, and whether a second one has."""
    asked = 0

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked += 1
        if number != signal.SIGHUP and asked == 1:
            say("stopping after this step, with a checkpoint once it trains (again to stop at once, without one)")
        elif number != signal.SIGHUP and asked == 2:
            say("stopping at once")

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, ask_to_stop) for number in numbers}
    try:
        yield lambda: asked > 0, lambda: asked > 1
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
