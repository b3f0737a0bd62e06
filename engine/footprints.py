"""Footprints of backbones: looked up in the cache folder, or counted by a process of their own. Needs no torch."""

import contextlib
import hashlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, TypeAdapter

from engine.arithmetic import settled
from engine.cache import keep_json, kept_json
from engine.config import RunConfig
from engine.first_weights import CheckedWeights, WeightsKey
from engine.library_versions import library_versions
from engine.memory_model import Footprint
from engine.paths import cache_folder

# Part of every key: raise it when the same backbone would be counted differently.
COUNTING = 2
_COMMAND = (sys.executable, "-P", "-m", "engine.count_footprint")


class FootprintKey(BaseModel):
    """The fields of a config that a footprint depends on."""

    model_config = ConfigDict(frozen=True)

    backbone: str
    size: int
    device: str
    precision: str

    @classmethod
    def of(cls, config: RunConfig) -> Self:
        return cls(
            backbone=config.backbone, size=config.size, device=config.device, precision=settled(config).precision
        )


class CountedFootprint(BaseModel):
    """A footprint, or the reason why there is none.

    `failure` names the kind of error, see `AgeUIError.failure`, that every run with such a network would end with; it
    is empty if the network was merely not counted.
    """

    key: FootprintKey
    footprint: Footprint | None = None
    problem: str = ""
    failure: str = ""


NetworkKey = FootprintKey | WeightsKey
CheckedNetwork = CountedFootprint | CheckedWeights
NETWORK_KEY: Final[TypeAdapter[NetworkKey]] = TypeAdapter(NetworkKey)
_ANSWER: Final[TypeAdapter[CheckedNetwork]] = TypeAdapter(CheckedNetwork)


def known_footprint(key: FootprintKey) -> Footprint | None:
    """The footprint in the cache folder; None if not yet counted on this machine with these versions."""
    try:
        return Footprint.model_validate(kept_json(_file(key)))
    except (OSError, ValueError):
        return None


class FootprintCounter:
    """A process that counts footprints and checks first weights, and caches the results; this takes seconds.

    `stop`, from any thread, or the end of a with statement ends it.
    """

    def __init__(self, keys: Sequence[NetworkKey]) -> None:
        """Raises `OSError` if no process can be started."""
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

    def answers(self) -> Iterator[CheckedNetwork]:
        """Yields one answer for each key, in order; a problem for those left when the process ended."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        given = 0
        try:
            stdin.write("".join(f"{key.model_dump_json()}\n" for key in self._keys).encode())
            stdin.close()
            for line in stdout:
                answer = _ANSWER.validate_json(line)
                if isinstance(answer, CountedFootprint) and answer.footprint is not None:
                    keep_json(_file(answer.key), answer.footprint.model_dump(mode="json"))
                given += 1
                yield answer
        except (OSError, ValueError):
            pass  # it died or was stopped: reported below
        for key in self._keys[given:]:
            yield no_answer(key, "the process that counts it ended early")

    def stop(self) -> None:
        self._process.kill()


def no_answer(key: NetworkKey, problem: str) -> CheckedNetwork:
    """The answer for a network that could not be checked: the engine will find its problems."""
    if isinstance(key, WeightsKey):
        return CheckedWeights(key=key)
    return CountedFootprint(key=key, problem=problem)


def _file(key: FootprintKey) -> Path:
    # Machines may share a home folder, and GPUs may be hidden: `auto` has another meaning then.
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    parts = [COUNTING, socket.gethostname(), visible, key.model_dump(), *library_versions()]
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode("utf-8", "surrogateescape"))
    return cache_folder() / "footprints" / f"{digest.hexdigest()[:32]}.footprint"
