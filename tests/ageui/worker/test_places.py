"""What a cluster's attempts need and no cluster: options, endings, the host beside a fake engine, and adoption."""

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from worker_runs import FAKE, orders, queue_run, wait_until

from ageui.files.locks import Lock
from ageui.store import Claimant, Store, Whereabouts
from ageui.worker.attempt_ending import EndingKind
from ageui.worker.cluster_lanes import ClusterLanes
from ageui.worker.event_recorder import EventRecorder
from ageui.worker.lane import SharedDevice
from ageui.worker.lost_runs import find_lost
from ageui.worker.places.job_files import JobFiles, Ticket, read_host_line
from ageui.worker.places.protocol import UnreachableError
from ageui.worker.places.slurm import ClusterOptions, SlurmPlace
from ageui.worker.places.slurm_commands import JobWatch
from ageui.worker.places.slurm_endings import ending_by_slurm
from engine.config import PRESETS, build_config
from engine.data.spec import BUILT_IN
from engine.errors import ConfigError
from engine.events import Noted
from engine.request import RunRequest
from engine.wire import Message, ProtocolError, decode


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("time=4:00:00\n#SBATCH --uid=0", "line break"),
        ("wrap=rm", "ageui sets this option itself"),
        ("wra=rm", "ageui sets this option itself"),
        ("test-only", "or cannot work with it"),
        ("export=NONE", "or cannot work with it"),
        ("=4", "write a long option"),
        ("a b=4", "write a long option"),
    ],
)
def test_options_of_sbatch_that_would_change_the_job_are_refused(given: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        ClusterOptions.of("slurm", [given])


def test_options_of_sbatch_replace_those_of_ageui() -> None:
    options = ClusterOptions.of("slurm:gpu", ["time=4:00:00", "--gres=gpu:a100:1", "exclusive"])
    assert options.job_options({"gres": "gpu:1", "mem": "5M"}) == {
        "partition": "gpu",
        "gres": "gpu:a100:1",
        "mem": "5M",
        "time": "4:00:00",
        "exclusive": "",
    }


@pytest.mark.parametrize(
    ("state", "asked_by", "has_checkpoint", "kind", "failure"),
    [
        ("PREEMPTED", "end", False, "stopped", "preempted"),
        ("TIMEOUT", None, True, "stopped", "timed_out"),
        ("FAILED", "time", True, "stopped", "timed_out"),
        ("TIMEOUT", "end", False, "crashed", "timed_out"),
        ("NODE_FAIL", None, True, "crashed", "node_failed"),
        ("LAUNCH_FAILED", None, True, "crashed", "node_failed"),
        ("OUT_OF_MEMORY", None, True, "crashed", "oom_killed"),
        ("CANCELLED", "end", True, "crashed", "terminated"),
        ("GONE", None, True, "crashed", "lost_job"),
        ("COMPLETED", "worker", False, "stopped", None),
    ],
)
def test_endings_by_slurm(
    state: str, asked_by: str | None, has_checkpoint: bool, kind: EndingKind, failure: str | None
) -> None:
    ending = ending_by_slurm("job 12 on node1", state, asked_by, has_checkpoint=has_checkpoint)
    assert (ending.kind, ending.failure) == (kind, failure)
    assert "job 12 on node1" in ending.reason or asked_by == "worker"


def test_a_run_without_a_named_device_waits_until_slurm_says_whether_it_has_gpus(tmp_path: Path) -> None:
    def has_gpus() -> bool:
        raise UnreachableError("Slurm cannot be reached")

    config = build_config({**PRESETS["quick"], "device": "auto"})
    request = RunRequest(config=config, spec=BUILT_IN, folder=tmp_path, attempt=1)
    place = SlurmPlace(ClusterOptions(), JobWatch(), has_gpus=has_gpus, stop_seconds=5.0)
    with pytest.raises(UnreachableError):
        place.start(request, tmp_path / "log.txt", ())
    assert not list(tmp_path.iterdir())


@pytest.fixture
def files(tmp_path: Path) -> JobFiles:
    """An attempt that waits for its host."""
    config = build_config({**PRESETS["quick"], "device": "cpu"})
    request = RunRequest(config=config, spec=BUILT_IN, folder=tmp_path, attempt=3)
    found = JobFiles.of(tmp_path, 3)
    found.create(Ticket("5ec2e7", tuple(FAKE.engine), str(tmp_path / "log.txt"), 5.0), request.line())
    return found


def _host(files: JobFiles) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-P", "-m", "ageui.worker.places.slurm_host", str(files.folder)]
    return subprocess.Popen(command, stderr=subprocess.PIPE)


def _lines(files: JobFiles) -> list[bytes]:
    """The lines of the events, each of which has the secret."""
    parted = [line.partition(b" ") for line in files.events.read_bytes().splitlines(keepends=True)]
    assert {secret for secret, _, _ in parted} <= {b"5ec2e7"}
    return [line for _, _, line in parted]


@pytest.mark.process
def test_the_host_passes_on_every_event_and_tells_its_end(files: JobFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    orders(monkeypatch, steps=40)
    host = _host(files)
    assert host.wait(60) == 0, host.stderr and host.stderr.read()
    first, *events, last = _lines(files)
    assert (read_host_line(first) or {})["host"] == "started"
    assert read_host_line(last) == {"host": "ended", "code": 0, "asked_by": None, "oom_kills": 0}
    messages = [decode(line) for line in events]
    assert [(message.attempt, message.number) for message in messages] == [(3, n) for n in range(len(messages))]
    assert _host(files).wait(60) == 1
    assert len(_lines(files)) == len(messages) + 2
    assert {file.stat().st_mode & 0o077 for file in (files.folder, *files.folder.iterdir())} == {0}


@pytest.mark.process
@pytest.mark.parametrize(("number", "asked_by"), [(signal.SIGTERM, "end"), (signal.SIGUSR1, "time"), (None, "worker")])
def test_the_host_has_its_engine_write_a_checkpoint_when_asked(
    files: JobFiles, number: signal.Signals | None, asked_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders(monkeypatch, steps=100_000, step_seconds=0.01)
    host = _host(files)
    wait_until(lambda: b"StepsEnded" in files.events.read_bytes())
    if number is None:
        files.ask_to_stop()
    else:
        host.send_signal(number)
    assert host.wait(60) == 1
    *_, checkpoint, ended, last = _lines(files)
    assert json.loads(checkpoint)["event"] == "CheckpointWritten"
    assert json.loads(ended)["outcome"] == "interrupted"
    assert read_host_line(last) == {"host": "ended", "code": 75, "asked_by": asked_by, "oom_kills": 0}


@pytest.mark.process
def test_a_fenced_host_ends_its_engine_and_writes_no_more(files: JobFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    orders(monkeypatch, steps=100_000, step_seconds=0.01)
    host = _host(files)
    wait_until(lambda: b"StepsEnded" in files.events.read_bytes())
    host.send_signal(signal.SIGSTOP)
    files.fence()
    before = files.events.read_bytes()
    host.send_signal(signal.SIGCONT)
    assert host.wait(60) == 0
    assert files.events.read_bytes() == before


def test_a_worker_removes_the_files_of_attempts_that_have_ended(store: Store) -> None:
    run_id, lock = _claimed_on_cluster(store)
    running, ended = (JobFiles.of(store.run_folder(run_id), attempt) for attempt in (1, 0))
    for found in (running, ended):
        found.create(Ticket("5ec2e7", (), "log.txt", 5.0), b"request")
    device = SharedDevice("slurm", (), FAKE, 1, threading.Event(), lambda: False)
    ClusterLanes(store, device, ClusterOptions()).begin()
    lock.release()
    assert JobFiles.all_of(store.run_folder(run_id)) == [running]


def _claimed_on_cluster(store: Store) -> tuple[int, Lock]:
    run_id, held = queue_run(store), []

    def hold(run_id: int) -> bool:
        held.append(Lock.take(store.run_lock_file(run_id)))
        return True

    claim = store.queue.claim_next(Claimant("slurm", "slurm", is_on_cluster=True), ("auto", "cpu"), hold)
    assert claim is not None
    recorder = EventRecorder(store, claim)
    recorder.add(Message(1, 0, Noted("first")))
    recorder.write()
    with store.writing(run_id, 1) as writer:
        writer.placed(Whereabouts("12", "node1", "0"))
    assert held[0] is not None
    return run_id, held[0]


def test_a_run_on_a_cluster_is_adopted_and_not_lost(store: Store) -> None:
    run_id, lock = _claimed_on_cluster(store)
    running = store.queue.running()[0]
    assert str(running.where) == "job 12 on node1, GPU 0"
    lock.release()
    assert find_lost(store) == []
    with Store.open(store.path, read_only=True) as reader:
        assert reader.runs.get(run_id).status == "running"
    claim = store.queue.adopt(running, "slurm", lambda run_id: True)
    assert claim is not None
    assert (claim.attempt, claim.next_event, claim.is_adopted) == (1, 1, True)
    recorder = EventRecorder(store, claim)
    recorder.add(Message(1, 0, Noted("first")))
    recorder.add(Message(1, 1, Noted("second")))
    recorder.write()
    assert store.runs.detail(run_id).attempts[0].notes == ("first", "second")
    with pytest.raises(ProtocolError):
        recorder.add(Message(1, 3, Noted("fourth")))
