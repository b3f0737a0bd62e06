"""Runs left behind because their worker was killed, for example by a restart of the machine, or left a cluster."""

from collections.abc import Sequence

from ageui.devices import is_cluster
from ageui.store import RunningRun, Store
from ageui.text.sentences import counted
from ageui.worker.background_workers import workers


def left_behind_sentence(store: Store, lost: Sequence[RunningRun]) -> str:
    """A sentence that offers to follow a cluster's jobs without a worker, else to continue the queued and `lost` runs
    of workers killed by a person or a restart.

    Empty if no runs are left behind. Without such jobs, also while a worker is alive or the queue is paused, or if
    workers left normally.
    """
    states = workers(store)
    jobs = [run for run in store.queue.running() if run.where is not None]
    if jobs and not any(state.is_alive and is_cluster(state.row.device) for state in states):
        trains, them = ("trains", "it") if len(jobs) == 1 else ("train", "them")
        return (
            f"{counted(len(jobs), 'run')} {trains} on a cluster, but no worker follows {them}, so pause and cancel "
            f"must wait; to follow {them} again: ageui worker start --on {jobs[0].worker}"
        )
    died = [state.row.device for state in states if state.row.ended_at is None and not state.row.stop_requested]
    if not died or any(state.is_alive for state in states) or store.queue.current_pause() is not None:
        return ""
    count = store.runs.status_counts().get("queued", 0) + len(lost)
    what = f"{counted(count, 'run')} {'is' if count == 1 else 'are'} waiting"
    why = "the worker was killed or the machine restarted"
    cluster = next((f" --on {device}" for device in died if is_cluster(device)), "")
    return f"{what}, because {why}; to continue: ageui worker start{cluster}" if count else ""
