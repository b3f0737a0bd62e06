"""The worker of a cluster: which jobs it adopts, and what it does while storage or Slurm is away."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from terminal import Terminal
from worker_runs import FAKE, Says, queue_run, wait_until

from ageui.files.locks import Lock
from ageui.store import Claimant, Store, Whereabouts
from ageui.worker import lane, supervisor
from ageui.worker.cluster_lanes import ClusterLanes
from ageui.worker.lane import SharedDevice
from ageui.worker.places.job_files import JobFiles, Ticket, host_line
from ageui.worker.places.slurm import ClusterOptions
from ageui.worker.queue_waits import queue_waits
from ageui.worker.worker_files import take_worker_lock
from engine.data.spec import BUILT_IN
from engine.errors import StoreError
from engine.request import RunRequest


def cluster(store: Store, name: str = "slurm", options: ClusterOptions | None = None) -> ClusterLanes:
    device = SharedDevice(name, ("auto", "cpu"), FAKE, 2, threading.Event(), lambda: False)
    return ClusterLanes(store, device, options or ClusterOptions())


@pytest.fixture
def orphan(store: Store) -> tuple[int, JobFiles]:
    """A run whose worker on the partition gpu has died, and the files of its job, which was killed without a word."""
    run_id, locks = queue_run(store), []

    def hold(run_id: int) -> bool:
        locks.append(Lock.take(store.run_lock_file(run_id)))
        return True

    claim = store.queue.claim_next(Claimant("slurm:gpu", "slurm:gpu", is_on_cluster=True), ("auto", "cpu"), hold)
    assert claim is not None
    with store.writing(run_id, 1) as writer:
        writer.placed(Whereabouts("12", "node1", "0"))
    files = JobFiles.of(store.run_folder(run_id), 1)
    request = RunRequest(config=claim.run_config(), spec=BUILT_IN, folder=store.run_folder(run_id))
    files.create(Ticket("5ec2e7", (), "log.txt", 5.0), request.line())
    files.events.write_bytes(b"5ec2e7 " + host_line("ended", code=-9, asked_by=None, oom_kills=0))
    locks[0].release()
    return run_id, files


def follow_to_the_end(lanes: ClusterLanes) -> None:
    lanes.attend()
    lanes.end_others()


def test_a_worker_on_another_partition_adopts_the_jobs_of_a_dead_one(
    says: Says, store: Store, orphan: tuple[int, JobFiles]
) -> None:
    run_id, files = orphan
    other = Lock.take(store.folder / "worker-slurm-gpu.lock")
    assert other is not None
    follow_to_the_end(cluster(store))
    assert store.queue.running()[0].worker == "slurm:gpu", "its worker lives"
    other.release()
    follow_to_the_end(cluster(store))
    (attempt,) = store.runs.detail(run_id).attempts
    assert (attempt.outcome, store.runs.get(run_id).status) == ("crashed", "queued")
    assert not files.folder.exists()


def test_an_adopted_run_waits_for_its_storage(
    says: Says,
    store: Store,
    orphan: tuple[int, JobFiles],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    run_id, files = orphan
    monkeypatch.setattr(supervisor, "_SECONDS_BETWEEN_TRIES", 0.02)
    ticket, kept = files.folder / "ticket", files.folder / "kept"
    ticket.rename(kept)
    ticket.symlink_to(ticket)  # reading it fails
    lanes = cluster(store)
    lanes.attend()
    wait_until(lambda: "cannot be adopted at the moment" in caplog.text)
    assert store.runs.get(run_id).status == "running"
    kept.replace(ticket)
    lanes.end_others()
    assert "killed by signal 9" in str(store.runs.detail(run_id).attempts[0].reason)
    assert caplog.text.count("cannot be adopted at the moment") == 1


def test_a_lock_that_cannot_be_used_is_tried_again(
    says: Says,
    store: Store,
    orphan: tuple[int, JobFiles],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    run_id, _ = orphan
    monkeypatch.setattr(lane, "SECONDS_BETWEEN_LOOKS", 0.02)
    other_id = queue_run(store)
    taken: Callable[..., Lock | None] = Lock.take

    def stale(path: Path, note: dict[str, object] | None = None) -> Lock | None:
        raise StoreError(f"{path} cannot be locked: Stale file handle")

    lanes = cluster(store)
    monkeypatch.setattr(Lock, "take", stale)
    for _ in range(3):
        lanes.attend()
        lanes.work()
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert (store.runs.get(run_id).status, store.runs.get(other_id).status) == ("running", "queued")
    monkeypatch.setattr(Lock, "take", taken)
    follow_to_the_end(lanes)
    assert store.runs.get(run_id).status == "queued"


def test_gpus_are_looked_for_in_the_partition_of_the_jobs(says: Says, store: Store) -> None:
    calls = says("sinfo", "echo '(null)'")
    lanes = cluster(store, options=ClusterOptions.of("slurm:cpus", ["partition=gpus"]))
    assert not lanes._may_use_gpus()
    assert calls.read_text().split()[-1] == "--partition=gpus"


def test_runs_on_a_cluster_without_a_worker_are_named_by_every_command(
    says: Says, store: Store, orphan: tuple[int, JobFiles], ageui: Terminal
) -> None:
    cpu = take_worker_lock(store, "cpu")
    assert cpu is not None
    store.workers.register("cpu")
    for command in ("worker", "status"), ("queue",), ("pause",):
        assert "1 run trains on a cluster, but no worker follows it" in ageui(*command).err
    cpu.release()


def test_worker_status_says_that_slurm_is_away(
    says: Says, store: Store, orphan: tuple[int, JobFiles], ageui: Terminal
) -> None:
    _, files = orphan
    files.events.write_bytes(b"")
    lock = take_worker_lock(store, "slurm")
    assert lock is not None
    store.workers.register("slurm")
    lanes = cluster(store)
    lanes.attend()
    wait_until(lambda: bool(lanes.rest() or store.workers.all()[0].waiting_for))
    done = ageui("worker", "status")
    assert (done.code, done.err) == (0, "")
    assert "run 1 (job 12 on node1, GPU 0); Slurm cannot be reached: unable to contact slurm controller" in done.out
    files.events.write_bytes(b"5ec2e7 " + host_line("ended", code=-9, asked_by=None, oom_kills=0))
    lanes.end_others()
    lock.release()


def test_queue_and_worker_status_say_that_slurm_takes_no_further_job(says: Says, store: Store, ageui: Terminal) -> None:
    says("sinfo", "echo '(null)'")
    says("sbatch", "echo 'sbatch: error: AssocMaxSubmitJobLimit' >&2; exit 1")
    run_id = queue_run(store)
    lock = take_worker_lock(store, "slurm")
    assert lock is not None
    store.workers.register("slurm")
    lanes = cluster(store)
    lanes.work()
    lanes.end_others()
    lanes.rest()
    assert (store.runs.get(run_id).status, store.queue.current_pause()) == ("queued", None)
    said = "Slurm takes no further job at the moment: AssocMaxSubmitJobLimit"
    assert f"waiting: {said}" in ageui("worker", "status").out
    (wait,) = queue_waits(store)
    assert wait.sentence == f"the worker on slurm waits: {said}"
    lock.release()


@pytest.mark.parametrize("said", ["fatal: Could not establish a configuration source", "error: Invalid user id"])
def test_a_worker_is_not_started_while_slurm_does_not_answer(
    says: Says, ageui: Terminal, tmp_path: Path, said: str
) -> None:
    says("sinfo", f"echo 'sinfo: {said}' >&2; exit 1")
    database = tmp_path / "new" / "runs.db"
    done = ageui("worker", "start", "--on", "slurm:gpu", "--db", str(database))
    assert done.code == 2
    assert said.partition(": ")[2] in done.err
    assert "try again once sinfo lists its partitions, or on another machine" in done.err
    assert not database.exists()
