"""First weights: files of every kind, what is refused, and ImageNet weights without a network."""

import argparse
import hashlib
import io
import json
import pickle
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request

import numpy as np
import pytest
import torch
import torchvision.models
from safetensors.torch import save_file
from torch import Tensor

from engine.config import RunConfig
from engine.errors import ConfigError, DataError
from engine.kept_weights import load_weights, save_weights, stored_pretraining
from engine.models import build_model, weights
from engine.models.backbones import build_backbone
from engine.models.weights import check_weights, initialise

pytestmark = pytest.mark.simulation

Small = Callable[..., RunConfig]


@pytest.fixture
def state() -> dict[str, Tensor]:
    """A whole torchvision ResNet18 with values unlike any initial ones."""
    whole = torchvision.models.resnet18(weights=None).state_dict()
    generator = torch.Generator().manual_seed(7)
    return {
        name: torch.rand(tensor.shape, generator=generator) + 0.5 if tensor.is_floating_point() else tensor + 5
        for name, tensor in whole.items()
    }


@pytest.mark.parametrize(
    ("stored", "inherited"),
    [
        (None, None),
        ("pretrained on faces", "pretrained on faces"),
        ("two\nlines", None),
        ("long" * 1000, None),
        ("\ud800", None),
    ],
)
def test_the_file_of_a_run_passes_its_pretraining_on(
    small: Small, tmp_path: Path, stored: str | None, inherited: str | None
) -> None:
    config = small()
    model, _ = build_model(config, 1)
    path = tmp_path / "w.safetensors"
    save_weights(model.state_dict(), config, path, stored)
    _, report = build_model(small(init=str(path), strategy="finetune"), 1)
    assert report.pretraining == inherited
    assert ("pretrained on faces" in report.sentence()) == (inherited is not None)
    assert load_weights(path)[1] == config


def test_files_of_older_runs_tell_it_by_their_config(state: dict[str, Tensor], tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    for config, is_told in (
        ({"backbone": "dlib-age", "init": "pretrained"}, True),
        ({"backbone": "dlib-age", "init": "random"}, False),
        ([], False),
    ):
        save_file(state, path, {"config": json.dumps(config)})
        assert (stored_pretraining(path.read_bytes()) is not None) == is_told
    save_file(state, path)
    assert stored_pretraining(path.read_bytes()) is None


def in_layer1(name: str) -> bool:
    return name.partition(".")[0] in ("conv1", "bn1", "layer1")


def assert_loaded(config: RunConfig, state: dict[str, Tensor]) -> None:
    model, _ = build_model(config, 1)
    for name, tensor in model.backbone.network.state_dict().items():
        assert torch.equal(tensor, state[name]), name


def test_a_safetensors_file_is_loaded_and_reported(small: Small, state: dict[str, Tensor], tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_file(state, path)
    config = small(init=str(path), strategy="finetune")
    assert_loaded(config, state)
    _, report = build_model(config, 1)
    taken = sum(in_layer1(name) for name in state)
    assert (report.loaded, report.random, report.ignored) == (taken, 0, len(state) - taken)
    assert report.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    count = len(state) - taken
    assert report.sentence() == (f"loaded all {taken} tensors from {path}; {count} unused: fc, layer2, layer3, layer4")


def test_values_are_cast_to_the_backbones_type(small: Small, state: dict[str, Tensor], tmp_path: Path) -> None:
    half = {name: tensor.half() if tensor.ndim == 4 else tensor for name, tensor in state.items()}
    save_file(half, tmp_path / "w.safetensors")
    model, _ = build_model(small(init=str(tmp_path / "w.safetensors"), strategy="finetune"), 1)
    weight = model.backbone.network.state_dict()["conv1.weight"]
    assert weight.dtype is torch.float32
    assert torch.equal(weight, half["conv1.weight"].float())


def test_tensors_missing_in_a_file_stay_random_and_are_counted(
    small: Small, state: dict[str, Tensor], tmp_path: Path
) -> None:
    part = {name: tensor for name, tensor in state.items() if name.startswith(("conv1", "bn1"))}
    part.pop("bn1.num_batches_tracked")
    save_file(part, tmp_path / "w.safetensors")
    config = small(init=str(tmp_path / "w.safetensors"), strategy="finetune")
    model, report = build_model(config, 1)
    inside = [name for name, tensor in state.items() if name.startswith("layer1") and tensor.is_floating_point()]
    assert (report.loaded, report.random, report.ignored) == (5, len(inside), 0)
    assert f"loaded 5 tensors from {tmp_path / 'w.safetensors'}; 20 start random: layer1" == report.sentence()
    assert "most of backbone resnet18@layer1 starts random: 20 of 25 tensors" in report.warnings[0]
    fresh, fresh_report = build_model(small(), 1)
    for name in inside:
        assert torch.equal(model.backbone.network.state_dict()[name], fresh.backbone.network.state_dict()[name])
    assert fresh_report.random == len(inside) + 5
    assert fresh_report.sentence() == f"all {fresh_report.random} tensors start random"


def test_a_trained_models_own_file_can_start_another(small: Small, tmp_path: Path) -> None:
    trained, _ = build_model(small(seed=8), 1)
    save_file(trained.state_dict(), tmp_path / "w.safetensors")
    model, report = build_model(small(init=str(tmp_path / "w.safetensors"), strategy="finetune"), 1)
    assert report.random == 0
    for name, tensor in trained.backbone.state_dict().items():
        assert torch.equal(tensor, model.backbone.state_dict()[name])


def test_the_first_densenet_files_are_understood(small: Small, tmp_path: Path) -> None:
    whole = torchvision.models.densenet121(weights=None).state_dict()
    old = {
        re.sub(r"(denselayer\d+\.(norm|conv))", r"\1.", name): tensor
        for name, tensor in whole.items()
        if not name.endswith("num_batches_tracked")
    }
    assert set(old) - set(whole)
    torch.save(old, tmp_path / "w.pth")
    config = small(backbone="densenet121", init=str(tmp_path / "w.pth"), strategy="finetune")
    _, report = build_model(config, 1)
    assert (report.random, report.ignored) == (0, 2)


def test_shapes_that_do_not_fit_are_refused(small: Small, state: dict[str, Tensor], tmp_path: Path) -> None:
    for name in ("conv1.weight", "bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var"):
        state[name] = state[name][:10].contiguous()
    save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(ConfigError) as caught:
        build_model(small(init=str(tmp_path / "w.safetensors"), strategy="finetune"), 1)
    message = str(caught.value)
    assert "conv1.weight is (10, 3, 7, 7) in the file, (64, 3, 7, 7) in the backbone" in message
    assert "and 2 more" in message


class Harmful:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.target,)


def write_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps({"conv1.weight": Harmful(path.parent / "harm")}, protocol=2))


