"""Pixels by three ways: the same bits, bounded memory, and threads that end when the pass does."""

import re
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_runs import Runner

import engine.pixel_source as pixel_source
import engine.train_metrics as train_metrics
import engine.trainer as training
from engine.cuda_graphs import GraphedGradients
from engine.errors import ConfigError
from engine.events import Evaluated, Noted, StepsEnded
from engine.pixel_source import BATCHES_AHEAD, MappedPixels, PixelSource, ResidentPixels, StreamedPixels, choose_source

CPU = torch.device("cpu")
COUNT = 40
PIXELS = np.random.default_rng(0).integers(0, 256, (COUNT, 4, 4, 3), dtype=np.uint8)
USED = np.arange(COUNT - 1, -1, -3)
SOURCES: dict[str, Callable[[torch.device], PixelSource]] = {
    "mapped": lambda device: MappedPixels(PIXELS),
    "resident": lambda device: ResidentPixels(PIXELS, USED, device),
    "streamed": lambda device: StreamedPixels(PIXELS, device),
}
BATCHES = st.lists(st.lists(st.sampled_from(USED.tolist()), min_size=1, max_size=9).map(np.array), max_size=12)


def _loaders() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("pixels")]


@pytest.mark.parametrize("source", SOURCES)
@given(batches=BATCHES)
def test_each_batch_is_its_pixels_in_its_order(source: str, batches: list[np.ndarray]) -> None:
    kept = list(SOURCES[source](CPU).blocks(batches))
    assert len(kept) == len(batches)
    for block, places in zip(kept, batches, strict=True):
        np.testing.assert_array_equal(block.numpy(), PIXELS[places])
    assert _loaders() == []


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("source", ["resident", "streamed"])
def test_on_a_gpu_each_batch_is_its_pixels_while_others_are_worked_on(source: str) -> None:
    device, random = torch.device("cuda", 0), np.random.default_rng(1)
    batches = [random.choice(USED, size) for size in random.integers(1, 400, 200)]
    busy = torch.randn(2000, 2000, device=device)
    changed = []
    for block in SOURCES[source](device).blocks(batches):
        busy = (busy @ busy).softmax(1)
        changed.append(255 - block)
    for block, places in zip(changed, batches, strict=True):
        np.testing.assert_array_equal(block.cpu().numpy(), 255 - PIXELS[places])


def test_pixels_are_uploaded_once_and_only_those_that_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    real = pixel_source._gather

    def counted(pixels: Any, places: Any, block: Any) -> None:
        read.extend(places.tolist())
        real(pixels, places, block)

    monkeypatch.setattr(pixel_source, "_gather", counted)
    source = ResidentPixels(PIXELS, USED, CPU)
    assert source.device_bytes == len(USED) * 48
    assert read == []
    with torch.inference_mode():
        list(source.blocks([USED[:3]]))
    (block,) = source.blocks([USED[:2]])
    assert sorted(read) == sorted(USED.tolist())
    scale = torch.ones((), requires_grad=True)
    (block * scale).sum().backward()  # what was uploaded in inference mode can be trained on
    assert scale.grad == PIXELS[USED[:2]].sum()


