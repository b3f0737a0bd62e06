"""torchvision's ResNets in Keras, written as keras.applications writes its own, with the same weights.

keras.applications has no ResNet18, cannot cut a network at a layer and has biases before batch norm; so that all ways
do the same arithmetic, the network is built here from a config.
"""

from collections.abc import Mapping
from typing import Any

import keras
from keras import layers
from torch import Tensor

from engine.backbone_names import BackboneName
from engine.config import RunConfig

STAGES = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3), "resnet50": (3, 4, 6, 3), "resnet101": (3, 4, 23, 3)}
BASIC = ("resnet18", "resnet34")


def build_resnet(config: RunConfig) -> keras.Model:
    """Normalised images, in Keras' image data format, to ages / 100 (B, 1)."""
    name = BackboneName.parse(config.backbone)
    first = keras.config.image_data_format() == "channels_first"
    inputs = keras.Input((3, config.size, config.size) if first else (config.size, config.size, 3))
    x = _convolution(inputs, 64, 7, 2, "conv1", "bn1")
    x = layers.ZeroPadding2D(1)(layers.ReLU()(x))
    x = layers.MaxPooling2D(3, 2)(x)
    last = int(name.layer.removeprefix("layer")) if name.layer else 4
    for stage in range(last):
        for block in range(STAGES[name.network][stage]):
            stride = 2 if stage > 0 and block == 0 else 1
            prefix, filters = f"layer{stage + 1}.{block}", 64 * 2**stage
            if name.network in BASIC:
                x = _basic(x, filters, stride, prefix)
            else:
                x = _bottleneck(x, filters, stride, prefix, original=name.original_strides, widens=block == 0)
    x = layers.GlobalAveragePooling2D()(x)
    for number, width in enumerate(config.widths or ()):
        x = layers.Dense(width, activation="relu", name=_keras_name(f"head.{2 * number}"))(x)
    # In float32 under mixed precision too, as Keras' guide to it says.
    x = layers.Dense(
        1, activation="sigmoid", dtype="float32", name=_keras_name(f"head.{2 * len(config.widths or ())}")
    )(x)
    return keras.Model(inputs, x)


def copy_weights(state: Mapping[str, Tensor], model: keras.Model) -> None:
    """Puts the weights of the engine's network into the Keras one: kernels (O, I, H, W) become (H, W, I, O)."""

    def tensor(name: str) -> Any:
        return state[name].numpy()

    for layer in model.layers:
        name = layer.name.replace("-", ".")
        name = name if name.startswith("head") else f"backbone.network.{name}"
        if isinstance(layer, layers.Conv2D):
            layer.set_weights([tensor(f"{name}.weight").transpose(2, 3, 1, 0)])
        elif isinstance(layer, layers.BatchNormalization):
            layer.set_weights([tensor(f"{name}.{part}") for part in ("weight", "bias", "running_mean", "running_var")])
        elif isinstance(layer, layers.Dense):
            layer.set_weights([tensor(f"{name}.weight").T, tensor(f"{name}.bias")])


def _keras_name(name: str) -> str:
    return name.replace(".", "-")


def _convolution(x: Any, filters: int, kernel: int, stride: int, name: str, norm: str) -> Any:
    if kernel > 1:
        x = layers.ZeroPadding2D(kernel // 2)(x)
    x = layers.Conv2D(filters, kernel, stride, use_bias=False, name=_keras_name(name))(x)
    axis = 1 if keras.config.image_data_format() == "channels_first" else -1
    return layers.BatchNormalization(axis, momentum=0.9, epsilon=1e-5, name=_keras_name(norm))(x)


def _basic(x: Any, filters: int, stride: int, name: str) -> Any:
    shortcut = _shortcut(x, filters, stride, name) if stride > 1 else x
    x = layers.ReLU()(_convolution(x, filters, 3, stride, f"{name}.conv1", f"{name}.bn1"))
    x = _convolution(x, filters, 3, 1, f"{name}.conv2", f"{name}.bn2")
    return layers.ReLU()(layers.Add()([x, shortcut]))


def _bottleneck(x: Any, filters: int, stride: int, name: str, *, original: bool, widens: bool) -> Any:
    shortcut = _shortcut(x, 4 * filters, stride, name) if widens else x
    first, second = (stride, 1) if original else (1, stride)
    x = layers.ReLU()(_convolution(x, filters, 1, first, f"{name}.conv1", f"{name}.bn1"))
    x = layers.ReLU()(_convolution(x, filters, 3, second, f"{name}.conv2", f"{name}.bn2"))
    x = _convolution(x, 4 * filters, 1, 1, f"{name}.conv3", f"{name}.bn3")
    return layers.ReLU()(layers.Add()([x, shortcut]))


def _shortcut(x: Any, filters: int, stride: int, name: str) -> Any:
    return _convolution(x, filters, 1, stride, f"{name}.downsample.0", f"{name}.downsample.1")
