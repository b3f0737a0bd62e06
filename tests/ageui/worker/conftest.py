import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from living import processes_of
from worker_runs import Says

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


@pytest.fixture
def says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Says:
    """Makes commands of Slurm that run some shell; returns the file of the arguments of all their calls."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def make(name: str, shell: str) -> Path:
        calls = folder / f"{name}.calls"
        (folder / name).write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> {calls}\n{shell}\n')
        (folder / name).chmod(0o700)
        return calls

    for name in ("squeue", "scancel", "sacct", "sinfo", "sbatch"):
        make(name, "echo unable to contact slurm controller >&2; exit 1")
    return make
