"""What is said of the memory of runs before they are queued, and how much a run would find free."""

import io
from pathlib import Path
from typing import Any

import psutil
import pytest
from rich.console import Console
from store_rows import config

from ageui.cli.memory import print_memory
from ageui.memory import forecast
from ageui.memory.forecast import Forecaster, image_count
from ageui.memory.free_memory import free_memory, group_rooms
from ageui.store import NewRun
from engine.data.check import check
from engine.data.make_faces import make_faces
from engine.data.spec import BUILT_IN, DataSpec, SyntheticOptions
from engine.first_weights import CheckedWeights, WeightsKey
from engine.footprints import CountedFootprint, FootprintCounter, FootprintKey
from engine.memory_model import Footprint, LinearBytes
from engine.paths import cache_folder

GIVEN = Footprint(
    device_type="cpu", dtype="fp32", size=64, process=500_000_000, parameters=0, state=0, features=1,
    training=(LinearBytes(fixed=0, per_image=10_000_000),), scoring=(LinearBytes(fixed=0, per_image=0),),
    scoring_batch=256, features_batch=64,
)  # fmt: skip


def _runs(*batches: int, **changes: Any) -> list[NewRun]:
    return [NewRun(config(batch=batch, head="none", **changes), BUILT_IN) for batch in batches]


def _forecaster(monkeypatch: pytest.MonkeyPatch, free: int | None = 10_000_000_000, **changes: Any) -> Forecaster:
    monkeypatch.setattr(forecast, "known_footprint", lambda wanted: GIVEN.model_copy(update=changes))
    return Forecaster(lambda device: free)


def test_the_peak_of_one_run_and_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    said = _forecaster(monkeypatch).forecast(_runs(32))
    # 0.5 GB, 0.04 under way, 1.3 times 0.32, and 2400 drawn faces of 64 px.
    assert said.text == "peak memory: about 0.99 GB; 10.0 GB are free"
    assert (said.missing, said.is_too_much) == ((), False)


def test_of_several_runs_the_range_and_which_takes_most(monkeypatch: pytest.MonkeyPatch) -> None:
    said = _forecaster(monkeypatch).forecast(_runs(32, 320, 64))
    assert said.text == (
        "peak memory: about 0.99 GB to 4.73 GB, the most with resnet18@layer3 at 64 px, batch 320; 10.0 GB are free"
    )


def test_more_than_is_free_is_a_warning_and_pixels_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    needed = 500_000_000 + 40_000_000 + 416_000_000 + 404 * 12  # that of the head, of no hidden layer
    assert not _forecaster(monkeypatch, needed + 10_000).forecast(_runs(32)).is_too_much
    said = _forecaster(monkeypatch, needed - 10_000).forecast(_runs(32))
    assert said.is_too_much
    assert said.text.endswith("but only 0.96 GB are free: choose a smaller --batch, --size or --backbone")
    assert not _forecaster(monkeypatch, None).forecast(_runs(32)).is_too_much
    assert (
        _forecaster(monkeypatch, 1).forecast(_runs(1)).text.endswith("are free: choose a smaller --size or --backbone")
    )


def test_each_device_is_told_of_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def footprint(wanted: FootprintKey) -> Footprint:
        kind = "cuda" if wanted.device.startswith("cuda") else "cpu"
        return GIVEN.model_copy(update={"device_type": kind})

    monkeypatch.setattr(forecast, "known_footprint", footprint)
    asked: list[str] = []

    def free(device: str) -> int:
        asked.append(device)
        return 700_000_000

    said = Forecaster(free).forecast([*_runs(32, device="cpu"), *_runs(32, device="cuda")])
    assert sorted(asked) == ["cpu", "cuda:0"]
    assert said.text.startswith("peak memory: about 0.99 GB, but only 0.70 GB are free")
    assert "peak memory of cuda:0: about 0.85 GB, but only" in said.text
    assert said.is_too_much


