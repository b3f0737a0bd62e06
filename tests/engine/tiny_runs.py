"""Whole runs on a few drawn faces, small enough to train dozens of them in a test."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import load_file

from engine.config import RunConfig, build_config
from engine.data.spec import DataSpec, SyntheticOptions
from engine.events import CheckpointWritten, EpochEnded, EpochScored, Event, RunEnded, StepsEnded
from engine.kept_weights import weights_file
from engine.request import CheckpointFile, RunRequest
from engine.train import train

E = TypeVar("E")

FACES = DataSpec(name="faces", format="synthetic", synthetic=SyntheticOptions(counts=(65, 33, 20), image_size=32))
TINY: dict[str, Any] = {
    "backbone": "resnet18@layer1",
    "size": 32,
    "strategy": "scratch",
    "epochs": 2,
    "lr": 1e-3,
    "device": "cpu",
    "precision": "fp32",
}


@dataclass
class Seen:
    ended: RunEnded
    events: list[Event]
    folder: Path

    def all(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def epochs(self) -> list[EpochEnded]:
        """Its epochs, with the scores that came later."""
        late = {scored.epoch: scored.scores for scored in self.all(EpochScored)}
        ended = self.all(EpochEnded)
        return [replace(epoch, scores=epoch.scores or late.get(epoch.epoch)) for epoch in ended]

    @property
    def weights(self) -> dict[str, torch.Tensor]:
        return load_file(self.folder / weights_file(1))

    @property
    def states(self) -> list[CheckpointWritten]:
        """Its checkpoints of the state in training, oldest first."""
        return [written for written in self.all(CheckpointWritten) if written.kind == "state"]

    @property
    def best(self) -> CheckpointWritten:
        """The weights it kept."""
        return [written for written in self.all(CheckpointWritten) if written.kind == "best"][-1]

    @property
    def newest(self) -> tuple[CheckpointFile, ...]:
        """What a later attempt may go on from."""
        return tuple(CheckpointFile(path=self.folder / file.path, sha256=file.sha256) for file in self.states[::-1])


@dataclass
class Runner:
    folder: Path
    runs: int = 0
    spec: DataSpec = field(default=FACES)
    data_root: Path | None = None
    images_digest: str | None = None

    def __call__(
        self,
        stop_after: int | None = None,
        checkpoints: tuple[CheckpointFile, ...] = (),
        checkpoint_seconds: float = 3600.0,
        manifest: dict[str, Any] | None = None,
        pixel_bytes_on_device: int | None = None,
        scoring_interval: int = 1,
        stop: Callable[[list[Event]], bool] = lambda events: False,
        **changes: Any,
    ) -> Seen:
        """Trains a tiny run; `stop_after` asks it to stop once that many steps have ended, `stop` by its events."""
        self.runs += 1
        events: list[Event] = []

        def asked_to_stop() -> bool:
            steps = max((event.step for event in events if isinstance(event, StepsEnded)), default=0)
            return (stop_after is not None and steps >= stop_after) or stop(events)

        folder = self.folder / str(self.runs)
        config: RunConfig = build_config({**TINY, **changes})
        request = RunRequest(
            config=config,
            spec=self.spec,
            folder=folder,
            data_root=self.data_root,
            images_digest=self.images_digest,
            cache=self.folder / "cache",
            checkpoints=checkpoints,
            checkpoint_seconds=checkpoint_seconds,
            manifest=manifest,
            pixel_bytes_on_device=pixel_bytes_on_device,
            scoring_interval=scoring_interval,
        )
        return Seen(train(request, emit=events.append, should_stop=asked_to_stop), events, folder)
