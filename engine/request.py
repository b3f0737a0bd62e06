"""RunRequest: a run for the engine's process, which reads it from a pipe."""

import json
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from engine.config import RunConfig
from engine.data.spec import DataSpec

CHECKPOINT_SECONDS = 60.0


class CheckpointFile(BaseModel):
    """A checkpoint of an earlier attempt. `path` is absolute, or relative to the run's folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    sha256: str


class RunRequest(BaseModel):
    """An attempt at a run.

    folder
        Folder for the run's files.
    data_root
        Folder with the files of data sets on this machine, see `engine.data.data_root`; None where they are at the
        paths that they were registered with.
    images_digest
        The digest of the registered images, see `engine.data.data_root`; needed only with `data_root`.
    device
        Replaces `auto` in the config, so that the config stays as the user wrote it.
    cache
        Folder of decoded pixels and features; by default the user's cache.
    pixel_bytes_on_device
        Limit of pixels held on the device in bytes; more pixels are streamed, see `engine.pixel_source`.
    checkpoints
        Checkpoints to continue from, newest first.
    checkpoint_seconds
        Time between checkpoints; longer if writing takes more than a hundredth of it.
    manifest
        The manifest of the run's first attempt.
    scoring_interval
        Epochs between scorings of a stage on cached features on the validation split, see
        `engine.epoch_scorer.scoring_interval`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: RunConfig
    spec: DataSpec
    folder: Path
    data_root: Path | None = None
    images_digest: str | None = None
    attempt: int = 1
    device: str | None = None
    cache: Path | None = None
    pixel_bytes_on_device: int | None = Field(None, ge=0)
    checkpoints: tuple[CheckpointFile, ...] = ()
    checkpoint_seconds: float = Field(CHECKPOINT_SECONDS, ge=0)
    manifest: dict[str, Any] | None = None
    scoring_interval: int = Field(1, ge=1)

    def line(self) -> bytes:
        """The request as a line of JSON, which `from_line` reads back."""
        return json.dumps(self.model_dump(mode="json")).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        """Reads a line of JSON. Raises `ValueError` for anything but a complete request."""
        # pydantic's own JSON reader refuses paths that are not UTF-8.
        return cls.model_validate(json.loads(line))
