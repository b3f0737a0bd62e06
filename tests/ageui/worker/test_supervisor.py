"""One attempt from its claim to its end: what is stored, what is asked of the engine, and how each end is named."""

import errno
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from worker_runs import claim_run, expected_losses, losses_of, orders, queue_run, supervise

from ageui.store import FullError, Store
from ageui.store.sqlite import driver
from ageui.worker import supervisor as supervising
from ageui.worker.places.local import EngineProcess, Engines
from ageui.worker.run_files import log_file
from ageui.worker.supervisor import Policy, Supervisor
from engine.events import Event, RunEnded, RunStarted, StepsEnded

pytestmark = pytest.mark.process


def test_an_attempt_is_stored_as_it_was_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    orders(monkeypatch, steps=8)
    run_id = queue_run(store, seed=3)
    seen: list[Event] = []
    outcome = supervise(store, run_id, emit=seen.append)
    assert (outcome.status, outcome.ending.exit_code) == ("done", 0)
    detail = store.runs.detail(run_id)
    assert detail.status == "done"
    assert losses_of(store, run_id) == expected_losses(8, seed=3)
    assert [epoch.epoch for epoch in detail.history] == [1, 2]
    assert [file.kind for file in detail.checkpoints] == ["best"]
    assert detail.manifest == {"device": "fake", "threads": 2, "data": {"hash": "d00d", "splits": {}}}
    (attempt,) = detail.attempts
    assert (attempt.outcome, attempt.worker, attempt.pid, attempt.step) == ("done", "cpu", os.getpid(), 0)
    assert attempt.seconds is not None
    assert attempt.seconds > 0
    summary = detail.row.summary
    assert (summary.step, summary.total_steps, summary.eta_seconds, summary.activity) == (8, 8, None, None)
    assert isinstance(seen[0], RunStarted)
    assert isinstance(seen[-1], RunEnded)
    assert [event.step for event in seen if isinstance(event, StepsEnded)] == list(range(1, 9))
    assert log_file(store, run_id, 1).read_text() == "a line of the log\n"


