"""Works on one queued run in this process, until it ends or someone stops it."""

import traceback
from collections.abc import Callable

from ageui.store import Store
from engine.config import RunConfig
from engine.data.spec import DataSpec
from engine.errors import AgeUIError, RunFailedError, StoreError
from engine.events import (
    CheckpointWritten,
    EpochEnded,
    Evaluated,
    Event,
    RunEnded,
    RunStarted,
    StepEnded,
)


class Recorder:
    """Writes a run's events to the store, each epoch with its step points in one transaction."""

    def __init__(self, store: Store, run_id: int, attempt: int, config: RunConfig) -> None:
        self._store, self._run_id, self._attempt, self._config = store, run_id, attempt, config
        self._points: list[tuple[str, int, float]] = []

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted(manifest):
                self._store.record_started(self._run_id, self._attempt, manifest)
            case StepEnded():
                self._points.append(("step/loss", event.step, event.loss))
            case EpochEnded():
                self._flush(event)
            case CheckpointWritten():
                self._store.record_checkpoint(self._run_id, self._attempt, event)
            case Evaluated():
                self._store.record_evaluated(self._run_id, self._attempt, event, self._config.target)
            case RunEnded():
                self._flush(None)
                self._store.finish(self._run_id, self._attempt, event.outcome, event.reason)
            case _:
                pass

    def _flush(self, epoch: EpochEnded | None) -> None:
        if epoch is not None or self._points:
            self._store.record_metrics(self._run_id, self._attempt, epoch, self._points)
        self._points = []


def work_on(
    store: Store,
    run_id: int,
    config: RunConfig,
    spec: DataSpec,
    *,
    emit: Callable[[Event], None],
    should_stop: Callable[[], bool],
) -> RunEnded:
    """Claims the run, trains it and stores all it says; `emit` sees every event after it was stored.

    Whatever ends the run, its row says so: an `AgeUIError` or any other failure marks it failed with the reason, a
    second Ctrl-C marks it interrupted. Raises what the engine raised; a failure nobody foresaw as `RunFailedError`.
    """
    from engine.train import train

    attempt = store.claim(run_id)
    if attempt is None:
        raise StoreError(f"run {run_id} is not queued; see ageui show {run_id}")
    recorder = Recorder(store, run_id, attempt, config)

    def record_then_emit(event: Event) -> None:
        recorder(event)
        emit(event)

    try:
        folder = store.run_folder(run_id)
        return train(config, spec, folder=folder, emit=record_then_emit, should_stop=should_stop)
    except KeyboardInterrupt:
        store.finish(run_id, attempt, "interrupted", "stopped at once by the user")
        raise
    except AgeUIError as error:
        store.finish(run_id, attempt, "failed", str(error))
        raise
    except Exception as error:
        store.finish(run_id, attempt, "failed", traceback.format_exc())
        raise RunFailedError(
            f"run {run_id} failed with {type(error).__name__}: {error}\n"
            f"the traceback is kept with it: ageui show {run_id}"
        ) from error