def write_torch_pickle(path: Path) -> None:
    torch.save({"conv1.weight": Harmful(path.parent / "harm")}, path)


def write_truncated(path: Path) -> None:
    torch.save({"conv1.weight": torch.zeros(64, 3, 7, 7)}, path)
    path.write_bytes(path.read_bytes()[:-2000])


@pytest.mark.parametrize(
    ("name", "write", "message"),
    [
        ("w.pth", write_pickle, "cannot be read as weights: it is a pickle that torch.save did not write"),
        ("w.pth", write_torch_pickle, "cannot be read as weights: it holds Python objects"),
        ("w.pt", write_truncated, "cannot be read as weights: it is truncated"),
        ("w.pth", lambda path: path.write_text("hello"), "cannot be read as weights: it is text"),
        ("w.pth", lambda path: torch.save(torch.zeros(3), path), "no tensor of .*holds 1 tensor: one without a name"),
        ("w.pth", lambda path: torch.save({"epoch": 1}, path), r"it holds epoch \(int\) and no tensors"),
        ("w.pth", lambda path: torch.save({"w": np.zeros(3)}, path), "save its arrays as tensors: python -c"),
        ("w.pth", lambda path: torch.save({"s": argparse.Namespace()}, path), "tensors inside these Python obj"),
        (
            "w.pth",
            lambda path: torch.save({"epoch": 1, "model": torch.nn.Linear(2, 2)}, path),
            r'a whole pickled model \(torch.*Linear\).* python -c .*"model"',
        ),
        ("w.safetensors", lambda path: path.write_bytes(b"\xff" * 100), "as weights: it is damaged"),
        (
            "w.safetensors",
            lambda path: save_file({"a.b": torch.zeros(1)}, path),
            r"no tensor of .* belongs.*a.b \(1,\)",
        ),
        ("w.safetensors", lambda path: None, "No such file"),
        ("w.safetensors", lambda path: path.mkdir(), "cannot be read as weights: it is a folder"),
        ("imagnet", lambda path: None, "the file does not exist; choose pretrained, random, or a weights file"),
    ],
)
def test_files_that_are_no_weights_are_refused(
    small: Small, tmp_path: Path, name: str, write: Callable[[Path], Any], message: str
) -> None:
    path = tmp_path / name
    write(path)
    with pytest.raises(ConfigError, match=message):
        build_model(small(init=str(path), strategy="finetune"), 1)
    assert not (tmp_path / "harm").exists()