def test_checkpoints_of_a_finished_run_are_removed_and_its_weights_stay(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders(monkeypatch, steps=20)
    run_id = queue_run(store)
    supervise(store, run_id)
    files = sorted(file.name for file in store.run_folder(run_id).iterdir())
    assert files == ["lock", "log.1.txt", "weights-1.safetensors"]


@pytest.mark.parametrize("file", ["state-99-1.1.pt", ".weights-1.safetensors.abc.part", "state-7-1.9.pt"])
def test_files_that_nothing_points_to_are_swept_before_an_attempt(
    store: Store, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders(monkeypatch, plan={"1": [7, "SIGKILL"]})
    run_id = queue_run(store)
    assert supervise(store, run_id).status == "queued"
    kept = {Path(checkpoint.path).name for checkpoint in store.runs.detail(run_id).checkpoints}
    (store.run_folder(run_id) / file).write_bytes(b"x")
    claim, lock = claim_run(store, run_id)
    supervising.remove_unknown_files(store, claim)
    seen = {path.name for path in store.run_folder(run_id).iterdir()}
    lock.release()
    assert file not in seen
    assert kept <= seen


@pytest.mark.parametrize(
    ("how", "failure", "told"),
    [
        ("SIGKILL", "killed", "killed by signal 9"),
        ("SIGSEGV", "segmentation_fault", "a segmentation fault in native code"),
        ("SIGABRT", "aborted", "an abort"),
        ("SIGBUS", "bus_error", "a bus error"),
        ("SIGTERM", "killed", "killed by signal 15"),
        ("exit 75", "terminated", "asked the engine process to stop"),
        ("child", "killed", "killed by signal 9"),
    ],
)
def test_a_death_is_named_and_the_next_attempt_continues(
    store: Store, how: str, failure: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders(monkeypatch, steps=10, plan={"1": [5, how]})
    run_id = queue_run(store)
    first = supervise(store, run_id)
    assert first.status == "queued"
    assert supervise(store, run_id).status == "done"
    one, two = store.runs.detail(run_id).attempts
    assert (one.outcome, one.failure) == ("crashed", failure)
    assert one.reason is not None
    assert told in one.reason
    # It had a checkpoint after step 3 and had told its losses up to step 5.
    assert (two.step, two.replayed, two.differing) == (3, 2 + 6, 0)
    assert losses_of(store, run_id) == expected_losses(10)
    assert store.runs.get(run_id).error is None


def test_a_kill_for_memory_is_named_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    orders(monkeypatch, plan={"1": [1, "SIGKILL"], "2": [1, "SIGKILL"]})
    counts = iter([0, 1, 1, 2])
    monkeypatch.setattr("ageui.worker.places.local.oom_kills", lambda: next(counts))
    run_id = queue_run(store)
    assert [supervise(store, run_id).status for _ in range(2)] == ["queued", "failed"]
    row = store.runs.get(run_id)
    assert row.failure == "oom_killed"
    assert row.error is not None
    assert "smaller --batch" in row.error


@pytest.mark.parametrize(
    ("how", "failure", "told"),
    [
        ("fail config no such loss", "config", "no such loss"),
        ("fail data images are gone", "data", "images are gone"),
        ("fail gpu_memory --batch 8 would fit", "gpu_memory", "--batch 8 would fit"),
        ("exit 3", "protocol", "exited with code 3"),
        ("exit 0", "protocol", "without reporting a result"),
        ("torn", "protocol", "without reporting a result"),
        ("garbage", "protocol", "something other than an event"),
        ("gap", "protocol", "instead of event"),
    ],
)
def test_problems_for_a_person_are_not_retried(
    store: Store, how: str, failure: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders(monkeypatch, plan={"1": [5, how]})
    run_id = queue_run(store)
    outcome = supervise(store, run_id)
    row = store.runs.get(run_id)
    assert (outcome.status, row.status, row.failure) == ("failed", "failed", failure)
    assert row.error is not None
    assert told in row.error
    assert losses_of(store, run_id) == expected_losses(5)
    assert len(store.runs.detail(run_id).attempts) == 1


@pytest.mark.parametrize("column", ["config", "data_spec"])
def test_a_run_of_another_ageui_fails_and_keeps_nobody_else_from_working(store: Store, column: str) -> None:
    run_id = queue_run(store)
    raw = driver().connect(str(store.path))
    raw.execute(f"UPDATE run SET {column} = json_set({column}, '$.forgotten', 1)")
    raw.commit()
    raw.close()
    assert supervise(store, run_id).status == "failed"
    assert store.runs.get(run_id).failure == "config"
    assert "forgotten" in str(store.runs.get(run_id).error)


@pytest.mark.parametrize(("number", "status"), [(errno.ENOSPC, "queued"), (errno.EMFILE, "failed")])
def test_a_process_that_cannot_be_started(
    store: Store, number: int, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("ageui.worker.places.local.EngineProcess", broken)
    run_id = queue_run(store)
    assert supervise(store, run_id).status == status
    assert (store.queue.current_pause() is not None) == (status == "queued")
    if status == "failed":
        assert "could not be started" in str(store.runs.get(run_id).error)


def test_a_replayed_loss_that_differs_is_reported(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    orders(monkeypatch, steps=8, plan={"1": [5, "SIGKILL"], "2": [3, "wrong-loss"]})
    run_id = queue_run(store)
    supervise(store, run_id)
    supervise(store, run_id)
    second = store.runs.detail(run_id).attempts[1]
    assert (second.replayed, second.differing) == (2 + 6, 2 + 2)
    assert "step/loss 4 was 0.25 and is now 0.2" in second.notes[0]


def test_a_damaged_checkpoint_is_reported_and_the_previous_one_used(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders(monkeypatch, steps=10, plan={"1": [8, "SIGKILL"]})
    run_id = queue_run(store)
    supervise(store, run_id)
    newest = store.runs.detail(run_id).checkpoints[-1]
    assert newest.step == 6
    path = store.checkpoint_file(newest)
    path.write_bytes(path.read_bytes().replace(b"6", b"5"))
    assert supervise(store, run_id).status == "done"
    second = store.runs.detail(run_id).attempts[1]
    assert second.step == 3
    assert "is damaged" in second.notes[0]
    assert losses_of(store, run_id) == expected_losses(10)
    assert not path.exists()


def test_a_full_disk_keeps_the_run_and_pauses_the_queue(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    orders(monkeypatch, steps=10, plan={"1": [5, "fail disk_full no space left for the checkpoint"]})
    run_id = queue_run(store)
    assert supervise(store, run_id).status == "queued"
    held = store.queue.current_pause()
    assert held is not None
    assert "no space left" in held.reason
    assert not store.queue.has_work(("auto", "cpu"))
    store.queue.resume_queue()
    assert supervise(store, run_id).status == "done"
    assert losses_of(store, run_id) == expected_losses(10)


def test_a_database_without_room_ends_the_engine_and_waits_for_room(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervising, "_SECONDS_BETWEEN_TRIES", 0.01)
    orders(monkeypatch, steps=100_000, step_seconds=0.01)
    run_id = queue_run(store)
    real, tries = Store.writing, []

    def full(self: Store, run: int, attempt: int) -> Any:
        tries.append(None)
        if 2 <= len(tries) <= 5:
            raise FullError("the database: the disk is full")
        return real(self, run, attempt)

    monkeypatch.setattr(Store, "writing", full)
    assert supervise(store, run_id).status == "queued"
    assert len(tries) == 6
    held = store.queue.current_pause()
    assert held is not None
    assert "the disk is full" in held.reason
    losses = losses_of(store, run_id)
    assert losses == expected_losses(len(losses))


def test_a_busy_database_delays_and_loses_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ageui.store.connect.BUSY_SECONDS", 0.05)
    monkeypatch.setattr("ageui.worker.event_recorder.SECONDS_BETWEEN_WRITES", 0.0)
    orders(monkeypatch, steps=60, step_seconds=0.01)
    with Store.open(store.path) as own:
        run_id = queue_run(own)
        other = driver().connect(str(store.path), isolation_level=None, check_same_thread=False)

        def hold_for_a_while(event: Event) -> None:
            if isinstance(event, StepsEnded) and event.step == 10:
                other.execute("BEGIN IMMEDIATE")
            if isinstance(event, StepsEnded) and event.step == 40:
                other.execute("ROLLBACK")

        assert supervise(own, run_id, emit=hold_for_a_while).status == "done"
        other.close()
        assert losses_of(own, run_id) == expected_losses(60)


@pytest.mark.parametrize(("worker", "status"), [("cpu", "queued"), (None, "interrupted")])
def test_a_display_that_breaks_stops_the_run_with_a_checkpoint(
    store: Store, worker: str | None, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders(monkeypatch, steps=100_000, step_seconds=0.01)
    run_id = queue_run(store)
    shown: list[Event] = []

    def break_at_step_five(event: Event) -> None:
        shown.append(event)
        if isinstance(event, StepsEnded) and event.step == 5:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    outcome = supervise(store, run_id, worker=worker, emit=break_at_step_five)
    assert outcome.status == status
    assert "could not be shown" in outcome.ending.reason
    assert "Broken pipe" in outcome.ending.reason
    assert isinstance(shown[-1], StepsEnded)
    assert shown[-1].step == 5
    detail = store.runs.detail(run_id)
    newest = max(file.step for file in detail.checkpoints)
    assert newest >= 5
    assert losses_of(store, run_id) == expected_losses(newest)
    assert detail.attempts[0].outcome == ("stopped" if worker else "interrupted")


def test_a_problem_with_the_pipe_is_a_crash_and_the_next_attempt_continues(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders(monkeypatch, steps=10)
    run_id = queue_run(store)
    real = EngineProcess.rest

    def broken(self: EngineProcess) -> Any:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(EngineProcess, "rest", broken)
    assert supervise(store, run_id).status == "queued"
    attempt = store.runs.detail(run_id).attempts[0]
    assert (attempt.outcome, attempt.failure) == ("crashed", "error")
    assert "could not be supervised" in str(attempt.reason)
    monkeypatch.setattr(EngineProcess, "rest", real)
    assert supervise(store, run_id).status == "done"
    assert losses_of(store, run_id) == expected_losses(10)


def test_an_engine_that_dies_before_it_reads_its_request_leaves_nothing_open(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders(monkeypatch, steps=4)
    run_id = queue_run(store)
    claim, lock = claim_run(store, run_id)
    # More than a pipe holds: it is written in part, and the rest finds no reader.
    claim = replace(claim, manifest={"long": "x" * 1_000_000})
    before = _open_pipes()
    policy = Policy(engine=(sys.executable, "-S", "-c", "raise SystemExit(3)"))
    outcome = Supervisor(store, claim, device="cpu", locks=[lock], policy=policy, place=Engines(policy.engine)).run()
    assert (outcome.status, outcome.ending.failure) == ("failed", "protocol")
    assert _open_pipes() == before
    lock.release()


def _open_pipes() -> set[str]:
    links = [file for file in Path("/proc/self/fd").iterdir() if file.is_symlink()]
    return {target for link in links if (target := os.readlink(link)).startswith(("pipe:", "socket:"))}


def test_a_request_that_no_pipe_holds_arrives_whole(store: Store, tmp_path: Path) -> None:
    run_id = queue_run(store)
    claim, lock = claim_run(store, run_id)
    claim = replace(claim, manifest={"long": "x" * 1_000_000})
    program = tmp_path / "engine.py"
    program.write_text(f"import sys; open({str(tmp_path / 'asked')!r}, 'wb').write(sys.stdin.buffer.readline())")
    policy = Policy(engine=(sys.executable, "-S", str(program)))
    Supervisor(store, claim, device="cpu", locks=[lock], policy=policy, place=Engines(policy.engine)).run()
    lock.release()
    assert json.loads((tmp_path / "asked").read_text())["manifest"] == claim.manifest


def test_the_request_to_the_engine(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    orders(monkeypatch, plan={"1": [5, "SIGKILL"]})
    run_id = queue_run(store, loss="mape")
    supervise(store, run_id)
    program = tmp_path / "engine.py"
    program.write_text(f"import sys, os; open({str(tmp_path / 'asked')!r}, 'wb').write(os.read(0, 65536)); sys.exit(1)")
    policy = Policy(checkpoint_seconds=7.5, engine=(sys.executable, str(program)), data_root=tmp_path)
    monkeypatch.setattr("ageui.store.data_sets.DataSets.images_digest", lambda self, spec: f"digest of {spec.name}")
    supervise(store, run_id, policy=policy)
    asked = json.loads((tmp_path / "asked").read_text())
    assert asked["config"]["loss"] == "mape"
    assert (asked["attempt"], asked["device"], asked["checkpoint_seconds"]) == (2, "cpu", 7.5)
    assert (asked["folder"], asked["data_root"]) == (str(store.run_folder(run_id)), str(tmp_path))
    assert asked["images_digest"] == "digest of synthetic"
    assert [Path(file["path"]).name for file in asked["checkpoints"]] == ["state-3-1.1.pt"]
    assert asked["manifest"]["device"] == "fake"
