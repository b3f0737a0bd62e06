"""Writes schemas/vN.db, a database of the newest schema N, for the upgrade tests of later ones.

Run once before a schema is released, and never again for that schema: python tests/ageui/make_schema_file.py
"""

import math
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

from store_rows import COUNTS, best, end, epoch, epoch_scores, evaluated, queued, running, state

from ageui.store import Store
from ageui.store.migrations import MIGRATIONS
from ageui.store.sqlite import driver
from engine.data.spec import DataSpec

MANIFEST = {
    "device": "cpu",
    "placement": "cpu (asked for), fp32",
    "threads": 2,
    "versions": {"torch": "2.11.0"},
    "data": {"name": "synthetic", "hash": "d00d", "splits": {"train": {"images": 5, "labelled": 5}}},
}


def _seconds() -> Iterator[datetime]:
    moment = datetime(2026, 10, 1, 20, tzinfo=UTC)
    while True:
        moment += timedelta(seconds=1)
        yield moment


def fill(store: Store) -> None:
    """Runs of every kind that a later schema has to keep: finished, failed, stopped, queued, running."""
    store.data.add(DataSpec(name="faces", format="course", path="/data/faces"), counts=COUNTS)
    run_id, attempt = running(store, "finished", loss="mape", weights="gender")
    with store.writing(run_id, attempt) as writer:
        writer.started(MANIFEST)
        writer.points(("step/loss", step, 1.0 / step) for step in range(1, 21))
        writer.epoch(epoch(1, scores=epoch_scores()))
        writer.epoch(epoch(2, val_loss=math.nan, is_best=False, scores=epoch_scores(math.nan, None, math.nan)))
        writer.checkpoint(best(10, "ab" * 32))
        for split in ("train", "valid", "test"):
            writer.evaluated(evaluated(split, selected_on="valid"), "apparent", "synthetic")
        writer.memory(1_234_567_890)
        writer.end("done", "")
    run_id, attempt = running(store, "broken", lr=1.0)
    with store.writing(run_id, attempt) as writer:
        writer.epoch(epoch(1))
    end(store, run_id, attempt, "failed", "no such file")
    run_id, attempt = running(store, "stopped")
    with store.writing(run_id, attempt) as writer:
        writer.epoch(epoch(1))
        writer.checkpoint(state(10))
    end(store, run_id, attempt, "interrupted", "stopped by request")
    queued(store, "waiting", ("night",), seed=3)
    running(store, "left-running", seed=4)
    store.workers.register("cpu")


def main() -> None:
    target = Path(__file__).parent / "store" / "schemas" / f"v{len(MIGRATIONS)}.db"
    moments = _seconds()
    modules = ("new_runs", "attempt_writer", "claims", "queue", "data_sets", "workers")
    patches = [mock.patch(f"ageui.store.{module}.now", side_effect=moments) for module in modules]
    patches += [mock.patch("socket.gethostname", return_value="laptop"), mock.patch("os.getpid", return_value=4711)]
    for patch in patches:
        patch.start()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "runs.db"
        with Store.open(path) as store:
            fill(store)
        connection = driver().connect(str(path))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("VACUUM")
        connection.close()
        shutil.copyfile(path, target)


if __name__ == "__main__":
    main()
