from pathlib import Path

import pytest
from tiny_runs import Runner

import engine.train_metrics as train_metrics


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """Trains tiny runs whose every step is told at once."""
    monkeypatch.setattr(train_metrics, "SECONDS_BETWEEN_STEP_EVENTS", 0.0)
    return Runner(tmp_path)
