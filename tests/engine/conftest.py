from pathlib import Path

import pytest
from tiny_runs import Runner

import engine.train as training


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """Trains tiny runs whose every step is told at once."""
    monkeypatch.setattr(training, "SECONDS_BETWEEN_STEP_EVENTS", 0.0)
    return Runner(tmp_path)
