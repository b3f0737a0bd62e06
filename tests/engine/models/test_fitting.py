"""Tensors in files of other programs: where they are found, and which are refused."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision.models
from torch import Tensor

from engine.errors import ConfigError
from engine.load_report import LoadReport
from engine.models.backbones import build_backbone
from engine.models.found_tensors import FileContent, best_places
from engine.models.weights import initialise

pytestmark = pytest.mark.simulation

BACKBONE = "resnet18@layer1"
KEPT = ("conv1", "bn1", "layer1", "layer4.1.bn2", "fc")


@pytest.fixture
def state() -> dict[str, Tensor]:
    """Layers of a torchvision ResNet18 with values unlike any initial ones."""
    with torch.device("meta"):
        whole = torchvision.models.resnet18().state_dict()
    generator = torch.Generator().manual_seed(7)
    return {
        name: torch.rand(tensor.shape, generator=generator) + 0.5 if tensor.is_floating_point() else torch.tensor(5)
        for name, tensor in whole.items()
        if name.startswith(KEPT)
    }


def _network() -> torch.nn.Module:
    return build_backbone(BACKBONE, 32, 0).network


def load(content: object, folder: Path, **form: Any) -> tuple[torch.nn.Module, LoadReport]:
    path, network = folder / "w.ckpt", _network()
    torch.save(content, path, **form)
    return network, initialise(network, BACKBONE, str(path), 64)


def prefixed(state: dict[str, Tensor], prefix: str = "module.") -> dict[str, Tensor]:
    return {f"{prefix}{name}": tensor for name, tensor in state.items()}


def numbered(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The names of nn.Sequential(*network.children())."""
    number = {"conv1": 0, "bn1": 1, "layer1": 4, "layer2": 5, "layer3": 6, "layer4": 7, "fc": 9}
    return {f"{number[first]}.{rest}": state[f"{first}.{rest}"] for first, _, rest in (n.partition(".") for n in state)}


@pytest.mark.parametrize(
    ("wrap", "below"),
    [
        (lambda state: state, ""),
        (prefixed, "module."),
        (lambda state: {"state_dict": prefixed(state), "epoch": 3}, "state_dict.module."),
        (lambda state: {"model": state, "args": argparse.Namespace(lr=0.1)}, "model."),
        (lambda state: {"generator": {"net": prefixed(state, "encoder.")}}, "generator.net.encoder."),
        (lambda state: {"ema": {"module": state, "n_averaged": torch.tensor(3)}}, "ema.module."),
        (lambda state: [3, prefixed(state, "anything_q.")], "1.anything_q."),
        (lambda state: {"optimizer": {"exp_avg": state}, "net": state, "best": np.float64(3)}, "net."),
        (lambda state: {"state_dict": numbered(state)}, "state_dict."),
        (lambda state: {name: tensor for name, tensor in state.items() if "tracked" not in name}, ""),
    ],
    ids=["plain", "parallel", "both", "objects", "deep", "average", "list", "optimizer", "numbers", "no counters"],
)
def test_pytorch_files_are_loaded_however_they_wrap_the_state(
    state: dict[str, Tensor], tmp_path: Path, wrap: Callable[[dict[str, Tensor]], Any], below: str
) -> None:
    network, report = load(wrap(state), tmp_path)
    loaded = {name: tensor for name, tensor in network.state_dict().items() if "tracked" not in name}
    assert len(loaded) == 25
    for name, tensor in loaded.items():
        assert torch.equal(tensor, state[name]), name
    assert (report.random, report.below) == (0, below)


def test_the_format_of_torch_before_zip_archives(state: dict[str, Tensor], tmp_path: Path) -> None:
    _, report = load({"model": state, "best": np.float64(3)}, tmp_path, _use_new_zipfile_serialization=False)
    assert (report.random, report.below) == (0, "model.")


def test_the_report_names_the_loaded_place_and_others_that_fit(state: dict[str, Tensor], tmp_path: Path) -> None:
    other = {name: tensor + 1 for name, tensor in state.items()}
    part = {name: tensor for name, tensor in state.items() if name.startswith("conv1")}
    network, report = load({"part": part, "student": state, "teacher": other}, tmp_path)
    assert torch.equal(network.state_dict()["conv1.weight"], state["conv1.weight"])
    assert "(below 'student.'); 'teacher.' would fit as well" in report.sentence()
    assert report.sentence().endswith(" unused: layer4, fc, part, teacher")


