"""Predicted peaks beside those that real runs had in processes of their own."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import save_file
from test_process import Process
from tiny_runs import TINY, Runner

import engine.peak_memory as peak_memory
from engine.config import build_config
from engine.data.spec import DataSpec, SyntheticOptions
from engine.events import MemoryPeaked, RunEnded, RunStarted
from engine.first_weights import CheckedWeights, WeightsKey, known_fit
from engine.footprints import CountedFootprint, FootprintCounter, FootprintKey, known_footprint
from engine.memory_model import Footprint, predicted_peak
from engine.models.backbones import build_backbone

pytestmark = pytest.mark.process

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="bounds were measured with Linux and glibc")
FEW = DataSpec(name="few", format="synthetic", synthetic=SyntheticOptions(counts=(64, 16, 0), image_size=32))


def _footprint(**changes: Any) -> Footprint:
    wanted = FootprintKey.of(build_config({**TINY, **changes}))
    found = known_footprint(wanted)
    if found is None:
        with FootprintCounter([wanted]) as counting:
            (answer,) = counting.answers()
            assert isinstance(answer, CountedFootprint)
        assert answer.problem == ""
        found = known_footprint(wanted)
    assert found is not None
    return found


@ON_LINUX
@pytest.mark.parametrize(
    "changes",
    [
        {"backbone": "resnet18", "size": 64, "epochs": "2", "optimizer": "sgd"},
        {"backbone": "resnet50", "size": 112, "strategy": "freeze", "init": "random", "epochs": "1,0"},
    ],
    ids=["resnet18-sgd", "resnet50-frozen"],
)
def test_a_run_peaks_where_it_was_predicted_to(tmp_path: Path, changes: dict[str, Any]) -> None:
    footprint = _footprint(**changes)
    predicted = predicted_peak(build_config({**TINY, **changes}), footprint, 80)
    process = Process(tmp_path / "run", spec=FEW, **changes)
    events = process.rest()
    process.leave()
    (measured,) = [event.bytes for event in events if isinstance(event, MemoryPeaked)]
    (started,) = [event for event in events if isinstance(event, RunStarted)]
    assert started.manifest["predicted_memory_bytes"] == predicted.bytes
    assert predicted.bytes == pytest.approx(measured, rel=0.2)
    # The process alone is most of a small run: what the network adds has to be right by itself.
    assert predicted.bytes - footprint.process == pytest.approx(measured - footprint.process, rel=0.35)


def test_shapes_alone_tell_the_weights_and_the_features() -> None:
    footprint = _footprint(backbone="resnet18", size=64)
    assert (footprint.parameters, footprint.features) == (11_176_512, 512)
    assert footprint.state == 4 * (11_176_512 + 9_600) + 8 * 20  # batch norm's statistics and step counters
    # Of one image nearly all gradients, of many at least the images and what is normalised of them.
    assert 4 * 11_176_512 > footprint.training[0].fixed > 0.95 * 4 * 11_176_512
    assert max(line.per_image for line in footprint.training) > 2 * 4 * 3 * 64 * 64
    assert footprint.scoring[0].fixed < 1_000_000  # nothing is kept for gradients


def test_what_no_run_could_use_has_a_reason_and_is_not_kept(tmp_path: Path) -> None:
    wrong = FootprintKey.of(build_config({**TINY, "backbone": "maxvit_t", "size": 64}))
    right = FootprintKey.of(build_config(TINY))
    file = tmp_path / "w.safetensors"
    save_file(build_backbone(right.backbone, right.size, 0).network.state_dict(), file)
    fits = WeightsKey(backbone=right.backbone, size=right.size, init=str(file))
    fits_not = fits.model_copy(update={"backbone": "vgg11"})
    with FootprintCounter([wrong, right, fits, fits_not]) as counting:
        first, second, third, fourth = counting.answers()
    assert isinstance(first, CountedFootprint)
    assert isinstance(second, CountedFootprint)
    assert first.footprint is None
    assert "cannot take images of 64 px" in first.problem
    assert first.failure == "config"
    assert known_footprint(wrong) is None
    assert isinstance(third, CheckedWeights)
    assert third.sentence.startswith("loaded all ")
    assert known_fit(fits) == third
    assert (fourth.failure, known_fit(fits_not)) == ("config", None)
    assert "no tensor of" in fourth.problem
    os.utime(file, (0, 0))
    assert known_fit(fits) is None
    assert second.footprint == known_footprint(right)
    assert second.footprint is not None


def test_a_process_that_is_stopped_leaves_a_reason_for_all_that_is_missing() -> None:
    wanted = [FootprintKey.of(build_config({**TINY, "size": size})) for size in (128, 160)]
    with FootprintCounter(wanted) as counting:
        counting.stop()
        answers = list(counting.answers())
    assert answers == [CountedFootprint(key=one, problem="the process that counts it ended early") for one in wanted]


def test_predicting_needs_no_torch() -> None:
    code = (
        "import sys, engine.footprints, engine.memory_model, engine.data.known_data; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_peak_is_told_before_the_end_and_forgets_earlier_ones(
    runner: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    resets, status = tmp_path / "clear_refs", tmp_path / "status"
    status.write_text("VmPeak:\t 9 kB\nVmHWM:\t    1234 kB\nVmRSS:\t 7 kB\n")
    monkeypatch.setattr(peak_memory, "_RESET", resets)
    monkeypatch.setattr(peak_memory, "_STATUS", status)
    seen = runner()
    assert resets.read_text() == "5"
    assert isinstance(seen.events[-1], RunEnded)
    assert seen.events[-2] == MemoryPeaked(1234 * 1024)


def test_the_peak_of_a_run_that_fails_is_told_too(tmp_path: Path) -> None:
    told: list[Any] = []
    with pytest.raises(ValueError, match="broken"), peak_memory.emitting_peak(told.append):
        raise ValueError("broken")
    (peaked,) = told
    assert peaked.bytes > 50_000_000


def test_where_the_system_keeps_no_peak_to_reset_that_of_the_process_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(peak_memory, "_STATUS", tmp_path / "absent")
    assert (peak_memory.host_peak() or 0) > 50_000_000


@ON_LINUX
def test_a_later_run_of_a_process_does_not_peak_as_high_as_an_earlier_one() -> None:
    code = """
from engine.peak_memory import emitting_peak
told = []
with emitting_peak(told.append):
    block = bytearray(500_000_000)
    block[::4096] = b"x" * len(block[::4096])
    del block
with emitting_peak(told.append):
    pass
print(told[0].bytes - told[1].bytes)
"""
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 400_000_000
