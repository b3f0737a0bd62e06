"""A database with a few runs, without an engine."""

from pathlib import Path

from ageui.store import Claimant, Store
from engine.config import PRESETS, build_config
from engine.data.spec import BUILT_IN


def a_done_and_a_paused_run(path: Path) -> None:
    """Run 1 is done after one attempt, run 2 was paused before its first."""
    with Store.open(path) as store:
        for seed in range(2):
            store.runs.add(build_config({**PRESETS["quick"], "seed": seed}), BUILT_IN, name=None)
        claim = store.queue.claim(1, Claimant("cpu", "cpu"), lambda run_id: True)
        assert claim is not None
        with store.writing(1, 1) as writer:
            writer.end("done", "")
        store.queue.pause(2)
