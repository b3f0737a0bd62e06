"""The number of threads of a training step on a processor."""

from collections.abc import Iterator

import pytest
import torch

from engine.config import build_config
from engine.device import threads_for


@pytest.fixture(autouse=True)
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("size", "batch", "head_parameters", "threads"),
    [
        pytest.param(32, 32, None, 1, id="few pixels"),
        pytest.param(64, 32, None, 3, id="many pixels"),
        pytest.param(224, 32, 1_000_000, 1, id="a small head on features"),
        pytest.param(224, 64, 1_000_000, 3, id="a large head on features"),
    ],
)
def test_small_steps_train_with_one_thread(size: int, batch: int, head_parameters: int | None, threads: int) -> None:
    config = build_config({"size": size, "batch": batch})
    with threads_for(config, head_parameters, torch.device("cpu")):
        assert torch.get_num_threads() == threads
    assert torch.get_num_threads() == 3


def test_a_gpu_leaves_the_threads_of_the_processor_alone() -> None:
    with threads_for(build_config({"size": 32, "batch": 1}), None, torch.device("cuda", 0)):
        assert torch.get_num_threads() == 3
