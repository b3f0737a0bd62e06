"""What Keras itself does, where it is installed: batch norm's constants, and early stopping over two calls of fit.

pip install -e '.[benchmarks]' && KERAS_BACKEND=torch pytest tests/engine/test_keras.py
"""

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from tiny_runs import Runner
from torch import nn

from engine.config import build_config
from engine.events import EpochEnded
from engine.models.backbones import set_batch_norm
from engine.recipe import under_revision
from engine.trainer import Trainer

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
pytestmark = pytest.mark.simulation

NETWORKS: dict[str, str] = {
    "resnet50-v1": "ResNet50",
    "densenet121": "DenseNet121",
    "efficientnet_b0": "EfficientNetB0",
    "efficientnet_v2_s": "EfficientNetV2S",
    "inception_v3": "InceptionV3",
    "mobilenet_v2": "MobileNetV2",
    "mobilenet_v3_large": "MobileNetV3Large",
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_recipe_has_the_constants_of_keras_applications(name: str) -> None:
    network = getattr(keras.applications, NETWORKS[name])(weights=None, include_top=False, input_shape=(96, 96, 3))
    layers = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    recipe = under_revision(build_config({"backbone": name, "strategy": "finetune"}), 2)
    assert {layer.momentum for layer in layers} == {recipe.bn_momentum}
    if recipe.bn_epsilon is not None:
        assert {layer.epsilon for layer in layers} == {recipe.bn_epsilon}


def test_batch_norm_moves_as_keras_does() -> None:
    recipe = under_revision(build_config({"backbone": "resnet50-v1", "strategy": "finetune"}), 2)
    ours, theirs = nn.BatchNorm2d(5), keras.layers.BatchNormalization(axis=1, momentum=0.99, epsilon=1.001e-5)
    set_batch_norm(ours, recipe.bn_momentum, recipe.bn_epsilon)
    generator = torch.Generator().manual_seed(0)
    for step in range(20):
        # Values this small show the epsilon.
        images = 0.01 * (torch.randn((8, 5, 12, 12), generator=generator) + step)
        expected = keras.ops.convert_to_numpy(theirs(images, training=True))
        np.testing.assert_allclose(ours(images).detach().numpy(), expected, atol=1e-3)
    mean, variance = (keras.ops.convert_to_numpy(one) for one in (theirs.moving_mean, theirs.moving_variance))
    np.testing.assert_allclose(ours.running_mean, mean, rtol=1e-4)
    # torch averages unbiased estimates of the variance, Keras those of the batch.
    np.testing.assert_allclose(ours.running_var, variance, rtol=1 / (8 * 12 * 12 - 1))


@pytest.mark.parametrize(
    "losses",
    [
        ((5, 3, 4, 4, 1, 1), (9, 8, 8.5, 8, 1, 1)),
        ((5, 3, 4, 4, 1, 1), (9, 8, 2, 3, 3, 1)),
        ((6, 5, 4, 3, 2, 1), (1, 1, 1, 1, 1, 1)),
        ((1, 2, 2, 1, 1, 1), (7, 7, 7, 7, 7, 7)),
        ((3, 2.5, 2.4, 2.3, 2, 1), (4, 3.9, 3, 3, 2.9, 2)),
    ],
)
@pytest.mark.parametrize("min_delta", [0.0, 0.75])
def test_two_stages_stop_and_keep_as_two_calls_of_fit(
    runner: Runner, monkeypatch: pytest.MonkeyPatch, losses: Sequence[Sequence[float]], min_delta: float
) -> None:
    kept, ended = _two_fits(losses, min_delta)
    told = iter([loss for stage, count in zip(losses, ended, strict=True) for loss in stage[:count]])
    monkeypatch.setattr(Trainer, "_validate", lambda self: (next(told), 1.0))
    seen = runner(strategy="freeze", init="random", epochs="6,6", patience=2, min_delta=min_delta, batch=65)
    assert [sum(one.stage == stage for one in seen.all(EpochEnded)) for stage in (1, 2)] == list(ended)
    assert seen.best.epoch == kept
    assert next(told, math.inf) == math.inf


def _two_fits(losses: Sequence[Sequence[float]], min_delta: float) -> tuple[int, tuple[int, int]]:
    """The epoch whose weights Keras keeps after two calls of fit with the same callback, and the epochs of each."""
    model = _Model()
    callback = keras.callbacks.EarlyStopping(
        monitor="val_loss", mode="min", patience=2, min_delta=min_delta, restore_best_weights=True
    )
    callback.set_model(model)
    ended = []
    for stage in losses:
        callback.on_train_begin()
        model.stop_training, count = False, 0
        for number, loss in enumerate(stage):
            model.epoch, count = sum(ended) + number + 1, number + 1
            callback.on_epoch_end(number, {"val_loss": loss})
            if model.stop_training:
                break
        callback.on_train_end()
        ended.append(count)
    return model.epoch, (ended[0], ended[1])


class _Model:
    """Of a Keras model, what early stopping needs; its weights are the number of the epoch that they are of."""

    epoch = 0
    stop_training = False

    def get_weights(self) -> int:
        return self.epoch

    def set_weights(self, weights: Any) -> None:
        self.epoch = weights
