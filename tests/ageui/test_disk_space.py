"""The files of a sweep have to fit on the disk before it is queued."""

import pytest
from store_rows import config

from ageui.planning.disk_space import file_sizes, free_bytes, refuse_small_disk
from ageui.planning.known_networks import KnownNetworks
from ageui.store import FullError, NewRun, Store
from engine.checked_networks import NetworkFacts
from engine.data.spec import BUILT_IN

FACTS = NetworkFacts(parameters=1_000_000, state_bytes=4_000_000, features=100)


class _Checked(KnownNetworks):
    def facts(self, config: object) -> NetworkFacts:
        return FACTS


def _runs(count: int) -> list[NewRun]:
    return [NewRun(config(seed=seed), BUILT_IN) for seed in range(count)]


def test_each_run_keeps_weights_and_one_at_a_time_has_training_states(store: Store) -> None:
    runs = _runs(10)
    weights, state = file_sizes(runs[0].config, FACTS)
    assert weights > 4_000_000
    assert state > 2 * weights
    needed = 10 * weights + 3 * state
    refuse_small_disk(store, runs, _Checked(), free=lambda folder: needed)
    with pytest.raises(FullError, match=r"10 runs need about 0\.\d\d GB in .*but only 0\.\d\d GB are free; free some"):
        refuse_small_disk(store, runs, _Checked(), free=lambda folder: needed - 1)


def test_only_possible_ways_to_free_space_are_advised(store: Store) -> None:
    with pytest.raises(FullError, match=r"with ageui db prune$"):
        refuse_small_disk(store, _runs(1), _Checked(), free=lambda folder: 0)
    with pytest.raises(FullError, match=r"with ageui db prune, or queue fewer runs \(--force queues them anyway\)$"):
        refuse_small_disk(store, _runs(2), _Checked(), free=lambda folder: 0, override="--force")


def test_what_is_unknown_refuses_nothing(store: Store) -> None:
    refuse_small_disk(store, _runs(2), _Checked(), free=lambda folder: None)
    refuse_small_disk(store, [], _Checked(), free=lambda folder: 0)
    assert free_bytes(store.folder / "not" / "there") is not None
