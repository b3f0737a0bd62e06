"""RunRequest: what the engine is asked to do, as its process reads it from a pipe."""

import json
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from engine.config import RunConfig
from engine.data.spec import DataSpec

CHECKPOINT_SECONDS = 60.0


class CheckpointFile(BaseModel):
    """A checkpoint of an earlier attempt; `path` is relative to the run's folder, or absolute."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    sha256: str


class RunRequest(BaseModel):
    """One attempt at a run.

    `folder` takes the run's files. `checkpoints`, newest first, are those it may go on from, and `manifest` is what
    its first attempt depended on. `device` stands in for a config's `auto`, so that the config stays what was asked
    for. A checkpoint is written every `checkpoint_seconds`, less often where writing one takes more than a hundredth
    of that. `cache` is the folder of decoded pixels and features, by default the user's. More pixels than
    `pixel_bytes_on_device` are not held there but streamed, see `engine.pixel_source`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: RunConfig
    spec: DataSpec
    folder: Path
    attempt: int = 1
    device: str | None = None
    cache: Path | None = None
    pixel_bytes_on_device: int | None = Field(None, ge=0)
    checkpoints: tuple[CheckpointFile, ...] = ()
    checkpoint_seconds: float = Field(CHECKPOINT_SECONDS, ge=0)
    manifest: dict[str, Any] | None = None

    def line(self) -> bytes:
        """The request as a line of JSON, of which `from_line` makes an equal one."""
        return json.dumps(self.model_dump(mode="json")).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        """Raises `ValueError` for anything but a whole request."""
        # Not pydantic's own reader of JSON: that one refuses paths that are not UTF-8.
        return cls.model_validate(json.loads(line))
