"""Identifies the torchvision network of a set of tensors, by names and shapes."""

from collections.abc import Mapping
from functools import cache
from typing import Final

import torch
from torch import Tensor

from engine.backbone_names import LISTED, is_network
from engine.light_torchvision import models

_FAMILIES: Final = (
    ("layer1.0.conv1.weight", ("resnet", "resnext", "wide_resnet")),
    ("features.denseblock1.denselayer1.conv1.weight", ("densenet",)),
    ("features.3.squeeze.weight", ("squeezenet",)),
    ("features.4.squeeze.weight", ("squeezenet",)),
    ("encoder.layers.encoder_layer_0.ln_1.weight", ("vit_",)),
    ("features.1.0.layer_scale", ("convnext",)),
    ("features.1.0.attn.qkv.weight", ("swin",)),
    ("stage2.0.branch2.0.weight", ("shufflenet",)),
    ("inception3a.branch1.conv.weight", ("googlenet",)),
    ("Mixed_5b.branch1x1.conv.weight", ("inception",)),
    ("layers.8.0.layers.0.weight", ("mnasnet",)),
    ("features.1.conv.0.0.weight", ("mobilenet_v2",)),
    ("features.1.block.0.0.weight", ("mobilenet_v3",)),
    ("features.1.0.block.0.0.weight", ("efficientnet",)),
    ("features.0.weight", ("vgg", "alexnet")),
)
"""A tensor of each family of networks, and the prefixes of their names."""

Shapes = Mapping[str, tuple[int, ...]]


def named_architecture(tensors: Mapping[str, Tensor]) -> tuple[str, int] | None:
    """The largest torchvision network whose tensors before the classifier are all among `tensors`, and their number;
    None if no network fits. The network's names may follow any prefix.
    """
    for mark, family in _FAMILIES:
        for full in tensors:
            if full == mark or full.endswith(f".{mark}"):
                prefix = full.removesuffix(mark)
                given = {
                    name.removeprefix(prefix): tuple(tensors[name].shape) for name in tensors if name.startswith(prefix)
                }
                return _largest_held(given, family)
    return None


def _largest_held(given: Shapes, family: tuple[str, ...]) -> tuple[str, int] | None:
    networks = [network for network in LISTED if network.startswith(family)]
    held = [network for network in networks if holds_network(given, network)]
    found = max(held, key=lambda network: len(network_shapes(network)), default=None)
    return (found, len(network_shapes(found))) if found is not None else None


def holds_network(given: Shapes, network: str) -> bool:
    """Whether all of a network's tensors before its classifier are among `given`."""
    shapes = network_shapes(network)
    return bool(shapes) and shapes.items() <= given.items()


@cache
def network_shapes(network: str) -> dict[str, tuple[int, ...]]:
    """The shapes of a network's tensors before its classifier, without step counters.

    Empty if the network is not torchvision's or cannot be built.
    """
    if not is_network(network):
        return {}
    optional = {"aux_logits": False, "init_weights": False} if network in ("googlenet", "inception_v3") else {}
    try:
        with torch.device("meta"):
            built = models.get_model(network, weights=None, **optional)
    except NotImplementedError:  # RegNets compute their widths with tensors
        return {}
    classifier = [name for name, _ in built.named_children()][-1]
    return {
        name: tuple(tensor.shape)
        for name, tensor in built.state_dict().items()
        if tensor.is_floating_point() and name.partition(".")[0] != classifier
    }
