"""Runs are queued all or none, and known when they come again."""

import json
from contextlib import closing
from pathlib import Path

import pytest
from store_rows import COUNTS, claimed, config, end, queued, running

from ageui.store import Claimant, NewRun, Store
from ageui.store.sqlite import driver
from engine.config import LATER_FIELDS, build_config
from engine.data.report import DataCounts
from engine.data.spec import BUILT_IN, DataSpec
from engine.errors import ConfigError


def test_runs_that_are_done_or_to_be_done_are_known(store: Store) -> None:
    statuses = ("done", "queued", "paused", "failed", "cancelled")
    for seed, status in enumerate(statuses):
        run_id = store.runs.add(config(seed=seed), BUILT_IN, name=None)
        if status in ("done", "failed"):
            attempt = claimed(store, run_id)
            assert attempt is not None
            end(store, run_id, attempt, status, "why")
        elif status != "queued":
            getattr(store.queue, {"paused": "pause", "cancelled": "cancel"}[status])(run_id)
    wanted = [NewRun(config(seed=seed), BUILT_IN) for seed in range(6)]
    assert store.runs.find_same(wanted) == [(1, "done"), (2, "queued"), (3, "paused"), None, None, None]
    elsewhere = DataSpec(name="synthetic", format="synthetic", split_seed=1)
    assert store.runs.find_same([NewRun(config(seed=0), elsewhere)]) == [None]


def test_a_finished_run_counts_before_a_queued_one(store: Store) -> None:
    queued(store)
    run_id, attempt = running(store)
    end(store, run_id, attempt, "done")
    assert store.runs.find_same([NewRun(config(), BUILT_IN)]) == [(run_id, "done")]


def test_auto_is_the_same_as_the_arithmetic_that_it_is_settled_to(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.arithmetic.cpu_flags", lambda: frozenset({"avx512_bf16"}))
    auto, bf16, fp32 = (NewRun(config(device="cpu", precision=name), BUILT_IN) for name in ("auto", "bf16", "fp32"))
    (waiting,) = store.runs.add_many([auto])
    assert store.runs.find_same([auto, bf16, fp32]) == [(waiting, "queued"), (waiting, "queued"), None]
    attempt = claimed(store, waiting)
    assert attempt is not None
    with store.writing(waiting, attempt) as writer:
        writer.started({"dtype": "fp32"})
    assert store.runs.find_same([auto, bf16, fp32]) == [None, None, None]
    (named,) = store.runs.add_many([bf16])
    assert store.runs.find_same([auto, bf16, fp32]) == [(named, "queued"), (named, "queued"), None]


def test_a_run_under_another_revision_of_the_recipe_is_another_run(store: Store) -> None:
    whole, frozen = (NewRun(config(strategy="freeze", epochs=epochs), BUILT_IN) for epochs in ("4,4", "4,0"))
    ids = store.runs.add_many([whole, frozen])
    for run_id in ids:
        with store.writing(run_id, claimed(store, run_id) or 0) as writer:
            writer.started({})
    assert store.runs.find_same([whole, frozen]) == [None, (ids[1], "running")]
    for run_id in store.runs.add_many([whole]):
        with store.writing(run_id, claimed(store, run_id) or 0) as writer:
            writer.started({"recipe": 2})
        assert store.runs.find_same([whole]) == [(run_id, "running")]


@pytest.fixture
def older(store: Store) -> int:
    """A run that was stored before there were the later fields of a config."""
    run_id = queued(store)
    with closing(driver().connect(store.path)) as connection, connection:
        for name in LATER_FIELDS:
            connection.execute(f"UPDATE run SET config = json_remove(config, '$.{name}')")
    return run_id


def test_a_run_of_before_there_were_later_fields_is_known(store: Store, older: int) -> None:
    assert store.runs.find_same([NewRun(config(), BUILT_IN), NewRun(config(bmc_sigma=8), BUILT_IN)]) == [
        (older, "queued"),
        None,
    ]


def test_later_fields_of_an_older_run_have_the_values_in_effect(store: Store, older: int) -> None:
    newer, other = queued(store), queued(store, bmc_sigma=8, group_dro_loss="huber")
    assert store.runs.get(older).config == store.runs.get(newer).config
    assert store.runs.detail(older).config == store.runs.detail(newer).config
    assert [row.id for row in store.runs.search("bmc_sigma=10", order="id")] == [older, newer]
    assert [row.id for row in store.runs.search("bmc_sigma<9")] == [other]
    assert [row.id for row in store.runs.search("group_dro_loss=mae", order="id")] == [older, newer]
    assert [row.id for row in store.runs.search(order="bmc_sigma", limit=1)] == [other]


def test_the_shipped_runs_are_known_by_their_configs() -> None:
    shipped = Path(__file__).parents[3] / "runs.db"
    with closing(driver().connect(f"file:{shipped}?mode=ro&immutable=1", uri=True)) as connection:
        rows = connection.execute("SELECT config, config_hash FROM run WHERE source = 'measured'").fetchall()
    assert rows
    assert all(build_config(json.loads(text)).hash == config_hash for text, config_hash in rows)


def test_how_often_epochs_are_scored_is_decided_when_a_run_is_queued(store: Store) -> None:
    faces = DataSpec(name="faces", format="course", path="/data/faces")
    counts: DataCounts = {**COUNTS, "splits": {"train": {"images": 5000, "labelled": 3200}}}

    def interval() -> int:
        run_id = store.runs.add(config(data="faces", batch=32), faces, name=None)
        claim = store.queue.claim(run_id, Claimant("cpu", "cpu"), lambda run_id: True)
        assert claim is not None
        return claim.scoring_interval

    unregistered = interval()
    store.data.add(faces, counts=counts)
    assert (unregistered, interval()) == (20, 5)
    queued_before = store.runs.add(config(data="faces", batch=32), faces, name=None)
    store.data.add(faces, replace=True)
    claim = store.queue.claim(queued_before, Claimant("cpu", "cpu"), lambda run_id: True)
    assert claim is not None
    assert (claim.scoring_interval, interval()) == (5, 20)


def test_runs_are_queued_all_or_none(store: Store) -> None:
    queued(store, "taken")
    with pytest.raises(ConfigError, match="'taken'"):
        store.runs.add_many([NewRun(config(), BUILT_IN, name) for name in ("new", "taken")])
    assert store.runs.count() == 1
    assert store.runs.add_many([NewRun(config(), BUILT_IN, name) for name in ("a", "b")], tags=["t"], priority=2) == [
        2,
        3,
    ]
    assert [(row.name, row.tags, row.priority) for row in store.queue.waiting()] == [
        ("a", ("t",), 2),
        ("b", ("t",), 2),
        ("taken", (), 0),
    ]
