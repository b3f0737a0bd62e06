"""Runs on a real Slurm cluster: they end as on this machine, whatever is killed.

A short form runs with all tests. The long one also loses nodes and freezes them:

    pytest tests/cluster --cluster-runs 12 --cluster-kills 40
"""

import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from slurm_cluster import NODES, SlurmCluster
from undisturbed_runs import FACES, config_of, is_over, undisturbed, wait_until

from ageui.store import Store
from ageui.worker.background_workers import is_working, start_worker, stop_worker
from ageui.worker.places.slurm_check import ask_a_node, own_versions
from ageui.worker.processes import Process

pytestmark = pytest.mark.cluster

SECONDS = 300.0
"""How long a run may take on a busy machine."""


def start(store: Store, *sbatch: str, at_most: int = 3) -> None:
    if not is_working(store, "slurm"):
        start_worker(store, "slurm", checkpoint_seconds=0.2, idle_seconds=float("inf"), parallel=at_most, sbatch=sbatch)


def stop(store: Store) -> None:
    """Stops the worker, which first removes the files of the jobs that have just ended."""
    stop_worker(store, "slurm", at_once=False, say=lambda text: None)


def test_a_sweep_on_a_cluster_equals_the_local_one(store: Store, request: pytest.FixtureRequest) -> None:
    count = request.config.getoption("--cluster-runs")
    ids = [store.runs.add(config_of(number), FACES, name=None) for number in range(count)]
    start(store)
    wait_until(lambda: is_over(store), SECONDS * count)
    stop(store)
    for number, run_id in enumerate(ids):
        undisturbed(config_of(number)).assert_same(store, run_id)
    attempts = [attempt for run_id in ids for attempt in store.runs.detail(run_id).attempts]
    assert len(attempts) == count
    assert all(attempt.where is not None and attempt.where.node in NODES for attempt in attempts)
    assert len({attempt.where.job for attempt in attempts if attempt.where is not None}) == count


def hosts_of(cluster: SlurmCluster, node: str) -> list[psutil.Process]:
    return cluster.processes_of(node, "ageui.worker.places.slurm_host")


def engines_of(cluster: SlurmCluster, node: str) -> list[psutil.Process]:
    return cluster.processes_of(node, "engine")


def with_parents(hosts: list[psutil.Process]) -> list[psutil.Process]:
    """Hosts, after the processes of Slurm that started them."""
    parents = []
    for host in hosts:
        with suppress(psutil.Error):
            parents += [parent for parent in host.parents()[:1] if parent.pid != 1]
    return [*parents, *hosts]


def lives(process: psutil.Process) -> bool:
    """Whether a process has not ended, even if nobody has waited for it."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def kill_worker(store: Store) -> bool:
    return is_working(store, "slurm") and Process.of(store.workers.all()[0].pid).send(signal.SIGKILL)


def kill_one(found: list[psutil.Process]) -> bool:
    try:
        found[0].kill()
    except (IndexError, psutil.NoSuchProcess):
        return False
    return True


def cancel_job(cluster: SlurmCluster, node: str) -> bool:
    """Ends a job as somebody else would."""
    jobs = cluster.said("squeue", "--noheader", "--states=RUNNING", f"--nodelist={node}", "--format=%i").split()
    if jobs:
        cluster.said("scancel", jobs[0])
    return bool(jobs)


def restart_daemon(cluster: SlurmCluster, node: str) -> bool:
    cluster.kill_node_daemon(node)
    cluster.start_node(node)
    return True


def lose_node(cluster: SlurmCluster, node: str) -> bool:
    """Kills everything on a node; it comes back at once, without its jobs."""
    hosts = hosts_of(cluster, node)
    cluster.kill_node_daemon(node)
    for process in [*engines_of(cluster, node), *with_parents(hosts)]:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    cluster.start_node(node)
    return bool(hosts)


SLOW_STEPS = """
import sys
if "-m engine --events" in " ".join(sys.orig_argv):
    import time
    from pathlib import Path
    from engine.trainer import Trainer
    between = Trainer._between_steps

    def slowly(self):
        if Path({gate!r}).exists():
            time.sleep(0.2)
        between(self)

    Trainer._between_steps = slowly
