"""The application as a person uses it: keys in, what the screen then holds out. Nothing here waits for a fixed time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from store_rows import epoch, evaluated, running
from textual.pilot import Pilot
from textual.strip import Strip

from ageui.files.locks import Lock
from ageui.store import Store
from ageui.tui.app import AgeUIApp
from ageui.tui.permissions import EVERYTHING, Permissions
from ageui.tui.prefs import Prefs
from ageui.tui.widgets.paged_table import PagedTable

SECONDS_AT_MOST = 30.0
HOSTILE = (
    "[/]",
    "[@click=app.quit]leave[/]",
    "[bold red",
    "a[/b]c [link=http://x]",
    "x" * 100,
    "עברית-اسم",
    "…face·名前",
)
"""Names that a run may have, and that a terminal or a markup parser could take for something else."""


def alive(store: Store, name: str, **changes: Any) -> tuple[int, int, Lock]:
    """A running run whose lock is held, so that nobody takes it for lost; id, attempt and lock."""
    run_id, attempt = running(store, name, **changes)
    lock = Lock.take(store.run_lock_file(run_id))
    assert lock is not None
    return run_id, attempt, lock


def done(store: Store, name: str, **changes: Any) -> int:
    """A run that is done and scored on the validation images; its id."""
    run_id, attempt = running(store, name, **changes)
    with store.writing(run_id, attempt) as writer:
        writer.epoch(epoch(1))
        writer.evaluated(evaluated("valid"), "apparent", "synthetic")
        writer.end("done", "")
    return run_id


Scenario = Callable[[AgeUIApp, "Pilot[Any]"], Awaitable[None]]


def use(
    store: Store,
    scenario: Scenario,
    *,
    size: tuple[int, int] = (120, 36),
    prefs: Prefs | None = None,
    permissions: Permissions = EVERYTHING,
) -> None:
    """Opens the application on a store and plays a scenario; an error inside the application fails it."""

    async def play() -> None:
        app = AgeUIApp(store, prefs, permissions=permissions)
        async with app.run_test(size=size, notifications=True) as pilot:
            await settled(pilot)
            await scenario(app, pilot)

    asyncio.run(play())


async def settled(pilot: "Pilot[Any]") -> None:
    """Until nothing is read or changed any more, and all is shown."""
    await pilot.pause()
    if busy := [worker for worker in pilot.app.workers if worker.group in ("reading", "changes")]:
        await pilot.app.workers.wait_for_complete(busy)  # of none it would wait for all
    await pilot.pause()


async def until(
    pilot: "Pilot[Any]", holds: Callable[[], bool], what: str = "", *, seconds: float = SECONDS_AT_MOST
) -> None:
    """Until a condition holds; fails after `seconds`."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"never came true: {what}\n{screen_text(pilot.app)}"
        await pilot.pause()
        await asyncio.sleep(0.01)


async def press(pilot: "Pilot[Any]", *keys: str) -> None:
    await pilot.press(*keys)
    await settled(pilot)


def screen_text(app: Any) -> str:
    """What the terminal shows, line by line."""
    width, height = app.size
    strips = app.screen._compositor.render_strips() if hasattr(app.screen, "_compositor") else []
    return "\n".join(_text(strip)[:width].rstrip() for strip in strips[:height])


def _text(strip: Strip) -> str:
    return "".join(segment.text for segment in strip)


def table_rows(app: AgeUIApp) -> list[tuple[str, ...]]:
    """The rows that the table of runs has, as texts."""
    table = app.screen.query_one(PagedTable)
    return [table.text_of(key) for key in table.keys_in_view()]


def column(app: AgeUIApp, key: str) -> list[str]:
    """The texts of a column of the table, from top to bottom."""
    place = [column.key for column in app.screen.query_one(PagedTable).columns].index(key)
    return [row[place] for row in table_rows(app)]


def names(app: AgeUIApp) -> list[str]:
    """The names of the runs in the table; headings and constant predictors have none.

    A narrow table names runs where their settings stand, if these do not differ.
    """
    shown = {column.key for column in app.screen.query_one(PagedTable).columns}
    return [name.strip() for name in column(app, "run" if "run" in shown else "differs") if name]


def name_at_cursor(app: AgeUIApp) -> str:
    table = app.screen.query_one(PagedTable)
    place = [column.key for column in table.columns].index("run")
    return table.text_of(table.cursor_key or 0)[place]


def messages(app: AgeUIApp) -> list[str]:
    """The messages that were shown and have not gone away."""
    return [notification.message for notification in app._notifications]
