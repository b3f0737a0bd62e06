"""Backbones: torchvision's networks without their classifier, whole or cut at a named layer.

A name is `NETWORK`, `NETWORK-v1` for a ResNet with the original strides, or either with `@LAYER` to cut it there:
`resnet50`, `vgg11`, `resnet50-v1@layer3`, `squeezenet1_1@features.8`. Layers have torchvision's own names.

Features (B, F) are the input of the classifier's first layer, before global pooling, averaged over the image: the last
feature map of ResNet, VGG, DenseNet, Inception, GoogLeNet, MobileNet, EfficientNet, SqueezeNet and the like (the fully
connected layers of AlexNet and VGG belong to the classifier), the normalised last map of Swin, and the class token of
ViT. At a layer inside ViT's encoder, they are the mean over all tokens.

dlib's age network is cut in the same way. Networks of timm stay whole, with timm's own features
(`num_classes=0`).
"""

from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from engine.backbone_names import BackboneName, suggestion
from engine.checked_networks import NetworkFacts
from engine.errors import ConfigError
from engine.light_torchvision import create_feature_extractor, get_graph_node_names, models, without_compiler
from engine.models import dlib_age, timm_networks

POOLING_NODES: Final = frozenset({"avgpool", "adaptive_avg_pool2d", "mean", "flatten", "dropout"})
_OUT: Final = "features"
_PROBED_IMAGES: Final = 2
_MOMENTUM_DIGITS: Final = 12
_FAR_SIZE: Final = 1.5

Normalisation = tuple[tuple[float, ...], tuple[float, ...]]
"""Mean and standard deviation of RGB in [0, 1]."""


class Backbone(nn.Module):
    """Normalised RGB images (B, 3, S, S) to pooled features (B, `feature_count`).

    `layer` is the last layer of `network`. `map_dims` are the two dimensions of a feature map (B, ., ., .) for height
    and width. With `needs_pairs`, batch norm gets one value per channel and image, so it cannot train on a batch of one
    image. `mean` and `std` normalise RGB in [0, 1]. `own_size` is the image side in pixels on which the pretrained
    weights were trained; None if they take any size.
    """

    def __init__(
        self,
        network: nn.Module,
        layer: str,
        feature_count: int,
        map_dims: tuple[int, int],
        needs_pairs: bool,
        normalisation: Normalisation,
        own_size: int | None,
    ) -> None:
        super().__init__()
        self.mean, self.std = normalisation
        self.own_size = own_size
        self.network = network
        self.layer = layer
        self.feature_count = feature_count
        self.needs_pairs = needs_pairs
        self.map_dims = map_dims

    def forward(self, images: Tensor) -> Tensor:
        output = self.network(images)
        found: Tensor = output[_OUT] if isinstance(output, dict) else output
        # A plain mean, because adaptive pooling has no deterministic gradient on CUDA. Always in fp32.
        if found.ndim == 4:
            return found.mean(self.map_dims, dtype=torch.float32)
        if found.ndim == 3:
            return found.mean(1, dtype=torch.float32)
        return found


def build_backbone(name: str, size: int, seed: int, facts: NetworkFacts | None = None) -> Backbone:
    """A backbone with random first weights, drawn as in torchvision, by `seed` alone.

    Parameters
    ----------
    name
        See the module's docstring.
    size
        Side of the images in pixels.
    seed
        Seed of the weights.
    facts
        The facts of this network at this size, if known from an earlier check; else they are determined.

    Raises
    ------
    ConfigError
        If the network or layer is unknown, or the network cannot take the size.
    """
    try:
        parsed = BackboneName.parse(name)
    except ValueError as error:
        raise ConfigError(f"backbone {name!r}: {error}") from None
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        try:
            network = _random_network(parsed, size)
        except (ValueError, AssertionError) as error:
            raise _size_error(name, size, error) from error
    if parsed.original_strides:
        _restore_original_strides(network)
    layer, cut = "", network
    if parsed.library != "timm":
        layer = _resolve_layer(parsed, network)
        cut = create_feature_extractor(network, {layer: _OUT}, suppress_diff_warning=True)
    is_nhwc = parsed.network.startswith("swin") and layer.partition(".")[0] in ("features", "norm")
    features, needs_pairs = (facts.features, facts.needs_pairs) if facts else _probe(cut, name, size, is_nhwc)
    inputs = _normalisation_and_size(parsed, network)
    return Backbone(cut, layer, features, (1, 2) if is_nhwc else (2, 3), needs_pairs, *inputs)


def size_warnings(backbone: Backbone, name: str, size: int) -> tuple[str, ...]:
    """A sentence about an image size far from that of a backbone's pretrained weights."""
    own = backbone.own_size
    if own is None or own / _FAR_SIZE <= size <= own * _FAR_SIZE:
        return ()
    return (f"the weights of {name} were trained on images of {own} px, but size is {size}; consider --size {own}",)


def set_batch_norm(network: nn.Module, momentum: float | None, epsilon: float | None) -> None:
    """Sets the constants of batch norm; None leaves a constant unchanged.

    `momentum` is Keras': the share of the moving statistics that a step keeps. torch's is the share that a step
    replaces, rounded here so that Keras' 0.9 is exactly torch's 0.1.
    """
    for layer in network.modules():
        if isinstance(layer, _BatchNorm):
            layer.momentum = layer.momentum if momentum is None else round(1 - momentum, _MOMENTUM_DIGITS)
            layer.eps = layer.eps if epsilon is None else epsilon


