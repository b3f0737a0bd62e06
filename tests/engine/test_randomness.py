"""The order of an epoch and what becomes of its last image."""

import numpy as np
import pytest

from engine.randomness import epoch_order, split_batches


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    first = epoch_order(3, 7, 1000)
    np.random.default_rng(0).random()
    np.testing.assert_array_equal(first, epoch_order(3, 7, 1000))
    assert sorted(first) == list(range(1000))
    assert not np.array_equal(first, epoch_order(3, 8, 1000))
    assert not np.array_equal(first, epoch_order(4, 7, 1000))


@pytest.mark.parametrize(
    ("policy", "sizes"), [("keep", [32] * 127 + [1]), ("merge", [32] * 126 + [33]), ("drop", [32] * 127)]
)
def test_the_last_batch_of_4065_images_follows_the_policy(policy: str, sizes: list[int]) -> None:
    order = np.random.default_rng(0).permutation(4065)
    batches = split_batches(order, 32, policy)
    assert [len(batch) for batch in batches] == sizes
    np.testing.assert_array_equal(np.concatenate(batches), order[: sum(sizes)])


@pytest.mark.parametrize("policy", ["keep", "merge", "drop"])
@pytest.mark.parametrize(
    ("count", "batch", "sizes"), [(66, 32, [32, 32, 2]), (64, 32, [32, 32]), (1, 32, [1]), (3, 1, [1, 1, 1])]
)
def test_other_last_batches_are_left_as_they_are(policy: str, count: int, batch: int, sizes: list[int]) -> None:
    assert [len(part) for part in split_batches(np.arange(count), batch, policy)] == sizes
