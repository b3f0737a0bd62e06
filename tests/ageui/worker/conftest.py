import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from living import processes_of

from ageui.worker import lane, queue_worker


@pytest.fixture(autouse=True)
def _no_process_left(tmp_path: Path) -> Iterator[None]:
    """After every test, no process that was started for its database may live; one that does is killed, and named."""
    yield
    left = processes_of(tmp_path)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left, left


@pytest.fixture
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers look at the queue and at stop requests fifty times a second."""
    monkeypatch.setattr(queue_worker, "SECONDS_BETWEEN_LOOKS", 0.02)
    monkeypatch.setattr(lane, "SECONDS_BETWEEN_LOOKS", 0.02)
