"""The share of an epoch's time that its scores take, with all that their event needs in the engine's process.

    python tests/benchmarks/scoring_share.py

Exits with code 1 if it is 1% or more. The images of the frozen backbone are of the report's size of data.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

from engine.config import build_config
from engine.data.spec import DataSpec, SyntheticOptions
from engine.epoch_scorer import EpochScorer, scoring_interval
from engine.epoch_scores import EpochScores
from engine.events import EpochEnded, EpochScored, Event
from engine.narration import Narrator
from engine.request import RunRequest
from engine.train import train
from engine.wire import Message, encode

IMAGES = (4065, 1482, 10)
LIMIT = 0.01
WORKS: dict[str, dict[str, Any]] = {
    "frozen backbone, batch 32": {"strategy": "freeze", "init": "random", "epochs": "100,0", "batch": 32},
    "frozen backbone, batch 256": {"strategy": "freeze", "init": "random", "epochs": "100,0", "batch": 256},
    "all layers": {"strategy": "scratch", "epochs": 2, "batch": 32},
}


def main() -> int:
    spec = DataSpec(name="faces", format="synthetic", synthetic=SyntheticOptions(counts=IMAGES, image_size=32))
    shares = []
    with tempfile.TemporaryDirectory() as name:
        for number, (work, settings) in enumerate(WORKS.items()):
            config = build_config(
                {"backbone": "resnet18@layer1", "size": 32, "device": "cpu", "patience": None, **settings}
            )
            interval = scoring_interval(config, IMAGES[0])
            folder = Path(name)
            request = RunRequest(
                config=config, spec=spec, folder=folder / str(number), cache=folder / "cache", scoring_interval=interval
            )
            events: list[Event] = []
            with _timed_scores() as seconds:
                train(request, emit=events.append)
            epochs = [event for event in events if isinstance(event, EpochEnded)]
            scored = sum(
                isinstance(event, EpochScored) or getattr(event, "scores", None) is not None for event in events
            )
            seconds.append(_telling(events))
            shares.append(sum(seconds) / sum(epoch.seconds for epoch in epochs))
            milliseconds = 1000 * sum(epoch.seconds for epoch in epochs) / len(epochs)
            sys.stdout.write(
                f"{work}: {len(epochs)} epochs of {milliseconds:.1f} ms, interval {interval}, {scored} scored in "
                f"{1000 * sum(seconds) / scored:.2f} ms each: {100 * shares[-1]:.2f}% of the time\n"
            )
    return 0 if max(shares) < LIMIT else 1


@contextmanager
def _timed_scores() -> Iterator[list[float]]:
    """Collects the seconds that computing scores takes."""
    seconds: list[float] = []
    scores = EpochScorer.scores

    def timed(scorer: EpochScorer, predicted: Any) -> EpochScores:
        begin = time.perf_counter()
        found = scores(scorer, predicted)
        seconds.append(time.perf_counter() - begin)
        return found

    with mock.patch.object(EpochScorer, "scores", timed):
        yield seconds


def _telling(events: list[Event]) -> float:
    """The seconds that scores add to sending and narrating events."""
    ended = [event for event in events if isinstance(event, EpochEnded) and event.scores is not None]
    late = [event for event in events if isinstance(event, EpochScored)]
    return _told([*ended, *late]) - _told([replace(event, scores=None) for event in ended])


def _told(events: list[Any]) -> float:
    narrator, begin = Narrator(1), time.perf_counter()
    for event in events:
        encode(Message(1, 1, event))
        narrator.line(event)
    return time.perf_counter() - begin


if __name__ == "__main__":
    sys.exit(main())
