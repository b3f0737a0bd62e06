"""Checks backbone names without torch.

A name is `NETWORK`, `NETWORK-v1` for a ResNet with the original strides, or either with `@LAYER` to cut it there.
`dlib-age` is dlib's age network, which can be cut, too. `timm/NAME` is a whole network of timm.
"""

import contextlib
import difflib
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Final, Literal, Self

DLIB_AGE: Final = "dlib-age"
TIMM_PREFIX: Final = "timm/"
V1_SUFFIX: Final = "-v1"
V1_NETWORKS: Final = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
CLOSE_MATCHES: Final = 3
_WITHOUT_BATCH_NORM: Final = ("alexnet", "convnext", DLIB_AGE, "squeezenet", "swin", "vgg", "vit")
_DEPTHWISE: Final = ("convnext", "efficientnet", "maxvit", "mnasnet", "mobilenet", "shufflenet")

# torchvision's classifiers in the version below. Later versions are asked for names that this list lacks.
LISTED_VERSION: Final = (0, 29)
LISTED: Final = (
    "alexnet", "convnext_base", "convnext_large", "convnext_small", "convnext_tiny", "densenet121", "densenet161",
    "densenet169", "densenet201", "efficientnet_b0", "efficientnet_b1", "efficientnet_b2", "efficientnet_b3",
    "efficientnet_b4", "efficientnet_b5", "efficientnet_b6", "efficientnet_b7", "efficientnet_v2_l",
    "efficientnet_v2_m", "efficientnet_v2_s", "googlenet", "inception_v3", "maxvit_t", "mnasnet0_5", "mnasnet0_75",
    "mnasnet1_0", "mnasnet1_3", "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small", "regnet_x_16gf",
    "regnet_x_1_6gf", "regnet_x_32gf", "regnet_x_3_2gf", "regnet_x_400mf", "regnet_x_800mf", "regnet_x_8gf",
    "regnet_y_128gf", "regnet_y_16gf", "regnet_y_1_6gf", "regnet_y_32gf", "regnet_y_3_2gf", "regnet_y_400mf",
    "regnet_y_800mf", "regnet_y_8gf", "resnet101", "resnet152", "resnet18", "resnet34", "resnet50",
    "resnext101_32x8d", "resnext101_64x4d", "resnext50_32x4d", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0",
    "shufflenet_v2_x1_5", "shufflenet_v2_x2_0", "squeezenet1_0", "squeezenet1_1", "swin_b", "swin_s", "swin_t",
    "swin_v2_b", "swin_v2_s", "swin_v2_t", "vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19",
    "vgg19_bn", "vit_b_16", "vit_b_32", "vit_h_14", "vit_l_16", "vit_l_32", "wide_resnet101_2", "wide_resnet50_2",
)  # fmt: skip
_TIMM_NAME: Final = re.compile(rf"{TIMM_PREFIX}\w[\w.-]*")
_ASK: Final = "import torchvision.models as m; print(*m.list_models(module=m))"


@dataclass(frozen=True)
class BackboneName:
    """The parts of a backbone's name.

    Examples
    --------
    >>> BackboneName.parse("resnet50-v1@layer3")
    BackboneName(network='resnet50', original_strides=True, layer='layer3')
    """

    network: str
    original_strides: bool
    layer: str | None

    @classmethod
    def parse(cls, name: str) -> Self:
        """Raises `ValueError`, with close matches, for a network that torchvision lacks.

        Names of timm are checked when the network is built, because only timm knows them.
        """
        head, cut, layer = name.partition("@")
        if head.startswith(TIMM_PREFIX):
            if cut or not _TIMM_NAME.fullmatch(head):
                raise ValueError("write a timm network as timm/NAME without @LAYER, such as timm/resnet50.a1_in1k")
            return cls(head, False, None)
        network = head.removesuffix(V1_SUFFIX)
        original = head != network
        if head != DLIB_AGE and (not is_network(network) or (original and network not in V1_NETWORKS)):
            have = (DLIB_AGE, *LISTED, *unlisted(), *(known + V1_SUFFIX for known in V1_NETWORKS))
            raise ValueError(
                f"torchvision has no classifier {head!r}{suggestion(head, have)}; "
                "give one of its names, resnet18, 34, 50, 101 or 152 followed by -v1, dlib-age, or timm/NAME"
            )
        if cut and not layer:
            raise ValueError(f"no layer after the @; name one, such as {head}@layer3")
        return cls(network, original, layer or None)

    @property
    def library(self) -> Literal["torchvision", "dlib", "timm"]:
        """Where the network and its pretrained weights come from."""
        if self.network == DLIB_AGE:
            return "dlib"
        return "timm" if self.network.startswith(TIMM_PREFIX) else "torchvision"


def is_network(name: str) -> bool:
    """Whether torchvision has a classifier of this name."""
    return name in LISTED or name in unlisted()


def has_batch_norm(name: str) -> bool:
    """Whether a backbone belongs to a family of networks with batch norm."""
    network = name.removeprefix(TIMM_PREFIX).partition("@")[0]
    return network.endswith("_bn") or not network.startswith(_WITHOUT_BATCH_NORM)


def has_depthwise_convolutions(name: str) -> bool:
    """Whether a backbone belongs to a family of networks with depthwise convolutions."""
    return name.removeprefix(TIMM_PREFIX).startswith(_DEPTHWISE)


@cache
def unlisted() -> tuple[str, ...]:
    """Networks of a torchvision newer than the list. Asks a separate process, which takes seconds."""
    with contextlib.suppress(metadata.PackageNotFoundError, ValueError):
        if tuple(int(part) for part in metadata.version("torchvision").split(".")[:2]) <= LISTED_VERSION:
            return ()
    asked = subprocess.run([sys.executable, "-P", "-c", _ASK], capture_output=True, text=True, check=False)
    return tuple(name for name in asked.stdout.split() if name not in LISTED)


def suggestion(name: str, have: Sequence[str]) -> str:
    """The close matches of a name as an aside; empty without any.

    Examples
    --------
    >>> suggestion("resnet52", ["resnet50", "vgg11"])
    ' (did you mean resnet50?)'
    """
    close = difflib.get_close_matches(name, have, n=CLOSE_MATCHES)
    return f" (did you mean {', '.join(close)}?)" if close else ""
