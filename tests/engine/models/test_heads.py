"""Heads: the six of Table 1, their sizes, activations and initial values."""

import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from engine.choices import HEADS
from engine.errors import ConfigError
from engine.models.heads import build_head

FEATURES = 40
WIDTHS: dict[str, tuple[int, ...]] = {
    "none": (),
    "1-sigmoid": (),
    "1fc-sigmoid": (12,),
    "2fc-sigmoid": (12, 6),
    "3fc-sigmoid": (12, 8, 6),
    "2fc-tanh": (12, 6),
}


def linears(head: nn.Module) -> list[nn.Linear]:
    return [layer for layer in head.modules() if isinstance(layer, nn.Linear)]


@pytest.mark.parametrize("name", HEADS)
def test_one_output_has_the_layers_that_the_name_says(name: str) -> None:
    head = build_head(name, FEATURES, WIDTHS[name], 1, seed=0)
    sizes = [(layer.in_features, layer.out_features) for layer in linears(head)]
    units = [FEATURES, *WIDTHS[name], 1]
    assert sizes == list(pairwise(units))
    assert sum(isinstance(layer, nn.ReLU) for layer in head) == len(WIDTHS[name])
    output = head(torch.randn(7, FEATURES))
    assert output.shape == (7,)
    assert head(torch.randn(1, FEATURES)).shape == (1,)


@pytest.mark.parametrize("name", HEADS)
def test_the_output_follows_its_formula(name: str) -> None:
    head = build_head(name, FEATURES, WIDTHS[name], 1, seed=0)
    features = 3 * torch.randn(50, FEATURES)
    value = features
    *hidden, last = linears(head)
    for layer in hidden:
        value = (value @ layer.weight.T + layer.bias).clamp(min=0)
    value = (value @ last.weight.T + last.bias).squeeze(1)
    if name.endswith("sigmoid"):
        value = 1 / (1 + torch.exp(-value))
    elif name.endswith("tanh"):
        value = torch.tanh(value)
    torch.testing.assert_close(head(features), value, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", HEADS)
def test_classes_get_logits_after_the_same_hidden_layers(name: str) -> None:
    head = build_head(name, FEATURES, WIDTHS[name], 101, seed=0)
    assert [layer.out_features for layer in linears(head)] == [*WIDTHS[name], 101]
    assert not any(isinstance(layer, nn.Sigmoid | nn.Tanh) for layer in head)
    assert head(torch.randn(3, FEATURES)).shape == (3, 101)


def test_thresholds_share_their_weights_and_begin_in_order() -> None:
    head = build_head("2fc-sigmoid", FEATURES, WIDTHS["2fc-sigmoid"], 100, seed=0, shares_weights=True)
    output = head[-1]
    assert [tuple(parameter.shape) for parameter in output.parameters()] == [(1, WIDTHS["2fc-sigmoid"][-1]), (100,)]
    features = torch.randn(3, FEATURES)
    logits = head(features)
    assert logits.shape == (3, 100)
    expected = head[:-1](features) @ output.weight[0]
    torch.testing.assert_close(logits, expected[:, None] + torch.linspace(1, 0.01, 100))
    again = build_head("2fc-sigmoid", FEATURES, WIDTHS["2fc-sigmoid"], 100, seed=0, shares_weights=True)
    assert torch.equal(again[-1].weight, output.weight)


def test_weights_are_glorot_uniform_and_biases_zero() -> None:
    first, second, last = linears(build_head("2fc-sigmoid", 2048, (128, 32), 1, seed=0))
    for layer in (first, second, last):
        limit = math.sqrt(6 / (layer.in_features + layer.out_features))
        assert layer.weight.abs().max() <= limit
        assert layer.weight.abs().max() > 0.85 * limit
        assert torch.equal(layer.bias, torch.zeros_like(layer.bias))
    limit = math.sqrt(6 / (2048 + 128))
    assert first.weight.std().item() == pytest.approx(limit / math.sqrt(3), rel=0.01)
    assert first.weight.mean().item() == pytest.approx(0, abs=limit / 200)


def test_initial_values_are_a_function_of_the_seed_alone() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = linears(build_head("1-sigmoid", FEATURES, (), 1, seed=4))[0].weight
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(first, linears(build_head("1-sigmoid", FEATURES, (), 1, seed=4))[0].weight)
    assert not torch.equal(first, linears(build_head("1-sigmoid", FEATURES, (), 1, seed=5))[0].weight)


def test_an_unknown_head_or_wrong_widths_are_refused() -> None:
    with pytest.raises(ConfigError, match="unknown head '4fc'; choose one of none"):
        build_head("4fc", FEATURES, (), 1, seed=0)
    with pytest.raises(ConfigError, match="2fc-tanh has 2 hidden layers, but 1 widths"):
        build_head("2fc-tanh", FEATURES, (8,), 1, seed=0)
