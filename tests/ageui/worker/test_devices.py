"""Which runs a device takes, and who has it."""

import pytest

from ageui.devices import configs_for, device_lock_file
from ageui.store import Store
from ageui.worker.background_workers import devices_without_worker
from ageui.worker.worker_files import take_worker_lock


@pytest.mark.parametrize(
    ("device", "is_default", "takes"),
    [
        ("cpu", True, {"cpu", "auto"}),
        ("cpu", False, {"cpu"}),
        ("cuda:0", True, {"cuda:0", "cuda", "auto"}),
        ("cuda:1", False, {"cuda:1", "cuda", "auto"}),
    ],
)
def test_the_configs_of_a_device(device: str, is_default: bool, takes: set[str]) -> None:
    assert set(configs_for(device, is_default=is_default)) == takes


@pytest.mark.parametrize(
    ("living", "default", "left"),
    [
        ([], "cpu", ["cpu", "cuda", "cuda:1", "auto"]),
        (["cpu"], "cpu", ["cuda", "cuda:1"]),
        (["cpu"], "cuda:0", ["cuda", "cuda:1", "auto"]),
        (["cuda:0"], "cuda:0", ["cpu", "cuda:1"]),
        (["cuda:1"], "cuda:0", ["cpu"]),
        (["cpu", "cuda:1"], "cuda:0", []),
    ],
)
def test_which_runs_no_living_worker_takes(
    store: Store, living: list[str], default: str, left: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ageui.worker.background_workers.default_device", lambda: default)
    for device in ("cpu", "cuda:0", "cuda:1"):
        store.workers.register(device)
    locks = [lock for device in living if (lock := take_worker_lock(store, device)) is not None]
    assert devices_without_worker(store, ["cpu", "cuda", "cuda:1", "auto", "cpu"]) == left
    for lock in locks:
        lock.release()


def test_a_cuda_device_goes_by_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = device_lock_file("cuda:0")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,GPU-12ab")
    for number, end in ((0, "cuda-3.lock"), (1, "GPU-12ab.lock")):
        assert device_lock_file(f"cuda:{number}").name.endswith(end)
    assert device_lock_file("cuda:0") != plain
    assert device_lock_file("cpu").name.endswith("-cpu.lock")
