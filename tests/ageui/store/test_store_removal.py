"""Runs, or only their predictions, are deleted for good."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest
from store_rows import epoch, evaluated, queued, running, state

from ageui.store import Store
from ageui.store.sqlite import driver
from ageui.worker.pruning import prune
from ageui.worker.removal import plan_removal, remove_predictions, remove_runs
from engine.errors import ConfigError, StoreError


def _scored(store: Store, name: str, split: str = "valid") -> int:
    run_id, attempt = running(store, name, ("night",))
    with store.writing(run_id, attempt) as writer:
        writer.epoch(epoch(1))
        writer.checkpoint(state(10))
        writer.evaluated(evaluated(split), "apparent", "synthetic")
        writer.end("done", "")
    folder = store.run_folder(run_id)
    folder.mkdir(parents=True)
    (folder / "weights-1.safetensors").write_bytes(b"x" * 1000)
    (folder / "log.1.txt").write_text("a log")
    return run_id


def _counts(store: Store) -> dict[str, int]:
    with closing(driver().connect(str(store.path))) as raw:
        tables = [row[0] for row in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: raw.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}


def _personal(store: Store) -> list[bytes]:
    """What is stored of persons: the packed names and labels of images, and the predicted ages."""
    with closing(driver().connect(str(store.path))) as raw:
        found = raw.execute("SELECT items FROM item_set UNION SELECT predicted FROM prediction")
        return [row[0] for row in found if row[0]]


def _bytes_on_disk(store: Store) -> bytes:
    return b"".join(path.read_bytes() for path in store.path.parent.glob("runs.db*"))


def test_a_deleted_run_leaves_no_row_no_file_and_no_byte_of_a_person(store: Store) -> None:
    empty = _counts(store)
    run_id = _scored(store, "gone")
    personal = _personal(store)
    assert len(personal) == 2
    assert plan_removal(store, [run_id]).file_bytes == 1005

    assert remove_runs(store, [run_id]) == []

    assert {**_counts(store), "sqlite_sequence": 0} == {**empty, "sqlite_sequence": 0}
    assert not store.run_folder(run_id).exists()
    assert not any(item in _bytes_on_disk(store) for item in personal)
    assert queued(store) == run_id + 1


def test_images_that_another_run_was_scored_on_stay(store: Store) -> None:
    gone, kept = _scored(store, "gone"), _scored(store, "kept")
    remove_runs(store, [gone])
    predictions = store.scores.predictions(kept, "valid")
    assert predictions is not None
    assert predictions.names == ("a.jpg", "b.jpg", "ç.jpg")


def test_without_predictions_the_scores_stay_and_the_names_of_images_go(store: Store) -> None:
    run_id = _scored(store, "scored")
    before, personal = store.runs.detail(run_id), _personal(store)

    assert remove_predictions(store, [run_id]) == []

    assert store.runs.detail(run_id) == before
    assert store.scores.predictions(run_id, "valid") is None
    assert store.scores.errors(run_id, "valid") is None
    assert store.scores.predictions_frame(run_id).empty
    assert not any(item in _bytes_on_disk(store) for item in personal)
    assert store.problems() == []

    again = _scored(store, "again")
    predictions = store.scores.predictions(again, "valid")
    assert predictions is not None
    assert predictions.names == ("a.jpg", "b.jpg", "ç.jpg")


def test_running_missing_and_shown_runs_are_refused_and_nothing_is_deleted(store: Store) -> None:
    done, (busy, _) = _scored(store, "done"), running(store, "busy")
    for remove in (remove_runs, remove_predictions, plan_removal):
        with pytest.raises(ConfigError, match=r"run 2 \(busy\) is running; cancel it first with: ageui cancel 2"):
            remove(store, [done, busy])
        with pytest.raises(ConfigError, match="run 7 does not exist"):
            remove(store, [done, 7])
    with pytest.raises(ConfigError, match=r"run 1 \(done\) is not archived"):
        remove_runs(store, [done], only_archived=True)
    assert store.runs.count() == 2
    assert {path.name for path in store.run_folder(done).iterdir()} == {"weights-1.safetensors", "log.1.txt"}
    store.edits.archive([done])
    remove_runs(store, [done], only_archived=True)
    assert store.runs.ids("archived=true") == []


def test_a_run_whose_weights_another_one_is_to_start_from_is_refused(store: Store) -> None:
    first, other = _scored(store, "first"), _scored(store, "other")
    weights = str(store.run_folder(first) / "weights-1.safetensors")
    waiting = queued(store, "waiting", strategy="finetune", init=weights, lr=(0.001,), epochs=(1,))
    with pytest.raises(
        ConfigError, match=r"run 3 \(waiting\) starts from the weights of run 1; cancel it first with: ageui cancel 3"
    ):
        remove_runs(store, [other, first])
    assert (store.runs.count(), Path(weights).exists()) == (3, True)
    remove_runs(store, [other])
    remove_runs(store, [first, waiting])
    assert store.runs.count() == 0


def test_a_reader_that_keeps_deleted_rows_alive_is_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = _scored(store, "read")
    monkeypatch.setattr("ageui.store.connect.BUSY_SECONDS", 0.1)
    with closing(driver().connect(str(store.path))) as reading, Store.open(store.path) as hurried:
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM run").fetchall()
        assert any("runs.db-wal keeps deleted data" in line for line in remove_runs(hurried, [run_id]))


def test_copies_beside_the_database_are_named(store: Store) -> None:
    run_id = _scored(store, "old")
    shutil.copy(store.path, store.path.with_name("runs.db.schema5"))
    assert remove_predictions(store, [run_id]) == [
        "other databases in this folder may still contain the deleted data: runs.db.schema5"
    ]


def test_a_folder_that_cannot_be_written_keeps_its_run(store: Store) -> None:
    run_id = _scored(store, "kept")
    shutil.rmtree(store.run_folder(run_id))
    store.run_folder(run_id).touch()  # no folder, which no rights of the person who tests get around
    with pytest.raises(StoreError, match="nothing was deleted"):
        remove_runs(store, [run_id])
    assert store.runs.count() == 1


def test_files_of_a_deleted_run_that_were_left_can_be_pruned(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id, kept = _scored(store, "gone"), _scored(store, "kept")
    monkeypatch.setattr(shutil, "rmtree", lambda folder, ignore_errors: None)
    assert any("could not be deleted" in line for line in remove_runs(store, [run_id]))
    gone = {file.path for file in prune(store)[0]}
    assert {store.run_folder(run_id) / name for name in ("weights-1.safetensors", "log.1.txt")} <= gone
    assert (store.run_folder(kept) / "log.1.txt").exists()
