"""Exit codes and last words to names, and how often the system killed for memory."""

import signal
from pathlib import Path

import pytest
from store_rows import config

from ageui.worker import oom_kills as counting
from ageui.worker.attempt_ending import ending_of
from ageui.worker.oom_kills import oom_kills
from engine.events import RunEnded, RunFailed

DONE = RunEnded("done", "", 1.0)
STOPPED = RunEnded("interrupted", "stopped by request", 1.0)


@pytest.mark.parametrize(
    ("code", "last", "asked", "kills", "kind", "failure", "exit_code"),
    [
        (0, DONE, False, 0, "ended", None, 0),
        (0, DONE, True, 0, "ended", None, 0),
        (-9, DONE, True, 1, "ended", None, 0),  # killed while it hung after its last word
        (0, RunEnded("diverged", "nan", 1.0), False, 0, "ended", None, 1),
        (75, STOPPED, True, 0, "stopped", None, 130),
        (75, STOPPED, False, 0, "crashed", "terminated", 130),
        (75, None, True, 0, "stopped", None, 130),
        (75, None, False, 0, "crashed", "terminated", 130),
        (-9, None, True, 0, "stopped", None, 130),
        (3, RunFailed("data", "gone", 3), False, 0, "failed", "data", 3),
        (3, RunFailed("data", "gone", 3), True, 0, "failed", "data", 3),
        (-9, None, False, 0, "crashed", "killed", 1),
        (-9, None, False, 2, "crashed", "oom_killed", 4),
        (-11, None, False, 2, "crashed", "segmentation_fault", 1),
        (-40, None, False, 0, "crashed", "killed", 1),
        (1, None, False, 0, "failed", "protocol", 1),
        (0, None, False, 0, "failed", "protocol", 1),
    ],
)
def test_endings(
    code: int,
    last: RunEnded | RunFailed | None,
    asked: bool,
    kills: int,
    kind: str,
    failure: str | None,
    exit_code: int,
) -> None:
    ending = ending_of(code, last, was_asked=asked, oom_kills=kills, run_id=7, config=config())
    assert (ending.kind, ending.failure, ending.exit_code) == (kind, failure, exit_code)
    if kind == "crashed" and failure not in ("oom_killed", "terminated"):
        assert "ageui logs 7" in ending.reason


def test_out_of_memory_advice_names_no_setting_at_its_minimum() -> None:
    smallest = config(batch=1, size=32)
    ending = ending_of(-9, None, was_asked=False, oom_kills=1, run_id=7, config=smallest)
    assert ending.reason.endswith("close other programs, or choose a smaller --backbone")


def test_every_signal_has_a_name() -> None:
    for number in signal.valid_signals():
        assert ending_of(-number, None, was_asked=False, oom_kills=0, run_id=1, config=config()).failure


def test_kills_for_memory_are_counted_in_the_group_else_in_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = tmp_path / "memory.events"
    monkeypatch.setattr(counting, "_group_files", lambda: [group])
    machine = oom_kills()
    assert machine >= 0
    group.write_text("low 0\nhigh 0\nmax 4\noom 2\noom_kill 5\noom_group_kill 0\n")
    assert oom_kills() == 5
