"""The weights of a network that nobody trained: enough to predict ages with."""

from pathlib import Path

from engine.choices import Crop
from engine.config import PRESETS, build_config
from engine.kept_weights import SavedFile, save_weights
from engine.losses import build_loss
from engine.models import build_model

FRESH = build_config({**PRESETS["quick"], "backbone": "resnet18@layer1", "size": 32, "init": "random"})


def save_fresh_weights(path: Path, crop: Crop = "as-is", size: int = FRESH.size) -> SavedFile:
    """Weights of `FRESH` with this crop and size, in a folder that is made for them."""
    config = FRESH.model_copy(update={"crop": crop, "size": size})
    loss = build_loss(config)
    model, _ = build_model(config, loss.outputs, shares_weights=loss.shares_weights)
    path.parent.mkdir(parents=True, exist_ok=True)
    return save_weights(model.state_dict(), config, path)
