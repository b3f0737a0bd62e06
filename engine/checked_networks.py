"""Whether runs can use a network and its first weights here: from the cache folder, or from a check. Needs no torch.

`engine.check_networks` is the process that checks.
"""

import hashlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict

from engine.cache import keep_json, kept_json
from engine.choices import IMAGENET, PRETRAINED
from engine.config import RunConfig
from engine.library_versions import library_versions, timm_version
from engine.paths import cache_folder
from engine.pretraining import begins_with_output_layer

# Part of every key: raise it when networks would be checked differently.
_CHECKING: Final = 3
_COMMAND = (sys.executable, "-P", "-m", "engine.check_networks")
_PLACES: Final = ("TORCH_HOME", "XDG_CACHE_HOME", "HOME")
"""Environment variables that decide where torch keeps pretrained weights."""


NetworkField = Literal["backbone", "init"]


class NetworkKey(BaseModel):
    """The part of a config that decides its backbone and first weights, and whether these hold its output layer."""

    model_config = ConfigDict(frozen=True)

    backbone: str
    size: int
    init: str
    output_layer: bool = False

    @classmethod
    def of(cls, config: RunConfig) -> Self:
        output_layer = begins_with_output_layer(config)
        return cls(backbone=config.backbone, size=config.size, init=config.init, output_layer=output_layer)


class NetworkFacts(BaseModel):
    """The sizes of a backbone. `state_bytes` is the size of its weights and the other tensors saved with them.
    `needs_pairs` is that of `engine.models.backbones.Backbone`."""

    model_config = ConfigDict(frozen=True)

    parameters: int
    state_bytes: int
    features: int
    needs_pairs: bool = False


class CheckedNetwork(BaseModel):
    """The result of a check.

    A `problem` concerns the backbone or its first weights, as `field` says; `failure` names its kind of error, see
    `AgeUIError.failure`, and is empty if the check itself failed. `sentence` says which tensors of a weights file would
    be loaded, and `warnings` report what may be a mistake.
    """

    key: NetworkKey
    facts: NetworkFacts | None = None
    sentence: str = ""
    warnings: tuple[str, ...] = ()
    problem: str = ""
    failure: str = ""
    field: NetworkField = "backbone"


def known_network(key: NetworkKey) -> CheckedNetwork | None:
    """The cached check of a network without problems; None without one, or if its weights file changed."""
    try:
        kept = kept_json(_file(key))
        if kept["file"] is not None and kept["file"] != _described(Path(kept["file"]["path"])):
            return None
        return CheckedNetwork(key=key, facts=kept["facts"], sentence=kept["sentence"], warnings=kept["warnings"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def keep_network(checked: CheckedNetwork, file: Path | None) -> None:
    """Caches the check of a network without problems and with the weights in `file`, or random ones."""
    content = checked.model_dump(mode="json", include={"facts", "sentence", "warnings"})
    keep_json(_file(checked.key), {"file": None if file is None else _described(file), **content})


def check_networks(
    keys: Sequence[NetworkKey], begun: Callable[[subprocess.Popen[bytes]], None] = lambda process: None
) -> list[CheckedNetwork]:
    """Checks networks in a separate process, which takes seconds and caches its results.

    `begun` receives the process. If it is killed, the answers so far are returned. Raises `OSError` if no process can
    be started.
    """
    pipe = subprocess.PIPE
    with subprocess.Popen(_COMMAND, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as process:
        begun(process)
        answers, _ = process.communicate("".join(f"{key.model_dump_json()}\n" for key in keys).encode())
    return [
        CheckedNetwork.model_validate_json(line) for line in answers.splitlines(keepends=True) if line[-1:] == b"\n"
    ]


def _described(file: Path) -> dict[str, Any]:
    found = file.stat()
    return {"path": str(file), "bytes": found.st_size, "mtime_ns": found.st_mtime_ns, "inode": found.st_ino}


def _file(key: NetworkKey) -> Path:
    # Machines may share a home folder.
    places = map(os.environ.get, _PLACES if key.init in (IMAGENET, PRETRAINED) else ())
    parts = [
        _CHECKING,
        socket.gethostname(),
        *places,
        key.model_dump(),
        *library_versions(),
        timm_version(key.backbone),
    ]
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode("utf-8", "surrogateescape"))
    return cache_folder() / "networks" / f"{digest.hexdigest()[:32]}.network"
