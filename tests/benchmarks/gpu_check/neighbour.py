"""One of several runs side by side: trains until its stdin ends, and counts its images in the seconds after a `go`.

The first line of stdin is a request. `ready` is written once before anything is counted, then a figure for every `go`.
"""

import json
import os
import sys
import time
from pathlib import Path

import torch
from peers.ageui_engine import run
from step_timing import EnoughSteps
from work import Training

from engine.events import Event, StageStarted


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    request = json.loads(sys.stdin.readline())
    training = Training.from_json(request["training"])
    steps, first, begin = 0, 0, 0.0
    trains = False

    def emit(event: Event) -> None:
        nonlocal trains
        trains = trains or isinstance(event, StageStarted)

    def between_steps() -> bool:
        nonlocal steps, first, begin
        if not trains:
            return False
        steps += 1
        if steps == training.warm_steps:
            answers.write("ready\n")
        elif steps < training.warm_steps or time.perf_counter() - begin < request["seconds"]:
            return False
        else:
            _wait_for_device()
            answers.write(f"{(steps - first) * training.batch / (time.perf_counter() - begin)}\n")
        if not sys.stdin.readline():
            raise EnoughSteps
        first, begin = steps, time.perf_counter()
        return False

    try:
        run(training.config(), training.folder, Path(request["cache"]), emit, between_steps)
    except EnoughSteps:
        return


def _wait_for_device() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
