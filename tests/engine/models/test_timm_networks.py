"""Networks of timm: features, normalisation, sizes, pretrained weights and files, and the missing extra."""

import importlib.util
import sys
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from engine.backbone_names import BackboneName
from engine.config import RunConfig, build_config
from engine.errors import ConfigError, DataError
from engine.models import build_model, weights
from engine.models.backbones import build_backbone
from engine.models.weights import check_weights

with_timm = pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="the extra timm is not installed")
Small = Callable[..., RunConfig]
VIT = "timm/vit_tiny_patch16_224"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.delenv("HF_ENDPOINT", raising=False)


def whole(name: str, **options: Any) -> torch.nn.Module:
    import timm

    network: torch.nn.Module = timm.create_model(name.removeprefix("timm/"), pretrained=False, **options)
    return network


@with_timm
@pytest.mark.parametrize("name", ["timm/resnet18.a1_in1k", "timm/mobilenetv4_conv_small", VIT])
@torch.no_grad()
def test_features_and_normalisation_are_those_of_timm(name: str) -> None:
    backbone = build_backbone(name, 224, seed=3).eval()
    own = whole(name, num_classes=0).eval()
    own.load_state_dict(backbone.network.state_dict())
    images = torch.randn(2, 3, 224, 224)
    assert torch.equal(backbone(images), own(images))
    assert (backbone.mean, backbone.std) == (own.pretrained_cfg["mean"], own.pretrained_cfg["std"])
    assert backbone.own_size == 224
    again = build_backbone(name, 224, seed=3)
    assert all(torch.equal(a, b) for a, b in zip(backbone.parameters(), again.parameters(), strict=True))


@with_timm
def test_networks_for_one_size_are_built_for_the_wanted_one() -> None:
    assert build_backbone(VIT, 64, seed=0)(torch.zeros(2, 3, 64, 64)).shape == (2, 192)


@with_timm
@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        ("timm/resnt18", 64, "unknown timm network 'timm/resnt18' .did you mean resnet18"),
        ("timm/resnet18.nope", 64, r"did you mean .*resnet18\.\w+_in1k"),
        ("timm/inception_v3", 32, "cannot take images of 32 px .*; try another --size"),
    ],
)
def test_what_cannot_be_built_is_refused(name: str, size: int, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_backbone(name, size, seed=0)


@pytest.mark.parametrize("name", ["timm/", "timm/resnet18@layer1", "timm/../x", "timm/a b"])
def test_names_that_timm_cannot_have_are_refused_without_it(name: str) -> None:
    with pytest.raises(ConfigError, match="write a timm network as timm/NAME"):
        build_config({"backbone": name})


def test_a_name_is_not_looked_up_before_the_network_is_built() -> None:
    assert BackboneName.parse("timm/anything.at_all").library == "timm"
    config = build_config({"backbone": "timm/anything.at_all", "strategy": "finetune"})
    assert config.init == "pretrained"


@with_timm
def test_pretrained_weights_in_the_named_folder_are_fitted_to_the_size(small: Small, tmp_path: Path) -> None:
    state = {name: torch.rand_like(tensor) for name, tensor in whole(VIT).state_dict().items()}
    (tmp_path / "checkpoints").mkdir()
    path = tmp_path / "checkpoints" / "timm-vit_tiny_patch16_224.safetensors"
    save_file(state, path)
    config = small(backbone=VIT, init="pretrained", strategy="finetune", size=64)
    model, report = build_model(config, 1)
    found = model.backbone.network.state_dict()
    assert torch.equal(found["blocks.3.mlp.fc1.weight"], state["blocks.3.mlp.fc1.weight"])
    assert found["pos_embed"].shape == (1, 17, 192)
    assert (report.loaded, report.random) == (len(found), 0)
    assert check_weights(build_backbone(VIT, 64, 0).network, VIT, "pretrained", 64) == (path, report)


@with_timm
def test_without_network_the_message_names_address_file_and_folder(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*args: Any, **options: Any) -> None:
        raise HTTPException("no network here")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    monkeypatch.setattr(weights, "urlopen", offline)
    backbone = "timm/resnet18.a1_in1k"
    url = "https://huggingface.co/timm/resnet18.a1_in1k/resolve/main/model.safetensors"
    told = rf"{url} elsewhere and put the file into {tmp_path}/checkpoints under the name .*--init FILE"
    with pytest.raises(DataError, match=rf"timm-resnet18\.a1_in1k\.safetensors are missing .*no network here.*{told}"):
        build_model(small(backbone=backbone, init="pretrained", strategy="finetune"), 1)
    with pytest.raises(DataError, match=told):
        check_weights(build_backbone(backbone, 64, 0).network, backbone, "pretrained", 64)


@with_timm
def test_a_file_is_fitted_by_its_names(small: Small, tmp_path: Path) -> None:
    state = whole("resnet18").state_dict()
    save_file(state, tmp_path / "w.safetensors")
    config = small(backbone="timm/resnet18", init=str(tmp_path / "w.safetensors"), strategy="freeze")
    model, report = build_model(config, 1)
    assert (report.random, report.ignored) == (0, 2)
    assert torch.equal(model.backbone.network.conv1.weight, state["conv1.weight"])


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ConfigError, match=r"pip install '\.\[timm\]'"):
        build_backbone("timm/resnet18", 64, seed=0)
