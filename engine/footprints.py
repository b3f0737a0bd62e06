"""Footprints of backbones: looked up in the cache folder, or asked of a process that counts them. Needs no torch."""

import contextlib
import hashlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache as computed_once
from importlib import metadata
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from engine.cache import keep_file
from engine.config import RunConfig
from engine.memory_model import Footprint
from engine.paths import cache_folder

# Part of every key: it changes when the same backbone would be counted otherwise.
COUNTING = 1
_COMMAND = (sys.executable, "-P", "-m", "engine.count_footprint")
_LIBRARIES = ("ageui", "torch", "torchvision")


class FootprintKey(BaseModel):
    """What a footprint depends on of a config."""

    model_config = ConfigDict(frozen=True)

    backbone: str
    size: int
    device: str
    precision: str

    @classmethod
    def of(cls, config: RunConfig) -> Self:
        return cls(backbone=config.backbone, size=config.size, device=config.device, precision=config.precision)


class CountedFootprint(BaseModel):
    """A footprint, or why there is none."""

    key: FootprintKey
    footprint: Footprint | None = None
    problem: str = ""


def known_footprint(key: FootprintKey) -> Footprint | None:
    """The footprint in the cache folder, None where it was not counted yet on this machine with these versions."""
    try:
        return Footprint.model_validate_json(_file(key).read_bytes())
    except (OSError, ValidationError):
        return None


class FootprintCounter:
    """A process that counts footprints and puts them into the cache folder; takes seconds. Stopped by `stop`, from any
    thread, or the end of a with statement."""

    def __init__(self, keys: Sequence[FootprintKey]) -> None:
        """Raises `OSError` where no process can be started."""
        self._keys = keys
        self._process = subprocess.Popen(
            _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()
        self._process.wait()

    def answers(self) -> Iterator[CountedFootprint]:
        """One for each that is wanted, in order; for those that the process ended without, one with a problem."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        given = 0
        try:
            stdin.write("".join(f"{key.model_dump_json()}\n" for key in self._keys).encode())
            stdin.close()
            for line in stdout:
                answer = CountedFootprint.model_validate_json(line)
                if answer.footprint is not None:
                    keep_file(_file(answer.key), answer.footprint.model_dump_json().encode())
                given += 1
                yield answer
        except (OSError, ValueError):
            pass  # it died, or was stopped: told below
        for key in self._keys[given:]:
            yield CountedFootprint(key=key, problem="the process that counts it ended early")

    def stop(self) -> None:
        self._process.kill()


def _file(key: FootprintKey) -> Path:
    # A home folder may be shared with other machines, and GPUs hidden: `auto` means something else then.
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    parts = [COUNTING, socket.gethostname(), visible, key.model_dump(), *_versions()]
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode("utf-8", "surrogateescape"))
    return cache_folder() / "footprints" / f"{digest.hexdigest()[:32]}.json"


@computed_once
def _versions() -> tuple[str, ...]:
    found = []
    for name in _LIBRARIES:
        try:
            found.append(metadata.version(name))
        except metadata.PackageNotFoundError:
            found.append("")
    return tuple(found)
