"""Writes runs.db, the demo that comes with this repository, out of finished runs: python assets/make_demo.py FROM.db

Figures and predictions are kept as they were measured, beside the report's published ones; results of an earlier
version are scored again. Traces of the machine (paths, hosts, process ids, checkpoints) are left out, and, of the runs
of studies, what makes most of their size: the losses of single steps, and the predictions of train images.
"""

import json
import sys
from pathlib import Path

from ageui.store import Store
from ageui.store.sqlite import driver
from ageui.study import publish
from ageui.worker.rescorer import rescore

TARGET = Path(__file__).parents[1] / "runs.db"


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit("usage: python assets/make_demo.py FROM.db")
    TARGET.unlink(missing_ok=True)
    with Store.open(Path(sys.argv[1]), create=False) as store:
        store.copy_to(TARGET)
    connection = driver().connect(str(TARGET))
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
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    with Store.open(TARGET) as store:
        for _ in rescore(store):
            pass
        publish(store)  # no news where FROM.db has them: ageui study publish, before its runs, lists them below these
    sys.stdout.write(f"{TARGET.name}: {TARGET.stat().st_size / 1e6:.1f} MB\n")


if __name__ == "__main__":
    main()
