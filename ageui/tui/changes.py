"""All changes that people can make, as functions of the store; each returns its outcome and how to undo it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ageui.planning.settings import checkpoint_interval
from ageui.store import NewRun, Store
from ageui.study import RemainingRuns
from ageui.text.sentences import counted
from ageui.worker.background_workers import ensure_worker, start_worker, workers
from ageui.worker.run_files import remove_checkpoints
from engine.errors import AgeUIError, ConfigError, StoreError


@dataclass(frozen=True)
class ChangeMade:
    """`message` describes the change, `problems` describe its failures, and `undo` restores the previous state."""

    message: str
    problems: tuple[str, ...] = ()
    undo: Callable[[Store], "ChangeMade"] | None = None


Change = Callable[[Store], ChangeMade]


def pause(run_ids: Sequence[int]) -> Change:
    def change(store: Store) -> ChangeMade:
        done, said, problems = _stop_each(run_ids, store.queue.pause, "paused")

        def undo(store: Store) -> ChangeMade:
            def one(run_id: int) -> None:
                if not store.queue.withdraw_request(run_id):
                    store.queue.resume(run_id)

            back, left = _apply_to_each(done, one)
            return ChangeMade(
                _sentence(back, "goes on" if len(back) == 1 else "go on"), (*left, *_start_workers_for(store, back))
            )

        return ChangeMade(said, problems, undo if done else None)

    return change


def resume(run_ids: Sequence[int]) -> Change:
    def change(store: Store) -> ChangeMade:
        done, problems = _apply_to_each(run_ids, store.queue.resume)
        return ChangeMade(
            _sentence(done, "queued again"),
            (*problems, *_start_workers_for(store, done)),
            pause(done) if done else None,
        )

    return change


def cancel(run_ids: Sequence[int]) -> Change:
    """Cancels runs. Undo pauses runs that were paused or interrupted, and queues all others."""

    def change(store: Store) -> ChangeMade:
        waited = [run_id for run_id in run_ids if store.runs.get(run_id).status in ("paused", "interrupted")]
        done, said, problems = _stop_each(run_ids, store.queue.cancel, "cancelled")

        def undo(store: Store) -> ChangeMade:
            back, left = _apply_to_each(
                done, lambda run_id: store.queue.withdraw_request(run_id) or store.queue.retry(run_id)
            )
            for run_id in set(back) & set(waited):
                store.queue.pause(run_id)
            return ChangeMade(
                _sentence(back, "as before"), (*left, *_start_workers_for(store, [i for i in back if i not in waited]))
            )

        return ChangeMade(said, problems, undo if done else None)

    return change


def retry(run_ids: Sequence[int], *, from_start: bool = False) -> Change:
    def change(store: Store) -> ChangeMade:
        def again(run_id: int) -> None:
            remove_checkpoints(store, store.queue.retry(run_id, from_start=from_start))

        done, problems = _apply_to_each(run_ids, again)
        return ChangeMade(_sentence(done, "queued again"), (*problems, *_start_workers_for(store, done)))

    return change


def move(run_id: int, by: int) -> Change:
    """Moves a queued run one place up (-1) or down (1)."""

    def change(store: Store) -> ChangeMade:
        order = [row.id for row in store.queue.waiting()]
        if run_id not in order:
            raise ConfigError(f"run {run_id} is not queued: only queued runs have a place in the queue")
        place = order.index(run_id) + by
        if not 0 <= place < len(order):
            return ChangeMade("")
        before = store.queue.move(run_id, "before" if by < 0 else "after", order[place])

        def undo(store: Store) -> ChangeMade:
            store.queue.move_back(before)
            return ChangeMade(f"run {run_id} is where it was in the queue")

        return ChangeMade("", undo=undo)

    return change


def pause_or_resume_queue(store: Store) -> ChangeMade:
    if store.queue.resume_queue():
        queued = [row.id for row in store.queue.waiting()]
        return ChangeMade("the queue goes on", _start_workers_for(store, queued))
    store.queue.pause_queue("by the user")
    return ChangeMade("the queue is paused: what runs goes on, nothing new starts", undo=pause_or_resume_queue)


def start_or_stop_worker(store: Store) -> ChangeMade:
    """Asks all living workers to stop after the current step, or starts one if none lives. Does not wait."""
    living = [state.row for state in workers(store) if state.is_alive]
    if living:
        devices = ", ".join(worker.device for worker in living)
        if all(worker.stop_requested for worker in living):
            return ChangeMade(f"the worker on {devices} was asked to leave already; ageui worker stop --now ends it")
        for worker in living:
            store.workers.ask_to_stop(worker.device)
        return ChangeMade(f"the worker on {devices} leaves after the step under way; its run is queued again then")
    from ageui.devices import default_device

    device = default_device()
    start_worker(store, device, checkpoint_seconds=checkpoint_interval(None))
    return ChangeMade(f"a worker on {device} was started")


def archive(run_ids: Sequence[int]) -> Change:
    def change(store: Store) -> ChangeMade:
        done = store.edits.archive(run_ids)
        return ChangeMade(_sentence(done, "archived"), undo=unarchive(done) if done else None)

    return change


def unarchive(run_ids: Sequence[int]) -> Change:
    def change(store: Store) -> ChangeMade:
        store.edits.unarchive(run_ids)
        return ChangeMade(_sentence(run_ids, "back from the archive"), undo=archive(run_ids))

    return change


def rename(run_id: int, name: str) -> Change:
    def change(store: Store) -> ChangeMade:
        old = store.edits.rename(run_id, name)
        return ChangeMade(f"run {run_id} is named {name}", undo=rename(run_id, old))

    return change


def note(run_id: int, text: str | None) -> Change:
    def change(store: Store) -> ChangeMade:
        old = store.edits.set_note(run_id, text)
        return ChangeMade(f"note of run {run_id} {'saved' if text else 'removed'}", undo=note(run_id, old))

    return change


def tag(run_ids: Sequence[int], tags: Sequence[str]) -> Change:
    """Replaces the tags of runs."""
    return _retag(run_ids, lambda before: tags, f"tagged {' '.join(tags)}" if tags else "without tags")


def add_tags(run_ids: Sequence[int], words: Sequence[str]) -> Change:
    """Adds tags to runs; words that begin with `-` remove tags."""
    gone = {word[1:] for word in words if word.startswith("-")}
    new = [word for word in words if not word.startswith("-")]

    def tags(before: Sequence[str]) -> Sequence[str]:
        return list(dict.fromkeys((*(tag for tag in before if tag not in gone), *new)))

    return _retag(run_ids, tags, f"tagged anew: {' '.join(words)}")


def _retag(run_ids: Sequence[int], tags: Callable[[Sequence[str]], Sequence[str]], said: str) -> Change:
    def change(store: Store) -> ChangeMade:
        old: dict[int, Sequence[str]] = {}

        def one(run_id: int) -> None:
            old[run_id] = store.edits.set_tags(run_id, tags(store.runs.get(run_id).tags))

        done, problems = _apply_to_each(run_ids, one)

        def undo(store: Store) -> ChangeMade:
            back, left = _apply_to_each(done, lambda run_id: store.edits.set_tags(run_id, old[run_id]))
            return ChangeMade(_sentence(back, "tagged as before"), left)

        return ChangeMade(_sentence(done, said), problems, undo if done else None)

    return change


def queue(runs: Sequence[NewRun], tags: Sequence[str] = (), priority: int = 0) -> Change:
    """Queues new runs. Undo cancels those that have not ended."""

    def change(store: Store) -> ChangeMade:
        ids = store.runs.add_many(runs, tags=tags, priority=priority)
        return ChangeMade(
            _sentence(ids, "queued"), _start_workers_on(store, [run.config.device for run in runs]), cancel(ids)
        )

    return change


def run_missing(todo: RemainingRuns, tags: Sequence[str]) -> Change:
    """Queues the missing runs of a study, including failed, cancelled and interrupted ones.

    Undo pauses the interrupted ones and cancels the others.
    """

    def change(store: Store) -> ChangeMade:
        new = store.runs.add_many(todo.new, tags=tags)
        again, problems = _apply_to_each([run.id for run in todo.again], store.queue.retry)
        resumed, others = _apply_to_each([run.id for run in todo.stopped], store.queue.resume)
        every = [*new, *again, *resumed]

        def undo(store: Store) -> ChangeMade:
            parts = [take_back(store) for take_back in (cancel([*new, *again]), pause(resumed))]
            said = "; ".join(filter(None, (part.message for part in parts)))
            return ChangeMade(said, tuple(problem for part in parts for problem in part.problems))

        return ChangeMade(
            _sentence(every, "queued"), (*problems, *others, *_start_workers_for(store, every)), undo if every else None
        )

    return change


def forget_data(name: str) -> Change:
    """Forgets a data set. Undo registers it again unchanged."""

    def change(store: Store) -> ChangeMade:
        spec = store.data.get(name)
        store.data.remove(name)

        def undo(store: Store) -> ChangeMade:
            store.data.add(spec)
            return ChangeMade(f"{name} is registered again")

        return ChangeMade(f"{name} is no longer registered; its files are untouched", undo=undo)

    return change


def _apply_to_each(run_ids: Sequence[int], act: Callable[[int], object]) -> tuple[list[int], tuple[str, ...]]:
    """Returns the runs for which `act` succeeded, and the problems of the others.

    Raises the `ConfigError` of a single run, and a `StoreError` that comes before any change.
    """
    done: list[int] = []
    problems: list[str] = []
    for run_id in run_ids:
        try:
            act(run_id)
        except ConfigError as error:
            if len(run_ids) == 1:
                raise
            problems.append(str(error))
        except StoreError as error:
            if not done:
                raise
            problems.append(f"{counted(len(run_ids) - len(done), 'run')} left as before: {error}")
            break
        else:
            done.append(run_id)
    return done, tuple(problems)


def _stop_each(run_ids: Sequence[int], stop: Callable[[int], str], what: str) -> tuple[list[int], str, tuple[str, ...]]:
    """Like `_apply_to_each`, and words the outcome. `stop` returns the run's status; running runs stop later."""
    asked: list[int] = []

    def one(run_id: int) -> None:
        if stop(run_id) == "running":
            asked.append(run_id)

    done, problems = _apply_to_each(run_ids, one)
    said = (
        _sentence([run_id for run_id in done if run_id not in asked], what),
        _sentence(asked, f"will be {what} after the step under way"),
    )
    return done, "; ".join(filter(None, said)), problems


def _sentence(run_ids: Sequence[int], what: str) -> str:
    if not run_ids:
        return ""
    return f"run {run_ids[0]} {what}" if len(run_ids) == 1 else f"{counted(len(run_ids), 'run')} {what}"


def _start_workers_for(store: Store, run_ids: Sequence[int]) -> tuple[str, ...]:
    """Starts missing workers for the devices of runs; returns the problems."""
    try:
        devices = [str(store.runs.get(run_id).config.get("device", "auto")) for run_id in run_ids]
    except AgeUIError as error:
        return (str(error),)
    return _start_workers_on(store, devices)


def _start_workers_on(store: Store, devices: Sequence[str]) -> tuple[str, ...]:
    """Starts missing workers for the `device` values of configs; returns the problems."""
    problems = []
    for device in dict.fromkeys(devices):
        try:
            if store.queue.current_pause() is not None:
                return ("the queue is paused: H lets it go on",)
            ensure_worker(store, device, checkpoint_seconds=checkpoint_interval(None))
        except AgeUIError as error:
            problems.append(str(error))
    return tuple(problems)
