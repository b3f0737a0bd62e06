"""The arithmetic of a run: measured where the processor offers two, kept to afterwards."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_runs import TINY, Runner

from engine import arithmetic, device
from engine.arithmetic import ArithmeticTimes, choose_arithmetic
from engine.config import RunConfig, build_config
from engine.device import Placement
from engine.events import Noted, RunStarted

pytestmark = pytest.mark.simulation

BF16 = Placement(
    torch.device("cpu"), "a processor", torch.bfloat16, "cpu (asked for)", "cpu (asked for), bf16 (has it)"
)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The backbones that were measured; bf16 is half as fast as fp32 with MobileNets, else four times as fast."""
    names: list[str] = []

    def time_arithmetic(placement: Placement, config: RunConfig, progress: object) -> ArithmeticTimes:
        names.append(config.backbone)
        return ArithmeticTimes(1.0, 2.0 if config.backbone.startswith("mobilenet") else 0.25)

    monkeypatch.setattr(arithmetic, "time_arithmetic", time_arithmetic)
    return names


def _config(**changes: Any) -> RunConfig:
    return build_config({**TINY, "precision": "auto", **changes})


def test_the_faster_arithmetic_is_taken_and_the_reason_told(measured: list[str], tmp_path: Path) -> None:
    faster = choose_arithmetic(BF16, _config(), tmp_path)
    assert faster.dtype is torch.bfloat16
    assert faster.reason == "cpu (asked for), bf16 (here it takes 0.25 times as long as fp32 with resnet18@layer1)"
    slower = choose_arithmetic(BF16, _config(backbone="mobilenet_v3_small"), tmp_path)
    assert slower.dtype is torch.float32
    assert slower.reason == (
        "cpu (asked for), fp32 (bf16: here it takes 2.00 times as long as fp32 with mobilenet_v3_small)"
    )


def test_what_was_measured_is_kept_for_equal_runs(
    measured: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = choose_arithmetic(BF16, _config(), tmp_path)
    assert choose_arithmetic(BF16, _config(seed=3, loss="mape", epochs=9), tmp_path) == first
    assert len(measured) == 1
    for changes in ({"size": 64}, {"backbone": "resnet18@layer2"}, {"strategy": "freeze", "epochs": "1,0"}):
        choose_arithmetic(BF16, _config(**changes), tmp_path)
    choose_arithmetic(replace(BF16, device_name="another processor"), _config(), tmp_path)
    monkeypatch.setattr("torch.__version__", "another")
    choose_arithmetic(BF16, _config(), tmp_path)
    assert len(measured) == 6
    for file in (tmp_path / "arithmetic").glob("*.json"):
        file.write_text('{"fp32": ')
    choose_arithmetic(BF16, _config(), tmp_path)
    assert len(measured) == 7


def test_a_cache_that_cannot_be_written_costs_only_the_measuring(measured: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for _ in range(2):
        assert choose_arithmetic(BF16, _config(), tmp_path / "file").dtype is torch.bfloat16
    assert len(measured) == 2


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_an_arithmetic_that_was_asked_for_is_not_measured(measured: list[str], tmp_path: Path, precision: str) -> None:
    asked = _config(precision=precision, device="cpu")
    assert choose_arithmetic(device.place(asked), asked, tmp_path) == device.place(asked)
    assert measured == []


def test_a_processor_without_bf16_is_not_measured(measured: list[str], tmp_path: Path) -> None:
    plain = replace(BF16, dtype=torch.float32)
    assert choose_arithmetic(plain, _config(), tmp_path) == plain
    assert measured == []


@pytest.mark.parametrize("name", ["fp32", "bf16"])
def test_a_run_that_goes_on_computes_as_before(measured: list[str], tmp_path: Path, name: str) -> None:
    before = {"device_type": "cpu", "dtype": name}
    assert choose_arithmetic(BF16, _config(), tmp_path, before=before).dtype_name == name
    assert choose_arithmetic(replace(BF16, dtype=torch.float32), _config(), tmp_path, before=before).dtype_name == name
    assert measured == []
    assert (
        choose_arithmetic(BF16, _config(), tmp_path, before={"device_type": "cuda", "dtype": "fp32"}).dtype_name
        == "bf16"
    )


def test_both_arithmetics_are_timed(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    for changes in ({}, {"strategy": "freeze", "init": "random", "epochs": "1,0"}, {"batch": 1}):
        found = arithmetic.time_arithmetic(BF16, _config(**changes), lambda *news: told.append(news))
        assert found.fp32 > 0
        assert found.bf16 > 0
    assert told[-1] == ("measuring arithmetic", 3, 3)


def test_a_run_tells_what_was_chosen(measured: list[str], runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_cpu_flags", lambda: {"avx512_bf16"})
    for backbone, dtype in (("mobilenet_v3_small", "fp32"), ("resnet18@layer1", "bf16")):
        seen = runner(backbone=backbone, precision="auto", epochs=1)
        (started,) = seen.all(RunStarted)
        assert started.manifest["dtype"] == dtype
        assert any("times as long as fp32" in note.message for note in seen.all(Noted))
