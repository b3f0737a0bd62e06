"""What a person can change, as plain functions over the store: each says what it did, and how to undo it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ageui.planning.settings import checkpoint_interval
from ageui.store import NewRun, Store
from ageui.study import Work
from ageui.text.sentences import counted
from ageui.worker.background_workers import ensure_worker, start_worker, workers
from ageui.worker.run_files import remove_file
from engine.errors import AgeUIError, ConfigError, StoreError


@dataclass(frozen=True)
class Done:
    """`message` for people; `problems` are what could not be done. `undo` makes it as it was before."""

    message: str
    problems: tuple[str, ...] = ()
    undo: Callable[[Store], "Done"] | None = None


Change = Callable[[Store], Done]


def pause(run_ids: Sequence[int]) -> Change:
    def change(store: Store) -> Done:
        done, said, problems = _each_stopped(run_ids, store.queue.pause, "paused")

        def undo(store: Store) -> Done:
            def one(run_id: int) -> None:
                if not store.queue.withdraw_request(run_id):
                    store.queue.resume(run_id)

            back, left = _each(done, one)
            return Done(_said(back, "goes on" if len(back) == 1 else "go on"), (*left, *_see_to_workers(store, back)))

        return Done(said, problems, undo if done else None)

    return change


def resume(run_ids: Sequence[int]) -> Change:
    def change(store: Store) -> Done:
        done, problems = _each(run_ids, store.queue.resume)
        return Done(
            _said(done, "queued again"), (*problems, *_see_to_workers(store, done)), pause(done) if done else None
        )

    return change


def cancel(run_ids: Sequence[int]) -> Change:
    """Undone, runs that waited for a person wait for one again, and all others are queued."""

    def change(store: Store) -> Done:
        waited = [run_id for run_id in run_ids if store.runs.get(run_id).status in ("paused", "interrupted")]
        done, said, problems = _each_stopped(run_ids, store.queue.cancel, "cancelled")

        def undo(store: Store) -> Done:
            back, left = _each(done, lambda run_id: store.queue.withdraw_request(run_id) or store.queue.retry(run_id))
            for run_id in set(back) & set(waited):
                store.queue.pause(run_id)
            return Done(
                _said(back, "as before"), (*left, *_see_to_workers(store, [i for i in back if i not in waited]))
            )

        return Done(said, problems, undo if done else None)

    return change


def retry(run_ids: Sequence[int], *, from_start: bool = False) -> Change:
    def change(store: Store) -> Done:
        def again(run_id: int) -> None:
            for path in store.queue.retry(run_id, from_start=from_start):
                remove_file(store.path.parent / path)

        done, problems = _each(run_ids, again)
        return Done(_said(done, "queued again"), (*problems, *_see_to_workers(store, done)))

    return change


def move(run_id: int, by: int) -> Change:
    """Moves a queued run one place up (-1) or down (1)."""

    def change(store: Store) -> Done:
        order = [row.id for row in store.queue.waiting()]
        if run_id not in order:
            raise ConfigError(f"run {run_id} is not queued: only queued runs have a place in the queue")
        place = order.index(run_id) + by
        if not 0 <= place < len(order):
            return Done("")
        before = store.queue.move(run_id, "before" if by < 0 else "after", order[place])

        def undo(store: Store) -> Done:
            store.queue.move_back(before)
            return Done(f"run {run_id} is where it was in the queue")

        return Done("", undo=undo)

    return change


def hold_or_release(store: Store) -> Done:
    if store.queue.resume_queue():
        queued = [row.id for row in store.queue.waiting()]
        return Done("the queue goes on", _see_to_workers(store, queued))
    store.queue.pause_queue("by the user")
    return Done("the queue is paused: what runs goes on, nothing new starts", undo=lambda store: hold_or_release(store))


def start_or_stop_worker(store: Store) -> Done:
    """Asks the workers that live to stop, each after its step; starts one where none does. Waits for neither."""
    living = [state.row for state in workers(store) if state.is_alive]
    if living:
        devices = ", ".join(worker.device for worker in living)
        if all(worker.stop_requested for worker in living):
            return Done(f"the worker on {devices} was asked to leave already; ageui worker stop --now ends it")
        for worker in living:
            store.workers.ask_to_stop(worker.device)
        return Done(f"the worker on {devices} leaves after the step under way; its run is queued again then")
    from ageui.devices import default_device

    device = default_device()
    start_worker(store, device, checkpoint_seconds=checkpoint_interval(None))
    return Done(f"a worker on {device} was started")


def archive(run_ids: Sequence[int]) -> Change:
    def change(store: Store) -> Done:
        done = store.edits.archive(run_ids)
        return Done(_said(done, "archived"), undo=unarchive(done) if done else None)

    return change


def unarchive(run_ids: Sequence[int]) -> Change:
    def change(store: Store) -> Done:
        store.edits.unarchive(run_ids)
        return Done(_said(run_ids, "back from the archive"), undo=archive(run_ids))

    return change


def rename(run_id: int, name: str) -> Change:
    def change(store: Store) -> Done:
        old = store.edits.rename(run_id, name)
        return Done(f"run {run_id} is named {name}", undo=rename(run_id, old))

    return change


def note(run_id: int, text: str | None) -> Change:
    def change(store: Store) -> Done:
        old = store.edits.set_note(run_id, text)
        return Done(f"note of run {run_id} {'saved' if text else 'removed'}", undo=note(run_id, old))

    return change


def tag(run_ids: Sequence[int], tags: Sequence[str]) -> Change:
    """Gives runs these tags, and no other."""
    return _retag(run_ids, lambda before: tags, f"tagged {' '.join(tags)}" if tags else "without tags")


def add_tags(run_ids: Sequence[int], words: Sequence[str]) -> Change:
    """Gives runs the tags `words` beside those they have; a word after `-` is a tag to take away."""
    gone = {word[1:] for word in words if word.startswith("-")}
    new = [word for word in words if not word.startswith("-")]

    def tags(before: Sequence[str]) -> Sequence[str]:
        return list(dict.fromkeys((*(tag for tag in before if tag not in gone), *new)))

    return _retag(run_ids, tags, f"tagged anew: {' '.join(words)}")


def _retag(run_ids: Sequence[int], tags: Callable[[Sequence[str]], Sequence[str]], said: str) -> Change:
    def change(store: Store) -> Done:
        old: dict[int, Sequence[str]] = {}

        def one(run_id: int) -> None:
            old[run_id] = store.edits.set_tags(run_id, tags(store.runs.get(run_id).tags))

        done, problems = _each(run_ids, one)

        def undo(store: Store) -> Done:
            back, left = _each(done, lambda run_id: store.edits.set_tags(run_id, old[run_id]))
            return Done(_said(back, "tagged as before"), left)

        return Done(_said(done, said), problems, undo if done else None)

    return change


def queue(runs: Sequence[NewRun], tags: Sequence[str] = (), priority: int = 0) -> Change:
    """Queues new runs; undoing that cancels those that have not ended by then."""

    def change(store: Store) -> Done:
        ids = store.runs.add_many(runs, tags=tags, priority=priority)
        return Done(_said(ids, "queued"), _see_to_devices(store, [run.config.device for run in runs]), cancel(ids))

    return change


def run_missing(todo: Work, tags: Sequence[str]) -> Change:
    """Queues what is missing of a study: new runs, and those that failed, were cancelled or interrupted again.

    Undone, those that were interrupted are paused, and the others cancelled.
    """

    def change(store: Store) -> Done:
        new = store.runs.add_many(todo.new, tags=tags)
        again, problems = _each([run.id for run in todo.again], store.queue.retry)
        resumed, others = _each([run.id for run in todo.stopped], store.queue.resume)
        every = [*new, *again, *resumed]

        def undo(store: Store) -> Done:
            parts = [take_back(store) for take_back in (cancel([*new, *again]), pause(resumed))]
            said = "; ".join(filter(None, (part.message for part in parts)))
            return Done(said, tuple(problem for part in parts for problem in part.problems))

        return Done(
            _said(every, "queued"), (*problems, *others, *_see_to_workers(store, every)), undo if every else None
        )

    return change


def forget_data(name: str) -> Change:
    """Forgets a data set; undoing that registers it again as it was."""

    def change(store: Store) -> Done:
        spec = store.data.get(name)
        store.data.remove(name)

        def undo(store: Store) -> Done:
            store.data.add(spec)
            return Done(f"{name} is registered again")

        return Done(f"{name} is no longer registered; its files are untouched", undo=undo)

    return change


def _each(run_ids: Sequence[int], act: Callable[[int], object]) -> tuple[list[int], tuple[str, ...]]:
    """Those for which it worked, and what was wrong with the others; a single one that fails raises its error, and so
    does a database that fails before anything was done."""
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


def _each_stopped(
    run_ids: Sequence[int], stop: Callable[[int], str], what: str
) -> tuple[list[int], str, tuple[str, ...]]:
    """As `_each`, with what to say; `stop` returns a run's status, as one that runs is only asked to stop."""
    asked: list[int] = []

    def one(run_id: int) -> None:
        if stop(run_id) == "running":
            asked.append(run_id)

    done, problems = _each(run_ids, one)
    said = (
        _said([run_id for run_id in done if run_id not in asked], what),
        _said(asked, f"will be {what} after the step under way"),
    )
    return done, "; ".join(filter(None, said)), problems


def _said(run_ids: Sequence[int], what: str) -> str:
    if not run_ids:
        return ""
    return f"run {run_ids[0]} {what}" if len(run_ids) == 1 else f"{counted(len(run_ids), 'run')} {what}"


def _see_to_workers(store: Store, run_ids: Sequence[int]) -> tuple[str, ...]:
    """Starts the workers that are missing for these runs; what stands in the way."""
    try:
        devices = [str(store.runs.get(run_id).config.get("device", "auto")) for run_id in run_ids]
    except AgeUIError as error:
        return (str(error),)
    return _see_to_devices(store, devices)


def _see_to_devices(store: Store, devices: Sequence[str]) -> tuple[str, ...]:
    """The same for runs whose configs name `devices`."""
    problems = []
    for device in dict.fromkeys(devices):
        try:
            if store.queue.current_pause() is not None:
                return ("the queue is paused: H lets it go on",)
            ensure_worker(store, device, checkpoint_seconds=checkpoint_interval(None))
        except AgeUIError as error:
            problems.append(str(error))
    return tuple(problems)
