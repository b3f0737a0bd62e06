"""A home folder in which nothing can be written."""

from pathlib import Path

import pytest
from terminal import TINY, Terminal


@pytest.fixture
def homeless(ageui: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal of a user without a home, in a folder with a database."""
    assert ageui("study", "publish").code == 0
    Path("file").touch()
    monkeypatch.delenv("AGEUI_CACHE")
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(Path("file", "home").absolute()))
    return ageui


@pytest.mark.parametrize("command", [("run",), ("run", "--detach"), ("sweep",)])
def test_what_trains_says_what_the_doctor_says_and_queues_nothing(homeless: Terminal, command: tuple[str, ...]) -> None:
    found = {one["topic"]: one for one in homeless("doctor", "--json").json}
    assert not found["locks"]["well"]
    assert found["locks"]["text"].endswith(
        "file/home/ageui/devices: Not a directory; set XDG_STATE_HOME to a folder that can be written"
    )
    refused = homeless(*command, *TINY)
    assert (refused.code, refused.out) == (2, "")
    assert f"ageui: {found['locks']['text']}" in refused.err.splitlines()
    assert "the queue is empty" in homeless("queue").out


@pytest.mark.parametrize("line", ["ls", "show 1", "compare 1 2", "config show", "queue", "data list", "worker status"])
def test_what_only_reads_needs_no_home(homeless: Terminal, line: str) -> None:
    assert homeless(*line.split()).code == 0


def test_a_cache_that_cannot_be_written_is_named_with_its_cure(homeless: Terminal) -> None:
    refused = homeless("data", "sheet", "synthetic")
    assert refused.code == 2
    assert "file/home/ageui/sheets cannot be written: Not a directory; use -o FILE.png" in refused.err
