"""What is said of the memory of runs before they are queued, from done runs of the database."""

from typing import Any

import pytest
from measured_runs import GB, measured_run
from store_rows import claimed, config, end, queued

from ageui.memory.device_memory import DeviceMemory
from ageui.memory.expected_memory import CurrentPeaks, expected_memory, memory_keys, peak_to_come
from ageui.store import NewRun, Store
from engine.data.check import check
from engine.data.kept_reports import known_image_count
from engine.data.make_faces import make_faces
from engine.data.spec import BUILT_IN, DataSpec, SyntheticOptions
from engine.paths import cache_folder


def _said(store: Store, *batches: int, free: float = 10, **changes: Any) -> tuple[str, bool]:
    runs = [NewRun(config(batch=batch, **changes), BUILT_IN) for batch in batches]
    found = expected_memory(CurrentPeaks().of(store), runs, lambda device: DeviceMemory(int(free * GB), 64 * GB))
    return found.text, found.is_too_much


def test_unmeasured_peaks_are_not_known_yet(store: Store) -> None:
    assert _said(store, 32) == ("peak memory: not known yet; no run like this ended here", False)
    assert _said(store) == ("", False)


def test_the_peak_of_a_run_its_source_and_free_memory(store: Store) -> None:
    run_id = measured_run(store, 0.99)
    assert _said(store, 32) == (f"peak memory: 0.99 GB, measured by run {run_id}; 10.0 GB are free", False)


def test_of_several_runs_the_range_which_takes_most_and_how_many_are_unknown(store: Store) -> None:
    measured_run(store, 0.99)
    largest = measured_run(store, 4.73, batch=320)
    assert _said(store, 32, 320, 640) == (
        "peak memory: 0.99 GB to 4.73 GB, the most with resnet18@layer3 at 64 px, batch 320 "
        f"(measured by run {largest}); not known yet for 1 of 3 runs; 10.0 GB are free",
        False,
    )


def test_more_than_is_free_is_a_warning_and_pixels_do_not_count(store: Store) -> None:
    measured_run(store, 0.99)
    pixels = 2400 * 3 * 64 * 64 / GB
    assert not _said(store, 32, free=0.991 - pixels)[1]
    text, is_too_much = _said(store, 32, free=0.98 - pixels)
    assert is_too_much
    assert text.endswith("but only 0.95 GB are free: choose a smaller --batch, --size or --backbone")


def test_only_whole_runs_that_are_done_tell_their_peak(store: Store) -> None:
    measured_run(store, 1.0, step=8)
    failed = queued(store)
    attempt = claimed(store, failed)
    assert attempt is not None
    with store.writing(failed, attempt) as writer:
        writer.memory(GB)
    end(store, failed, attempt, "failed", "it broke")
    assert "not known yet" in _said(store, 32)[0]


def test_another_number_of_threads_tells_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    measured_run(store, 1.0, threads=64)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert "not known yet" in _said(store, 32)[0]
    monkeypatch.setenv("OMP_NUM_THREADS", "64")
    assert "1.00 GB" in _said(store, 32)[0]


@pytest.mark.parametrize(("has_bf16", "dtype"), [(True, "bf16"), (False, "fp32")])
def test_a_gpu_is_known_by_its_name_and_has_its_own_arithmetic(
    has_bf16: bool, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ageui.memory.expected_memory.gpu", lambda device: ("NVIDIA Test", has_bf16))
    (key,) = memory_keys(config(), "cuda:0")
    assert (key.device, key.on_gpu, key.dtype, key.threads) == ("NVIDIA Test", True, dtype, None)
    monkeypatch.setattr("ageui.memory.expected_memory.gpu", lambda device: None)
    assert list(memory_keys(config(), "cuda:0")) == []


def test_a_queued_run_is_expected_to_take_the_measured_peak(store: Store) -> None:
    run_id = queued(store)
    assert peak_to_come(store, store.runs.detail(run_id)) == ""
    done = measured_run(store, 1.5)
    assert peak_to_come(store, store.runs.detail(run_id)) == f"1.50 GB, measured by run {done}"
    assert peak_to_come(store, store.runs.detail(done)) == ""


def test_without_a_check_an_earlier_run_tells_the_number_of_images(store: Store) -> None:
    spec = DataSpec(name="faces", format="course", path="/faces", synthetic=SyntheticOptions(counts=(60, 20, 20)))
    done = measured_run(store, 1.5, spec=spec)
    waiting = store.runs.add(config(), spec, name=None)
    assert peak_to_come(store, store.runs.detail(waiting)) == f"1.50 GB, measured by run {done}"
    other = store.runs.add(config(), spec.model_copy(update={"path": "/other"}), name=None)
    assert peak_to_come(store, store.runs.detail(other)) == ""


def test_images_are_counted_only_without_reading(tmp_path: Any) -> None:
    assert known_image_count(BUILT_IN, "apparent", cache_folder()) == 2400
    make_faces(tmp_path / "faces", SyntheticOptions(counts=(7, 3, 0), image_size=32))
    spec = DataSpec(name="faces", format="course", path=str(tmp_path / "faces"))
    assert known_image_count(spec, "apparent", cache_folder()) is None
    check(spec, cache=cache_folder())
    assert known_image_count(spec, "apparent", cache_folder()) == 10
    next((tmp_path / "faces").rglob("*.jpg")).unlink()
    assert known_image_count(spec, "apparent", cache_folder()) is None, "the files changed"
