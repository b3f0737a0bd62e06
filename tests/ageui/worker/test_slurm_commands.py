"""Slurm's commands and states of jobs; small programs say what a real cluster seldom does."""

from pathlib import Path

import pytest
from worker_runs import Says

from ageui.worker.places import slurm, slurm_commands
from ageui.worker.places.job_files import JobFiles, Ticket, host_line
from ageui.worker.places.protocol import UnreachableError
from ageui.worker.places.slurm import SlurmEngine
from ageui.worker.places.slurm_commands import JobState, JobWatch

TICKET = Ticket("5ec2e7", (), "log.txt", 5.0)


def submit(log: Path) -> str:
    return slurm_commands.submit("ageui-1", ["true"], log, {}, {})


def test_a_percent_sign_in_a_path_is_not_a_pattern_of_sbatch(says: Says, tmp_path: Path) -> None:
    calls = says("sbatch", "echo 12")
    assert submit(tmp_path / "100%j" / "log.txt") == "12"
    assert f"--output={tmp_path}/100%%j/log.txt --open-mode" in calls.read_text()


def test_a_job_that_slurm_made_without_an_answer_is_ended(
    says: Says, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    says("sbatch", "exec sleep 60")
    calls = says("scancel", "")
    monkeypatch.setattr(slurm_commands, "_SECONDS", 0.5)
    with pytest.raises(UnreachableError, match="sbatch did not answer"):
        submit(tmp_path / "log.txt")
    assert calls.read_text() == "--name=ageui-1\n"


@pytest.mark.parametrize("limit", ["AssocMaxSubmitJobLimit", "QOSMaxSubmitJobPerUserLimit", "QOSGrpSubmitJobsLimit"])
def test_a_limit_of_jobs_is_waited_for(says: Says, tmp_path: Path, limit: str) -> None:
    policy = "Batch job submission failed: Job violates accounting/QOS policy (job submit limit, ...)"
    says("sbatch", f"echo 'sbatch: error: {limit}\nsbatch: error: {policy}' >&2; exit 1")
    with pytest.raises(UnreachableError, match=f"takes no further job at the moment: .*{limit}"):
        submit(tmp_path / "log.txt")


def test_commands_that_find_no_controller_are_tried_again(says: Says, tmp_path: Path) -> None:
    says("sbatch", "echo 'sbatch: fatal: Could not establish a configuration source' >&2; exit 1")
    with pytest.raises(UnreachableError, match=r"Slurm cannot be reached: .*configuration source"):
        submit(tmp_path / "log.txt")


@pytest.mark.parametrize("state", ["LAUNCH_FAILED", "RECONFIG_FAIL", "BOOT_FAIL", "DEADLINE", "REVOKED"])
def test_an_ended_job_is_over(says: Says, state: str) -> None:
    says("squeue", f"echo '12|ageui-1|{state}|None|node1'")
    assert slurm_commands.read_states(["ageui-1"])["ageui-1"].is_over


class _Completing(JobWatch):
    """A job whose node takes a while to clean up after its preemption."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0

    def state(self, name: str) -> JobState | None:
        self.looks += 1
        return JobState("12", "COMPLETING" if self.looks < 5 else "PREEMPTED")


def test_a_preempted_job_is_known_as_such_even_if_its_node_cleans_up_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slurm, "_SECONDS_FOR_FINAL_STATE", 0.0)
    monkeypatch.setattr(slurm, "_SECONDS_BETWEEN_LOOKS", 0.01)
    files = JobFiles.of(tmp_path, 1)
    files.create(TICKET, b"request")
    files.events.write_bytes(b"5ec2e7 " + host_line("ended", code=75, asked_by="end", oom_kills=0))
    engine = SlurmEngine(files, TICKET, "ageui-1", "12", _Completing())
    assert list(engine.rest()) == []
    told = engine.close().told
    assert told is not None
    assert told.failure == "preempted"


def test_a_job_has_ended_once_its_last_words_can_be_read(says: Says, tmp_path: Path) -> None:
    says("squeue", "echo '12|ageui-1|COMPLETED|None|node1'")
    files, kept = JobFiles.of(tmp_path, 1), tmp_path / "kept"
    files.create(TICKET, b"request")
    files.events.rename(kept)
    files.events.symlink_to(files.events)  # reading it fails
    engine = SlurmEngine(files, TICKET, "ageui-1", "12", JobWatch())
    assert list(engine.rest()) == []
    assert not engine.has_ended
    kept.write_bytes(b"5ec2e7 " + host_line("ended", code=0, asked_by=None, oom_kills=0))
    kept.replace(files.events)
    assert list(engine.rest()) == []
    assert engine.has_ended
    assert engine.close().code == 0
