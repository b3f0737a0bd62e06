"""One of several trainings side by side: trains and counts its images from a `go` on stdin to the next line, again and
again, until its stdin ends.

The first line of stdin is a request. `ready` is written once before anything is counted, then images per second for
every `go`.
"""

import json
import os
import select
import sys
import time
from pathlib import Path

import torch
from peers.ageui_engine import EnoughSteps, run
from work import Training

from engine.events import EpochEnded, Event, StageStarted


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    request = json.loads(sys.stdin.readline())
    training = Training.from_json(request["training"])
    steps, first, begin = 0, 0, 0.0
    in_epoch = ahead = 0

    def emit(event: Event) -> None:
        nonlocal in_epoch, ahead
        if isinstance(event, StageStarted):
            in_epoch = ahead = event.steps_per_epoch
        if isinstance(event, EpochEnded):
            ahead = in_epoch + 1

    def between_steps() -> bool:
        nonlocal steps, ahead, first, begin
        # Asked before training too, while images are decoded, in validation, and once after each epoch.
        if ahead == 0:
            return False
        ahead -= 1
        if ahead == in_epoch:
            return False
        steps += 1
        if steps < training.warm_steps:
            return False
        if not first:
            answers.write("ready\n")
        elif select.select([sys.stdin], [], [], 0)[0]:
            _wait_for_device()
            answers.write(f"{(steps - first) * training.batch / (time.perf_counter() - begin)}\n")
            sys.stdin.readline()
        else:
            return False
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