"""


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that slows every step down as long as it exists, so that no run ends too early."""
    patch, gate = tmp_path / "patch", tmp_path / "gate"
    patch.mkdir()
    gate.touch()
    (patch / "sitecustomize.py").write_text(SLOW_STEPS.format(gate=str(gate)))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(patch), os.environ.get("PYTHONPATH")))))
    return gate


@contextmanager
def frozen(cluster: SlurmCluster, node: str) -> Iterator[list[psutil.Process]]:
    """Stops a node with everything on it, and lets it go on at the end. Gives the processes of its jobs."""
    ghosts = [*with_parents(hosts_of(cluster, node)), *engines_of(cluster, node)]
    cluster.freeze(node)
    try:
        for ghost in ghosts:
            with suppress(psutil.NoSuchProcess):
                ghost.suspend()
        yield ghosts
    finally:
        for ghost in ghosts:
            with suppress(psutil.NoSuchProcess):  # a host that finds itself fenced kills its engine at once
                ghost.resume()
        cluster.thaw(node)


def freeze_until_missed(store: Store, cluster: SlurmCluster, node: str) -> bool:
    """Freezes a node until Slurm gives it up and its runs are queued again."""
    lost = [run for run in store.queue.running() if run.where is not None and run.where.node == node]
    with frozen(cluster, node):
        wait_until(lambda: not set(lost) & set(store.queue.running()), SECONDS)
    return bool(lost)


def test_whatever_is_killed_every_run_ends_as_if_undisturbed(
    store: Store, cluster: SlurmCluster, request: pytest.FixtureRequest
) -> None:
    kills, chance = (
        request.config.getoption("--cluster-kills"),
        random.Random(request.config.getoption("--cluster-seed")),
    )
    ways: dict[str, Callable[[str], bool]] = {
        "job": lambda node: cancel_job(cluster, node),
        "daemon": lambda node: restart_daemon(cluster, node),
        "engine": lambda node: kill_one(engines_of(cluster, node)),
        "host": lambda node: kill_one(hosts_of(cluster, node)),
        "worker": lambda node: kill_worker(store),
        "node": lambda node: lose_node(cluster, node),
        "frozen": lambda node: freeze_until_missed(store, cluster, node),
    }
    names = list(ways) if kills > len(ways) else list(ways)[:5]
    targets = [names[number % len(names)] for number in range(kills)]
    chance.shuffle(targets)
    ids: list[int] = []
    for target in targets:
        hit = False
        while not hit:
            if is_over(store):
                ids.append(store.runs.add(config_of(len(ids)), FACES, name=None))
            start(store)
            wait_until(lambda: is_over(store) or any(engines_of(cluster, node) for node in NODES), SECONDS)
            threading.Event().wait(chance.uniform(0.2, 4.0))
            busy = [node for node in NODES if engines_of(cluster, node)]
            hit = bool(busy) and ways[target](busy[0])
        retry_failed(store)

    def all_done() -> bool:
        start(store)
        retry_failed(store)
        return store.runs.status_counts() == {"done": len(ids)}

    wait_until(all_done, SECONDS * len(ids))
    stop(store)
    assert store.problems() == []
    for number, run_id in enumerate(ids):
        undisturbed(config_of(number)).assert_same(store, run_id)


def retry_failed(store: Store) -> None:
    """Queues runs again whose three attempts in a row were killed before they got further: as it should be."""
    for row in store.runs.search("status=failed"):
        assert "3 attempts in a row" in str(row.error), row.error
        store.queue.retry(row.id)


