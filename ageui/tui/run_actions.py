"""Actions on a run shared by several screens."""

import asyncio
from collections.abc import Callable, Sequence

from ageui.planning.run_command import repeat_command
from ageui.store import RunRow
from ageui.tui import changes
from ageui.tui.base_app import BaseApp
from ageui.tui.child_command import run_command
from ageui.tui.dialogs.prompts import confirmation
from ageui.worker.removal import plan_removal
from engine.errors import AgeUIError


async def copy_run_command(app: BaseApp, run_id: int) -> None:
    """Copies the shortest command that repeats a run."""

    def read() -> tuple[str, str | None]:
        detail = app.store.runs.detail(run_id)
        return detail.name, repeat_command(app.store, detail)

    try:
        name, command = await asyncio.to_thread(read)
    except AgeUIError as error:
        app.tell(str(error), severity="error")
        return
    if command is None:
        app.tell(f"{name}: this version of ageui cannot run its config", severity="error")
    else:
        app.copy_command(command, f"repeats {name}")


async def derive_runs(app: BaseApp, command: str, run_ids: Sequence[int]) -> None:
    """Makes derived runs with `ageui ensemble` or `ageui calibrate`."""
    result = await run_command([command], [str(run_id) for run_id in run_ids], app.store.path)
    if result.code:
        app.tell(result.error, severity="error")
        return
    made = result.answer if isinstance(result.answer, list) else [result.answer]
    app.change(changes.derived([run["id"] for run in made]))


def retry_run(app: BaseApp, row: RunRow) -> None:
    """Retries a run. Asks before it restarts a diverged run, which discards its figures."""
    if row.status != "diverged":
        app.change(changes.retry([row.id]))
        return
    question = f"{row.name} diverged; the same config gives the same losses. Repeat it and discard its figures?"
    retry = changes.retry([row.id], from_start=True)
    confirmation(question, "Yes, from the start").ask(app, lambda yes: app.change(retry))


async def remove_archived(app: BaseApp, run_ids: Sequence[int], then: Callable[[bool], None]) -> None:
    """Deletes archived runs after asking, then calls `then` like `BaseApp.change`."""
    try:
        plan = await asyncio.to_thread(plan_removal, app.store, run_ids, only_archived=True)
    except AgeUIError as error:
        app.tell(str(error), severity="error")
        return
    remove = changes.remove(run_ids)
    confirmation(plan.question(), "Yes, delete permanently").ask(app, lambda yes: app.change(remove, then))
