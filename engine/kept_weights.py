"""The kept weights of a run, as safetensors with the config needed to use them again."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save
from torch import Tensor

from engine.config import RunConfig, build_config
from engine.errors import ConfigError, DataError
from engine.files import SavedFile, read_verified, write_for_run
from engine.pretraining import pretraining_note

_PRETRAINING: Final = "pretraining"
_MOST_CHARACTERS: Final = 1000


def weights_file(attempt: int) -> str:
    """The file name of an attempt's kept weights.

    Each attempt has its own file, so that an attempt wrongly taken for dead cannot overwrite the weights of the next.
    """
    return f"weights-{attempt}.safetensors"


def save_weights(
    state: Mapping[str, Tensor], config: RunConfig, path: Path, pretraining: str | None = None
) -> SavedFile:
    """Writes an `AgeModel`'s state and config to `path`, atomically and flushed to the disk.

    `pretraining` is the sentence of `engine.pretraining` about the run's first weights, which the file passes on to
    runs that start from it. Raises `DiskFullError` or `RunFailedError`; an earlier file stays intact.
    """
    content = weights_content(state, config, pretraining)
    return write_for_run(path, lambda stream: stream.write(content), f"weights ({len(content):,} bytes)")


def weights_content(state: Mapping[str, Tensor], config: RunConfig, pretraining: str | None = None) -> bytes:
    """The bytes of such a file.

    Equal weights and configs give equal bytes: safetensors writes metadata entries in random order, so the config is
    the only entry and holds the sentence about pretraining.
    """
    known = {} if pretraining is None else {_PRETRAINING: pretraining}
    metadata = {"config": json.dumps({**config.model_dump(mode="json"), **known})}
    return save({name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}, metadata)


def load_weights(path: Path, sha256: str | None = None) -> tuple[dict[str, Tensor], RunConfig]:
    """The state and config in a file that `save_weights` wrote.

    Raises `DataError` if the file is missing or damaged, or if its hash differs from `sha256`.
    """
    content = read_verified(path, sha256)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        state = load(content)
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} cannot be read as weights: {error}") from error
    try:
        config = dict(json.loads(metadata["config"]))
        config.pop(_PRETRAINING, None)
        return state, build_config(config)
    except (KeyError, ValueError, TypeError, RecursionError, ConfigError) as error:
        raise DataError(
            f"{path} does not hold weights of an ageui run; create such a file with: ageui export RUN --weights FILE"
        ) from error


def stored_pretraining(content: bytes) -> str | None:
    """The sentence in a safetensors file about the images behind a run's first weights; None for other files.

    Accepts only printable text of moderate length, since anyone may have written the file.
    """
    try:
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        config: dict[str, Any] = dict(json.loads(header["__metadata__"]["config"]))
    except (KeyError, ValueError, TypeError, RecursionError):
        return None
    stored = config.get(_PRETRAINING)
    if isinstance(stored, str) and stored.isprintable() and 0 < len(stored) <= _MOST_CHARACTERS:
        return stored
    return pretraining_note(config.get("backbone"), config.get("init"))
