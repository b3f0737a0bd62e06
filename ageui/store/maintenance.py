"""Care for the database file."""

from pathlib import Path

from sqlalchemy import Connection, Engine

_MOST_LISTED = 20


def problems(connection: Connection) -> list[str]:
    """What is wrong with the database, a line each."""
    found = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check").fetchall()]
    lines = [] if found == ["ok"] else [f"damaged: {line}" for line in found[:_MOST_LISTED]]
    orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    lines += [f"row {row[1]} of table {row[0]} points to a missing row of {row[2]}" for row in orphans[:_MOST_LISTED]]
    holes = connection.exec_driver_sql(
        "SELECT run_id, count(*), max(step) FROM metric WHERE key = 'epoch/train_loss' "
        "GROUP BY run_id HAVING count(*) <> max(step)"
    ).fetchall()
    lines += [f"run {row[0]} has {row[1]} of its first {row[2]} epochs" for row in holes[:_MOST_LISTED]]
    return lines


def vacuum(engine: Engine, path: Path) -> tuple[int, int]:
    """Rewrites the database without unused space; its bytes, with those of the log of writes, before and after."""
    before = _bytes(path)
    raw = engine.raw_connection()
    try:
        cursor = raw.cursor()
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        raw.close()
    return before, _bytes(path)


def _bytes(path: Path) -> int:
    files = (path, path.with_name(f"{path.name}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())
