"""The peak memory that a run tells of itself."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tiny_runs import Runner

import engine.peak_memory as peak_memory
from engine.events import MemoryPeaked, RunEnded

pytestmark = pytest.mark.process

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux resets a peak")


def test_the_peak_is_reported_before_the_end_without_earlier_peaks(
    runner: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    resets, status = tmp_path / "clear_refs", tmp_path / "status"
    status.write_text("VmPeak:\t 9 kB\nVmHWM:\t    1234 kB\nVmRSS:\t 7 kB\n")
    monkeypatch.setattr(peak_memory, "_RESET", resets)
    monkeypatch.setattr(peak_memory, "_STATUS", status)
    seen = runner()
    assert resets.read_text() == "5"
    assert isinstance(seen.events[-1], RunEnded)
    assert seen.events[-2] == MemoryPeaked(1234 * 1024)


def test_the_peak_of_a_failed_run_is_reported(tmp_path: Path) -> None:
    told: list[Any] = []
    with pytest.raises(ValueError, match="broken"), peak_memory.emitting_peak(told.append):
        raise ValueError("broken")
    (peaked,) = told
    assert peaked.bytes > 50_000_000


def test_without_a_resettable_peak_that_of_the_process_is_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(peak_memory, "_STATUS", tmp_path / "absent")
    assert (peak_memory.host_peak() or 0) > 50_000_000


@ON_LINUX
def test_a_later_run_of_a_process_does_not_peak_as_high_as_an_earlier_one() -> None:
    code = """
from engine.peak_memory import emitting_peak
told = []
with emitting_peak(told.append):
    block = bytearray(500_000_000)
    block[::4096] = b"x" * len(block[::4096])
    del block
with emitting_peak(told.append):
    pass
print(told[0].bytes - told[1].bytes)
"""
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 400_000_000
