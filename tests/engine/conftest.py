import shutil
from pathlib import Path

import pytest
from tiny_runs import FACES, TINY, Runner

import engine.train_metrics as train_metrics
from engine.config import build_config
from engine.data.dataset import prepare


@pytest.fixture(scope="session")
def drawn_faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that holds the faces of tiny runs."""
    cache = tmp_path_factory.mktemp("drawn")
    config = build_config(TINY)
    prepare(FACES, config.target, config.size, cache=cache)
    return cache


@pytest.fixture
def runner(tmp_path: Path, drawn_faces: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """Trains tiny runs that report every step at once."""
    monkeypatch.setattr(train_metrics, "SECONDS_BETWEEN_STEP_EVENTS", 0.0)
    shutil.copytree(drawn_faces, tmp_path / "cache")
    return Runner(tmp_path)
