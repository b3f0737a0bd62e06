"""Makes the pictures of the README: python assets/make_screenshots.py

The application is opened on a copy of the runs.db that comes with this repository. For the picture of a run that trains
one is trained on drawn faces meanwhile, for some twenty seconds on two processor cores.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from ageui.store import Store
from ageui.tui.app import AgeUIApp
from ageui.tui.compare.screen import CompareScreen
from ageui.tui.messages import OpenComparison, OpenRun
from ageui.tui.prefs import Prefs
from ageui.tui.run.screen import RunScreen

ASSETS = Path(__file__).parent
SIZE = (132, 38)
LIVE = ("--preset", "quick", "--data", "synthetic", "--loss", "huber", "--name", "live-demo", "--epochs", "30")
SECONDS_AT_MOST = 300.0


async def until(pilot: "Pilot[Any]", holds: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS_AT_MOST
    while not holds():
        if time.monotonic() > end:
            raise SystemExit("the screen never came to what it should show")
        await pilot.pause(0.1)


def save(app: AgeUIApp, name: str) -> None:
    (ASSETS / f"{name}.svg").write_text(app.export_screenshot(title="ageui"), encoding="utf-8")
    sys.stdout.write(f"{name}.svg\n")


async def take(store: Store, live: int) -> None:
    app = AgeUIApp(store, Prefs())
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: (store.runs.get(live).summary.epoch or 0) >= 5)
        await pilot.pause(2.0)
        save(app, "runs")
        app.post_message(OpenRun(live))
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        await pilot.pause(2.0)
        await pilot.press("l")
        await pilot.pause(1.0)
        save(app, "live-run")
        await pilot.press("escape")
        done = [row.id for row in store.runs.search("tag=demo status=done", order="id")]
        app.post_message(OpenComparison(tuple(done)))
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        await pilot.pause(2.0)
        await pilot.press("b")
        await pilot.pause(8.0)
        save(app, "compare")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "runs.db"
        shutil.copy(ASSETS.parent / "runs.db", path)
        os.environ["XDG_STATE_HOME"] = folder
        ageui = [sys.executable, "-m", "ageui"]
        queued = subprocess.run(
            [*ageui, "run", "--detach", *LIVE, "--db", str(path)], check=True, capture_output=True, text=True
        )
        live = int(queued.stdout)
        try:
            with Store.open(path) as store:
                asyncio.run(take(store, live))
        finally:
            for command in (("cancel", "--now", str(live)), ("worker", "stop")):
                subprocess.run([*ageui, *command, "--db", str(path)], check=False, capture_output=True)


if __name__ == "__main__":
    main()
