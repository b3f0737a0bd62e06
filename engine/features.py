"""Features of a frozen backbone, computed once and cached on disk for all runs that need the same."""

import hashlib
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from engine.augment import FLIP
from engine.cache import features_limit, keep_file, mark_used, shared_entry, trim
from engine.config import RunConfig
from engine.data.dataset import Dataset
from engine.device import Placement
from engine.library_versions import timm_version
from engine.light_torchvision import torchvision
from engine.model_inputs import EVALUATION_BATCH, ImageInputs, Rows
from engine.models import AgeModel

FEATURES_BATCH = EVALUATION_BATCH // 4
# Part of every key: raise it when the files change.
_FORMAT = 2


def feature_key(model: AgeModel, dataset: Dataset, rows: Rows, config: RunConfig, placement: Placement) -> str:
    """A hash (32 hex digits) of everything that decides features: pixels, rows, backbone, weights, arithmetic.

    Parameters
    ----------
    model
        The network, with the backbone's weights.
    dataset, rows
        The data set, its rows and their kinds of copies.
    config, placement
        The backbone's name and epsilon, the augmentation with its seed, and the arithmetic.
    """
    digest = hashlib.sha256()
    for part in (dataset.pixels_key, config.backbone, *_arithmetic(config, placement)):
        digest.update(part.encode() + b"\0")
    if timm := timm_version(config.backbone):
        # timm decides the normalisation, too.
        digest.update(f"timm {timm}".encode())
    if config.bn_epsilon is not None:
        digest.update(f"epsilon {config.bn_epsilon}".encode())
    if (rows.kinds > FLIP).any():
        digest.update(f"{config.augment} {config.seed}".encode())
    digest.update(dataset.frame["pixel"].to_numpy()[rows.positions].tobytes())
    digest.update(rows.positions.tobytes() if rows.kinds.any() else b"")
    digest.update(rows.kinds.tobytes())
    for name, tensor in model.backbone.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:32]


def _arithmetic(config: RunConfig, placement: Placement) -> Iterator[str]:
    """Everything that decides the last digits of a network's output, besides its weights and input.

    On a processor, this includes the number of threads, which decides the order of sums over a small last block.
    """
    yield from (placement.dtype_name, placement.device.type, placement.device_name)
    yield f"format {_FORMAT}, blocks of {FEATURES_BATCH}, deterministic {config.deterministic}"
    yield f"torch {torch.__version__}, torchvision {torchvision.__version__}"
    if placement.device.type == "cpu":
        yield f"{torch.backends.cpu.get_cpu_capability()}, {torch.get_num_threads()} threads"


def frozen_features(
    model: AgeModel,
    images: ImageInputs,
    rows: Rows,
    key: str,
    cache: Path,
    each: Callable[[int, int], None],
    warn: Callable[[str], None],
) -> Tensor:
    """Features of the rows, from the cache or newly computed and cached.

    Two processes that need the same features compute them once. Damaged files are recomputed. A cache that cannot be
    written merely costs the next run time. A cache that exceeds its limit drops the least recently used features.

    Parameters
    ----------
    model
        The network, with a frozen backbone.
    images
        Pixels of the rows.
    rows
        R rows and their kinds of copies.
    key
        The `feature_key`.
    cache
        Cache folder of the user.
    each
        Called with the numbers of finished and of all rows.
    warn
        Called with a sentence about each damaged file.

    Returns
    -------
    Tensor
        Shape (R, F), fp32, on the CPU.
    """
    folder = cache / "features"
    path = folder / f"{key}.safetensors"
    limit = features_limit()
    with shared_entry(cache, "features", key):
        found = _read(path, len(rows.positions))
        if found is not None:
            mark_used(path)
            return found
        if path.exists():
            warn(f"the cached features in {path} are damaged: computing them again")
        features = _compute(model, images, rows, each)
        keep_file(path, save({"features": features.contiguous()}, {"crc32": _crc32(features)}))
    with suppress(OSError):
        trim(folder, limit, kept=path)
    return features


def _compute(model: AgeModel, images: ImageInputs, rows: Rows, each: Callable[[int, int], None]) -> Tensor:
    model.eval()
    parts, done, total = [], 0, len(rows.positions)
    with torch.no_grad(), closing(images.batches(list(rows.blocks(FEATURES_BATCH)))) as batches:
        for batch in batches:
            parts.append(images.fixed_features(model, batch).cpu())
            done += len(batch.rows.positions)
            each(done, total)
    return torch.cat(parts)


def _read(path: Path, count: int) -> Tensor | None:
    """The features in a file; None if it is missing or was not written by `frozen_features`."""
    try:
        with safe_open(path, "pt") as file:
            features: Tensor = file.get_tensor("features")
            expected = (file.metadata() or {}).get("crc32")
    except (OSError, SafetensorError):
        return None
    return features if len(features) == count and _crc32(features) == expected else None


def _crc32(features: Tensor) -> str:
    return f"{zlib.crc32(features.contiguous().numpy().data):08x}"
