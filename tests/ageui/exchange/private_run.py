"""A finished run with weights, curves and scores, whose rows are full of what no export may hold."""

from dataclasses import replace
from pathlib import Path

import torch
from fresh_weights import FRESH
from store_rows import claimed, epoch, epoch_scores, evaluated, steps

from ageui.store import Store
from engine.config import RunConfig, build_config
from engine.data.spec import DataSpec
from engine.events import CheckpointWritten
from engine.kept_weights import save_weights
from engine.losses import build_loss
from engine.models import build_model

SECRET = "secret-"
"""The beginning of every private word: host, user, folders, names of images, and a note."""
INIT = "/home/secret-user/secret-folder/first.pth"
IMAGES = ["secret-face/a.jpg", "secret-face/b.jpg", "secret-face/ç.jpg"]


def add_private_run(store: Store, **changes: object) -> int:
    """The id of the run `first`; `changes` are fields of its config. Its second validation loss is infinite."""
    own = FRESH.model_dump(exclude={"widths"} if "head" in changes else set())
    config = build_config({**own, "strategy": "finetune", "init": INIT, **changes})
    spec = DataSpec(name="faces", format="table", path="/home/secret-user/secret-folder/faces.csv")
    run_id = store.runs.add(config, spec, name="first", tags=("t",))
    attempt = claimed(store, run_id)
    assert attempt is not None
    path = store.run_folder(run_id) / "weights-1.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    saved = save_weights(_state(config), config, path)
    scored = evaluated()
    with store.writing(run_id, attempt) as writer:
        writer.started(
            {
                "versions": {"ageui": "0.2.0"},
                "host": "secret-host",
                "platform": "Linux-secret-host",
                "device": "cpu",
                "placement": "secret-host asked for it",
                "dtype": "fp32",
                "data": {"name": "faces", "hash": "d00d", "splits": {"train": {"images": 5, "labelled": 5}}},
                "weights": {"source": INIT, "sha256": "0" * 64, "loaded": 5, "random": 2, "ignored": 0},
            }
        )
        writer.steps(steps((5, 0.75), (10, 0.5), (20, 0.25)))
        writer.epoch(epoch(1, scores=epoch_scores()))
        writer.epoch(epoch(2, val_loss=float("inf"), is_best=False))
        writer.checkpoint(CheckpointWritten("best", path.name, 1, 10, saved.sha256, saved.bytes))
        writer.evaluated(replace(scored, items=scored.items.assign(image=IMAGES)), "apparent", "faces")
        writer.end("done", "secret-user stopped it in /home/secret-user")
    store.edits.set_note(run_id, "see /home/secret-user")
    return run_id


def contents(path: Path) -> bytes:
    """All bytes of a file, or of all files in a folder with their names; members of archives are unpacked."""
    import zipfile

    if path.is_dir():
        return b"\n".join(one.name.encode() + b"\n" + contents(one) for one in sorted(path.rglob("*")) if one.is_file())
    found = path.read_bytes()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            found += b"\n".join(archive.read(name) for name in archive.namelist())
    return found


def _state(config: RunConfig) -> dict[str, torch.Tensor]:
    """Weights of a new network that differ from image to image."""
    loss = build_loss(config)
    model, _ = build_model(
        config.model_copy(update={"init": "random"}), loss.outputs, shares_weights=loss.shares_weights
    )
    generator = torch.Generator().manual_seed(1)
    return {
        name: tensor + 0.1 * torch.rand(tensor.shape, generator=generator) if tensor.is_floating_point() else tensor
        for name, tensor in model.state_dict().items()
    }
