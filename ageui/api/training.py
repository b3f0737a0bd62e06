"""Trains and queues runs from Python, as `ageui run` and `ageui sweep` do."""

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ageui.api.shown import ShownRun
from ageui.console.checked_queueing import check_runs, print_memory, queue_checked
from ageui.console.consoles import messages, sayer
from ageui.console.foreground_training import print_ending, working_here
from ageui.console.opened_store import opened_store
from ageui.planning.plan import Basis, resolve_here
from ageui.store import NewRun, Store
from ageui.worker.places.local import Engines
from engine.config import RunConfig
from engine.errors import RunFailedError

if TYPE_CHECKING:
    from ageui.store import Claim
    from ageui.worker.foreground import Foreground

ConfigLike = RunConfig | Mapping[str, Any]
"""A complete config, or some fields of one; the others come from the preset, settings files and environment."""


def train(
    config: ConfigLike | None = None,
    *,
    name: str | None = None,
    tags: Sequence[str] = (),
    preset: str | None = None,
    db: str | os.PathLike[str] | None = None,
) -> ShownRun:
    """Trains a run, stores it, and returns it when it has ended.

    As with `ageui run`, an interrupt (Ctrl-C, or the stop button of a notebook) stops the run with a checkpoint. Works
    in the main thread only.

    Parameters
    ----------
    config
        Fields of a config, as Python values or as text of the command line.
    name, tags
        The run's name, by default a generated one, and its tags.
    preset
        `report`, `quick` or `best`; by default as in `ageui run`.
    db
        The database, created if it is missing; by default the one that commands use.

    Raises
    ------
    ConfigError, DataError, DeviceError
        If the run cannot be trained here.
    RunFailedError
        If it failed; the run is stored with the reason.

    Examples
    --------
    >>> import ageui
    >>> run = ageui.train({"loss": "mape", "epochs": 2}, preset="quick")  # doctest: +SKIP
    >>> run.status  # doctest: +SKIP
    'done'
    """
    console, engines = messages(), Engines()
    engines.start_ahead()
    with closing(engines), _opened(db) as store:
        new = _new_run(store, config, preset, name)
        store.runs.refuse_invalid([new], tags=tags)
        networks = check_runs(console, [new])
        print_memory(console, store, [new], networks)

        def claim(foreground: "Foreground") -> "Claim":
            return store.runs.add_claimed(new, foreground.claimant, foreground.hold, tags=tags)

        with working_here(store, new.config.device, engines, None, share=None, console=console) as work:
            claimed, outcome = work(claim)
        print_ending(sayer(console), store, claimed, outcome)
        if outcome.status in ("failed", "lost"):
            raise RunFailedError(f"run {claimed.run_id} ({claimed.name}) is {outcome.status}: {outcome.ending.reason}")
        return ShownRun(store.runs.detail(claimed.run_id))


def queue(
    *configs: ConfigLike,
    name: str | None = None,
    tags: Sequence[str] = (),
    priority: int = 0,
    preset: str | None = None,
    db: str | os.PathLike[str] | None = None,
) -> list[int]:
    """Queues runs for a background worker, which starts if none works, and returns their ids.

    Parameters are those of `train`; of several runs with a name, each adds a number. Workers take runs of a higher
    `priority` first. Nothing is queued if one of the runs would fail.

    Examples
    --------
    >>> import ageui
    >>> ageui.queue({"loss": "mse"}, {"loss": "mape"}, preset="quick", tags=["losses"])  # doctest: +SKIP
    [1, 2]
    """
    with _opened(db) as store:
        names = [name] if len(configs) == 1 else [name and f"{name}-{place}" for place in range(1, len(configs) + 1)]
        new = [_new_run(store, config, preset, called) for config, called in zip(configs, names, strict=True)]
        return queue_checked(store, new, messages(), tags=tags, priority=priority)


def _opened(db: str | os.PathLike[str] | None) -> AbstractContextManager[Store]:
    return opened_store(Path(db) if db is not None else None, create=True)


def _new_run(store: Store, config: ConfigLike | None, preset: str | None, name: str | None) -> NewRun:
    values = config.model_dump() if isinstance(config, RunConfig) else dict(config or {})
    resolved = resolve_here(store, values, Basis(preset))
    return NewRun(resolved.config, store.data.get(resolved.config.data), name)
