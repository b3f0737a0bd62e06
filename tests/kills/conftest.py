import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from kill_runs import FACES, Say, wait_until
from living import processes_of

from ageui.store import Store
from ageui.worker.background_workers import is_working, stop_worker


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A database with the faces; in the end its worker is stopped, and no process may be left."""
    with Store.open(tmp_path / "runs.db") as opened:
        opened.data.add(FACES)
        yield opened
        if is_working(opened, "cpu"):
            stop_worker(opened, "cpu", at_once=False, say=lambda text: None)
    try:
        wait_until(lambda: not processes_of(tmp_path), 90)
    finally:
        for pid in processes_of(tmp_path):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def say(request: pytest.FixtureRequest) -> Say:
    """Prints a line that is seen also where pytest captures what tests print."""
    reporter = request.config.pluginmanager.getplugin("terminalreporter")
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def print_line(text: str) -> None:
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(text)

    return print_line
