"""The weights of a network that nobody trained: enough to predict ages with."""

from pathlib import Path

from engine.config import PRESETS, build_config
from engine.kept_weights import SavedFile, save_weights
from engine.losses import build_loss
from engine.models import build_model

FRESH = build_config({**PRESETS["quick"], "backbone": "resnet18@layer1", "size": 32, "init": "random"})


def save_fresh_weights(path: Path) -> SavedFile:
    """Weights of `FRESH`, in a folder that is made for them."""
    loss = build_loss(FRESH)
    model, _ = build_model(FRESH, loss.outputs, shares_weights=loss.shares_weights)
    path.parent.mkdir(parents=True, exist_ok=True)
    return save_weights(model.state_dict(), FRESH, path)
