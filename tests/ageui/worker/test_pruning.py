"""What pruning may remove, also while runs end and are queued again beside it."""

from pathlib import Path

import pytest
from store_rows import best, claimed, queued, state

from ageui.store import CheckpointRow, Store
from ageui.worker.locks import Lock
from ageui.worker.pruning import find_prunable, prune
from ageui.worker.supervisor import run_lock_file


def write(store: Store, run_id: int, name: str) -> Path:
    path = store.run_folder(run_id) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * 100)
    return path


def trained(store: Store, status: str = "done") -> tuple[int, Path, Path]:
    """A run that ended with its kept weights, and a file that no row points to."""
    run_id = queued(store)
    attempt = claimed(store, run_id)
    assert attempt is not None
    with store.writing(run_id, attempt) as writer:
        writer.checkpoint(state(10))
        writer.checkpoint(best(10, "ab" * 32))
        writer.end(status, "")
    kept = store.checkpoint_file(next(row for row, _, _ in store.checkpoints() if row.kind == "best"))
    path = write(store, run_id, kept.name)
    return run_id, path, write(store, run_id, "state-9-1.9.pt")


def test_kept_weights_of_a_run_that_ends_meanwhile_stay(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id, kept, stray = trained(store)
    listed = find_prunable(store)
    assert [file.path for file in listed] == [stray]
    real = Store.checkpoints
    during = []

    def read(self: Store, run: int | None = None) -> list[tuple[CheckpointRow, str, int]]:
        during.append(Lock.take(run_lock_file(store, run_id)))
        return real(self, run)

    monkeypatch.setattr(Store, "checkpoints", read)
    find_prunable(store)
    assert during == [None], "rows are read while nobody can begin or end the run"
    assert prune(store, listed) == 100
    assert kept.exists()
    assert not stray.exists()


def test_files_of_a_run_that_somebody_works_on_by_now_stay(store: Store) -> None:
    run_id, _, stray = trained(store)
    listed = find_prunable(store)
    lock = Lock.take(run_lock_file(store, run_id))
    assert lock is not None
    assert find_prunable(store) == []
    assert prune(store, listed) == 0
    assert stray.exists()
    lock.release()


def test_checkpoints_of_a_run_that_was_queued_again_by_now_stay_and_others_go(store: Store) -> None:
    ids = []
    for _ in range(2):
        run_id = queued(store)
        attempt = claimed(store, run_id)
        assert attempt is not None
        with store.writing(run_id, attempt) as writer:
            writer.checkpoint(state(10))
            writer.end("failed", "broken")
        (row,) = [row for row, _, _ in store.checkpoints(run_id)]
        write(store, run_id, store.checkpoint_file(row).name)
        ids.append(run_id)
    listed = find_prunable(store)
    assert {file.run_id for file in listed} == set(ids)
    store.queue.retry(ids[0])
    assert prune(store, listed) == 100
    assert [run_id for _, _, run_id in store.checkpoints()] == [ids[0]]
