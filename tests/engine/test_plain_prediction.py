"""The script beside exported weights predicts what ageui predicts, for each kind of backbone and head."""

import importlib.util
import runpy
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from engine.config import build_config
from engine.kept_weights import save_weights
from engine.losses import build_loss
from engine.models import build_model
from engine.plain_prediction import plain_prediction
from engine.predict import predict_files

pytestmark = pytest.mark.simulation
needs_timm = pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="the extra timm is not installed")


@pytest.mark.parametrize(
    "settings",
    [
        {"head": "none"},
        {"head": "1-sigmoid", "loss": "balanced-mse", "bn_epsilon": 0.01},
        {"head": "1fc-sigmoid", "widths": (7,), "loss": "mean-variance"},
        {"head": "2fc-tanh"},
        {"head": "3fc-sigmoid", "loss": "coral"},
        {"head": "none", "loss": "dldl"},
        {
            "head": "3fc-sigmoid",
            "dropout": 0.5,
            "standardize": True,
            "mirror": True,
            "strategy": "finetune",
            "init": "random",
        },
        {"loss": "coral", "dropout": 0.5, "mirror": True},
        {"loss": "group-dro", "group_dro_loss": "coral", "weights": ("gender",)},
        {"loss": "scce", "backbone": "resnet50-v1@layer2"},
        {"backbone": "swin_t@features.1"},
        {"backbone": "vit_b_32@encoder.layers.encoder_layer_0"},
        {"backbone": "googlenet@inception3a"},
        {"backbone": "dlib-age", "loss": "dldl", "head": "none"},
        {"backbone": "dlib-age@layer2"},
        pytest.param({"backbone": "timm/vit_tiny_patch16_224"}, marks=needs_timm),
        pytest.param({"backbone": "timm/resnet18", "bn_epsilon": 0.01}, marks=needs_timm),
    ],
    ids=lambda settings: "-".join(map(str, settings.values())),
)
def test_the_script_and_ageui_predict_alike(
    settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    base = {"backbone": "resnet18@layer1", "size": 64, "strategy": "scratch", "precision": "fp32", "device": "cpu"}
    config = build_config({**base, **settings})
    loss = build_loss(config)
    model, _ = build_model(config, loss.outputs, shares_weights=loss.shares_weights)
    generator = torch.Generator().manual_seed(1)
    state = {
        name: tensor + 0.1 * torch.rand(tensor.shape, generator=generator) if tensor.is_floating_point() else tensor
        for name, tensor in model.state_dict().items()
    }
    weights, face = tmp_path / 'it\'s "w".safetensors', tmp_path / "face.png"
    save_weights(state, config, weights)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 70, 3), np.uint8)).save(face)
    script = tmp_path / f"{weights.name}.py"
    script.write_text(plain_prediction(config, weights.name, script.name))

    monkeypatch.setattr(sys, "argv", [str(script), str(face)])
    runpy.run_path(str(script), run_name="__main__")
    years = predict_files(weights, [face], device="cpu")[0].years
    assert float(capsys.readouterr().out.split()[0]) == pytest.approx(years, abs=1e-5)
