"""The arithmetic of a run: settled by a rule over processor and network, and kept to afterwards."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from tiny_runs import FACES, TINY, Runner
from torch.nn.modules.batchnorm import _BatchNorm
from torchvision.models import get_model, get_model_weights

from engine import arithmetic, device
from engine.arithmetic import cpu_arithmetic, settled, spellings
from engine.backbone_names import LISTED, has_batch_norm, has_depthwise_convolutions
from engine.config import RunConfig, build_config
from engine.events import Noted, RunStarted
from engine.kept_weights import weights_file
from engine.predict import predict_files
from engine.request import RunRequest

ROOT = Path(__file__).parents[2]
TRAINS = """
import sys, torch
from engine.request import RunRequest
from engine.train import train
torch.set_num_threads(2)
train(RunRequest.from_line(sys.stdin.buffer.read()), emit=lambda event: None)
"""
SPINS = "while True: pass"


@pytest.fixture
def has_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor with bf16, and no GPU."""
    monkeypatch.setattr(arithmetic, "cpu_flags", lambda: frozenset({"avx2", "amx_bf16", "avx512_bf16"}))
    monkeypatch.setattr(arithmetic, "cuda_available", lambda: False)


@pytest.fixture
def has_no_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arithmetic, "cpu_flags", lambda: frozenset({"avx2", "fma"}))
    monkeypatch.setattr(arithmetic, "cuda_available", lambda: False)


def _config(**changes: Any) -> RunConfig:
    return build_config({**TINY, "precision": "auto", **changes})


# The rule


def test_a_processor_with_bf16_uses_it_except_for_depthwise_convolutions(has_bf16: None) -> None:
    assert cpu_arithmetic("resnet50-v1@layer3") == arithmetic.Arithmetic(
        "bf16", "the processor has amx_bf16 and avx512_bf16"
    )
    assert cpu_arithmetic("mobilenet_v3_small") == arithmetic.Arithmetic(
        "fp32",
        "the processor has amx_bf16 and avx512_bf16, but depthwise convolutions, as in mobilenet_v3_small, are slow",
    )


def test_a_processor_without_bf16_computes_in_fp32(has_no_bf16: None) -> None:
    assert cpu_arithmetic("resnet18") == arithmetic.Arithmetic("fp32", "the processor has no bf16 arithmetic")


def test_a_processor_that_does_not_tell_its_flags_computes_in_fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arithmetic, "cpu_info", lambda field: "")
    monkeypatch.setattr(arithmetic, "cpu_flags", arithmetic.cpu_flags.__wrapped__)
    assert cpu_arithmetic("resnet18").name == "fp32"


@pytest.mark.simulation
@pytest.mark.filterwarnings("ignore:The default weight initialization")
def test_the_layers_of_families_are_those_of_torchvision() -> None:
    families: dict[str, list[str]] = {}
    for name in LISTED:
        families.setdefault("_bn" if name.endswith("_bn") else re.findall("[a-z]+", name)[0], []).append(name)
    for members in families.values():
        assert len({has_depthwise_convolutions(name) for name in members}) == 1, members
        smallest = min(members, key=lambda name: get_model_weights(name).DEFAULT.meta["num_params"])
        layers = list(get_model(smallest, weights=None).modules())
        convolutions = [layer for layer in layers if isinstance(layer, torch.nn.Conv2d)]
        has_depthwise = any(1 < layer.groups == layer.in_channels for layer in convolutions)
        assert has_depthwise is has_depthwise_convolutions(smallest), smallest
        assert any(isinstance(layer, _BatchNorm) for layer in layers) is has_batch_norm(smallest), smallest


def test_the_arithmetic_can_be_named_before_a_run_starts(has_bf16: None) -> None:
    for auto in (_config(device="auto"), _config(device="cpu")):
        assert settled(auto).precision == "bf16"
        assert spellings(auto) == spellings(settled(auto)) == (auto, settled(auto))
    asked = _config(precision="fp32")
    assert settled(asked) is asked
    assert spellings(asked) == (asked,)


def test_a_gpu_decides_when_the_run_starts(has_bf16: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arithmetic, "cuda_available", lambda: True)
    for where in ("auto", "cuda", "cuda:1"):
        assert settled(_config(device=where)).precision == "auto"
    assert settled(_config(device="cpu")).precision == "bf16"


# What a run does with it


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_an_arithmetic_that_was_asked_for_is_used(has_bf16: None, precision: str) -> None:
    placement = device.place(_config(precision=precision))
    assert (placement.dtype_name, placement.reason) == (precision, f"cpu (requested), {precision} (from the config)")


@pytest.mark.parametrize("name", ["fp32", "bf16"])
def test_a_resumed_run_computes_as_before(has_bf16: None, name: str) -> None:
    before = {"device_type": "cpu", "dtype": name}
    for backbone in ("resnet18@layer1", "mobilenet_v3_small"):
        placement = device.place(_config(backbone=backbone), before=before)
        assert (placement.dtype_name, placement.reason) == (name, f"cpu (requested), {name} (as when the run began)")
    assert device.place(_config(), before={"device_type": "cuda", "dtype": "fp32"}).dtype_name == "bf16"


@pytest.mark.simulation
def test_a_run_tells_the_rule(has_bf16: None, runner: Runner) -> None:
    for backbone, dtype in (("mobilenet_v3_small", "fp32"), ("resnet18@layer1", "bf16")):
        seen = runner(backbone=backbone, precision="auto", epochs=1)
        (started,) = seen.all(RunStarted)
        assert started.manifest["dtype"] == dtype
        reason = cpu_arithmetic(backbone).reason
        assert f"computing on cpu (requested), {dtype} ({reason})" in [note.message for note in seen.all(Noted)]


@pytest.mark.simulation
def test_ages_are_predicted_in_the_arithmetic_that_is_named(has_no_bf16: None, runner: Runner, tmp_path: Path) -> None:
    seen = runner(precision="bf16", epochs=1)
    weights, face = seen.folder / weights_file(1), tmp_path / "face.png"
    Image.effect_noise((32, 32), 80).convert("RGB").save(face)

    def years(**how: Any) -> float | None:
        return predict_files(weights, [face], device="cpu", **how)[0].years

    assert years() == years(precision="bf16") != years(precision="fp32")


@pytest.fixture
def busy() -> Iterator[None]:
    """Six processes that do nothing but compute."""
    spinning = [subprocess.Popen([sys.executable, "-c", SPINS]) for _ in range(6)]
    yield
    for one in spinning:
        one.kill()
        one.wait()


@pytest.fixture
def idle_weights(tmp_path: Path) -> dict[str, torch.Tensor]:
    return _trained_alone(tmp_path / "idle")


@pytest.mark.process
def test_a_run_beside_six_busy_processes_and_with_an_empty_cache_has_the_same_bits(
    idle_weights: dict[str, torch.Tensor], busy: None, tmp_path: Path
) -> None:
    beside = _trained_alone(tmp_path / "busy")
    assert beside.keys() == idle_weights.keys()
    for name, tensor in idle_weights.items():
        assert torch.equal(tensor, beside[name]), name


def _trained_alone(folder: Path) -> dict[str, torch.Tensor]:
    """The weights of a run of two stages in a process of its own, with a cache of its own."""
    config = _config(strategy="freeze", init="random", epochs="1,1", device="auto")
    request = RunRequest(config=config, spec=FACES, folder=folder, cache=folder / "cache")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", TRAINS], input=request.line(), env=environment, check=True)
    return load_file(folder / weights_file(1))
