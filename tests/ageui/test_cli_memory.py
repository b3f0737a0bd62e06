"""What commands say of a run's memory before it is queued, and what is kept of it after it ran."""

import pytest
from terminal import TINY, Terminal

pytestmark = pytest.mark.process


def test_a_run_tells_its_peak_before_and_after(ageui: Terminal) -> None:
    done = ageui("run", *TINY, "--epochs", "1", "--name", "small")
    assert done.code == 0, done.err
    before, after = done.err.index("peak memory: about"), done.err.index("GB of memory at most")
    assert before < done.err.index("run 1 small") < after
    found = ageui("show", "small", "--json").json
    predicted, peak = found["memory"]["predicted_bytes"], found["memory"]["peak_bytes"]
    assert found["manifest"]["predicted_memory_bytes"] == predicted
    assert found["attempts"][0]["peak_memory_bytes"] == peak
    assert predicted == pytest.approx(peak, rel=0.3)
    assert f"peak memory {peak / 1e9:.2f} GB, {predicted / 1e9:.2f} GB predicted" in ageui("show", "small").out


def test_a_sweep_says_so_before_anything_is_queued_and_warns_where_too_little_is_free(
    ageui: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = ("sweep", *TINY, "--batch", "8,64", "--dry-run", "--json")
    assert " GB, the most with" not in ageui(*plan).err  # what is scored outweighs such batches
    monkeypatch.setattr("ageui.memory.free_memory.group_rooms", lambda groups, mount: iter([300_000_000]))
    dry = ageui(*plan)
    assert "warning: peak memory: about" in dry.err
    assert "but only 0.30 GB are free: choose a smaller --batch" in dry.err
    assert [config["batch"] for config in dry.json] == [8, 64]
