"""The files of a sweep have to fit on the disk before it is queued."""

import pytest
from store_rows import config

from ageui.memory.forecast import Forecaster
from ageui.planning.disk_space import free_bytes, refuse_small_disk
from ageui.store import FullError, NewRun, Store
from engine.data.spec import BUILT_IN
from engine.memory_model import Footprint, file_sizes

FOOTPRINT = Footprint(
    device_type="cpu", dtype="float32", size=64, process=0, parameters=1_000_000, state=4_000_000, features=100,
    training=(), scoring=(), scoring_batch=1, features_batch=1,
)  # fmt: skip


class _Counted(Forecaster):
    def footprint(self, config: object) -> Footprint:
        return FOOTPRINT


def _runs(count: int) -> list[NewRun]:
    return [NewRun(config(seed=seed), BUILT_IN) for seed in range(count)]


def test_each_run_keeps_weights_and_one_at_a_time_has_training_states(store: Store) -> None:
    runs = _runs(10)
    weights, state = file_sizes(runs[0].config, FOOTPRINT)
    assert weights > 4_000_000
    assert state > 2 * weights
    needed = 10 * weights + 3 * state
    refuse_small_disk(store, runs, _Counted(), free=lambda folder: needed)
    with pytest.raises(FullError, match=r"10 runs need about 0\.\d\d GB in .*but only 0\.\d\d GB are free: free some"):
        refuse_small_disk(store, runs, _Counted(), free=lambda folder: needed - 1)


def test_only_possible_ways_to_free_space_are_advised(store: Store) -> None:
    with pytest.raises(FullError, match=r"with ageui db prune$"):
        refuse_small_disk(store, _runs(1), _Counted(), free=lambda folder: 0)
    with pytest.raises(FullError, match=r"with ageui db prune, or queue fewer runs \(--force queues them anyway\)$"):
        refuse_small_disk(store, _runs(2), _Counted(), free=lambda folder: 0, override="--force")


def test_what_is_unknown_refuses_nothing(store: Store) -> None:
    refuse_small_disk(store, _runs(2), _Counted(), free=lambda folder: None)
    refuse_small_disk(store, [], _Counted(), free=lambda folder: 0)
    assert free_bytes(store.folder / "not" / "there") is not None