@pytest.mark.parametrize(
    ("keys", "taken"),
    [
        (("best", "model"), "model."),
        (("model", "state_dict"), "state_dict."),
        (("model_ema", "model"), "model."),
        (("exp_avg", "net"), "net."),
        (("net", "ema"), "net."),
        (("encoder_k", "encoder_q"), "encoder_q."),
        (("target_encoder", "online_encoder"), "online_encoder."),
    ],
)
def test_the_usual_of_equal_places_is_loaded_else_the_first(
    state: dict[str, Tensor], tmp_path: Path, keys: tuple[str, str], taken: str
) -> None:
    part = {name: state[name] for name in ("conv1.weight", "bn1.weight")}
    _, report = load({key: part for key in keys}, tmp_path)
    assert report.below == taken


def test_names_of_timm_and_of_the_first_files_of_torchvision(tmp_path: Path) -> None:
    whole = torchvision.models.VisionTransformer(32, 16, 2, 2, 8, 16).state_dict()
    timm = {
        "cls_token": "class_token", "pos_embed": "encoder.pos_embedding", "norm.weight": "encoder.ln.weight",
        "patch_embed.proj.weight": "conv_proj.weight",
        "blocks.1.norm2.bias": "encoder.layers.encoder_layer_1.ln_2.bias",
        "blocks.0.attn.qkv.weight": "encoder.layers.encoder_layer_0.self_attention.in_proj_weight",
        "blocks.0.attn.proj.bias": "encoder.layers.encoder_layer_0.self_attention.out_proj.bias",
        "blocks.1.mlp.fc2.weight": "encoder.layers.encoder_layer_1.mlp.3.weight",
    }  # fmt: skip
    first = {"encoder.layers.encoder_layer_0.mlp.linear_1.weight": "encoder.layers.encoder_layer_0.mlp.0.weight"}
    network = torchvision.models.VisionTransformer(32, 16, 2, 2, 8, 16)
    for names in (timm, first):
        content = FileContent({f"model.{theirs}": whole[ours] for theirs, ours in names.items()})
        found = best_places(content, network)[0]
        assert {found.names[ours]: ours for ours in found.tensors} == {f"model.{name}": names[name] for name in names}


@pytest.mark.parametrize(
    ("backbone", "given", "said"),
    [
        ("resnet18", "resnet34", "the weights of resnet34, not of resnet18; choose --backbone resnet34"),
        ("resnet34", "resnet18", "the weights of resnet18, not of resnet34; choose --backbone resnet18"),
        ("resnet18@layer1", "resnet34", "choose --backbone resnet34@layer1"),
        ("squeezenet1_0", "squeezenet1_1", "these are the weights of squeezenet1_1"),
        (
            "resnet18@layer1",
            "squeezenet1_1",
            "no tensor of .*the file holds 52 tensors.*features.0.weight .*squeezenet1_1",
        ),
        ("squeezenet1_1", "vgg11", "the weights of vgg11, not of squeezenet1_1"),
    ],
)
def test_the_weights_of_another_network_are_named(backbone: str, given: str, said: str, tmp_path: Path) -> None:
    with torch.device("meta"):
        whole = torchvision.models.get_model(given).state_dict()
    path = tmp_path / "w.pth"
    torch.save({"net": {name: torch.zeros(()).expand(tensor.shape) for name, tensor in whole.items()}}, path)
    with pytest.raises(ConfigError, match=said):
        initialise(build_backbone(backbone, 64, 0).network, backbone, str(path), 64)


def test_a_few_names_that_are_the_backbones_by_chance_are_refused(state: dict[str, Tensor], tmp_path: Path) -> None:
    other = {"conv1.weight": state["conv1.weight"], **{f"decoder.{at}.weight": torch.zeros(1) for at in range(9)}}
    with pytest.raises(ConfigError, match=r"only 1 tensor of .* \(conv1\.weight\), and 9 others: the file holds 10"):
        load(other, tmp_path)


