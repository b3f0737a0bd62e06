"""The peak that is predicted: what is added up, what only the worst moment counts of, and what is left out."""

from typing import Any

import pytest

from engine.config import build_config
from engine.memory_model import HEAP_SHARE, UNDER_WAY, Footprint, LinearBytes, predicted_peak

SIZE = 64
FOOTPRINT = Footprint(
    device_type="cpu",
    dtype="fp32",
    size=SIZE,
    process=800_000_000,
    parameters=10_000_000,
    state=40_001_000,
    features=512,
    training=(LinearBytes(fixed=50_000_000, per_image=0), LinearBytes(fixed=0, per_image=4_000_000)),
    scoring=(LinearBytes(fixed=0, per_image=500_000),),
    scoring_batch=256,
    features_batch=64,
)
HEAD = 4 * (512 + 1) * 101  # one layer, with as many outputs as any loss has


def _bytes(footprint: Footprint = FOOTPRINT, images: int | None = None, **changes: Any) -> int:
    settings = {"strategy": "scratch", "head": "none", "batch": 64, "size": SIZE, **changes}
    return predicted_peak(build_config(settings), footprint, images).bytes


def test_a_run_on_the_processor_is_the_sum_of_what_is_alive_at_its_worst_moment() -> None:
    weights, trained = FOOTPRINT.state + HEAD, 40_000_000 + HEAD
    steps = 64 * 4_000_000 + HEAD
    # The weights, the best ones so far, a block in which they are written, and Adam's two moments.
    assert _bytes() == 800_000_000 + UNDER_WAY + 3 * weights + 2 * trained + int(HEAP_SHARE * steps)


def test_of_the_moments_of_a_step_the_worst_for_the_batch_counts() -> None:
    # 8 images: at the end of the step, with all gradients, though scoring 256 images beside them is worse still.
    scoring_alone = _bytes(batch=8)
    assert _bytes(batch=1) == scoring_alone
    assert scoring_alone < _bytes(batch=64) < _bytes(batch=128)
    assert _bytes(batch=8, images=10) < scoring_alone - HEAP_SHARE * 200 * 500_000  # there are no 256 images to score
    assert _bytes(batch=128) - _bytes(batch=64) == pytest.approx(HEAP_SHARE * 64 * 4_000_000, abs=2)


@pytest.mark.parametrize(
    ("optimizer", "momentum", "slots"), [("adam", 0.0, 2), ("adadelta", 0.0, 2), ("sgd", 0.0, 0), ("sgd", 0.9, 1)]
)
def test_each_optimizer_keeps_its_own_numbers(optimizer: str, momentum: float, slots: int) -> None:
    plain = _bytes(optimizer="sgd")
    assert _bytes(optimizer=optimizer, momentum=momentum) - plain == slots * (40_000_000 + HEAD)


def test_of_two_stages_the_larger_counts_and_one_without_epochs_does_not() -> None:
    frozen, both = _bytes(strategy="freeze", epochs="1,0"), _bytes(strategy="freeze", epochs="1,1")
    assert both == _bytes(strategy="freeze", epochs="0,1") == _bytes(strategy="finetune")
    steps = int(HEAP_SHARE * 64 * 500_000)
    assert frozen == 800_000_000 + UNDER_WAY + 2 * FOOTPRINT.state + 5 * HEAD + max(steps, FOOTPRINT.state)
    # Where every epoch augments, whole batches go through the frozen backbone, and 256 images where it is scored.
    augmented = _bytes(strategy="freeze", epochs="1,0", augment="standard")
    assert augmented - frozen == pytest.approx(HEAP_SHARE * (256 - 64) * 500_000, abs=2)


def test_pixels_are_mapped_and_can_be_taken_away_again() -> None:
    config = build_config({"strategy": "scratch", "head": "none", "batch": 64, "size": SIZE})
    unknown, known = predicted_peak(config, FOOTPRINT, None), predicted_peak(config, FOOTPRINT, 10_000)
    assert known.mapped == known.bytes - unknown.bytes == 10_000 * 3 * SIZE * SIZE
    assert known.needed == unknown.needed == unknown.bytes
    assert (unknown.counts_images, known.counts_images) == (False, True)


def test_a_wide_head_counts() -> None:
    wide = _bytes(head="1fc-sigmoid", widths="65536")
    assert wide - _bytes() > 6 * 4 * 512 * 65536


ON_GPU = FOOTPRINT.model_copy(update={"device_type": "cuda", "process": 0})


def test_on_a_gpu_neither_process_nor_the_best_weights_count_and_steps_keep_their_memory() -> None:
    weights, trained, pixels = FOOTPRINT.state + HEAD, 40_000_000 + HEAD, 10_000 * 3 * SIZE * SIZE
    steps, scoring = 64 * 4_000_000 + HEAD, 256 * 500_000 + trained
    assert _bytes(ON_GPU, images=10_000) == weights + 2 * trained + steps + scoring + pixels
    frozen = {"strategy": "freeze", "epochs": "1,0"}
    features = 10_000 * 512 * 4 + 64 * 500_000
    assert _bytes(ON_GPU, images=10_000, **frozen) == FOOTPRINT.state + 4 * HEAD + features + pixels
    augmented = _bytes(ON_GPU, images=10_000, **frozen, augment="standard")
    assert augmented == FOOTPRINT.state + 4 * HEAD + (64 + 256) * 500_000 + pixels


def test_on_a_gpu_pixels_that_are_too_many_are_streamed() -> None:
    config, pixels = build_config({"strategy": "scratch", "head": "none", "size": SIZE}), 10_000 * 3 * SIZE * SIZE
    held = predicted_peak(config, ON_GPU, 10_000, most_pixels=pixels)
    assert held.needed == held.bytes == predicted_peak(config, ON_GPU, None).bytes + pixels
    assert predicted_peak(config, ON_GPU, 10_000, most_pixels=pixels - 1).bytes == held.bytes - pixels
