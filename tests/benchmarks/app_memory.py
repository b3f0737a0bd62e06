"""How the application's memory grows with visits: python tests/benchmarks/app_memory.py [--runs 20000] [--visits 100]

The shipped runs, copied until there are as many as asked for, are opened in a pseudo terminal of 160 x 50 cells. All
screens and dialogs, or those of `--screens`, are then visited in turn. Prints the resident set of the process.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import psutil
from app_speed import Terminal

from ageui.store.sqlite import driver

SHIPPED = Path(__file__).parents[2] / "runs.db"
WITH_RUNS = ("summary", "attempt", "run_tag", "result", "bias", "group_result", "figure")
ESCAPE, HOME = b"\x1b", b"\x1b[H"
VISITS: dict[str, tuple[bytes, ...]] = {
    "run": (b"\r", ESCAPE),
    "explained run": (b"\r", b"E", ESCAPE, ESCAPE),
    "studies": (b"G", ESCAPE),
    "runs of a study": (b"G", b"r", ESCAPE, ESCAPE),
    "comparison": (b" ", b" ", b"c", ESCAPE, ESCAPE, HOME),
    "picker of runs": (b"c", ESCAPE, ESCAPE),
    "new run": (b"n", ESCAPE),
    "values of a field": (b"n", b"\t", b"\x0c", ESCAPE, ESCAPE),
    "data": (b"D", ESCAPE),
    "help": (b"?", ESCAPE),
    "palette": (b"\x10", ESCAPE),
    "columns": (b"o", ESCAPE),
    "order": (b"s", ESCAPE),
    "tags": (b"g", ESCAPE),
}
"""The keys that open a screen from the table of runs, and those that lead back."""


def copies(path: Path, runs: int) -> None:
    """Copies the shipped runs until there are at least `runs`."""
    path.write_bytes(SHIPPED.read_bytes())
    connection = driver().connect(str(path))
    (own,) = connection.execute("SELECT max(id) FROM run").fetchone()
    (there,) = connection.execute("SELECT count(*) FROM run").fetchone()
    columns = {
        table: [name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")]
        for table in ("run", *WITH_RUNS)
    }
    for copy in range(1, max(1, -(-runs // there))):
        changed = {"id": f"id + {copy * own}", "run_id": f"run_id + {copy * own}", "uuid": "NULL"}
        changed |= {"name": f"name || '-{copy}'"}
        for table, names in columns.items():
            own_name = {} if table == "run" else {"name": "name"}
            values = ", ".join((changed | own_name).get(name, name) for name in names)
            key = "id" if table == "run" else "run_id"
            connection.execute(
                f"INSERT INTO {table} ({', '.join(names)}) SELECT {values} FROM {table} WHERE {key} <= {own}"
            )
    connection.commit()
    connection.close()


class Visitor:
    """Presses keys, and waits until the application is idle again."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._process = psutil.Process(terminal.process.pid)

    def visit(self, name: str) -> None:
        for key in VISITS[name]:
            self._terminal.press(key)
            self.settle()

    def settle(self) -> None:
        """Until nothing was written, and threads seldom ran, for a while."""
        while True:
            self._terminal.settle(0.2)
            if sum(self._is_running() for _ in range(5)) < 3:
                return

    def _is_running(self) -> bool:
        time.sleep(0.02)
        tasks = Path(f"/proc/{self._process.pid}/task").glob("*/stat")
        return any(task.read_text().rpartition(")")[2].split()[0] in "RD" for task in tasks)

    @property
    def megabytes(self) -> float:
        return self._process.memory_info().rss / 1e6


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=0)
    parser.add_argument("--visits", type=int, default=100)
    parser.add_argument("--screens", nargs="*", default=[], choices=VISITS)
    asked = parser.parse_args()
    names = asked.screens or list(VISITS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "runs.db"
        copies(path, asked.runs)
        terminal = Terminal(sys.executable, "-m", "ageui", "--db", str(path), folder=path.parent)
        try:
            terminal.read_until(b"done")
            visitor = Visitor(terminal)
            visitor.settle()
            print(f"at the start {visitor.megabytes:.0f} MB")
            for number in range(1, asked.visits + 1):
                for name in names:
                    visitor.visit(name)
                if number in (1, asked.visits) or number % 10 == 0:
                    print(f"after {number} visits of {len(names)} screens {visitor.megabytes:.0f} MB", flush=True)
        finally:
            terminal.close()


if __name__ == "__main__":
    main()
