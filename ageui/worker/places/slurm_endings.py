"""Explains how an attempt ended that Slurm, or somebody through Slurm, has ended."""

from ageui.worker.attempt_ending import Ending

_NODE_FAILED = ("BOOT_FAIL", "LAUNCH_FAILED", "NODE_FAIL", "RECONFIG_FAIL")

STOPPED_BY_WORKER = Ending("stopped", "interrupted", "stopped by request", exit_code=130)


def ending_by_slurm(job: str, state: str, asked_by: str | None, *, has_checkpoint: bool) -> Ending:
    """The ending of the attempt of `job`, such as `job 12 on node1`, by Slurm's `state` of it.

    `asked_by` says who asked its host to leave, see `slurm_host`. A preempted job, and one that reached its time limit
    after a checkpoint, go on from there and do not count as failures.
    """
    if asked_by == "worker":
        return STOPPED_BY_WORKER
    if state == "PREEMPTED":
        return Ending("stopped", "interrupted", f"Slurm preempted {job}", "preempted", 130)
    if state in ("TIMEOUT", "DEADLINE") or asked_by == "time":
        reason = f"{job} reached its time limit"
        if has_checkpoint:
            return Ending("stopped", "interrupted", reason, "timed_out", 130)
        reason += " before its first checkpoint; start the worker with a longer --sbatch time=HH:MM:SS"
        return Ending("crashed", "failed", reason, "timed_out", 1)
    if state == "OUT_OF_MEMORY":
        reason = f"{job} used more memory than Slurm granted; start the worker with a larger --sbatch mem=MEGABYTES"
        return Ending("crashed", "failed", reason, "oom_killed", 4)
    if state in _NODE_FAILED:
        return Ending("crashed", "failed", f"the node of {job} failed ({state})", "node_failed", 1)
    if state == "CANCELLED" or asked_by == "end":
        reason = f"another program ended {job}, as scancel does; to end its run, use: ageui cancel"
        return Ending("crashed", "interrupted", reason, "terminated", 130)
    if state == "GONE":
        reason = f"Slurm does not know {job}, and its host did not report a result"
        return Ending("crashed", "failed", reason, "lost_job", 1)
    reason = f"the host of {job} did not report a result, and Slurm says {state}; the run's log may say more"
    return Ending("crashed", "failed", reason, "killed", 1)
