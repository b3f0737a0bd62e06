"""A finished run whose weights predict ages, without its training."""

from fresh_weights import FRESH, save_fresh_weights

from ageui.store import Claimant, Store
from engine.data.spec import BUILT_IN
from engine.events import CheckpointWritten, EpochEnded


def add_fresh_run(store: Store, name: str = "fresh") -> int:
    """The id of the run. All have the same weights."""
    run_id = store.runs.add(FRESH, BUILT_IN, name=name)
    claim = store.queue.claim(run_id, Claimant("cpu", "cpu"), lambda run_id: True)
    assert claim is not None
    path = store.run_folder(run_id) / "weights-1.safetensors"
    saved = save_fresh_weights(path)
    with store.writing(run_id, claim.attempt) as writer:
        writer.epoch(EpochEnded(1, 1, 10, 0.5, 0.5, 8.0, 1e-3, 1.0, 1.0, True))
        writer.checkpoint(CheckpointWritten("best", path.name, 1, 10, saved.sha256, saved.bytes))
        writer.end("done", "")
    return run_id
