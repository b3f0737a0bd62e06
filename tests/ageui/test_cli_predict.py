"""Ages read from images with a trained run's weights."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fresh_run import add_fresh_run
from PIL import Image
from store_rows import best, claimed, end, epoch, running
from terminal import Terminal

import engine.predict
from ageui.cli import predict as predict_command
from ageui.store import Store


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The settings that ages were predicted with."""
    seen: list[dict[str, Any]] = []
    monkeypatch.setattr(engine.predict, "predict_files", lambda weights, images, **how: seen.append(how) or [])
    return seen


def test_predictions_use_the_arithmetic_of_the_newest_attempt(
    ageui: Terminal, store: Store, asked: list[dict[str, Any]]
) -> None:
    run_id, attempt = running(store)
    for dtype in ("fp32", "bf16"):
        with store.writing(run_id, attempt) as writer:
            writer.started({"dtype": dtype})
            writer.epoch(epoch())
            writer.checkpoint(best(10))
        end(store, run_id, attempt, "failed", "broken")
        store.queue.retry(run_id)
        attempt = claimed(store, run_id) or 0
    assert ageui("predict", "face.png", "--run", str(run_id)).code == 0
    assert [how["precision"] for how in asked] == ["bf16"]


@pytest.fixture
def trained(ageui: Terminal, store: Store) -> Terminal:
    """A terminal in the folder of a database with the run `fresh`, which has weights."""
    add_fresh_run(store)
    return ageui


@pytest.fixture
def photos(ageui: Terminal) -> Path:
    folder = Path("photos")
    (folder / "more").mkdir(parents=True)
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    for name in ("b.png", "a.JPG", "more/c.gif"):
        Image.fromarray(noise).save(folder / name)
    for name in ("._a.JPG", ".DS_Store", "notes.txt"):
        (folder / name).write_bytes(b"\0")
    return folder


def test_a_folder_of_images_is_predicted_and_skipped_files_are_counted(trained: Terminal, photos: Path) -> None:
    done = trained("predict", "photos", "--run", "fresh")
    assert done.code == 0
    assert [line.split()[-1] for line in done.out.splitlines()] == ["photos/a.JPG", "photos/b.png", "photos/more/c.gif"]
    assert "3 files skipped: 2 hidden, 1 .txt" in done.err
    assert "warning: the run was trained on drawn faces; " in done.err
    assert done.err.count("warning") == 1


def test_problems_and_warnings_lose_no_prediction(
    trained: Terminal, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict_command, "SHOWN", 2)
    Image.new("RGB", (1, 1)).save(photos / "pixel.png")
    for name in ("cut.jpg", "more/empty.png", "photo.HEIC"):
        (photos / name).write_bytes(b"")
    Path("empty").mkdir()
    done = trained("predict", "photos", "empty", "missing.png", "--run", "fresh")
    assert done.code == 3
    assert len(done.out.splitlines()) == 4
    for said in (
        "warning: photos/pixel.png: too small for a face crop: 1×1 pixels",
        "photos/cut.jpg: the file is empty (0 bytes)",
        "… and 3 more that cannot be predicted; --json lists all",
        "4 of 9 images predicted",
    ):
        assert said in done.err
    listed = trained("predict", "photos", "empty", "missing.png", "--run", "fresh", "--json")
    assert listed.code == 3
    problems = {entry["image"]: entry["problem"] for entry in listed.json if entry["problem"]}
    assert problems == {
        "photos/cut.jpg": "the file is empty (0 bytes)",
        "photos/more/empty.png": "the file is empty (0 bytes)",
        "photos/photo.HEIC": "the file is empty (0 bytes)",
        "missing.png": "No such file or directory",
        "empty": "the folder holds no image files, such as .jpg or .png",
    }
    assert sum(entry["years"] is not None for entry in listed.json) == 4
    assert [len(entry["warnings"]) for entry in listed.json if entry["warnings"]] == [2]
