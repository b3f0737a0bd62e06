"""Runs of another database are brought together with those here."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from store_rows import COUNTS, claimed, config, end, epoch, epoch_scores, evaluated, queued, running, steps

from ageui.files.locks import Lock
from ageui.store import Store
from ageui.store.import_source import open_source
from ageui.store.sqlite import driver
from ageui.worker import run_import
from ageui.worker.pruning import find_prunable, prune
from ageui.worker.run_files import UNFINISHED, hold_unknown_files, mark_unfinished
from ageui.worker.run_import import ImportReport, import_runs, plan_import
from engine.data.spec import DataSpec
from engine.errors import ConfigError, FullError, StoreError
from engine.events import CheckpointWritten

SCHEMAS = Path(__file__).parent / "schemas"
_TABLES = (
    "attempt", "bias", "epoch_scores", "figure", "group_result", "metric", "prediction", "result", "run_tag", "summary"
)  # fmt: skip


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Store]:
    """The database of another machine."""
    (tmp_path / "other").mkdir()
    with Store.open(tmp_path / "other" / "runs.db") as opened:
        yield opened


def _weights(store: Store, run_id: int, attempt: int, content: bytes = b"weights") -> Path:
    path = store.run_folder(run_id) / f"weights-{attempt}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    with store.writing(run_id, attempt) as writer:
        sha256 = hashlib.sha256(content).hexdigest()
        writer.checkpoint(CheckpointWritten("best", path.name, 1, 10, sha256, len(content)))
    return path


def _trained(store: Store, name: str, status: str = "done") -> int:
    """A run with a curve that holds NaN, scores, weights and a log."""
    run_id, attempt = running(store, name, ("night",))
    _weights(store, run_id, attempt)
    (store.run_folder(run_id) / "log.1.txt").write_text("a log")
    with store.writing(run_id, attempt) as writer:
        writer.steps(steps((1, 0.1), (2, float("nan"))))
        writer.epoch(epoch(1, scores=epoch_scores(gender=float("nan"))))
        writer.evaluated(evaluated("valid"), "apparent", "synthetic")
    if status == "paused":
        store.queue.pause(run_id)
        with store.writing(run_id, attempt) as writer:
            writer.stop("queued", "")
    else:
        end(store, run_id, attempt, status)
    return run_id


def _import(store: Store, other: Store, filter: str | None = None) -> ImportReport:
    with open_source(other.path) as opened:
        return import_runs(store, opened, plan_import(store, opened, filter), lambda done: None)


def _rows(store: Store, table: str, run_id: int) -> list[Any]:
    with closing(driver().connect(str(store.path))) as raw:
        return sorted(row[1:] for row in raw.execute(f"SELECT * FROM {table} WHERE run_id = ?", (run_id,)))


def test_a_run_arrives_with_every_row_bit_for_bit_its_weights_and_its_log(store: Store, other: Store) -> None:
    queued(store)
    (store.folder / "7").mkdir(parents=True)  # of a run that is in no row
    there = _trained(other, "far")
    other.edits.set_note(there, "a note")

    report = _import(store, other)

    (here,) = report.runs
    assert here == 8
    for table in _TABLES:
        assert _rows(store, table, here) == _rows(other, table, there) != [], table
    row, detail = store.runs.get(here), store.runs.detail(here)
    assert (row.name, row.note, row.tags, row.status) == ("far", "a note", ("night",), "done")
    assert detail.kept is not None
    assert store.checkpoint_file(detail.kept).read_bytes() == b"weights"
    assert store.checkpoint_file(detail.kept).parent == store.run_folder(here)
    assert (store.run_folder(here) / "log.1.txt").read_text() == "a log"
    assert report.missing == ()
    assert store.problems() == []
    assert find_prunable(store) == []
    assert queued(store) == 9


def test_the_same_run_is_imported_once_and_a_taken_name_gets_a_number(store: Store, other: Store) -> None:
    queued(store, "far")
    queued(store, "x" * 100)
    _trained(other, "far")
    _trained(other, "x" * 100)
    report = _import(store, other)
    assert list(report.outcome.names.values()) == ["far-2", "x" * 98 + "-2"]
    other.edits.rename(1, "near")
    with open_source(other.path) as opened:
        plan = plan_import(store, opened, None)
    assert (plan.runs, plan.stored) == ((), ("near", "x" * 100))


def test_queued_and_running_runs_stay_there_and_a_filter_chooses(store: Store, other: Store) -> None:
    _trained(other, "done")
    queued(other, "queued")
    running(other, "busy")
    other.edits.archive([_trained(other, "archived")])
    with open_source(other.path) as opened:
        plan = plan_import(store, opened, None)
        chosen = plan_import(store, opened, "archived=true")
        with pytest.raises(ConfigError, match="unknown field"):
            plan_import(store, opened, "nonsense=1")
    assert [run.name for run in plan.runs] == ["done", "archived"]
    assert plan.unfinished == ("queued", "busy")
    assert [run.name for run in chosen.runs] == ["archived"]
    _import(store, other)
    assert store.runs.ids() == [1]
    assert store.runs.ids("archived=true") == [2]


def test_a_copy_that_continued_there_is_replaced_and_keeps_edits_made_here(store: Store, other: Store) -> None:
    there = _trained(other, "far", "paused")
    (here,) = _import(store, other).runs
    store.edits.rename(here, "mine")
    store.edits.set_tags(here, ("day",))
    other.queue.resume(there)
    attempt = claimed(other, there)
    assert attempt == 2
    _weights(other, there, attempt, b"better")
    end(other, there, attempt)

    report = _import(store, other)

    assert list(report.runs) == [here]
    row, detail = store.runs.get(here), store.runs.detail(here)
    assert (row.name, row.tags, row.status, row.attempt) == ("mine", ("day",), "done", 2)
    assert detail.kept is not None
    assert store.checkpoint_file(detail.kept).read_bytes() == b"better"
    files = {path.name for path in store.run_folder(here).iterdir()}
    assert files == {"lock", "log.1.txt", "weights-2.safetensors"}
    assert store.problems() == []
    with open_source(other.path) as opened:
        assert plan_import(store, opened, None).stored == ("far",)


def test_copies_that_went_on_in_both_databases_or_are_queued_here_are_left_alone(store: Store, other: Store) -> None:
    forked, waiting = _trained(other, "forked", "paused"), _trained(other, "waiting", "paused")
    _import(store, other)
    for database, run_id in ((store, forked), (other, forked), (other, waiting)):
        database.queue.resume(run_id)
        attempt = claimed(database, run_id)
        assert attempt is not None
        end(database, run_id, attempt)
    store.queue.resume(waiting)
    with open_source(other.path) as opened:
        plan = plan_import(store, opened, None)
    assert plan.runs == ()
    assert "continued in both databases; to import that copy: ageui rm 1" in plan.conflicts[0]
    assert "is queued here and continued there; to import that copy: ageui cancel 2" in plan.conflicts[1]


def test_missing_and_damaged_weights_are_named_and_not_imported(store: Store, other: Store) -> None:
    for name in ("missing", "short", "damaged", "pipe"):
        _trained(other, name)
    files = {run_id: other.run_folder(run_id) / "weights-1.safetensors" for run_id in (1, 2, 3, 4)}
    files[1].unlink()
    files[2].write_bytes(b"w")
    files[3].write_bytes(b"WEIGHTS")
    files[4].unlink()
    files[4].symlink_to("/dev/zero")

    report = _import(store, other)

    said = ("is missing", "has 1 bytes instead of 7", "is damaged", "is missing")
    assert all(text in sentence for text, sentence in zip(said, report.missing, strict=True))
    assert report.missing[0].startswith("run 1 (missing): ")
    assert [store.runs.detail(run_id).kept for run_id in (1, 2, 3, 4)] == [None] * 4
    assert list(store.folder.rglob("*.safetensors")) == list(store.folder.rglob("*.part")) == []


def test_an_import_that_fails_leaves_nothing(store: Store, other: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    _trained(other, "far")
    _trained(other, "farther")

    def full(path: Path, write: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(run_import, "write_atomically", full)
        with pytest.raises(FullError, match="nothing was imported"):
            _import(store, other)

    def interrupt(done: int) -> None:
        raise KeyboardInterrupt

    with open_source(other.path) as opened, pytest.raises(KeyboardInterrupt):
        import_runs(store, opened, plan_import(store, opened, None), interrupt)
    assert store.runs.ids() == []
    assert list(store.folder.rglob("*.safetensors")) == []
    assert list(_import(store, other).runs) == [5, 6]  # reserved ids are never used again


def test_a_run_that_is_queued_meanwhile_stops_the_import(store: Store, other: Store) -> None:
    _trained(other, "far", "failed")
    with open_source(other.path) as opened:
        plan = plan_import(store, opened, None)
        other.queue.retry(1)
        with pytest.raises(StoreError, match="run far changed in the other database during the import; import again"):
            import_runs(store, opened, plan, lambda done: None)
    assert store.runs.ids() == []


def test_files_of_a_killed_import_are_pruned_but_not_while_one_is_under_way(store: Store) -> None:
    left = store.run_folder(3) / "weights-1.safetensors"
    mark_unfinished(left.parent)
    left.write_bytes(b"half")
    with hold_unknown_files(store), pytest.raises(StoreError, match="is running"):
        prune(store)
    assert [file.path for file in prune(store)[0]] == [left, left.with_name(UNFINISHED)]
    assert not left.exists()


def test_a_replaced_run_that_somebody_works_on_stops_the_import(store: Store, other: Store) -> None:
    _trained(other, "far", "failed")
    _import(store, other)
    other.queue.retry(1)
    attempt = claimed(other, 1)
    assert attempt is not None
    end(other, 1, attempt)
    lock = Lock.take(store.run_lock_file(1))
    assert lock is not None
    with pytest.raises(StoreError, match="another process works on run 1"):
        _import(store, other)
    lock.release()
    assert list(_import(store, other).runs) == [1]


def test_data_sets_are_registered_and_one_of_another_description_stays(store: Store, other: Store) -> None:
    def spec(name: str, path: str) -> DataSpec:
        return DataSpec(name=name, format="table", path=path)

    store.data.add(spec("both", "/here.csv"))
    for name in ("both", "new", "unused"):
        other.data.add(spec(name, f"/{name}.csv"), counts=COUNTS)
    for name in ("both", "new"):
        run_id = other.runs.add(config(data=name), spec(name, f"/{name}.csv"), name=None)
        other.queue.cancel(run_id)

    outcome = _import(store, other).outcome

    assert [added.name for added in outcome.data_sets] == ["new"]
    assert outcome.other_data_sets == ("both",)
    assert store.data.registered_names() == ["both", "new"]
    assert store.data.counts() == {"new": COUNTS}
    assert store.data.get("both").path == "/here.csv"
    assert [store.runs.detail(run_id).data_spec["path"] for run_id in (1, 2)] == ["/both.csv", "/new.csv"]


@pytest.mark.parametrize("schema", range(1, 7))
def test_older_databases_are_imported_and_not_changed(store: Store, tmp_path: Path, schema: int) -> None:
    path = Path(shutil.copy(SCHEMAS / f"v{schema}.db", tmp_path / "old.db"))
    path.chmod(0o400)
    before, beside = path.read_bytes(), sorted(tmp_path.iterdir())
    with open_source(path) as opened:
        plan = plan_import(store, opened, None)
        names = [run.name for run in plan.runs]
        assert names
        import_runs(store, opened, plan, lambda done: None)
    assert path.read_bytes() == before
    left = {item.name for item in tmp_path.iterdir()} - {item.name for item in beside}
    assert left <= {"old.db-shm", "old.db-wal", "runs"}
    assert {row.name for row in (*store.runs.search(), *store.runs.search("archived=true"))} == set(names)
    assert store.problems() == []
    with open_source(path) as opened:
        assert plan_import(store, opened, None).runs == ()


def test_other_databases_are_refused(tmp_path: Path) -> None:
    text, empty, newer, foreign = (tmp_path / f"{name}.db" for name in ("text", "empty", "newer", "foreign"))
    text.write_text("hello " * 200)
    empty.touch()
    shutil.copy(SCHEMAS / "v7.db", newer)
    for path, statement in ((newer, "PRAGMA user_version = 99"), (foreign, "CREATE TABLE t (x)")):
        with closing(driver().connect(str(path))) as raw:
            raw.execute(statement)
            raw.commit()
    for path, said in ((text, "not a database"), (empty, "is empty"), (newer, "newer"), (foreign, "not one of ageui")):
        with pytest.raises(StoreError, match=said), open_source(path):
            pass


def test_images_of_runs_whose_predictions_were_deleted_are_completed(store: Store, other: Store) -> None:
    here = _trained(store, "here")
    store.removal.remove_predictions([here])
    _trained(other, "there")
    _import(store, other)
    predictions = store.scores.predictions(2, "valid")
    assert predictions is not None
    assert predictions.names == ("a.jpg", "b.jpg", "ç.jpg")
