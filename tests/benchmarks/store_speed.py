"""How fast the database takes points, lists runs, gives out queued ones and changes many at once.

Run: python tests/benchmarks/store_speed.py. Everything is on a disk: writers commit with FULL synchronisation, as a
worker's do. Commands are timed as processes, from their start to their end; what they may take is in the last column.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ageui.store import Claimant, NewRun, Store
from engine.config import PRESETS, build_config
from engine.data.spec import BUILT_IN
from engine.events import StepsEnded

RUNS, QUEUED, BULK, POINTS = 10_000, 20_000, 18_000, 128


def median_seconds(work: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def add_runs(store: Store, count: int) -> list[int]:
    config = build_config(PRESETS["quick"])
    return store.runs.add_many([NewRun(config, BUILT_IN, f"run-{number}") for number in range(count)])


def rows_per_second(store: Store) -> None:
    (run_id,) = add_runs(store, 1)
    claim = store.queue.claim(run_id, Claimant("cpu", "cpu"), lambda run_id: True)
    assert claim is not None
    step = 0

    def write(count: int) -> None:
        nonlocal step
        losses = tuple((step + number, 0.5) for number in range(1, count + 1))
        step += count
        with store.writing(run_id, claim.attempt) as writer:
            writer.steps(StepsEnded(1, 1, step, 10**6, losses, 100.0, 1.0))

    for count in (1, 10, POINTS, 1000):
        seconds = median_seconds(lambda count=count: write(count), 50)  # type: ignore[misc]
        print(f"{count:5} points a commit: {count / seconds:10,.0f} rows/s, {seconds * 1000:6.2f} ms a commit")


def reading(store: Store) -> None:
    add_runs(store, RUNS)
    print(f"latest figures of {RUNS:,} runs: {median_seconds(store.runs.search, 5) * 1000:7.1f} ms")
    fifty = median_seconds(lambda: store.runs.search(limit=50), 20)
    print(f"latest figures of the newest 50: {fifty * 1000:7.1f} ms")


def claiming(store: Store) -> None:
    add_runs(store, QUEUED)
    claimant, devices = Claimant("cpu", "cpu"), ("auto", "cpu")
    hold = lambda run_id: True  # noqa: E731
    one = median_seconds(lambda: store.queue.claim_next(claimant, devices, hold), 100)
    print(f"a claim among {QUEUED:,} queued:    {one * 1000:7.2f} ms")
    none = median_seconds(lambda: store.queue.claim_next(claimant, ("cuda:7",), hold), 10)
    print(f"none to be claimed among them:   {none * 1000:7.2f} ms")
    look = median_seconds(lambda: store.queue.has_work(devices), 100)
    print(f"a look whether there is work:    {look * 1000:7.2f} ms")
    last = store.queue.waiting()[-1].id
    moved = median_seconds(lambda: store.queue.move(last, "first"), 1)
    print(f"the last moved to the front:     {moved * 1000:7.1f} ms")


def changing_many(store: Store) -> None:
    ids = add_runs(store, BULK)
    for name, change in (
        ("paused", store.queue.pause),
        ("resumed", store.queue.resume),
        ("given a priority", lambda ids: store.queue.prioritise(ids, 3)),
        ("moved", lambda ids: store.queue.move(ids[BULK // 2 :], "first")),
        ("tagged", lambda ids: store.edits.set_tags(ids, ["night"])),
        ("cancelled", store.queue.cancel),
        ("archived", store.edits.archive),
        ("unarchived", store.edits.unarchive),
        ("tried again", store.queue.retry),
    ):
        print(f"{BULK:,} runs {name + ':':18} {median_seconds(lambda change=change: change(ids), 1):6.2f} s")  # type: ignore[misc]
    undone = store.queue.cancel(ids)
    print(f"{BULK:,} runs restored:          {median_seconds(lambda: store.edits.restore(undone), 1):6.2f} s")


def commands(store: Store) -> None:
    add_runs(store, BULK)
    for most, *command in (
        (1, "queue", "--limit", "50"),
        (1, "ls", "--limit", "50"),
        (None, "queue"),
        (None, "queue", "--json"),
        (None, "pause", "status=queued"),
        (3, "cancel", "status=paused"),
    ):
        arguments = [sys.executable, "-m", "ageui", *map(str, command), "--db", str(store.path)]
        seconds = median_seconds(lambda arguments=arguments: subprocess.run(arguments, capture_output=True), 1)  # type: ignore[misc]
        said = f"at most {most} s" if most is not None else ""
        print(f"ageui {' '.join(map(str, command)):22} of {BULK:,} runs: {seconds:6.2f} s  {said}")


def main() -> None:
    for benchmark in (rows_per_second, reading, claiming, changing_many, commands):
        with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder, Store.open(Path(folder) / "runs.db") as store:
            benchmark(store)


if __name__ == "__main__":
    main()
