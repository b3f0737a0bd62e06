"""Makes the pictures of the README, dark and light: python assets/make_screenshots.py

The application is opened on a copy of the runs.db that comes with this repository. The run that trains in the pictures
was trained on drawn faces, for a minute or so on two processor cores, and is shown as it stood after some epochs. Times
and loads are round numbers, so that the same figures give the same pictures, byte for byte.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from textual.pilot import Pilot

from ageui.files.locks import Lock
from ageui.store import Claimant, NewRun, RunDetail, Store
from ageui.study.study_file import bundled_names
from ageui.tui.app import AgeUIApp
from ageui.tui.compare.screen import CompareScreen
from ageui.tui.device_loads import DeviceLoad
from ageui.tui.messages import OpenComparison, OpenRun
from ageui.tui.prefs import Prefs
from ageui.tui.run.screen import RunScreen
from ageui.tui.studies.screen import StudiesScreen
from ageui.tui.studies.study_screen import StudyScreen
from ageui.worker.run_files import log_file
from ageui.worker.worker_files import take_worker_lock
from engine.config import build_config
from engine.data.spec import BUILT_IN
from engine.events import EpochEnded, StepsEnded

ASSETS = Path(__file__).parent
SIZE = (120, 36)
THEMES = {"dark": "ageui-dark", "light": "ageui-light"}
LIVE = ("--data=synthetic", "--loss=huber", "--size=32", "--epochs=8", "--set=precision=fp32")
LIVE_NAME, SHOWN_EPOCHS = "live-demo", 6
STUDY = "table9"
IMAGES_PER_SECOND, SECONDS_LEFT, LOAD = 1000.0, 130.0, DeviceLoad("cpu", 0.5, 3 << 30, 16 << 30)
SECONDS_AT_MOST = 300.0


class RoundLoad:
    """A meter that always reads the same."""

    def read(self) -> list[DeviceLoad]:
        return [LOAD]


@dataclass(frozen=True)
class Trained:
    """A run that has trained, the losses of its steps, and the lines of its log about epochs, without their times."""

    run: RunDetail
    losses: list[tuple[int, float]]
    log: list[str]


def trained(folder: Path) -> Trained:
    """Trains the run of the pictures."""
    path = folder / "trained.db"
    command = [sys.executable, "-m", "ageui", "run", "--preset=quick", *LIVE, "--name", LIVE_NAME, "--db", str(path)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"})
    with Store.open(path, create=False) as store:
        log = [line.partition("  ")[2] for line in log_file(store, 1, 1).read_text(encoding="utf-8").splitlines()]
        epochs = [line.rpartition(" · ")[0] for line in log if line.startswith("epoch ")]
        return Trained(store.runs.detail(1), store.runs.metric(1, "step/loss"), epochs)


def begin_again(store: Store, trained: Trained) -> tuple[int, list[Lock]]:
    """Adds the run as it stood after its first epochs, and one that is queued behind it.

    Returns its id, and the locks that make it running.
    """
    run, config = trained.run, build_config(trained.run.config)
    live, _ = store.queue.add([NewRun(config, BUILT_IN, LIVE_NAME), NewRun(config, BUILT_IN, "next-demo")]).ids
    store.workers.register("cpu")
    worker = take_worker_lock(store, "cpu")
    locks = [worker] if worker is not None else []

    def hold(run_id: int) -> bool:
        lock = Lock.take(store.run_lock_file(run_id))
        locks.extend([lock] if lock is not None else [])
        return lock is not None

    claim = store.queue.claim(live, Claimant("cpu", "cpu"), hold)
    if claim is None:
        raise SystemExit(f"run {live} cannot be claimed")
    shown = run.history[:SHOWN_EPOCHS]
    points = tuple((step, loss) for step, loss in trained.losses if step <= shown[-1].step)
    with store.writing(live, claim.attempt) as writer:
        total = run.row.summary.total_steps or 0
        writer.steps(StepsEnded(1, SHOWN_EPOCHS, shown[-1].step, total, points, IMAGES_PER_SECOND, SECONDS_LEFT))
        for epoch in shown:
            writer.epoch(EpochEnded(**vars(epoch)))
    log = log_file(store, live, claim.attempt)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("".join(f"{line}\n" for line in trained.log[:SHOWN_EPOCHS]), encoding="utf-8")
    return live, locks


async def settled(pilot: "Pilot[Any]") -> None:
    """Waits until nothing is read or changed, and everything is shown."""
    for _ in range(3):
        await pilot.pause()
        groups = ("reading", "changes", "queue", "loads", "comparing")
        while any(worker.group in groups and not worker.is_finished for worker in pilot.app.workers):
            await pilot.pause(0.05)


async def until(pilot: "Pilot[Any]", holds: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS_AT_MOST
    while not holds():
        if time.monotonic() > end:
            raise SystemExit("the screen never came to what it should show")
        await pilot.pause(0.05)
    await settled(pilot)


async def take(store: Store, live: int, shade: str) -> None:
    """Takes the pictures in one theme."""
    app = AgeUIApp(store, Prefs(theme=THEMES[shade]))

    def save(name: str) -> None:
        path = ASSETS / f"{name}-{shade}.svg"
        path.write_text(app.export_screenshot(title="ageui"), encoding="utf-8")
        sys.stdout.write(f"{path.name}\n")

    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        save("runs")
        app.post_message(OpenRun(live))
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        await pilot.press("3")
        await settled(pilot)
        save("live-run")
        await pilot.press("escape")
        done = [row.id for row in store.runs.search("tag=demo status=done", order="id")]
        app.post_message(OpenComparison(tuple(done)))
        await until(pilot, lambda: isinstance(app.screen, CompareScreen) and app.screen.is_settled)
        await pilot.press("b")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen) and app.screen.is_settled)
        save("compare")
        await pilot.press("escape", "G")
        await until(pilot, lambda: isinstance(app.screen, StudiesScreen))
        await pilot.press(*["down"] * bundled_names().index(STUDY), "enter")
        await until(pilot, lambda: isinstance(app.screen, StudyScreen) and app.screen.is_settled)
        save("study")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ |= {"XDG_STATE_HOME": str(folder / "state"), "XDG_CONFIG_HOME": str(folder / "config")}
        shutil.copy(ASSETS.parent / "runs.db", folder / "shipped.db")
        with Store.open(folder / "shipped.db") as shipped:
            shipped.copy_to(folder / "runs.db")
        with Store.open(folder / "runs.db") as store:
            live, locks = begin_again(store, trained(folder))
            with patch.multiple("ageui.tui.base_app", LoadMeter=RoundLoad, SECONDS_BETWEEN_LOADS=3600.0):
                for shade in THEMES:
                    asyncio.run(take(store, live, shade))
            for lock in locks:
                lock.release()


if __name__ == "__main__":
    main()