def test_what_is_not_counted_yet_is_missing_once_each_and_then_known_or_has_a_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(forecast, "known_footprint", lambda wanted: None)
    forecaster = Forecaster(lambda device: None)
    runs = [*_runs(32, 64), *_runs(32, size=96)]
    said = forecaster.forecast(runs)
    small, large = said.missing
    assert (small.size, large.size) == (64, 96)
    assert said.text == "peak memory: being worked out"

    def answers(self: FootprintCounter) -> list[CountedFootprint]:
        return [CountedFootprint(key=small, footprint=GIVEN), CountedFootprint(key=large, problem="it is odd")]

    monkeypatch.setattr(FootprintCounter, "answers", answers)
    begun: list[FootprintCounter] = []
    forecaster.count(said.missing, begun.append)
    assert len(begun) == 1
    after = forecaster.forecast(runs)
    assert after.missing == ()
    assert after.text == (
        "peak memory: about 0.99 GB to 1.40 GB, the most with resnet18@layer3 at 64 px, batch 64; "
        "peak memory not known for resnet18@layer3: it is odd"
    )


def test_loaded_tensors_are_printed_once_with_their_warnings(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = _runs(16, 32, init="w.pth", strategy="finetune")
    forecaster = _forecaster(monkeypatch)
    key = WeightsKey.of(runs[0].config)
    assert forecaster.forecast(runs).missing == (key,)

    def answers(self: FootprintCounter) -> list[CheckedWeights]:
        return [CheckedWeights(key=key, sentence="loaded 1 of 25 tensors from w.pth", warnings=("most begins random",))]

    monkeypatch.setattr(FootprintCounter, "answers", answers)
    forecaster.count([key])
    said = forecaster.forecast(runs)
    assert (said.loaded, said.warnings) == (("loaded 1 of 25 tensors from w.pth",), ("most begins random",))
    console = Console(file=io.StringIO(), width=40)
    print_memory(console, runs, forecaster)
    lines = console.file.getvalue().splitlines()
    assert lines[:2] == ["first weights: loaded 1 of 25 tensors from w.pth", "warning: most begins random"]


def test_images_are_counted_where_nothing_has_to_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert image_count(BUILT_IN, config()) == 2400
    make_faces(tmp_path / "faces", SyntheticOptions(counts=(7, 3, 0), image_size=32))
    spec = DataSpec(name="faces", format="course", path=str(tmp_path / "faces"))
    assert image_count(spec, config()) is None
    said = _forecaster(monkeypatch).forecast([NewRun(config(batch=32, head="none"), spec)])
    assert said.text == "peak memory: about 0.96 GB, without the pixels of the images; 10.0 GB are free"
    check(spec, cache=cache_folder())
    assert image_count(spec, config()) == 10


def test_free_memory_is_no_more_than_the_system_has_nor_than_its_control_groups_allow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = free_memory("cpu")
    assert found is not None
    assert 0 < found <= psutil.virtual_memory().total
    monkeypatch.setattr("ageui.memory.free_memory.group_rooms", lambda groups, mount: iter([123, 456]))
    assert free_memory("cpu") == 123


def _group(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def test_every_control_group_around_the_process_may_have_a_limit(tmp_path: Path) -> None:
    (tmp_path / "cgroup").write_text("0::/outer/inner\n")
    mount = tmp_path / "mount"
    _group(mount / "outer", memory__max="1000", memory__current="700", memory__stat="anon 1\ninactive_file 50\n")
    _group(mount / "outer" / "inner", memory__max="max", memory__current="10", memory__stat="inactive_file 5\n")
    assert list(group_rooms(tmp_path / "cgroup", mount)) == [350]
    (mount / "outer" / "inner" / "memory.max").write_text("12")
    assert list(group_rooms(tmp_path / "cgroup", mount)) == [7, 350]


def test_control_groups_of_the_first_version_count_too(tmp_path: Path) -> None:
    (tmp_path / "cgroup").write_text("5:cpu,cpuacct:/box\n4:memory:/box\n0::/\n")
    _group(
        tmp_path / "mount" / "memory" / "box",
        memory__limit_in_bytes="900", memory__usage_in_bytes="950", memory__stat="total_inactive_file 20\n",
    )  # fmt: skip
    assert list(group_rooms(tmp_path / "cgroup", tmp_path / "mount")) == [0]
    assert list(group_rooms(tmp_path / "absent", tmp_path / "mount")) == []
