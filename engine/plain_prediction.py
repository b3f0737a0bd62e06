"""Writes the script that predicts ages with a run's kept weights in plain PyTorch, without ageui."""

import inspect
from collections.abc import Mapping
from typing import Any, Final

from engine.backbone_names import TIMM_PREFIX, BackboneName
from engine.config import RunConfig
from engine.data.face_chips import BOX_MARGIN, PADDING
from engine.losses import Loss, build_loss
from engine.losses.coral import Coral
from engine.losses.loss import ClassLoss
from engine.models import dlib_age, timm_networks
from engine.models.backbones import Backbone, build_backbone, network_arguments
from engine.models.heads import ACTIVATIONS

_SCRIPT: Final = '''\
"""Predicts ages with {weights} in PyTorch and {library} alone:

    pip install torch {library} safetensors pillow numpy
    python {script} FACE.jpg...

{input}

This is what `ageui predict` computes in fp32 for 8-bit RGB images; bf16 differs by some hundredths of a year.
"""

import sys
from pathlib import Path

import numpy as np
import torch
{imports}
from PIL import Image, ImageOps
from safetensors.torch import load_file
from torch import {tensor}nn
{extractor}
state = load_file(Path(__file__).with_name({weights!r}))


def part(prefix):
    return {{name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}}


{network}
{strides}{epsilon}{cut}
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
    image = read(path)
    return {mean_years}


def years_of(image):
    """The predicted age (1,) in years of a normalised image (1, 3, {size}, {size})."""
    features = backbone(image){key}
    if features.ndim == 4:
        features = features.mean({map_dims})
    elif features.ndim == 3:
        features = features.mean(1)
{standardized}    {years}
    return years


if __name__ == "__main__":
    for path in sys.argv[1:]:
        print(f"{{predict(path):.6f}} {{path}}")
'''
_TORCHVISION: Final = """\
# The backbone: torchvision's {network}, up to the layer {layer}.
network = torchvision.models.get_model({network!r}, weights=None{arguments})"""
_DLIB: Final = """\
# The backbone: dlib's age network, up to the layer {layer}.
{source}

network = AgeNetwork()"""
_TIMM: Final = """\
# The backbone: timm's {network}.
network = timm.create_model({network!r}, pretrained=False, num_classes=0{arguments})"""
_EXTRACTOR: Final = "from torchvision.models.feature_extraction import create_feature_extractor\n"
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
        Names of the weights file and the script, which are in the same folder.
    photos
        Whether the run's images are uncropped photos.

    Raises
    ------
    ConfigError
        If the backbone cannot be built here.
    """
    backbone = build_backbone(config.backbone, config.size, config.seed)
    loss = build_loss(config)
    return _SCRIPT.format(
        weights=weights,
        input=expected_image(config, photos=photos),
        script=script,
        **_network(config, backbone),
        epsilon=_EPSILON.format(epsilon=config.bn_epsilon) if config.bn_epsilon is not None else "",
        head=_head(config, backbone, loss),
        mean=backbone.mean,
        std=backbone.std,
        size=config.size,
        mean_years="((years_of(image) + years_of(image.flip(-1))) / 2).item()"
        if config.mirror
        else "years_of(image).item()",
        standardized="    features = (features - feature_mean) / feature_std\n" if config.standardize else "",
        map_dims=backbone.map_dims,
        years=_years(loss),
    )


def _network(config: RunConfig, backbone: Backbone) -> dict[str, str]:
    """The parts of the script that build the backbone."""
    name = BackboneName.parse(config.backbone)
    if name.library == "timm":
        arguments = _keywords(timm_networks.arguments(name.network, config.size))
        return {
            "library": "timm",
            "imports": "import timm",
            "tensor": "",
            "extractor": "",
            "network": _TIMM.format(network=name.network.removeprefix(TIMM_PREFIX), arguments=arguments),
            "strides": "",
            "cut": "backbone = network",
            "key": "",
        }
    cut = f'backbone = create_feature_extractor(network, {{{backbone.layer!r}: "features"}})'
    parts = {"library": "torchvision", "extractor": _EXTRACTOR, "cut": cut, "key": '["features"]'}
    if name.library == "dlib":
        source = "\n\n".join(map(inspect.getsource, (dlib_age.Scale, dlib_age.Block, dlib_age.AgeNetwork)))
        network, imports = _DLIB.format(layer=backbone.layer, source=source), "import torch.nn.functional as F"
        return {**parts, "imports": imports, "tensor": "Tensor, ", "network": network, "strides": ""}
    arguments = _keywords(network_arguments(name.network, config.size))
    network = _TORCHVISION.format(network=name.network, layer=backbone.layer, arguments=arguments)
    strides = _STRIDES if name.original_strides else ""
    return {**parts, "imports": "import torchvision", "tensor": "", "network": network, "strides": strides}


def _keywords(arguments: Mapping[str, Any]) -> str:
    return "".join(f", {key}={value!r}" for key, value in arguments.items())


def expected_image(config: RunConfig, *, photos: bool) -> str:
    """The images that the network expects, in a sentence; `photos` as in `plain_prediction`."""
    if config.crop == "aligned":
        return (
            "Each image must be one aligned face, as dlib cuts it with five landmarks:\n"
            f"dlib.get_face_chip(photo, landmarks, size={config.size}, padding={PADDING})."
        )
    if photos:
        return f"Each image must be the box of one face that dlib finds, with {BOX_MARGIN:.0%} of it on each side."
    return "Each image must be one face, cropped as the training images are."


def _head(config: RunConfig, backbone: Backbone, loss: Loss) -> str:
    features = backbone.feature_count
    lines = ['weights = part("head.")']
    without_effect = ["nn.Identity()"]  # in place of a layer
    layers = without_effect if config.standardize else []
    if config.standardize:
        lines.append('feature_mean, feature_std = weights.pop("0.mean"), weights.pop("0.std")')
    dropout = without_effect if config.dropout else []
    for width in config.widths or ():
        layers = [*layers, *dropout, f"nn.Linear({features}, {width})", "nn.ReLU()"]
        features = width
    layers = [*layers, *dropout]
    if loss.shares_weights:  # its logits differ only in their bias
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
