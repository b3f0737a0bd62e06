import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from living import processes_of


@pytest.fixture(autouse=True)
def _no_process_left(tmp_path: Path) -> Iterator[None]:
    """After every test, no process that was started for its database may live; one that does is killed, and named."""
    yield
    left = processes_of(tmp_path)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left, left
