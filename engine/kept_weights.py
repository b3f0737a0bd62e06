"""The kept weights of a run, as safetensors with the config that is needed to use them again."""

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save
from torch import Tensor

from engine.config import RunConfig, build_config
from engine.errors import ConfigError, DataError
from engine.files import SavedFile, read_verified, write_for_run


def weights_file(attempt: int) -> str:
    """The file name of an attempt's kept weights.

    Each attempt has its own, so that one given up as dead that still lives cannot overwrite those of the next.
    """
    return f"weights-{attempt}.safetensors"


def save_weights(state: Mapping[str, Tensor], config: RunConfig, path: Path) -> SavedFile:
    """Writes an `AgeModel`'s state and its config to `path`, atomically, and flushes them to the disk.

    Equal weights and configs give equal files: safetensors writes several metadata entries in random order, so the
    config is the only one. Raises `DiskFullError` or `RunFailedError`; an earlier file stays whole.
    """
    metadata = {"config": json.dumps(config.model_dump(mode="json"))}
    content = save({name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}, metadata)
    return write_for_run(path, lambda stream: stream.write(content), f"weights ({len(content):,} bytes)")


def load_weights(path: Path, sha256: str | None = None) -> tuple[dict[str, Tensor], RunConfig]:
    """State and config of a file that `save_weights` wrote.

    Raises `DataError` for a file that is missing, damaged, or not the one that `sha256` names.
    """
    content = read_verified(path, sha256)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        state = load(content)
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} cannot be read as weights: {error}") from error
    try:
        return state, build_config(json.loads(metadata["config"]))
    except (KeyError, ValueError, RecursionError, ConfigError) as error:
        raise DataError(
            f"{path} holds no weights of an ageui run; make such a file with: ageui export RUN --weights FILE"
        ) from error