def checkpoints() -> Path:
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_without_a_network_the_message_says_which_file_goes_where(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*args: Any, **kwargs: Any) -> None:
        raise URLError("no network here")

    monkeypatch.setattr("torch.hub.urlopen", offline)
    with pytest.raises(DataError) as caught:
        build_model(small(init="imagenet", strategy="finetune"), 1)
    message = str(caught.value)
    assert "resnet18-f37072fd.pth" in message
    assert str(checkpoints()) in message
    assert "no network here" in message
    assert "--init random --strategy scratch" in message


def _network() -> torch.nn.Module:
    return build_backbone("resnet18@layer1", 32, 0).network


@pytest.mark.parametrize("is_online", [True, False])
def test_a_check_of_missing_imagenet_weights_asks_their_server_and_downloads_nothing(
    monkeypatch: pytest.MonkeyPatch, is_online: bool
) -> None:
    asked: list[Request] = []

    def answer(request: Request, timeout: float) -> io.BytesIO:
        asked.append(request)
        if not is_online:
            raise URLError("no network here")
        return io.BytesIO()

    monkeypatch.setattr(weights, "urlopen", answer)
    if is_online:
        assert check_weights(_network(), "resnet18@layer1", "imagenet", 32) is None
    else:
        with pytest.raises(DataError, match=r"resnet18-f37072fd\.pth are missing and cannot .*\(no network here\)"):
            check_weights(_network(), "resnet18@layer1", "imagenet", 32)
    assert [(request.get_method(), request.full_url) for request in asked] == [
        ("HEAD", "https://download.pytorch.org/models/resnet18-f37072fd.pth")
    ]
    assert not list(checkpoints().iterdir())


def test_a_check_of_a_weights_file_names_the_file_or_the_misfit(state: dict[str, Tensor], tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_file(state, path)
    found, report = check_weights(_network(), "resnet18@layer1", str(path), 32) or (None, None)
    assert (found, report) == (path, initialise(_network(), "resnet18@layer1", str(path), 32))
    save_file({"unknown": torch.zeros(1)}, path)
    with pytest.raises(ConfigError, match="belongs to backbone"):
        check_weights(_network(), "resnet18@layer1", str(path), 32)


@dataclass
class FakeWeights:
    """ImageNet weights that lie in the test's own folder, as torchvision describes them."""

    url: str

    def __str__(self) -> str:
        return "ResNet18_Weights.IMAGENET1K_V1"

    def get_state_dict(self, **kwargs: Any) -> None:
        raise AssertionError("nothing must be downloaded")


def test_imagenet_weights_in_the_named_folder_are_used(
    small: Small, state: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = checkpoints() / "part"
    torch.save(state, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.rename(path.with_name(f"resnet18-{digest[:8]}.pth"))
    fake = FakeWeights(f"https://example.org/models/resnet18-{digest[:8]}.pth")
    monkeypatch.setattr(weights, "reference_weights", lambda network: fake)
    config = small(init="imagenet", strategy="finetune")
    assert_loaded(config, state)
    _, report = build_model(config, 1)
    assert (report.source, report.sha256, report.random) == ("ResNet18_Weights.IMAGENET1K_V1", digest, 0)


@pytest.mark.parametrize("content", [b"", b"half a download"])
def test_a_damaged_download_is_named(small: Small, content: bytes) -> None:
    path = checkpoints() / "resnet18-f37072fd.pth"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"resnet18-f37072fd\.pth.*delete it"):
        build_model(small(init="imagenet", strategy="finetune"), 1)


def test_another_file_under_the_name_of_imagenet_weights_is_refused(small: Small, state: dict[str, Tensor]) -> None:
    torch.save(state, checkpoints() / "resnet18-f37072fd.pth")
    with pytest.raises(DataError, match="SHA-256 is not f37072fd"):
        build_model(small(init="imagenet", strategy="finetune"), 1)


def test_torchvision_has_no_weights_for_the_original_strides(small: Small) -> None:
    with pytest.raises(ConfigError, match=r"no ImageNet weights for resnet50-v1@layer1.*--init FILE"):
        build_model(small(backbone="resnet50-v1@layer1", init="imagenet", strategy="finetune"), 1)
