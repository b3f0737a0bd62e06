"""The whole network: what trains in which stage, and what batch norm does meanwhile."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from engine.config import RunConfig
from engine.models import AgeModel, build_model

pytestmark = pytest.mark.simulation

Small = Callable[..., RunConfig]
IMAGES = torch.randn(6, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def train_steps(model: AgeModel, steps: int = 3) -> None:
    optimizer = torch.optim.SGD([one for one in model.parameters() if one.requires_grad], lr=0.1)
    for _ in range(steps):
        model.train()
        optimizer.zero_grad()
        (model(IMAGES) - 0.3).square().mean().backward()
        optimizer.step()
        model.eval()


def copied(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def changed(before: dict[str, Tensor], module: nn.Module) -> set[str]:
    return {name for name, tensor in module.state_dict().items() if not torch.equal(tensor, before[name])}


def is_statistic(name: str) -> bool:
    return name.rpartition(".")[2] in ("running_mean", "running_var", "num_batches_tracked")


def test_a_model_is_a_function_of_its_config(small: Small) -> None:
    torch.manual_seed(1)
    first, report = build_model(small(seed=3), 1)
    torch.manual_seed(2)
    again, _ = build_model(small(seed=3), 1)
    assert all(torch.equal(tensor, again.state_dict()[name]) for name, tensor in first.state_dict().items())
    assert first.eval()(IMAGES).shape == (6,)
    assert first.feature_count == 64
    assert first.backbone.mean == (0.485, 0.456, 0.406)
    assert first.backbone.std == (0.229, 0.224, 0.225)
    assert (report.loaded, report.ignored, report.sha256) == (0, 0, None)
    classes, _ = build_model(small(loss="scce"), 101)
    assert classes.eval()(IMAGES).shape == (6, 101)


@pytest.mark.parametrize("bn", ["train", "frozen"])
def test_a_frozen_backbone_keeps_every_bit(small: Small, bn: str) -> None:
    model, _ = build_model(small(), 1)
    model.set_training_stage(train_backbone=False, bn=bn)  # type: ignore[arg-type]
    backbone, head = copied(model.backbone), copied(model.head)
    train_steps(model)
    assert changed(backbone, model.backbone) == set()
    assert changed(head, model.head) == set(head)
    assert not any(parameter.requires_grad for parameter in model.backbone.parameters())


def test_a_frozen_backbone_gives_an_image_the_same_features_in_any_batch(small: Small) -> None:
    model, _ = build_model(small(backbone="mobilenet_v3_small"), 1)
    model.set_training_stage(train_backbone=False, bn="train")
    model.train()
    assert model.head.training
    assert not any(layer.training for layer in model.backbone.modules())
    with torch.no_grad():
        torch.testing.assert_close(model.backbone(IMAGES)[:2], model.backbone(IMAGES[:2]))


def test_batch_norm_that_trains_moves_its_statistics(small: Small) -> None:
    model, _ = build_model(small(), 1)
    model.set_training_stage(train_backbone=True, bn="train")
    before = copied(model.backbone)
    train_steps(model)
    assert changed(before, model.backbone) == set(before)


def test_batch_norm_that_is_frozen_trains_its_scale_and_shift_alone(small: Small) -> None:
    model, _ = build_model(small(), 1)
    model.set_training_stage(train_backbone=True, bn="frozen")
    before = copied(model.backbone)
    train_steps(model)
    assert changed(before, model.backbone) == {name for name in before if not is_statistic(name)}
    assert any(name.endswith("bn1.weight") for name in before)


def test_a_frozen_backbone_can_be_thawed(small: Small) -> None:
    model, _ = build_model(small(), 1)
    model.train()
    model.set_training_stage(train_backbone=False, bn="train")
    assert not model.backbone.training
    model.set_training_stage(train_backbone=True, bn="train")
    assert all(layer.training for layer in model.backbone.modules())
    before = copied(model.backbone)
    train_steps(model)
    assert changed(before, model.backbone) == set(before)


def test_images_are_normalised_per_channel_and_the_constants_are_not_saved(small: Small) -> None:
    model, _ = build_model(small(), 1)
    images = torch.rand(4, 3, 8, 8)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (model.backbone.mean, model.backbone.std))
    assert torch.equal(model.normalised(images), (images - mean) / std)
    assert all(name.startswith(("backbone.", "head.")) for name in model.state_dict())
