"""Peaks of earlier runs: which count for a new run, and what is known between two of them."""

from typing import Any

import pytest

from ageui.memory.measured_peaks import ExpectedPeak, MeasuredPeaks, MemoryKey
from ageui.store.peak_memory import PeakRow
from engine.config import build_config
from engine.data.spec import BUILT_IN

GB = 10**9
FACTS: dict[str, Any] = {
    "device": "a processor", "device_type": "cpu", "dtype": "fp32", "threads": 2,
    "versions": {"python": "3.12", "ageui": "0.1.0", "torch": "2.9", "torchvision": "0.24"},
    "splits": {"train": {"images": 900, "labelled": 800}, "valid": {"images": 100, "labelled": 100}},
}  # fmt: skip
ON_GPU = {"device": "a GPU", "device_type": "cuda"}


def _config(**changes: Any) -> dict[str, Any]:
    return build_config({"backbone": "resnet18", "size": 64, "strategy": "scratch", **changes}).model_dump(mode="json")


def _row(
    run_id: int, gigabytes: float, facts: dict[str, Any] | None = None, images: int = 1000, **config: Any
) -> PeakRow:
    splits = {"train": {"images": images, "labelled": 10}}
    facts = {**FACTS, **(facts or {}), "splits": splits}
    return PeakRow(run_id, int(gigabytes * GB), _config(**config), facts, BUILT_IN.model_dump(mode="json"))


def _expected(
    *rows: PeakRow, batch: int = 32, images: int = 1000, facts: dict[str, Any] | None = None, **config: Any
) -> ExpectedPeak | None:
    key = MemoryKey.of(_config(**config), {**FACTS, **(facts or {})})
    return MeasuredPeaks(rows).expected([key], batch, images)


def _text(*rows: PeakRow, **changes: Any) -> str | None:
    found = _expected(*rows, **changes)
    return found.text if found is not None else None


def test_a_run_takes_the_memory_of_the_largest_run_like_it() -> None:
    found = _expected(_row(3, 1.9, seed=1), _row(14, 2.1, loss="mae", lr="1e-4"), _row(15, 2.0, weights="gender"))
    assert found is not None
    assert (found.text, found.bytes, found.least) == ("2.10 GB, measured by run 14", 2_100_000_000, 2_100_000_000)


@pytest.mark.parametrize(
    "changes",
    [
        {"backbone": "resnet34"}, {"size": 96}, {"strategy": "freeze"}, {"optimizer": "sgd"}, {"augment": "standard"},
        {"compile": True}, {"widths": "512,32"}, {"bn": "frozen"}, {"deterministic": False}, {"batch": 64},
        {"facts": {"device": "another"}}, {"facts": {"dtype": "bf16"}}, {"facts": {"threads": 1}}, {"images": 2000},
        {"facts": {"versions": {**FACTS["versions"], "torch": "3.0"}}}, {"facts": {"recipe": 2}},
    ],
    ids=str,
)  # fmt: skip
def test_runs_that_differ_in_memory_settings_are_ignored(changes: dict[str, Any]) -> None:
    assert _text(_row(1, 2.0)) is not None
    assert _text(_row(1, 2.0), **changes) is None


def test_on_a_gpu_threads_do_not_count() -> None:
    assert _text(_row(1, 2.0, ON_GPU), facts={**ON_GPU, "threads": 1}) == "2.00 GB, measured by run 1"


def test_between_two_batches_the_peak_is_interpolated_and_never_beyond() -> None:
    rows = _row(3, 1.9, batch=16), _row(9, 2.4, batch=64), _row(10, 9.0, batch=256), _row(11, 1.0, batch=8)
    found = _expected(*rows, batch=28)
    assert found is not None
    assert found.text == "between 1.90 GB at batch 16 (run 3) and 2.40 GB at batch 64 (run 9)"
    assert (found.bytes, found.least) == (2_025_000_000, 1_900_000_000)
    assert _text(*rows, batch=4) is _text(*rows, batch=512) is _text(*rows, batch=28, images=1001) is None


def test_between_two_numbers_of_images_too() -> None:
    rows = _row(3, 1.0, images=1000), _row(9, 2.0, images=5000)
    found = _expected(*rows, images=2000)
    assert found is not None
    assert found.text == "between 1.00 GB with 1,000 images (run 3) and 2.00 GB with 5,000 images (run 9)"
    assert (found.bytes, found.pixels) == (1_250_000_000, 2000 * 3 * 64 * 64)
    assert _text(*rows, images=500) is _text(*rows, images=6000) is None


def test_between_images_held_and_images_streamed_on_a_gpu_nothing_is_known() -> None:
    pixels = 9_000 * 3 * 64 * 64 / GB
    held = _row(1, 1.0, ON_GPU, images=1_000), _row(2, 1.1 + pixels, ON_GPU, images=10_000)
    assert _text(*held, images=5_000, facts=ON_GPU) is not None
    streamed = _row(1, 1.0, ON_GPU, images=1_000), _row(2, 1.05, ON_GPU, images=10_000)
    assert _text(*streamed, images=5_000, facts=ON_GPU) is None


def test_rows_of_other_versions_are_left_out() -> None:
    bare = PeakRow(1, GB, {"size": 64}, {}, {})
    assert MeasuredPeaks([bare, _row(2, 1.0)]).largest == GB
    assert MeasuredPeaks([bare]).largest == 0
