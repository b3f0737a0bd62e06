"""Weights on disk: written whole or not at all, as safetensors with what is needed to use them again."""

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save
from torch import Tensor

from engine.config import RunConfig, build_config
from engine.errors import DataError, RunFailedError

FORMAT = "ageui-weights-1"


@dataclass(frozen=True)
class SavedFile:
    path: Path
    sha256: str
    bytes: int


def save_weights(state: dict[str, Tensor], config: RunConfig, path: Path) -> SavedFile:
    """Writes an `AgeModel`'s state and its config to `path`, atomically and flushed to the disk.

    Raises `RunFailedError` where the disk is full or cannot be written; a file that was there before then stays whole.
    """
    metadata = {"format": FORMAT, "config": json.dumps(config.model_dump(mode="json"))}
    content = save({name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}, metadata)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    except OSError as error:
        raise RunFailedError(
            f"the weights ({len(content):,} bytes) could not be written to {path}: {error.strerror}; "
            "free some space or choose another folder with --db, then run again"
        ) from error
    return SavedFile(path, hashlib.sha256(content).hexdigest(), len(content))


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
    if metadata.get("format") != FORMAT:
        raise DataError(
            f"{path} holds no weights of an ageui run; make such a file with: ageui export RUN --weights FILE"
        )
    return state, build_config(json.loads(metadata["config"]))


def read_verified(path: Path, sha256: str | None) -> bytes:
    """A file's content. Raises `DataError` where it is missing or its SHA-256 is not the one given."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path} is missing: the run's weights were moved or deleted; train it again") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        raise DataError(f"{path} is not the file that was written for this run (its SHA-256 differs); train it again")
    return content


def write_atomically(path: Path, content: bytes) -> None:
    """`content` under `path`, complete or not there, on the disk when this returns."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", suffix=".part", delete=False) as part:
        try:
            part.write(content)
            part.flush()
            os.fsync(part.fileno())
            os.replace(part.name, path)
        except BaseException:
            os.unlink(part.name)
            raise
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def snapshot(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A copy of a state on the CPU that later training cannot change."""
    return {name: tensor.detach().to("cpu", copy=True) for name, tensor in state.items()}
