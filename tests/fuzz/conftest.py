"""Fixtures of the fuzz test: a folder with images, and a database with a run whose weights predict ages."""

import shutil
from pathlib import Path

import pytest
from broken_folders import put, put_odd_files
from broken_images import whole_images
from commands import Commands

from ageui.store import Claimant, Store
from engine.config import PRESETS, build_config
from engine.data.spec import BUILT_IN
from engine.events import CheckpointWritten, EpochEnded
from engine.kept_weights import save_weights
from engine.losses import build_loss
from engine.models import build_model

CASES_OF_A_PART = 250


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Deals the cases out in parts, which workers share."""
    if "part" in metafunc.fixturenames:
        metafunc.parametrize("part", range(max(1, metafunc.config.getoption("fuzz") // CASES_OF_A_PART)))


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a database with the run `fresh`."""
    folder = tmp_path_factory.mktemp("trained")
    config = build_config({**PRESETS["quick"], "backbone": "resnet18@layer1", "size": 32, "init": "random"})
    loss = build_loss(config)
    model, _ = build_model(config, loss.outputs, shares_weights=loss.shares_weights)
    with Store.open(folder / "runs.db") as store:
        run_id = store.runs.add(config, BUILT_IN, name="fresh")
        attempt = store.queue.claim(run_id, Claimant("cpu", "cpu"), lambda run_id: True).attempt
        path = store.run_folder(run_id) / "weights-1.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        saved = save_weights(model.state_dict(), config, path)
        with store.writing(run_id, attempt) as writer:
            writer.epoch(EpochEnded(1, 1, 10, 0.5, 0.5, 8.0, 1e-3, 1.0, 1.0, True))
            writer.checkpoint(CheckpointWritten("best", path.name, 1, 10, saved.sha256, saved.bytes))
            writer.end("done", "")
    return folder


@pytest.fixture
def commands(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    """Commands in a folder with a database, good images in `img`, and things that are no images."""
    folder = tmp_path / "here"
    shutil.copytree(trained, folder)
    for number, content in enumerate(whole_images()[:8]):
        put(folder / "img" / f"{number}.jpg", content)
    put_odd_files(folder)
    (folder / "ignored.txt").write_text("img/1.jpg\nnosuch.jpg\n\x1b[2J\n")
    monkeypatch.chdir(folder)
    return Commands(folder, monkeypatch)
