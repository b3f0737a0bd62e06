"""Networks that combine others give what derived runs give."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from engine.derived_methods import method_of
from engine.exported_model import CombinedAges, random_faces


class _Brightness(nn.Module):
    """Some years that differ from image to image: the mean of a colour."""

    def __init__(self, colour: int) -> None:
        super().__init__()
        self.colour = colour

    def forward(self, faces: Tensor) -> Tensor:
        return faces[..., self.colour].float().mean((1, 2)) / 4


@pytest.mark.parametrize(
    ("operation", "options", "parameters"),
    [
        ("mean", {"weights": [0.25, 0.75]}, [0.25, 0.75]),
        ("blend", {}, [0.4, 0.6]),
        ("folds", {"count": 2}, [0.5, 0.5]),
        ("slope", {"centre": 33.0}, [1.5]),
        ("isotonic", {}, [[30.0, 31.5, 32.0, 40.0], [5.0, 20.0, 20.5, 60.0]]),
        ("isotonic", {}, [[31.0, 31.5], [7.0, 7.5]]),
    ],
)
def test_combined_networks_predict_what_a_derived_run_predicts(
    operation: str, options: dict[str, Any], parameters: list[Any]
) -> None:
    sources = [_Brightness(0), _Brightness(2)][: 1 if operation in ("slope", "isotonic") else 2]
    faces = random_faces(8, 6)
    years = np.stack([source(faces).double().numpy() for source in sources])
    (expected,) = method_of(operation, options).apply([np.asarray(parameters)], years)
    combined = CombinedAges(sources, operation, options, parameters)
    assert combined(faces).tolist() == pytest.approx(expected.tolist(), abs=1e-4)
    assert len(set(expected.tolist())) > 1
    assert torch.equal(random_faces(8, 6), faces)