@pytest.mark.parametrize("end", ["left early", "failed"])
def test_a_stream_reads_no_further_ahead_than_its_ring_and_its_threads_end(
    end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []
    filled = threading.Event()  # set once it has read as far ahead as it may
    real = pixel_source._gather

    def counted(pixels: Any, places: Any, block: Any) -> None:
        begun.append(int(places[0]))
        if len(begun) == BATCHES_AHEAD + 2:
            filled.set()
        if end == "failed" and places[0] == 3:
            raise OSError("the disk is gone")
        real(pixels, places, block)

    monkeypatch.setattr(pixel_source, "_gather", counted)
    batches = [np.array([place]) for place in range(COUNT)]
    if end == "failed":
        seen = []
        with pytest.raises(OSError, match="the disk is gone"):
            seen.extend(block[0] for block in StreamedPixels(PIXELS, CPU).blocks(batches))
    else:
        with closing(StreamedPixels(PIXELS, CPU).blocks(batches)) as blocks:
            for number in range(3):
                np.testing.assert_array_equal(next(blocks)[0].numpy(), PIXELS[number])
            assert _loaders()
            assert filled.wait(60)
    assert len(begun) <= BATCHES_AHEAD + (3 if end == "failed" else 2)
    assert _loaders() == []


GB = 10**9
ONE_GB = np.lib.stride_tricks.as_strided(PIXELS, (10_000, 200, 200, 3), (0, 0, 0, 1))  # 1.2 GB that take no memory


@pytest.mark.parametrize(
    ("device", "limit", "variable", "kind", "said"),
    [
        ("cpu", None, None, MappedPixels, None),
        ("cpu", None, "0", MappedPixels, None),
        ("cpu", 2 * GB, None, ResidentPixels, None),
        ("cpu", GB, None, StreamedPixels, "to cpu: they would take 1.2 GB there, and the limit that was set is 1.0 GB"),
        ("cuda:0", None, None, ResidentPixels, None),
        ("cuda:0", None, "1.1", StreamedPixels, "AGEUI_GPU_PIXELS_GB is 1.1 GB"),
        ("cuda:1", None, None, StreamedPixels, "to cuda:1: they .* a quarter of its free memory is 1.0 GB"),
        ("cuda:1", None, "1.3", ResidentPixels, None),
        ("cuda:1", 2 * GB, "0", ResidentPixels, None),
    ],
)
def test_the_source_is_chosen_by_device_and_limit(
    device: str, limit: int | None, variable: str | None, kind: type, said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: ((8 if device.index == 0 else 4) * GB, 80 * GB))
    monkeypatch.delenv("AGEUI_GPU_PIXELS_GB", raising=False)
    if variable is not None:
        monkeypatch.setenv("AGEUI_GPU_PIXELS_GB", variable)
    source = choose_source(ONE_GB, np.arange(len(ONE_GB)), torch.device(device), limit)
    assert type(source) is kind
    if said is None:
        assert source.note is None
    else:
        assert source.note is not None
        assert re.search(said, source.note)


def test_pixels_that_are_not_used_do_not_count() -> None:
    assert type(choose_source(ONE_GB, np.arange(100), CPU, GB)) is ResidentPixels


@pytest.mark.parametrize("text", ["much", "-1", "inf", "nan"])
def test_a_limit_that_is_none_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGEUI_GPU_PIXELS_GB", text)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (8 * GB, 80 * GB))
    with pytest.raises(ConfigError, match=f"AGEUI_GPU_PIXELS_GB={text}: give a number"):
        choose_source(PIXELS, USED, torch.device("cuda"))


@pytest.mark.parametrize(
    "settings",
    [
        {"augment": "standard", "weights": "gender"},
        {"strategy": "freeze", "init": "random", "epochs": "2,1", "augment": "report"},
    ],
    ids=["scratch", "freeze"],
)
def test_a_run_ends_with_the_same_bits_from_every_source(runner: Runner, settings: dict[str, Any]) -> None:
    mapped = runner(**settings)
    for limit, said in ((GB, False), (0, True)):
        runner.folder = runner.folder / "other cache"  # so that features are computed again
        runner.folder.mkdir()
        other = runner(**settings, pixel_bytes_on_device=limit)
        assert other.best.sha256 == mapped.best.sha256
        assert [told.losses for told in other.all(StepsEnded)] == [told.losses for told in mapped.all(StepsEnded)]
        for one, two in zip(other.all(Evaluated), mapped.all(Evaluated), strict=True):
            np.testing.assert_array_equal(one.predicted, two.predicted)
        assert any("streamed to cpu" in note.message for note in other.all(Noted)) is said
        assert _loaders() == []


@pytest.mark.parametrize("where", ["a step", "validation"])
def test_a_run_that_is_stopped_ends_its_threads_at_once(
    where: str, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive: list[list[threading.Thread]] = []
    check, write = training.Trainer._check_stop, training.Trainer.write_checkpoint

    def stopping(trainer: training.Trainer) -> None:
        check(trainer)
        if trainer.position.batch == 3 and trainer.model.training is (where == "a step"):
            alive.append(_loaders())
            raise training.Stopped

    def writing(trainer: training.Trainer) -> None:
        alive.append(_loaders())
        write(trainer)

    monkeypatch.setattr(training.Trainer, "_check_stop", stopping)
    monkeypatch.setattr(training.Trainer, "write_checkpoint", writing)
    monkeypatch.setattr("engine.model_inputs.EVALUATION_BATCH", 4)
    stopped = runner(batch=4 if where == "a step" else 32, last_batch="keep", pixel_bytes_on_device=0)
    assert stopped.ended.outcome == "interrupted"
    before, after = alive
    assert before
    assert after == []


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("limit", [GB, 0])
@pytest.mark.parametrize(
    "settings",
    [
        {"augment": "standard", "weights": "gender"},
        {"strategy": "freeze", "init": "random", "epochs": "2,1", "augment": "report"},
    ],
    ids=["scratch", "freeze"],
)
def test_on_a_gpu_no_step_waits_for_the_device(
    limit: int, settings: dict[str, Any], runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    epoch, validate = training.Trainer._train_epoch, training.Trainer._validate
    emit_steps = train_metrics.TrainMetrics.emit_steps

    def stepping(*arguments: Any) -> Any:
        torch.cuda.set_sync_debug_mode("error")
        try:
            return epoch(*arguments)
        finally:
            torch.cuda.set_sync_debug_mode("default")

    def emitting(*arguments: Any) -> None:
        before = torch.cuda.get_sync_debug_mode()
        torch.cuda.set_sync_debug_mode("default")
        emit_steps(*arguments)
        torch.cuda.set_sync_debug_mode(before)

    def validating(*arguments: Any) -> Any:
        torch.cuda.set_sync_debug_mode("default")
        return validate(*arguments)

    try_graph = GraphedGradients._with_and_without

    def comparing(*arguments: Any) -> torch.Tensor:
        torch.cuda.set_sync_debug_mode("default")
        try:
            return try_graph(*arguments)
        finally:
            torch.cuda.set_sync_debug_mode("error")

    monkeypatch.setattr(GraphedGradients, "_with_and_without", comparing)
    monkeypatch.setattr(training.Trainer, "_train_epoch", stepping)
    monkeypatch.setattr(train_metrics.TrainMetrics, "emit_steps", emitting)
    monkeypatch.setattr(training.Trainer, "_validate", validating)
    assert runner(**settings, device="cuda", batch=8, pixel_bytes_on_device=limit).ended.outcome == "done"
