"""Writes the script that predicts ages with a run's kept weights in plain PyTorch, without ageui."""

from typing import Final

from engine.backbone_names import BackboneName
from engine.config import RunConfig
from engine.data.face_chips import BOX_MARGIN, PADDING
from engine.losses import Loss, build_loss
from engine.losses.coral import Coral
from engine.losses.loss import ClassLoss
from engine.models.backbones import Backbone, build_backbone, network_arguments, normalisation
from engine.models.heads import ACTIVATIONS

_SCRIPT: Final = '''\
"""Predicts ages with {weights} in PyTorch and torchvision alone:

    pip install torch torchvision safetensors pillow numpy
    python {script} FACE.jpg...

{input}

This is what `ageui predict` computes in fp32 for 8-bit RGB images; bf16 differs by some hundredths of a year.
"""

import sys
from pathlib import Path

import numpy as np
import torch
import torchvision
from PIL import Image, ImageOps
from safetensors.torch import load_file
from torch import nn
from torchvision.models.feature_extraction import create_feature_extractor

state = load_file(Path(__file__).with_name({weights!r}))


def part(prefix):
    return {{name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}}


# The backbone: torchvision's {network}, up to the layer {layer}.
network = torchvision.models.get_model({network!r}, weights=None{arguments})
{strides}{epsilon}backbone = create_feature_extractor(network, {{{layer!r}: "features"}})
backbone.load_state_dict(part("backbone.network."))
backbone.to(memory_format=torch.channels_last).eval()

# The head.
{head}

mean, std = torch.tensor({mean}), torch.tensor({std})


def read(path):
    """The central square of an image as a normalised tensor (1, 3, {size}, {size})."""
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.resize(({size}, {size}), Image.Resampling.BICUBIC, box=(left, top, left + side, top + side))
    pixels = torch.from_numpy(np.array(square)).float() / 255
    return ((pixels - mean) / std).permute(2, 0, 1)[None].contiguous(memory_format=torch.channels_last)


@torch.inference_mode()
def predict(path):
    """The predicted age in years."""
    features = backbone(read(path))["features"]
    if features.ndim == 4:
        features = features.mean({map_dims})
    elif features.ndim == 3:
        features = features.mean(1)
    {years}
    return years.item()


if __name__ == "__main__":
    for path in sys.argv[1:]:
        print(f"{{predict(path):.6f}} {{path}}")
'''
_STRIDES: Final = """\
for block in network.modules():  # the strides of He et al. 2015, as in Keras
    if isinstance(block, torchvision.models.resnet.Bottleneck):
        block.conv1.stride, block.conv2.stride = block.conv2.stride, block.conv1.stride
"""
_EPSILON: Final = """\
for layer in network.modules():
    if isinstance(layer, nn.modules.batchnorm._BatchNorm):
        layer.eps = {epsilon!r}
"""


def plain_prediction(config: RunConfig, weights: str, script: str, *, photos: bool = False) -> str:
    """The script's text.

    Parameters
    ----------
    config
        The config that the weights were trained with, as stored with them.
    weights, script
        Names of the weights file and of the script, which lie in the same folder.
    photos
        Whether the run's data are uncropped photos.

    Raises
    ------
    ConfigError
        For a backbone that torchvision lacks.
    """
    name = BackboneName.parse(config.backbone)
    backbone = build_backbone(config.backbone, config.size, config.seed)
    mean, std = normalisation(name.network)
    loss = build_loss(config)
    arguments = network_arguments(name.network, config.size)
    return _SCRIPT.format(
        weights=weights,
        input=_input(config, photos),
        script=script,
        network=name.network,
        layer=backbone.layer,
        arguments="".join(f", {key}={value!r}" for key, value in arguments.items()),
        strides=_STRIDES if name.original_strides else "",
        epsilon=_EPSILON.format(epsilon=config.bn_epsilon) if config.bn_epsilon is not None else "",
        head=_head(config, backbone, loss),
        mean=mean,
        std=std,
        size=config.size,
        map_dims=backbone.map_dims,
        years=_years(loss),
    )


def _input(config: RunConfig, photos: bool) -> str:
    """What its images must show."""
    if config.crop == "aligned":
        return (
            "Each image must be one aligned face, as dlib cuts it with five landmarks:\n"
            f"dlib.get_face_chip(photo, landmarks, size={config.size}, padding={PADDING})."
        )
    if photos:
        return f"Each image must be the box of one face that dlib finds, with {BOX_MARGIN:.0%} of it on each side."
    return "Each image must be one face, cropped as the training images are."


def _head(config: RunConfig, backbone: Backbone, loss: Loss) -> str:
    layers, features = [], backbone.feature_count
    for width in config.widths or ():
        layers += [f"nn.Linear({features}, {width})", "nn.ReLU()"]
        features = width
    lines = ['weights = part("head.")']
    if loss.shares_weights:  # its logits differ in their bias alone
        at = len(layers)
        lines.append(f'output_weight, output_bias = weights.pop("{at}.weight"), weights.pop("{at}.bias")')
    else:
        layers.append(f"nn.Linear({features}, {loss.outputs})")
        if loss.outputs == 1 and config.head != "none":
            layers.append(f"nn.{ACTIVATIONS[config.head.partition('-')[2]]().__class__.__name__}()")
    lines += [f"head = nn.Sequential({', '.join(layers)})", "head.load_state_dict(weights)"]
    return "\n".join(lines)


def _years(loss: Loss) -> str:
    inner = getattr(loss, "inner", loss)
    if isinstance(inner, Coral):
        return "years = (nn.functional.linear(head(features), output_weight) + output_bias).sigmoid().sum()"
    if isinstance(inner, ClassLoss):
        return "years = head(features).softmax(dim=1) @ torch.arange(101.0)"
    return "years = head(features) * 100"