def test_layers_that_the_backbone_lacks_are_warned_of(state: dict[str, Tensor], tmp_path: Path) -> None:
    _, report = load({**state, "layer1.0.attention.weight": torch.zeros(3)}, tmp_path)
    assert "layers inside layer1 that backbone resnet18@layer1 lacks" in report.warnings[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda weight: weight.index_fill(0, torch.tensor([1]), torch.nan),
            "holds 576 values of 36,864",
        ),
        (lambda weight: weight.double() * 1e300, "layer1.0.conv1.weight holds 36,864 values.* not finite"),
        (lambda weight: weight.to(torch.int8), "layer1.0.conv1.weight is int8, as in quantised weights"),
        (lambda weight: weight.to(torch.float8_e4m3fn), "is float8_e4m3fn, as in quantised weights"),
        (lambda weight: weight.to("meta"), "has a shape but no values"),
        (lambda weight: weight.to_sparse(), "is sparse"),
    ],
)
def test_values_that_are_no_weights_are_refused_by_the_tensors_name(
    state: dict[str, Tensor], tmp_path: Path, change: Callable[[Tensor], Tensor], said: str
) -> None:
    changed = {**state, "layer1.0.conv1.weight": change(state["layer1.0.conv1.weight"])}
    with pytest.raises(ConfigError, match=said):
        load(changed, tmp_path)


def test_a_vision_transformer_for_images_of_another_size_names_the_size(tmp_path: Path) -> None:
    network = torchvision.models.VisionTransformer(32, 16, 2, 2, 8, 16)
    path = tmp_path / "w.pth"
    torch.save(torchvision.models.VisionTransformer(64, 16, 2, 2, 8, 16).state_dict(), path)
    with pytest.raises(ConfigError, match=r"encoder.pos_embedding is \(1, 17, 8\) .*; choose --size 64"):
        initialise(network, "vit_b_16", str(path), 64)


def test_tensors_far_inside_are_found(state: dict[str, Tensor], tmp_path: Path) -> None:
    content: object = state
    for _ in range(12):
        content = {"a": content}
    _, report = load(content, tmp_path)
    assert report.random == 0


def test_lists_that_repeat_each_other_are_searched_in_part() -> None:
    held: list[object] = [torch.zeros(1)]
    for _ in range(12):
        held = [held] * 50
    assert 0 < len(FileContent.of(held).tensors) < 1_000_000


def test_the_chosen_backbone_is_not_advised(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    whole = torchvision.models.resnet18().state_dict()
    torch.save({name: tensor[None] if tensor.ndim == 0 else tensor for name, tensor in whole.items()}, path)
    with pytest.raises(ConfigError, match="tracked is \\(1,\\)") as refused:
        initialise(build_backbone("resnet18", 64, 0).network, "resnet18", str(path), 64)
    assert "--backbone" not in str(refused.value)


def test_another_network_is_named_despite_numbers_for_names(tmp_path: Path) -> None:
    with torch.device("meta"):
        whole = torchvision.models.resnet34().state_dict()
    path = tmp_path / "w.pth"
    torch.save({name: torch.zeros(()).expand(tensor.shape) for name, tensor in numbered(whole).items()}, path)
    with pytest.raises(ConfigError, match="the weights of resnet34, not of resnet18"):
        initialise(build_backbone("resnet18", 64, 0).network, "resnet18", str(path), 64)


def test_the_backbone_itself_is_preferred_to_a_longer_network(state: dict[str, Tensor], tmp_path: Path) -> None:
    longer = {name: tensor + 1 for name, tensor in state.items()}
    longer["layer1.2.conv1.weight"] = state["layer1.1.conv1.weight"]
    network, report = load({"teacher": longer, "student": state}, tmp_path)
    assert torch.equal(network.state_dict()["conv1.weight"], state["conv1.weight"])
    assert (report.below, report.warnings) == ("student.", ())


def test_another_part_of_the_network_is_no_alternative(state: dict[str, Tensor], tmp_path: Path) -> None:
    parts = ({name: state[name] for name in names} for names in (("conv1.weight",), ("bn1.weight",)))
    _, report = load(dict(zip("ab", parts, strict=True)), tmp_path)
    assert (report.below, report.also_below) == ("a.", ())
