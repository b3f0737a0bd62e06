"""Writes runs.db, the demo that comes with this repository, out of finished runs: python assets/make_demo.py FROM.db

Figures and predictions are kept as they were measured, beside the report's published ones; intervals and noise levels
are computed anew. What tells of the machine
they were measured on (paths, hosts, process ids, checkpoints) is left out. So is, of the runs of studies, what makes
most of their size: the losses of single steps, and the predictions of train images.
"""

import json
import sys
from pathlib import Path
from typing import Any

from ageui.compare.image_errors import with_all_intervals
from ageui.store import RunDetail, Store
from ageui.store.sqlite import driver
from ageui.study import publish
from engine.choices import REPORT_ATTRIBUTES

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
    with Store.open(TARGET, read_only=True) as store:
        rescored = [
            with_all_intervals(store.runs.detail(row.id), store.scores.predictions) for row in store.runs.search("")
        ]
    for detail in rescored:
        rescore(connection, detail)
    connection.commit()
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    with Store.open(TARGET) as store:
        publish(store)  # no news where FROM.db has them: ageui study publish, before its runs, lists them below these
    sys.stdout.write(f"{TARGET.name}: {TARGET.stat().st_size / 1e6:.1f} MB\n")


def rescore(connection: Any, detail: RunDetail) -> None:
    """Stores the intervals and noise levels as they are computed now, whichever ageui scored the run."""
    for scores in detail.results:
        result, here = scores.result, (detail.id, scores.split)
        if result.mae_interval is None:
            continue
        ends = (result.mae_interval.low, result.mae_interval.high)
        for table in ("result", "summary"):
            connection.execute(
                f"UPDATE {table} SET mae_low = ?, mae_high = ? WHERE run_id = ? AND split = ?", (*ends, *here)
            )
        for bias in result.biases:
            if bias.interval is None or bias.noise is None:
                continue
            figures = (bias.interval.low, bias.interval.high, bias.noise.mean, bias.noise.p95)
            connection.execute(
                "UPDATE bias SET low = ?, high = ?, noise_mean = ?, noise_p95 = ? "
                "WHERE run_id = ? AND split = ? AND attribute = ?",
                (*figures, *here, bias.attribute),
            )
            if bias.attribute in REPORT_ATTRIBUTES:
                connection.execute(
                    f"UPDATE summary SET noise_{bias.attribute} = ? WHERE run_id = ? AND split = ?",
                    (bias.noise.p95, *here),
                )


if __name__ == "__main__":
    main()
