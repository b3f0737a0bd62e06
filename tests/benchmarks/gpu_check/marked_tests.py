"""Part: the engine's tests that are marked `gpu`."""

from pathlib import Path

import pytest
from check import Session

TESTS = Path(__file__).resolve().parents[2]
MARK = "mark.gpu"
SHOWN = 200


class Outcomes:
    """A plugin of pytest that tells every outcome at once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.passed:
            return
        self.counts[report.outcome] += 1
        name = report.nodeid.rpartition("/")[2]
        if report.failed:
            said = report.longreprtext.strip().rpartition("\n")[2]
            self._session.row(name, "**failed**", said[:SHOWN])
        counts = ", ".join(f"{count} {outcome}" for outcome, count in self.counts.items() if count)
        self._session.row("tests marked gpu", counts, f"the last: {name}, {report.duration:.1f} s")


def measure(session: Session) -> None:
    files = [path for path in sorted((TESTS / "engine").rglob("test_*.py")) if MARK in path.read_text()]
    outcomes = Outcomes(session)
    options = ["-m", "gpu", "-q", "-p", "no:cacheprovider", "--rootdir", str(TESTS.parent)]
    code = pytest.main([*options, *map(str, files)], plugins=[outcomes])
    if code != 0:
        raise RuntimeError(f"pytest ended with exit code {int(code)}; the log says why")
