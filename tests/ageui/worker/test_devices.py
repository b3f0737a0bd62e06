"""Which runs a device takes, and who has it."""

import pytest

from ageui.worker.devices import (
    configs_for,
    device_lock_file,
)


@pytest.mark.parametrize(
    ("device", "is_default", "takes"),
    [
        ("cpu", True, {"cpu", "auto"}),
        ("cpu", False, {"cpu"}),
        ("cuda:0", True, {"cuda:0", "cuda", "auto"}),
        ("cuda:1", False, {"cuda:1", "cuda", "auto"}),
    ],
)
def test_what_a_device_takes(device: str, is_default: bool, takes: set[str]) -> None:
    assert set(configs_for(device, is_default=is_default)) == takes


def test_a_cuda_device_goes_by_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = device_lock_file("cuda:0")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,GPU-12ab")
    assert [device_lock_file(f"cuda:{n}").name.endswith(e) for n, e in ((0, "cuda-3.lock"), (1, "GPU-12ab.lock"))]
    assert device_lock_file("cuda:0") != plain
    assert device_lock_file("cpu").name.endswith("-cpu.lock")
