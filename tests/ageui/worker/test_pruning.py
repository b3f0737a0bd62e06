"""What `db prune` may remove, also while runs end, begin and come back to the queue."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from worker_runs import claim_run, queue_run

from ageui.files.locks import Lock
from ageui.store import Claim, Store
from ageui.store.sqlite import driver
from ageui.worker import pruning
from ageui.worker.pruning import find_prunable, prune
from ageui.worker.run_files import remove_checkpoints
from engine.events import CheckpointWritten


def _write(store: Store, claim: Claim, kind: Any, name: str, step: int = 4) -> Path:
    """A checkpoint on disk and its row."""
    path = store.run_folder(claim.run_id) / name
    path.write_bytes(b"x" * 100)
    with store.writing(claim.run_id, claim.attempt) as writer:
        if kind == "state":
            writer.started({}, 0)
        writer.checkpoint(CheckpointWritten(kind, name, 1, step, "ab", 100))
    return path


def _cancelled_run(store: Store) -> tuple[int, Path]:
    """A run that ended and has a checkpoint that it could go on from."""
    run_id = queue_run(store)
    claim, lock = claim_run(store, run_id)
    path = _write(store, claim, "state", "state-4-1.1.pt")
    store.queue.cancel(run_id)
    with store.writing(run_id, claim.attempt) as writer:
        writer.stop("queued", "")
    lock.release()
    return run_id, path


def _once(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], object]) -> None:
    """Has something happen after pruning has looked for what could go, and before it takes a run's lock."""
    happened: list[None] = []

    def take(path: Path) -> Lock | None:
        if not happened:
            happened.append(None)
            meanwhile()
        return Lock.take(path)

    monkeypatch.setattr(pruning, "Lock", SimpleNamespace(take=take))


def test_states_of_ended_runs_and_files_without_rows_go_and_weights_stay(store: Store) -> None:
    run_id, path = _cancelled_run(store)
    done = queue_run(store)
    claim, lock = claim_run(store, done)
    weights = _write(store, claim, "best", "weights-1.safetensors")
    with store.writing(done, claim.attempt) as writer:
        writer.end("done", "")
    lock.release()
    stray = store.run_folder(done) / "state-9-1.3.pt"
    stray.write_bytes(b"x" * 10)
    found = find_prunable(store)
    assert {(file.path, file.bytes) for file in found} == {(path, 100), (stray, 10)}
    assert path.exists()
    assert prune(store) == (found, 110)
    assert [file.exists() for file in (path, stray, weights)] == [False, False, True]
    assert store.runs.detail(run_id).checkpoints == ()
    assert find_prunable(store) == []
    assert prune(store) == ([], 0)


def test_a_run_that_somebody_works_on_is_left_alone(store: Store) -> None:
    run_id, path = _cancelled_run(store)
    stray = path.with_name("state-9-1.3.pt")
    stray.touch()
    lock = Lock.take(store.run_lock_file(run_id))
    assert lock is not None
    assert find_prunable(store) == []
    assert prune(store) == ([], 0)
    assert path.exists()
    assert stray.exists()
    lock.release()
    assert len(find_prunable(store)) == 2


def test_weights_of_a_run_that_ends_meanwhile_stay(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """They were on disk, and no row pointed to them yet, when pruning first looked."""
    run_id = queue_run(store)
    claim, lock = claim_run(store, run_id)
    weights = store.run_folder(run_id) / "weights-1.safetensors"
    weights.write_bytes(b"x" * 100)

    def end() -> None:
        _write(store, claim, "best", weights.name)
        with store.writing(run_id, claim.attempt) as writer:
            writer.end("done", "")
        lock.release()

    _once(monkeypatch, end)
    assert prune(store) == ([], 0)
    assert weights.exists()


@pytest.mark.parametrize("when", ["before its lock is taken", "after its rows were read"])
def test_a_run_that_comes_back_to_the_queue_meanwhile_keeps_its_states_and_the_others_go(
    store: Store, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first, kept), (second, gone) = _cancelled_run(store), _cancelled_run(store)
    if when == "before its lock is taken":
        _once(monkeypatch, lambda: store.queue.retry(first))
    else:
        real = type(store.queue).forget_states

        def forget(queue: Any, run_id: int) -> list[str]:
            if run_id == first:
                store.queue.retry(first)
            return real(queue, run_id)

        monkeypatch.setattr(type(store.queue), "forget_states", forget)
    files, freed = prune(store)
    assert ([file.path for file in files], freed) == ([gone], 100)
    assert kept.exists()
    assert not gone.exists()
    assert [len(store.runs.detail(run_id).checkpoints) for run_id in (first, second)] == [1, 0]


def test_pruning_a_copy_leaves_the_files_of_the_original_alone(store: Store) -> None:
    _, state = _cancelled_run(store)
    done = queue_run(store)
    claim, lock = claim_run(store, done)
    _write(store, claim, "best", "weights-1.safetensors")
    lock.release()
    stray = store.run_folder(done) / "state-9-1.3.pt"
    stray.touch()
    store.copy_to(store.path.with_suffix(".bak"))
    before = sorted(store.folder.rglob("*"))
    with Store.open(store.path.with_suffix(".bak")) as copy:
        assert find_prunable(copy) == []
        assert prune(copy) == ([], 0)
        assert len(copy.runs.detail(1).checkpoints) == 1
        remove_checkpoints(copy, copy.queue.retry(1, from_start=True).files)
    assert state.exists()
    assert sorted(store.folder.rglob("*")) == before
    assert {file.path for file in find_prunable(store)} == {state, stray}


def test_files_that_another_database_needs_stay(store: Store) -> None:
    """An earlier version gave `runs.db` and `runs.sqlite` the same folder."""
    _, mine = _cancelled_run(store)
    later = queue_run(store)
    claim, lock = claim_run(store, later)
    theirs = _write(store, claim, "best", "weights-1.safetensors")
    _write(store, claim, "state", "state-4-1.1.pt")
    lock.release()
    store.copy_to(store.path.with_suffix(".sqlite"))
    raw = driver().connect(str(store.path))
    raw.execute("DELETE FROM checkpoint WHERE run_id = ?", (later,))
    raw.commit()
    raw.close()
    assert {file.path for file in find_prunable(store)} == {mine}
    prune(store)
    assert theirs.exists()
