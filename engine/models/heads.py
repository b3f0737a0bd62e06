"""Heads: the layers on top of a backbone's features, those of the report's Table 1."""

from collections.abc import Callable, Sequence
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.config import HIDDEN_LAYERS
from engine.errors import ConfigError

ACTIVATIONS: Final[dict[str, Callable[[], nn.Module]]] = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh}
"""The activation of the single output unit, by the end of the head's name; head `none` has none."""


class SharedWeights(nn.Module):
    """Logits (B, `outputs`) of features (B, `inputs`) that share one weight vector and have a bias each.

    The output layer of Cao et al. 2020 (arXiv 1901.07884). Biases begin as in the authors' coral-pytorch: from 1 down
    in equal steps to 1 / `outputs`, because equal thresholds would first have to find their order.
    """

    def __init__(self, inputs: int, outputs: int, generator: torch.Generator) -> None:
        super().__init__()
        self.weight = _dense(inputs, 1, generator).weight
        self.bias = nn.Parameter(torch.arange(outputs, 0, -1, dtype=torch.float32) / outputs)

    def forward(self, features: Tensor) -> Tensor:
        return F.linear(features, self.weight) + self.bias


def build_head(
    name: str, features: int, widths: Sequence[int], outputs: int, seed: int, *, shares_weights: bool = False
) -> nn.Sequential:
    """A head from features to an age, or to logits.

    Head `none` is one linear unit without activation: the report's backbone "as it is", since fewer layers do not give
    one number. With several outputs, the hidden layers stay and the output layer gives logits. Weights are drawn as in
    Keras' `Dense` (Glorot uniform, zero bias), by `seed` alone.

    Parameters
    ----------
    name
        A key of `HIDDEN_LAYERS`.
    features
        Number of features F; the head takes (B, F).
    widths
        Units of the hidden layers.
    outputs
        1 for an age / 100 of shape (B,), or the number of logits, shape (B, outputs).
    seed
        Seed of the initial weights.
    shares_weights
        Whether the output layer is `SharedWeights`.

    Raises
    ------
    ConfigError
        For an unknown head or a wrong number of widths.

    Examples
    --------
    >>> head = build_head("2fc-sigmoid", 512, (128, 32), outputs=1, seed=0)
    >>> head(torch.zeros(4, 512)).shape
    torch.Size([4])
    """
    if name not in HIDDEN_LAYERS:
        raise ConfigError(f"there is no head {name!r}; choose one of {', '.join(HIDDEN_LAYERS)}")
    if len(widths) != HIDDEN_LAYERS[name]:
        raise ConfigError(f"head {name} has {HIDDEN_LAYERS[name]} hidden layers, but {len(widths)} widths were given")
    generator = torch.Generator().manual_seed(seed)
    layers: list[nn.Module] = []
    for width in widths:
        layers += [_dense(features, width, generator), nn.ReLU()]
        features = width
    output = SharedWeights if shares_weights else _dense
    layers.append(output(features, outputs, generator))
    if outputs == 1:
        layers += [ACTIVATIONS[name.partition("-")[2]]()] if name != "none" else []
        layers.append(nn.Flatten(start_dim=0))
    return nn.Sequential(*layers)


def _dense(inputs: int, units: int, generator: torch.Generator) -> nn.Linear:
    # Built without values: torch would draw them from the global generator.
    layer = nn.Linear(inputs, units, device="meta").to_empty(device="cpu")
    nn.init.xavier_uniform_(layer.weight, generator=generator)
    nn.init.zeros_(layer.bias)
    return layer
