"""Commands on many runs, and listings of them: summaries for people, everything for programs."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_rows import claimed, config
from terminal import Terminal

from ageui.store import NewRun, Store
from engine.data.spec import BUILT_IN

COUNT = 60


@pytest.fixture
def many(ageui: Terminal, monkeypatch: pytest.MonkeyPatch, no_network_checks: None) -> Iterator[Store]:
    """A terminal in a folder with sixty queued runs, and no worker."""
    monkeypatch.setattr("ageui.worker.background_workers.start_worker", lambda store, device, **options: None)
    with Store.open(Path("runs.db")) as store:
        store.runs.add_many([NewRun(config(seed=seed, device="cpu"), BUILT_IN) for seed in range(COUNT)])
        yield store


def test_many_changes_are_summarised_and_problems_are_cut(ageui: Terminal, many: Store) -> None:
    many.queue.cancel(1)
    assert ageui("pause", "status=queued").err.splitlines()[-1] == "59 runs are paused"
    again = ageui("pause", "id>0")
    assert again.code == 2
    lines = again.err.splitlines()
    assert sum(line.startswith("ageui: run ") for line in lines) == 10
    assert lines[-1] == "ageui: and 50 more problems"
    assert "59 runs are queued" in ageui("resume", "status=paused").err
    assert "59 runs are cancelled" in ageui("cancel", "status=queued").err
    assert "60 runs are queued" in ageui("retry", "status=cancelled").err


def test_several_runs_move_and_take_a_priority_together(ageui: Terminal, many: Store) -> None:
    moved = ageui("move", "seed>=58", "--first")
    assert "2 runs moved; the first is number 1 of 60 in the queue" in moved.err
    assert many.queue.order()[:3] == [59, 60, 1]
    ageui("move", "seed<2", "--priority", "5")
    assert many.queue.order()[:3] == [1, 2, 59]
    refused = ageui("move", "1", "59", "--before", "59")
    assert (refused.code, "is not queued, or is one of the runs to move" in refused.err) == (2, True)


def _listed_in_json(ageui: Terminal, command: str) -> int:
    found = ageui(command, "--json").json
    return len(found["queued"] if command == "queue" else found)


@pytest.mark.parametrize("command", ["queue", "ls"])
def test_a_listing_is_cut_on_a_terminal_only(
    ageui: Terminal, many: Store, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sum("queued" in line for line in ageui(command).out.splitlines()) == COUNT
    assert _listed_in_json(ageui, command) == COUNT
    assert sum("queued" in line for line in ageui(command, "--limit", "7").out.splitlines()) == 7
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    shown = ageui(command)
    assert sum("queued" in line for line in shown.out.splitlines()) == 50
    assert "50 of 60 runs; --limit 60 lists all" in shown.out
    assert _listed_in_json(ageui, command) == COUNT


def test_the_queue_tells_why_a_sweep_is_held_and_resume_lets_it_go_on(ageui: Terminal, many: Store) -> None:
    for run_id in (1, 2, 3):
        attempt = claimed(many, run_id)
        assert attempt is not None
        with many.writing(run_id, attempt) as writer:
            writer.end("failed", "no such file: /faces", failure="data")
    held = "held: 3 runs of the sweep failed in a row for the same reason"
    assert f"57 runs {held}" in ageui("queue").err
    assert held in ageui("show", "4").out
    assert "no such file: /faces; ageui resume continues the others" in ageui("show", "4").out
    resumed = ageui("resume")
    assert "resumed the queue" in resumed.err
    assert "57 runs are queued" in resumed.err
    assert held not in ageui("queue").err


def test_the_first_command_after_a_restart_offers_to_go_on(ageui: Terminal, many: Store) -> None:
    offer = (
        "60 runs are waiting, because the worker was killed or the machine restarted; to continue: ageui worker start"
    )
    assert offer not in ageui("ls").err
    many.workers.register("cpu")
    for command in (("ls",), ("queue",), ("show", "1")):
        assert offer in ageui(*command).err
    many.queue.pause_queue("by the user")
    assert offer not in ageui("ls").err
    many.queue.resume_queue()
    many.workers.end("cpu", "nothing to do")
    assert offer not in ageui("ls").err
