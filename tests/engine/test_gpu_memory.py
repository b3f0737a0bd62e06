"""The batch that would fit: found by trying, never larger than what failed."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_runs import TINY, Runner

import engine.gpu_memory as gpu_memory
import engine.train_step as train_step
from engine.config import build_config
from engine.errors import GpuMemoryError
from engine.gpu_memory import fitting_batch, out_of_gpu_memory

pytestmark = pytest.mark.simulation


class Gpu:
    """A GPU on which a step takes `base` bytes and `per_image` for each image; `uneven` more from 8 images on."""

    def __init__(self, base: int, per_image: int, size: int, uneven: int = 0) -> None:
        self.base, self.per_image, self.size, self.uneven = base, per_image, size, uneven
        self.tried: list[int] = []

    def step(self, batch: int) -> int | None:
        self.tried.append(batch)
        needed = self.base + self.per_image * batch + (self.uneven if batch >= 8 else 0)
        return needed if needed <= self.size else None


@pytest.mark.parametrize(
    ("base", "per_image", "uneven", "failed", "fits"),
    [
        (100, 10, 0, 256, 85),  # 95 of 100 parts of 1000 bytes
        (100, 10, 0, 32, 31),
        (0, 100, 0, 64, 9),
        (100, 10, 300, 256, 47),  # 85, 63, 47: three quarters each time
        (100, 300, 0, 64, 2),
        (100, 200, 0, 64, 4),
        (100, 600, 0, 64, None),
        (100, 10, 0, 2, None),
        (100, 10, 0, 1, None),
        (100, 10, 0, 4, 2),
        (100, 0, 0, 64, 63),
    ],
)
def test_the_batch_that_fits(base: int, per_image: int, uneven: int, failed: int, fits: int | None) -> None:
    assert fitting_batch(Gpu(base, per_image, 1000, uneven).step, failed, 1000) == fits


@given(st.integers(0, 900), st.integers(0, 400), st.integers(0, 900), st.integers(1, 512))
def test_the_named_batch_was_tried_and_fits(base: int, per_image: int, uneven: int, failed: int) -> None:
    gpu = Gpu(base, per_image, 1000, uneven)
    found = fitting_batch(gpu.step, failed, 1000)
    if found is None:
        assert failed <= 2 or gpu.step(2) is None
    else:
        assert found < failed
        assert found in gpu.tried
        assert gpu.step(found) is not None
    assert len(gpu.tried) < 30


@pytest.mark.parametrize(
    ("fits", "advice"),
    [(24, "--batch 24, which fits"), (None, "no smaller batch fits either: choose a smaller --backbone")],
)
def test_a_run_out_of_memory_names_a_fitting_batch(
    runner: Runner, monkeypatch: pytest.MonkeyPatch, fits: int | None, advice: str
) -> None:
    held: list[object] = []

    def full(*arguments: object) -> torch.Tensor:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    def free() -> None:
        import gc

        gc.collect()
        # The network is gone by the time memory is measured.
        held.extend(one for one in gc.get_objects() if type(one).__name__ == "Trainer")

    monkeypatch.setattr(train_step, "reduce", full)
    monkeypatch.setattr(gpu_memory, "release_memory", free)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (8_000_000_000, 24_000_000_000))
    monkeypatch.setattr(gpu_memory, "fitting_batch", lambda measure, failed, free: fits)
    with pytest.raises(GpuMemoryError, match=advice) as raised:
        runner()
    assert "24.0 GB, 16.0 GB of it used by others" in str(raised.value)
    assert (raised.value.exit_code, raised.value.failure) == (4, "gpu_memory")
    assert held == []


@pytest.mark.parametrize(("pixel_bytes", "fits"), [(0, 91), (400, 53), (950, None)])
def test_the_batch_fits_beside_the_pixels(pixel_bytes: int, fits: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = Gpu(40, 10, 1000)
    monkeypatch.setattr(gpu_memory, "step_bytes", lambda config, placement, batch: gpu.step(batch))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (1000, 1000))
    said = str(out_of_gpu_memory(build_config({**TINY, "batch": 256}), "cpu", pixel_bytes))
    assert (f"--batch {fits}, which fits" if fits else "no smaller batch fits") in said


def test_no_smaller_batch_than_one_is_advised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (1000, 1000))
    text = str(out_of_gpu_memory(build_config({**TINY, "batch": 1, "size": 64}), "cpu"))
    assert text.endswith("with resnet18@layer1; choose a smaller --size or --backbone")


def test_no_batch_is_named_where_features_take_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (1000, 1000))
    config = build_config({**TINY, "batch": 256, "strategy": "freeze", "epochs": "2,0", "size": 64})
    assert "the same memory with any batch: choose a smaller --size" in str(out_of_gpu_memory(config, "cpu"))


def test_a_step_is_measured_as_a_run_would_train(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: None)
    for changes in ({}, {"strategy": "freeze", "epochs": "2,0"}, {"loss": "scce", "optimizer": "sgd"}):
        config = build_config({**TINY, "init": "auto", **changes})
        gpu_memory._try_steps(config, gpu_memory.place(config), 4)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_the_batch_that_is_named_trains() -> None:
    config = build_config({"backbone": "resnet50", "init": "random", "strategy": "finetune", "size": 224, "batch": 512})
    torch.cuda.set_per_process_memory_fraction(6e9 / torch.cuda.get_device_properties(0).total_memory)
    try:
        error = out_of_gpu_memory(config)
        batch = int(str(error).partition("--batch ")[2].split()[0])
        assert 8 <= batch < 512
        assert gpu_memory.step_bytes(config, gpu_memory.place(config), batch) is not None
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