def test_a_ghost_writes_nothing_after_being_fenced(store: Store, cluster: SlurmCluster, gate: Path) -> None:
    """A node stands still, its run is taken from it, and it comes back after the run has ended elsewhere."""
    run_id = store.runs.add(config_of(0), FACES, name=None)
    start(store)
    wait_until(lambda: len(store.runs.metric(run_id, "step/loss")) > 10, SECONDS)
    where = store.queue.running()[0].where
    assert where is not None
    assert where.node is not None
    with frozen(cluster, where.node) as ghosts:
        gate.unlink()
        store.queue.cancel(run_id, at_once=True)
        wait_until(lambda: store.runs.get(run_id).status == "cancelled", SECONDS)
        store.queue.retry(run_id)
        wait_until(lambda: is_over(store), SECONDS)
        done = store.runs.detail(run_id)
        assert done.attempts[-1].where is not None
        assert done.attempts[-1].where.node != where.node
    wait_until(lambda: not any(map(lives, ghosts)), SECONDS)
    stop(store)
    assert store.runs.detail(run_id) == done
    assert not list(store.run_folder(run_id).glob("job.*"))
    undisturbed(config_of(0)).assert_same(store, run_id)


def test_a_run_whose_time_limit_is_near_goes_on_in_another_job(store: Store, cluster: SlurmCluster, gate: Path) -> None:
    run_id = store.runs.add(config_of(0), FACES, name=None)
    start(store)
    wait_until(lambda: any(file.kind == "state" for file in store.runs.detail(run_id).checkpoints), SECONDS)
    # What Slurm sends a minute before the time limit.
    cluster.said("scancel", "--user=root", "--signal=USR1", "--batch")
    wait_until(lambda: store.runs.get(run_id).attempt == 2, SECONDS)
    gate.unlink()
    wait_until(lambda: is_over(store), SECONDS)
    stop(store)
    first, second = store.runs.detail(run_id).attempts
    assert (first.outcome, second.outcome) == ("stopped", "done")
    assert "reached its time limit" in str(first.reason)
    assert second.step
    undisturbed(config_of(0)).assert_same(store, run_id)


def test_a_preempted_run_goes_on_in_another_job(store: Store, cluster: SlurmCluster, gate: Path) -> None:
    """Its node cleans up for so long that Slurm calls the job completing, and only then preempted."""
    run_id = store.runs.add(config_of(0), FACES, name=None)
    start(store)
    wait_until(lambda: any(file.kind == "state" for file in store.runs.detail(run_id).checkpoints), SECONDS)
    slow = cluster.folder / "cleans-up-for-long"
    slow.touch()
    cluster.said("sbatch", "--partition=urgent", "--nodes=2", "--exclusive", "--output=/dev/null", "--wrap=sleep 600")
    wait_until(lambda: store.runs.get(run_id).attempt == 2, SECONDS)
    slow.unlink()
    gate.unlink()
    cluster.said("scancel", "--partition=urgent")
    wait_until(lambda: is_over(store), SECONDS)
    stop(store)
    first, second = store.runs.detail(run_id).attempts
    assert (first.outcome, second.outcome) == ("stopped", "done")
    assert "Slurm preempted job" in str(first.reason)
    undisturbed(config_of(0)).assert_same(store, run_id)


def test_a_run_that_is_paused_while_its_job_waits_leaves_slurm(store: Store, cluster: SlurmCluster) -> None:
    run_id = store.runs.add(config_of(0), FACES, name=None)
    start(store, "begin=now+600")
    wait_until(lambda: "BeginTime" in str(store.runs.get(run_id).summary.activity))
    running = store.queue.running()[0]
    assert running.where is not None
    assert running.where.waiting_for == "BeginTime"
    store.queue.pause(run_id)
    wait_until(lambda: store.runs.get(run_id).status == "paused")
    cluster.wait_until_idle()


def test_options_that_slurm_refuses_pause_the_queue(store: Store) -> None:
    run_id = store.runs.add(config_of(0), FACES, name=None)
    start(store, "partition=nowhere")
    wait_until(lambda: store.queue.current_pause() is not None)
    pause = store.queue.current_pause()
    assert pause is not None
    assert "nvalid partition" in pause.reason
    assert store.runs.get(run_id).status == "queued"


def test_a_node_answers_the_doctor(store: Store) -> None:
    paths = [str(store.path), f"/elsewhere/{store.path.name}", "/nowhere"]
    answer = ask_a_node(store.folder, paths, {}, SECONDS, data_root=store.path.parent)
    assert (answer.node in NODES, answer.versions, answer.missing) == (True, own_versions(), ["/nowhere"])
    assert not list(store.folder.glob("ageui-check-*"))
