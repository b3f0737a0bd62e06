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

# Part of every key: raise it when weights would be checked differently.
_CHECKING: Final = 2
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
    """The result of a check: a problem with the name of its kind of error, see `AgeUIError.failure`, or none.

    `sentence` says what of the file would be loaded, `warnings` what may not be meant; both are empty if unknown.
    """

    key: WeightsKey
    sentence: str = ""
    warnings: tuple[str, ...] = ()
    problem: str = ""
    failure: str = ""


def known_fit(key: WeightsKey) -> CheckedWeights | None:
    """The kept check of weights that are random, or fitted while their file was as it is now; None without one."""
    if key.init == "random":
        return CheckedWeights(key=key)
    try:
        kept = kept_json(_file(key))
        if kept["file"] != _described(Path(kept["file"]["path"])):
            return None
        return CheckedWeights(key=key, sentence=kept["sentence"], warnings=kept["warnings"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def keep_fit(checked: CheckedWeights, file: Path) -> None:
    """Remembers that the weights in `file` fit."""
    keep_json(
        _file(checked.key),
        {"file": _described(file), "sentence": checked.sentence, "warnings": list(checked.warnings)},
    )


def _described(file: Path) -> dict[str, object]:
    found = file.stat()
    return {"path": str(file), "bytes": found.st_size, "mtime_ns": found.st_mtime_ns, "inode": found.st_ino}


def _file(key: WeightsKey) -> Path:
    parts = [_CHECKING, socket.gethostname(), *map(os.environ.get, _PLACES), key.model_dump(), *library_versions()]
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode("utf-8", "surrogateescape"))
    return cache_folder() / "fitting_weights" / f"{digest.hexdigest()[:32]}.fit"
