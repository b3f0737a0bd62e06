"""The application with a real worker that trains drawn faces: in this process, and as installed in a real terminal."""

import os
import re
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pilot import column, press, screen_text, until, use
from terminal import Terminal
from textual.pilot import Pilot

from ageui.store import NewRun, Store
from ageui.tui.app import AgeUIApp
from ageui.tui.chart.chart import Chart
from engine.config import build_config

pytestmark = pytest.mark.app

TINY = {"backbone": "resnet18@layer1", "size": 32, "strategy": "scratch", "lr": 1e-3, "device": "cpu", "data": "faces"}
SECONDS_AT_MOST = 180.0


def test_a_queued_run_is_trained_by_a_worker_and_watched_to_its_end(queue: Terminal) -> None:
    with Store.open(Path("runs.db")) as store:
        config = build_config({**TINY, "epochs": 6, "patience": None})

        async def scenario(app: AgeUIApp, pilot: "Pilot[Any]") -> None:
            from ageui.tui import changes

            app.change(changes.queue([NewRun(config, store.data.get("faces"), "watched")]))
            await until(pilot, lambda: column(app, "state") != [], "it is in the table")
            await press(pilot, "enter")
            chart = app.screen.query_one(Chart)
            await until(pilot, lambda: len(chart.series) > 1 and len(chart.series[1].x) > 0, "an epoch has ended")
            await until(pilot, lambda: "✓ done" in screen_text(app), "it is done")
            await until(pilot, lambda: len(chart.series[1].x) == 6)

        use(store, scenario)


class Tmux:
    """A terminal of tmux, on a server of its own."""

    def __init__(self, folder: Path) -> None:
        self._socket, self._folder = f"ageui-{uuid.uuid4().hex[:8]}", folder

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._socket, "-f", "/dev/null", *arguments], capture_output=True, text=True, check=False
        )
        return done.stdout

    def start(self, command: str) -> None:
        names = (
            "PYTHONPATH",
            "HOME",
            "XDG_STATE_HOME",
            "XDG_CONFIG_HOME",
            "XDG_CACHE_HOME",
            "TORCH_HOME",
            "AGEUI_CACHE",
        )
        given = [f"{name}={os.environ[name]}" for name in names if name in os.environ]
        shell = f"{command}; echo left with $?; exec sleep 600"
        self(
            "new-session",
            "-d",
            "-x",
            "120",
            "-y",
            "36",
            "-c",
            str(self._folder),
            "env",
            *given,
            "TERM=xterm-256color",
            "sh",
            "-c",
            shell,
        )

    def press(self, *keys: str) -> None:
        for key in keys:
            self("send-keys", key)

    def type(self, text: str) -> None:
        self("send-keys", "-l", text)

    def until(self, holds: Callable[[str], bool]) -> str:
        """What is on the screen once a condition holds of it."""
        end = time.monotonic() + SECONDS_AT_MOST
        while not holds(shown := self("capture-pane", "-p")):
            assert time.monotonic() < end, shown
            time.sleep(0.2)
        return shown


@pytest.fixture
def tmux(queue: Terminal) -> Iterator[Tmux]:
    terminal = Tmux(queue.folder)
    yield terminal
    terminal("kill-server")


@pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux here")
def test_from_the_launch_to_a_finished_run_in_the_comparison(tmux: Tmux) -> None:
    program = Path(sys.executable).with_name("ageui")
    tmux.start(str(program))
    tmux.until(lambda shown: "No runs yet." in shown)
    tmux.press("n")
    tmux.until(lambda shown: "values of all empty fields" in shown)
    for name, value in (("name", "by-hand"), ("size", "32"), ("backbone", "resnet18@layer1"), ("epochs", "2")):
        _fill(tmux, name, value)
    tmux.until(lambda shown: "1 run" in shown and "--epochs 2" in shown)
    tmux.press("C-s")
    tmux.until(lambda shown: "✓ by-hand" in shown)
    tmux.press("Enter")
    tmux.until(lambda shown: "MAE by group, valid" in shown)
    tmux.press("c")
    tmux.until(lambda shown: "Compare with which runs?" in shown)
    tmux.press("Escape")
    shown = tmux.until(lambda shown: "constant" in shown and "age bias" in shown and "Compare with" not in shown)
    assert "by-hand" in shown
    tmux.press("C-q")
    tmux.until(lambda shown: "left with 0" in shown)


def _field(shown: str) -> str:
    """The field that the cursor is on, whose description stands below the form."""
    found = re.search(r"^ (\w+): ", shown, re.MULTILINE)
    return found[1] if found else ""


def _fill(tmux: Tmux, field: str, value: str) -> None:
    """Goes down from field to field until it is the one, and types a value into it."""
    for _ in range(100):
        before = _field(tmux("capture-pane", "-p"))
        if before == field:
            break
        tmux.press("Down")
        tmux.until(lambda shown, before=before: _field(shown) not in ("", before))
    tmux.type(value)
    tmux.until(lambda shown: value in shown)
