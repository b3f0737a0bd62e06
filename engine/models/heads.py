"""Heads: the layers on top of a backbone's features, as in the report's Table 1."""

from collections.abc import Callable, Sequence
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.config import HIDDEN_LAYERS
from engine.errors import ConfigError

ACTIVATIONS: Final[dict[str, Callable[[], nn.Module]]] = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh}
"""The activation of the single output unit, by the suffix of the head's name; head `none` has none."""
_ROWS: Final = 1024


class SharedWeights(nn.Module):
    """Logits (B, `outputs`) of features (B, `inputs`), with one shared weight vector and a bias each.

    The output layer of Cao et al. 2020 (arXiv 1901.07884). Biases start as in the authors' coral-pytorch: from 1 down
    in equal steps to 1 / `outputs`, because equal thresholds would first need to find their order.
    """

    def __init__(self, inputs: int, outputs: int, generator: torch.Generator) -> None:
        super().__init__()
        self.weight = _dense(inputs, 1, generator).weight
        self.bias = nn.Parameter(torch.arange(outputs, 0, -1, dtype=torch.float32) / outputs)

    def forward(self, features: Tensor) -> Tensor:
        return F.linear(features, self.weight) + self.bias


class Standardize(nn.Module):
    """Features (B, F) minus their mean over the train images, divided by their standard deviation there.

    A feature that never varies is divided by 1. Until `fit`, features pass unchanged.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))

    def fit(self, features: Tensor) -> None:
        """Takes the mean and the uncorrected standard deviation of features (N, F)."""
        blocks = torch.split(features, _ROWS)  # all features as doubles would take too much memory
        mean = torch.stack([block.double().sum(0) for block in blocks]).sum(0) / len(features)
        squares = torch.stack([(block.double() - mean).square().sum(0) for block in blocks]).sum(0)
        std = (squares / len(features)).sqrt().float()
        self.mean.copy_(mean)
        self.std.copy_(torch.where(std > 0, std, 1.0))

    def forward(self, features: Tensor) -> Tensor:
        return (features - self.mean) / self.std


def build_head(
    name: str,
    features: int,
    widths: Sequence[int],
    outputs: int,
    seed: int,
    *,
    shares_weights: bool = False,
    dropout: float = 0.0,
    standardize: bool = False,
) -> nn.Sequential:
    """A head from features to an age, or to logits.

    Head `none` is one linear unit without activation: the report's backbone "as it is", because fewer layers would not
    give one number. With several outputs, the hidden layers stay and the output layer gives logits. Weights are drawn
    as in Keras' `Dense` (Glorot uniform, zero bias), by `seed` alone.

    Parameters
    ----------
    name
        A key of `HIDDEN_LAYERS`.
    features
        Number of features F; the head takes (B, F).
    widths
        Units per hidden layer.
    outputs
        1 for age / 100 of shape (B,), or the number of logits, shape (B, outputs).
    seed
        Seed of the first weights.
    shares_weights
        Whether the output layer is `SharedWeights`.
    dropout
        Share of each dense layer's inputs dropped in training (Srivastava et al. 2014, JMLR 15).
    standardize
        Whether the first layer is `Standardize`.

    Raises
    ------
    ConfigError
        If the head is unknown or the number of widths wrong.

    Examples
    --------
    >>> head = build_head("2fc-sigmoid", 512, (128, 32), outputs=1, seed=0)
    >>> head(torch.zeros(4, 512)).shape
    torch.Size([4])
    """
    if name not in HIDDEN_LAYERS:
        raise ConfigError(f"unknown head {name!r}; choose one of {', '.join(HIDDEN_LAYERS)}")
    if len(widths) != HIDDEN_LAYERS[name]:
        raise ConfigError(f"head {name} has {HIDDEN_LAYERS[name]} hidden layers, but {len(widths)} widths were given")
    generator = torch.Generator().manual_seed(seed)
    layers: list[nn.Module] = [Standardize(features)] if standardize else []
    for width in widths:
        layers += [*_dropout(dropout), _dense(features, width, generator), nn.ReLU()]
        features = width
    output = SharedWeights if shares_weights else _dense
    layers += [*_dropout(dropout), output(features, outputs, generator)]
    if outputs == 1:
        layers += [ACTIVATIONS[name.partition("-")[2]]()] if name != "none" else []
        layers.append(nn.Flatten(start_dim=0))
    return nn.Sequential(*layers)


def _dropout(share: float) -> list[nn.Module]:
    return [nn.Dropout(share)] if share else []


def _dense(inputs: int, units: int, generator: torch.Generator) -> nn.Linear:
    # Built without values: torch would draw them from the global generator. `to_empty` would import sympy.
    layer = nn.Linear(inputs, units, device="meta")
    layer.weight, layer.bias = nn.Parameter(torch.empty(units, inputs)), nn.Parameter(torch.zeros(units))
    nn.init.xavier_uniform_(layer.weight, generator=generator)
    return layer
