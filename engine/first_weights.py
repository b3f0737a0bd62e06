"""Whether a backbone's first weights can be loaded here: looked up in the cache folder. Needs no torch.

`engine.count_footprint` checks the others.
"""

import hashlib
import json
import os
import socket
from pathlib import Path
from typing import Final, Self

from pydantic import BaseModel, ConfigDict

from engine.cache import keep_json, kept_json
from engine.config import RunConfig
from engine.library_versions import library_versions
from engine.paths import cache_folder

_PLACES: Final = ("TORCH_HOME", "XDG_CACHE_HOME", "HOME")
"""Environment variables that decide where torch keeps ImageNet weights."""


class WeightsKey(BaseModel):
    """The fields of a config that decide whether its first weights fit."""

    model_config = ConfigDict(frozen=True)

    backbone: str
    size: int
    init: str

    @classmethod
    def of(cls, config: RunConfig) -> Self:
        return cls(backbone=config.backbone, size=config.size, init=config.init)


class CheckedWeights(BaseModel):
    """The result of a check: a problem with the name of its kind of error, see `AgeUIError.failure`, or none."""

    key: WeightsKey
    problem: str = ""
    failure: str = ""


def are_known_to_fit(key: WeightsKey) -> bool:
    """Whether the weights are random, or were found to fit and their file has not changed."""
    if key.init == "random":
        return True
    try:
        kept = kept_json(_file(key))
        return bool(kept == _described(Path(kept["file"])))
    except (OSError, ValueError, TypeError, KeyError):
        return False


def keep_fit(key: WeightsKey, file: Path) -> None:
    """Remembers that the weights in `file` fit."""
    keep_json(_file(key), _described(file))


def _described(file: Path) -> dict[str, object]:
    found = file.stat()
    return {"file": str(file), "bytes": found.st_size, "mtime_ns": found.st_mtime_ns, "inode": found.st_ino}


def _file(key: WeightsKey) -> Path:
    parts = [socket.gethostname(), *map(os.environ.get, _PLACES), key.model_dump(), *library_versions()]
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode("utf-8", "surrogateescape"))
    return cache_folder() / "fitting_weights" / f"{digest.hexdigest()[:32]}.fit"
