"""The speed of the places where attempts run: this machine, and a Slurm cluster of two nodes on it.

    python tests/benchmarks/place_speed.py            # with --runs 50 shorter; needs Slurm and root for the cluster

Measures, with a worker in this process and an engine that computes nothing: the time from queueing a run to its first
stored step, events a second from engine to database, the processor time of a worker without runs, and the time for many
queued runs.
"""

import argparse
import contextlib
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "cluster")]

from slurm_cluster import SlurmCluster, why_not  # noqa: E402
from undisturbed_runs import is_over  # noqa: E402

from ageui.store import Store  # noqa: E402
from ageui.store.new_runs import NewRun  # noqa: E402
from ageui.worker.places.slurm import ClusterOptions  # noqa: E402
from ageui.worker.queue_worker import QueueWorker  # noqa: E402
from ageui.worker.supervisor import Policy  # noqa: E402
from ageui.worker.worker_files import take_worker_lock  # noqa: E402
from engine.config import PRESETS, build_config  # noqa: E402
from engine.data.spec import BUILT_IN  # noqa: E402

ENGINE = (sys.executable, "-S", str(TESTS / "ageui" / "worker" / "fake_engine.py"))
FIRST_STEPS = 5
STEPS = 3_000
IDLE_SECONDS = 20.0


@contextlib.contextmanager
def working(store: Store, device: str, lanes: int) -> Iterator[None]:
    """A worker in a thread of this process."""
    lock = take_worker_lock(store, device)
    assert lock is not None
    cluster = ClusterOptions() if device == "slurm" else None
    policy = Policy(engine=ENGINE)
    with Store.open(store.path) as own:
        worker = QueueWorker(
            own, device, is_default=True, policy=policy, idle_seconds=float("inf"), parallel=lanes, cluster=cluster
        )
        thread = threading.Thread(target=worker.run, args=(lock,))
        thread.start()
        try:
            yield
        finally:
            worker.stop()
            thread.join()


def queue_runs(store: Store, count: int, steps: int) -> list[int]:
    os.environ["FAKE_ENGINE"] = json.dumps({"steps": steps})
    first = time.time_ns() % 10**9
    runs = [NewRun(build_config({**PRESETS["quick"], "seed": first + number}), BUILT_IN) for number in range(count)]
    return list(store.queue.add(runs).ids)


def wait_until_over(store: Store) -> None:
    while not is_over(store):
        time.sleep(0.02)


def measure(device: str, lanes: int, runs: int) -> dict[str, float]:
    found = {}
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "runs.db") as store:
        with working(store, device, lanes):
            seconds = []
            for _ in range(FIRST_STEPS):
                begin = time.monotonic()
                (run_id,) = queue_runs(store, 1, 8)
                while not store.runs.metric(run_id, "step/loss"):
                    time.sleep(0.01)
                seconds.append(time.monotonic() - begin)
                wait_until_over(store)
            found["seconds from queueing to the first stored step"] = statistics.median(seconds)
            begin = time.monotonic()
            queue_runs(store, 1, STEPS)
            wait_until_over(store)
            found["events a second"] = STEPS / (time.monotonic() - begin)
            before = time.process_time()
            time.sleep(IDLE_SECONDS)
            found["processor share of an idle worker"] = (time.process_time() - before) / IDLE_SECONDS
            begin = time.monotonic()
            queue_runs(store, runs, 8)
            wait_until_over(store)
            found[f"seconds for {runs} queued runs"] = time.monotonic() - begin
        done = store.runs.status_counts()
        assert done == {"done": FIRST_STEPS + 1 + runs}, done
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures the places where attempts run.")
    parser.add_argument("--runs", type=int, default=500)
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # a node of the cluster has fewer processors than a job takes by default
    results = {"local": measure("cpu", 1, arguments.runs)}
    if (reason := why_not()) is None:
        with tempfile.TemporaryDirectory() as folder:
            cluster = SlurmCluster(Path(folder))
            cluster.start()
            os.environ.update(cluster.environment)
            try:
                results["slurm"] = measure("slurm", 20, arguments.runs)
            finally:
                cluster.stop()
    else:
        print(f"no cluster: {reason}")
    for place, found in results.items():
        for name, value in found.items():
            print(f"{place:6} {name}: {value:,.3f}")


if __name__ == "__main__":
    main()
