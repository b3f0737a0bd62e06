"""What commands say of a run's memory before it is queued, and what is kept of it after it ran."""

import pytest
from terminal import TINY, Terminal

from ageui.memory.device_memory import DeviceMemory

pytestmark = pytest.mark.process


def test_a_run_tells_its_peak_and_the_next_ones_expect_it(ageui: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    done = ageui("run", *TINY, "--epochs", "1", "--name", "small")
    assert done.code == 0, done.err
    before, after = done.err.index("peak memory: not known yet"), done.err.index("used up to")
    assert before < done.err.index("run 1 small") < after
    found = ageui("show", "small", "--json").json
    peak = found["memory"]["peak_bytes"]
    assert found["attempts"][0]["peak_memory_bytes"] == peak
    assert f"peak memory: {peak / 1e9:.2f} GB" in ageui("show", "small").out
    plan = ("sweep", *TINY, "--seed", "1,2", "--dry-run", "--json")
    assert f"peak memory: {peak / 1e9:.2f} GB, measured by run 1; " in ageui(*plan).err
    monkeypatch.setattr("ageui.memory.device_memory.group_memory", lambda *paths: iter([DeviceMemory(10**7, 10**9)]))
    dry = ageui(*plan)
    assert "warning: peak memory: " in dry.err
    assert "but only 0.01 GB are free: choose a smaller --batch" in dry.err
    assert [config["seed"] for config in dry.json] == [1, 2]