def reference_weights(network: str) -> Any:
    """torchvision's ImageNet weights of a network: the first version (the paper's), else the default version."""
    available = models.get_model_weights(network)
    return getattr(available, "IMAGENET1K_V1", available.DEFAULT)


def normalisation(network: str) -> Normalisation:
    """Mean and standard deviation (3 each, of RGB in [0, 1]) used to train the network's ImageNet weights."""
    transform = reference_weights(network).transforms()
    return tuple(transform.mean), tuple(transform.std)


def network_arguments(network: str, size: int) -> dict[str, Any]:
    """Constructor arguments of a family: the image size, or the input scaling of its ImageNet weights."""
    if network.startswith("vit_"):
        return {"image_size": size}
    if network.startswith("maxvit"):
        return {"input_size": (size, size)}
    if network in ("googlenet", "inception_v3"):
        return {"aux_logits": False, "transform_input": True, "init_weights": True}
    return {}


def _random_network(name: BackboneName, size: int) -> nn.Module:
    if name.library == "dlib":
        return dlib_age.AgeNetwork()
    if name.library == "timm":
        return timm_networks.create(name.network, size)
    network: nn.Module = models.get_model(name.network, weights=None, **network_arguments(name.network, size))
    return network


def _normalisation_and_size(name: BackboneName, network: nn.Module) -> tuple[Normalisation, int | None]:
    if name.library == "dlib":
        return (dlib_age.MEAN, dlib_age.STD), dlib_age.SIZE
    if name.library == "timm":
        return timm_networks.normalisation_and_size(network)
    return normalisation(name.network), None


def _restore_original_strides(resnet: nn.Module) -> None:
    """Turns a bottleneck ResNet into the one of He et al. 2015 (arXiv 1512.03385), as in Keras.

    There, a block's first 1x1 convolution has the stride; in torchvision, the 3x3 convolution has it ("v1.5"). Blocks
    of ResNet18 and 34 begin with the 3x3 convolution, so both forms are the same network. The first max pooling (3x3,
    stride 2, padding 1) is Keras' and torchvision's; the Caffe original has no padding and rounds up.
    """
    for block in resnet.modules():
        if isinstance(block, models.resnet.Bottleneck):
            block.conv1.stride, block.conv2.stride = block.conv2.stride, block.conv1.stride


def _resolve_layer(parsed: BackboneName, network: nn.Module) -> str:
    """The graph node to cut at: the named layer, else the last before the classifier and its pooling."""
    in_training, in_inference = get_graph_node_names(network, suppress_diff_warning=True)
    nodes = in_inference[1:]
    top_level = [child for child, _ in network.named_children()]
    if parsed.layer is None:
        before = [node for node in nodes[: _first_of(nodes, top_level[-1])] if node not in POOLING_NODES]
        return str(before[-1])
    layers = _with_parents(node for node in nodes if node in set(in_training))
    if parsed.layer not in layers:
        raise ConfigError(
            f"backbone {parsed.network} has no layer {parsed.layer!r}{suggestion(parsed.layer, layers)}; "
            f"its top-level layers are {', '.join(name for name in top_level if name in layers)}"
        )
    return parsed.layer


def _probe(network: nn.Module, name: str, size: int, is_nhwc: bool) -> tuple[int, bool]:
    """A backbone's `feature_count` and `needs_pairs`. Raises `ConfigError`."""
    try:
        shape, needs_pairs = _traced_shapes(network, size)
    except (RuntimeError, AssertionError, ValueError) as error:
        raise _size_error(name, size, error) from error
    if shape is None or len(shape) not in (2, 3, 4) or shape[0] != _PROBED_IMAGES:
        raise ConfigError(
            f"backbone {name} does not give one row of features per image; cut it at a whole layer or block"
        )
    return shape[1] if len(shape) == 4 and not is_nhwc else shape[-1], needs_pairs


def _traced_shapes(network: nn.Module, size: int) -> tuple[torch.Size | None, bool]:
    """The shape of the cut layer's output (None if it is not a tensor), and whether training needs batches of two.

    Passes only shapes through the network, without arithmetic, so a size that is too small fails at once.
    """
    values_per_channel: list[int] = []
    hooks = [
        layer.register_forward_pre_hook(lambda _, given: values_per_channel.append(given[0][0, 0].numel()))
        for layer in network.modules()
        if isinstance(layer, _BatchNorm)
    ]
    tensors = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    shapes = {name: torch.empty_like(tensor, device="meta") for name, tensor in tensors.items()}
    images = torch.empty(_PROBED_IMAGES, 3, size, size, device="meta")
    network.eval()
    with without_compiler():
        found = torch.func.functional_call(network, shapes, (images,))
    network.train()
    for hook in hooks:
        hook.remove()
    found = found[_OUT] if isinstance(found, dict) else found
    return found.shape if isinstance(found, Tensor) else None, 1 in values_per_channel


def _first_of(nodes: Sequence[str], child: str) -> int:
    return next(index for index, node in enumerate(nodes) if node.partition(".")[0] == child)


def _with_parents(nodes: Any) -> tuple[str, ...]:
    """Every dotted name and its enclosing modules, in order, without duplicates."""
    found: dict[str, None] = {}
    for node in nodes:
        parts = node.split(".")
        for end in range(1, len(parts) + 1):
            found[".".join(parts[:end])] = None
    return tuple(found)


def _size_error(name: str, size: int, error: Exception) -> ConfigError:
    reason = str(error).strip().partition("\n")[0] or type(error).__name__
    return ConfigError(f"backbone {name} cannot take images of {size} px ({reason}); try another --size, such as 224")
