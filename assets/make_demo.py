"""Writes runs.db, the example that comes with this repository, out of finished runs: python assets/make_demo.py FROM.db

Figures and predictions are kept as they were measured, beside the report's published ones; results of an earlier
version are scored again. Traces of the machine (paths, hosts, process ids, checkpoints) are left out, and, of the runs
of studies, what makes most of their size: the losses of single steps, and the predictions of train images.
"""

import json
import os
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ageui.store import Store
from ageui.store.import_source import open_source
from ageui.store.sqlite import driver
from ageui.study import publish
from ageui.worker.rescorer import rescore

TARGET = Path(__file__).parents[1] / "runs.db"


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit("usage: python assets/make_demo.py FROM.db")
    with TemporaryDirectory(prefix="ageui-", dir=TARGET.parent) as folder:
        made = Path(folder) / TARGET.name
        with open_source(Path(sys.argv[1]).absolute()) as source:
            source.store.copy_to(made)
        with closing(driver().connect(str(made))) as connection:
            leave_out(connection)
        with Store.open(made) as store:
            for _ in rescore(store):
                pass
            # Adds nothing if FROM.db has the figures. Published there before the runs, they are listed below them.
            publish(store)
        with closing(driver().connect(str(made))) as connection:
            mark_as_example(connection)
        made.chmod(0o644)
        os.replace(made, TARGET)
    sys.stdout.write(f"{TARGET.name}: {TARGET.stat().st_size / 1e6:.1f} MB\n")


def leave_out(connection: Any) -> None:
    """Deletes unfinished runs, traces of the machine, and what makes most of the size of studies."""
    connection.execute("UPDATE database SET uuid = lower(hex(randomblob(16))), files = NULL, is_example = 0")
    connection.execute("PRAGMA foreign_keys = ON")  # what belongs to a run goes with it
    connection.execute("DELETE FROM run WHERE status NOT IN ('done', 'diverged')")
    connection.execute("DELETE FROM worker")
    connection.execute("DELETE FROM checkpoint")
    connection.execute("DELETE FROM data_set")
    connection.execute("UPDATE attempt SET host = '', pid = 0")
    for table in ("run", "attempt"):
        changed = "json_set(manifest, '$.host', '', '$.platform', 'Linux')"
        connection.execute(f"UPDATE {table} SET manifest = {changed} WHERE manifest IS NOT NULL")
    for run_id, spec in connection.execute("SELECT id, data_spec FROM run").fetchall():
        told = {**json.loads(spec), "path": None}
        connection.execute("UPDATE run SET data_spec = ? WHERE id = ?", (json.dumps(told), run_id))
    in_study = "run_id IN (SELECT run_id FROM run_tag WHERE tag LIKE 'study:%')"
    connection.execute(f"DELETE FROM metric WHERE key LIKE 'step/%' AND {in_study}")
    connection.execute(f"DELETE FROM prediction WHERE split = 'train' AND {in_study}")
    connection.commit()


def mark_as_example(connection: Any) -> None:
    """Marks the database. Without a write-ahead log, reading it makes no files beside it."""
    connection.execute("UPDATE database SET is_example = 1, files = NULL")
    connection.commit()
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("VACUUM")


if __name__ == "__main__":
    main()
