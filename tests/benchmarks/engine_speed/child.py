"""One measurement in a process of its own: reads a request from stdin, writes what it found to the file in it.

Started by `children.measured`. Each job is a function of the request's other fields and returns what goes into JSON.
"""

import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

from work import BY_NAME, Training


def steps(way: str, training: dict[str, Any], cache: str) -> dict[str, Any]:
    """Trains one epoch and tells the seconds of its timed steps."""
    return _trained(way, Training.from_json(training), Path(cache))


def several_steps(way: str, trainings: list[dict[str, Any]], cache: str) -> list[dict[str, Any]]:
    """The same for several works, one after the other."""
    return [steps(way, training, cache) for training in trainings]


def _trained(way: str, training: Training, cache: Path) -> dict[str, Any]:
    from peers.stopwatch import Stopwatch

    chosen = BY_NAME[way]
    peer = importlib.import_module(f"peers.{chosen.peer}")
    watch = Stopwatch(training.warm_steps, training.timed_steps, "bf16" if chosen.best else "fp32")
    more = {"cache": cache, "changes": chosen.changes} if chosen.peer == "ageui_engine" else {}
    begin = time.perf_counter()
    mae = peer.train(training, watch, best=chosen.best, **more)
    seconds = time.perf_counter() - begin
    return {"step_seconds": watch.seconds, "seconds": seconds, "val_mae": mae, "arithmetic": watch.arithmetic}


def plain_frozen(training: dict[str, Any], best: bool) -> float:
    from peers.plain_frozen import seconds_per_epoch

    return seconds_per_epoch(Training.from_json(training), best=best)


def plain_kept_features(training: dict[str, Any]) -> float:
    from peers.plain_frozen import seconds_with_kept_features

    return seconds_with_kept_features(Training.from_json(training))


def ageui_run(training: dict[str, Any], cache: str) -> float:
    """The seconds of a whole run, scoring and writing included."""
    from peers.ageui_engine import run

    one = Training.from_json(training)
    return run(one.config(), one.folder, Path(cache), lambda event: None)


def growth(trainings: list[dict[str, Any]], cache: str) -> list[list[float]]:
    """For each training of ageui the seconds of its epochs, then those of the whole run."""
    from peers.ageui_engine import run

    from engine.events import EpochEnded, Event

    found = []
    for values in trainings:
        one, epochs = Training.from_json(values), list[float]()

        def emit(event: Event, epochs: list[float] = epochs) -> None:
            if isinstance(event, EpochEnded):
                epochs.append(event.seconds)

        seconds = run(one.config(), one.folder, Path(cache), emit)
        found.append([*epochs, seconds])
    return found


def machine(networks: list[tuple[str, int]]) -> dict[str, Any]:
    from machine import describe

    return describe(networks)


def recorded_run(arguments: list[str]) -> dict[str, Any]:
    from recorded_run import record

    return record(arguments)


JOBS = {
    job.__name__: job
    for job in (steps, several_steps, plain_frozen, plain_kept_features, ageui_run, growth, machine, recorded_run)
}


def main() -> None:
    request = json.loads(sys.stdin.read())
    found = JOBS[request["job"]](**request["arguments"])
    Path(request["answer"]).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
