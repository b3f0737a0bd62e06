"""All changes that people can make, as functions of the store. Each returns its outcome and its undo."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ageui.planning.known_networks import KnownNetworks
from ageui.planning.run_checks import refuse_unfit
from ageui.planning.settings import checkpoint_interval
from ageui.store import DELETED, Changed, NewRun, Store
from ageui.store.queue import BY_THE_USER
from ageui.study import RemainingRuns
from ageui.text.sentences import counted
from ageui.worker.background_workers import ensure_worker, start_worker, workers
from ageui.worker.end_commands import start_end_commands
from ageui.worker.removal import remove_runs
from ageui.worker.run_files import remove_checkpoints
from engine.errors import AgeUIError, ConfigError


@dataclass(frozen=True)
class ChangeMade:
    """`message` describes the change, `problems` describe its failures, and `undo` restores the previous state.

    `queued` are the runs that it put into the queue, in their order.
    """

    message: str
    problems: tuple[str, ...] = ()
    undo: Callable[[Store], "ChangeMade"] | None = None
    queued: tuple[int, ...] = ()


Change = Callable[[Store], ChangeMade]


def pause(run_ids: Sequence[int]) -> Change:
    def change(store: Store) -> ChangeMade:
        changed = store.queue.pause(run_ids)
        return _made(store, changed, _stopping(store, changed, "paused"))

    return change


def resume(run_ids: Sequence[int]) -> Change:
    def change(store: Store) -> ChangeMade:
        _refuse_unfit(store, run_ids)
        changed = store.queue.resume(run_ids)
        return _made(store, changed, _sentence(store, changed.ids, "queued again"))

    return change


def cancel(run_ids: Sequence[int]) -> Change:
    def change(store: Store) -> ChangeMade:
        changed = store.queue.cancel(run_ids)
        problems: list[str] = []
        start_end_commands(store, changed.with_status("cancelled"), problems.append)
        made = _made(store, changed, _stopping(store, changed, "cancelled"))
        return replace(made, problems=(*made.problems, *problems))

    return change


def retry(run_ids: Sequence[int], *, from_start: bool = False) -> Change:
    """Queues runs again. With `from_start`, deletes their measurements, which cannot be undone."""

    def change(store: Store) -> ChangeMade:
        _refuse_unfit(store, run_ids)
        changed = store.queue.retry(run_ids, from_start=from_start)
        remove_checkpoints(store, changed.files)
        made = _made(store, changed, _sentence(store, changed.ids, "queued again"))
        return replace(made, undo=None) if from_start else made

    return change


def _refuse_unfit(store: Store, run_ids: Sequence[int]) -> None:
    """Raises `AgeUIError` if runs that are queued again would fail. Does not wait for networks to be checked."""
    refuse_unfit(store.runs.to_train_again(run_ids), KnownNetworks())


def move(run_id: int, by: int) -> Change:
    """Moves a queued run one place up (-1) or down (1)."""

    def change(store: Store) -> ChangeMade:
        order = [row.id for row in store.queue.waiting()]
        if run_id not in order:
            name = store.runs.get(run_id).name
            raise ConfigError(f"{name} is not queued, so it has no place in the queue")
        place = order.index(run_id) + by
        if not 0 <= place < len(order):
            return ChangeMade("")
        changed = store.queue.move(run_id, "before" if by < 0 else "after", order[place])
        return ChangeMade("", undo=_undo(changed, f"{store.runs.get(run_id).name} is back at its place in the queue"))

    return change


def pause_or_resume_queue(store: Store) -> ChangeMade:
    """Pauses the queue, or resumes a paused one. Undo changes nothing if someone else paused or resumed it."""
    was = store.queue.resume_queue()
    if was is not None:

        def pause_again(store: Store) -> ChangeMade:
            if store.queue.pause_queue_again(was):
                return ChangeMade("the queue is paused again")
            return ChangeMade("", ("the queue was paused again in the meantime, so nothing was undone",))

        return ChangeMade("the queue is resumed", _start_workers_on(store, store.queue.devices()), pause_again)
    pause = store.queue.pause_queue(BY_THE_USER)

    def resume_again(store: Store) -> ChangeMade:
        if store.queue.resume_queue(only=pause) is None:
            return ChangeMade("", ("the queue was resumed in the meantime, so nothing was undone",))
        return ChangeMade("the queue is resumed", _start_workers_on(store, store.queue.devices()))

    return ChangeMade("the queue is paused: running runs continue, no others start", undo=resume_again)


def start_or_stop_worker(store: Store) -> ChangeMade:
    """Asks all live workers to stop after the current step, or starts one if none is alive. Does not wait."""
    living = [state.row for state in workers(store) if state.is_alive]
    if living:
        devices = ", ".join(worker.device for worker in living)
        if all(worker.stop_requested for worker in living):
            return ChangeMade(f"the worker on {devices} is already stopping; ageui worker stop --now ends it at once")
        for worker in living:
            store.workers.ask_to_stop(worker.device)
        return ChangeMade(f"the worker on {devices} stops after the current step; its run is queued again")
    from ageui.devices import default_device

    device = default_device()
    start_worker(store, device, checkpoint_seconds=checkpoint_interval(None))
    return ChangeMade(f"a worker on {device} was started")


def archive(run_ids: Sequence[int]) -> Change:
    def change(store: Store) -> ChangeMade:
        changed = store.edits.archive(run_ids)
        return _made(store, changed, _sentence(store, changed.ids, "archived"))

    return change


def unarchive(run_ids: Sequence[int]) -> Change:
    def change(store: Store) -> ChangeMade:
        changed = store.edits.unarchive(run_ids)
        return _made(store, changed, _sentence(store, changed.ids, "restored from the archive"))

    return change


def remove(run_ids: Sequence[int]) -> Change:
    """Deletes archived runs with their files. This cannot be undone."""

    def change(store: Store) -> ChangeMade:
        said = _sentence(store, run_ids, "deleted")
        left = remove_runs(store, run_ids, only_archived=True)
        return ChangeMade(said, tuple(left))

    return change


def rename(run_id: int, name: str) -> Change:
    def change(store: Store) -> ChangeMade:
        before = store.runs.get(run_id).name
        return _made(store, store.edits.rename(run_id, name), f"{before} is now named {name}")

    return change


def note(run_id: int, text: str | None) -> Change:
    def change(store: Store) -> ChangeMade:
        changed = store.edits.set_note(run_id, text)
        return _made(store, changed, f"note of {store.runs.get(run_id).name} {'saved' if text else 'removed'}")

    return change


def tag(run_ids: Sequence[int], tags: Sequence[str]) -> Change:
    """Replaces the tags of runs."""

    def change(store: Store) -> ChangeMade:
        changed = store.edits.set_tags(run_ids, tags)
        return _made(
            store, changed, _sentence(store, changed.ids, f"tagged {' '.join(tags)}" if tags else "without tags")
        )

    return change


def add_tags(run_ids: Sequence[int], words: Sequence[str]) -> Change:
    """Adds tags to runs; words that begin with `-` remove tags."""
    removed = [word[1:] for word in words if word.startswith("-")]
    added = [word for word in words if not word.startswith("-")]

    def change(store: Store) -> ChangeMade:
        changed = store.edits.change_tags(run_ids, added, removed)
        return _made(store, changed, _sentence(store, changed.ids, f"retagged: {' '.join(words)}"))

    return change


def queue(runs: Sequence[NewRun], tags: Sequence[str] = (), priority: int = 0) -> Change:
    """Queues new runs. Undo deletes those that no worker has taken."""

    def change(store: Store) -> ChangeMade:
        changed = store.queue.add(runs, tags=tags, priority=priority)
        return replace(_made(store, changed, _sentence(store, changed.ids, "queued")), queued=tuple(changed.ids))

    return change


def derived(run_ids: Sequence[int]) -> Change:
    """Registers derived runs that a command has made, for undo. Undo deletes them."""

    def change(store: Store) -> ChangeMade:
        return _made(store, Changed.by_adding(run_ids, "done"), _sentence(store, run_ids, "made"))

    return change


def run_missing(todo: RemainingRuns, tags: Sequence[str]) -> Change:
    """Queues the missing runs of a study, including failed, cancelled and interrupted ones."""

    def change(store: Store) -> ChangeMade:
        changed = store.queue.add(todo.new, [run.id for run in (*todo.again, *todo.stopped)], tags=tags)
        return replace(_made(store, changed, _sentence(store, changed.ids, "queued")), queued=tuple(changed.ids))

    return change


def forget_data(name: str) -> Change:
    """Forgets a data set. Undo registers it again unchanged."""

    def change(store: Store) -> ChangeMade:
        spec, counts, images = store.data.get(name), store.data.counts().get(name), store.data.images(name)
        store.data.remove(name)

        def undo(store: Store) -> ChangeMade:
            try:
                store.data.add(spec, counts=counts, images=images)
            except ConfigError:
                return ChangeMade("", (f"{name} was registered again in the meantime, so nothing was undone",))
            return ChangeMade(f"{name} is registered again")

        return ChangeMade(f"{name} is forgotten; its files are untouched", undo=undo)

    return change


def _made(store: Store, changed: Changed, said: str) -> ChangeMade:
    """A change of runs with its undo. Starts missing workers for newly queued runs."""
    problems = (*changed.problems, *_start_workers_on(store, store.queue.devices(changed.queued)))
    return ChangeMade(said, problems, _undo(changed) if changed.ids else None)


def _undo(changed: Changed, said: str = "") -> Change:
    """Undoes a change for runs unchanged since."""

    def undo(store: Store) -> ChangeMade:
        name = store.runs.get(changed.ids[0]).name if len(changed.ids) == 1 else ""
        back = store.edits.restore(changed)
        deleted = back.with_status(DELETED)
        restored = [run_id for run_id in back.ids if run_id not in set(deleted)]
        told = [
            _worded(name, deleted, "removed from the queue" if changed.queued else "deleted"),
            said if said and restored else _sentence(store, restored, "restored"),
        ]
        moved = {run.run_id for run in changed.runs if {"status", "request"} & run.after.keys()}
        if "cancelled" in store.runs.statuses([*moved - {*back.ids}]):
            told.append("t queues cancelled runs again")
        return replace(_made(store, back, "; ".join(filter(None, told))), undo=None)

    return undo


def _stopping(store: Store, changed: Changed, what: str) -> str:
    """The outcome for runs asked to stop, of which running runs stop later."""
    asked = changed.with_status("running")
    at_once = sorted({*changed.ids} - {*asked})
    said = (_sentence(store, at_once, what), _sentence(store, asked, f"will be {what} after the current step"))
    return "; ".join(filter(None, said))


def _sentence(store: Store, run_ids: Sequence[int], what: str) -> str:
    """The outcome for runs of the store: names a single run, counts several."""
    return _worded(store.runs.get(run_ids[0]).name if len(run_ids) == 1 else "", run_ids, what)


def _worded(name: str, run_ids: Sequence[int], what: str) -> str:
    return f"{name or counted(len(run_ids), 'run')} {what}" if run_ids else ""


def _start_workers_on(store: Store, devices: Sequence[str]) -> tuple[str, ...]:
    """Starts missing workers for the `device` values of configs; returns the problems."""
    problems = []
    for device in dict.fromkeys(devices):
        try:
            if store.queue.current_pause() is not None:
                return ("the queue is paused: H resumes it",)
            ensure_worker(store, device, checkpoint_seconds=checkpoint_interval(None))
        except AgeUIError as error:
            problems.append(str(error))
    return tuple(problems)
