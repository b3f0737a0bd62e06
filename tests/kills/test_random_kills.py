"""Signals to the worker, the engine's process or both, again and again: every run ends as if undisturbed.

A short form runs with all tests. The long one, a quarter of an hour on two cores:

    pytest tests/kills --kills 100 --kill-runs 20
"""

import random
import signal
import threading
from collections import Counter

import pytest
from kill_runs import FACES, Say, config_of, ensure_worker, kill_engine, kill_worker, undisturbed, wait_until
from undisturbed_runs import is_over

from ageui.store import Store
from ageui.worker.lost_runs import recover_lost

pytestmark = pytest.mark.kills

QUICKEST, SLOWEST = 0.2, 8.0
TO_WORKERS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM)
"""A worker ignores SIGHUP and SIGINT, which come from the terminal that started it."""
TO_ENGINES = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def test_whatever_is_killed_every_run_ends_as_if_undisturbed(
    store: Store, say: Say, request: pytest.FixtureRequest
) -> None:
    kills, at_least = request.config.getoption("--kills"), request.config.getoption("--kill-runs")
    seed = request.config.getoption("--kill-seed")
    chance = random.Random(seed)
    ids = [store.runs.add(config_of(number), FACES, name=None) for number in range(at_least)]
    killed: Counter[str] = Counter()
    sent: Counter[str] = Counter()
    retried = 0
    while sum(killed.values()) < kills:
        if is_over(store):
            ids.append(store.runs.add(config_of(len(ids)), FACES, name=None))
        for _ in recover_lost(store):
            pass
        ensure_worker(store)
        threading.Event().wait(chance.uniform(QUICKEST, SLOWEST))
        target = chance.choice(["worker", "engine", "both"])
        to_worker, to_engine = chance.choice(TO_WORKERS), chance.choice(TO_ENGINES)
        hit = [kill_engine(store, to_engine)] if target != "worker" else []
        hit += [kill_worker(store, to_worker)] if target != "engine" else []
        if all(hit):
            killed[target] += 1
            sent.update([to_engine.name] if target != "worker" else [])
            sent.update([to_worker.name] if target != "engine" else [])
        for row in store.runs.search("status=failed"):
            # Three attempts in a row that were killed before they got further: as it should be.
            assert "3 attempts in a row" in str(row.error), row.error
            store.queue.retry(row.id)
            retried += 1

    def all_done() -> bool:
        for _ in recover_lost(store):
            pass
        ensure_worker(store)
        for row in store.runs.search("status=failed"):
            store.queue.retry(row.id)
        return is_over(store)

    wait_until(all_done, 60.0 * len(ids))
    details = [store.runs.detail(run_id) for run_id in ids]
    attempts = [attempt for detail in details for attempt in detail.attempts]
    say(
        f"{sum(killed.values())} kills ({', '.join(f'{n} {what}' for what, n in sorted(killed.items()))}) by "
        f"{', '.join(f'{n} {name}' for name, n in sorted(sent.items()))}, "
        f"{len(ids)} runs, {len(attempts)} attempts ({dict(Counter(attempt.outcome for attempt in attempts))}), "
        f"{retried} retried by hand, {sum(attempt.replayed for attempt in attempts)} points replayed, "
        f"{sum(attempt.differing for attempt in attempts)} of them differ; seed {seed}"
    )
    assert Counter(detail.status for detail in details) == {"done": len(ids)}
    assert store.problems() == []
    for number, run_id in enumerate(ids):
        undisturbed(config_of(number)).assert_same(store, run_id)
    say(f"{len(ids)} runs equal the undisturbed ones: weights, every point, predictions")
