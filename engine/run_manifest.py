"""The manifest of a run: the versions, machine, data and weights that decide its result, besides its config."""

import os
import platform
import socket
from collections.abc import Mapping
from dataclasses import asdict
from importlib import metadata
from typing import Any

import torch

from engine.config import RunConfig
from engine.data.dataset import Dataset
from engine.device import Placement
from engine.library_versions import timm_version
from engine.models import AgeModel, LoadReport

LIBRARIES = ("ageui", "torch", "torchvision", "numpy", "pandas", "pillow", "dlib-bin")
_DECISIVE = ("device", "instructions", "dtype", "threads", "host")


def versions() -> dict[str, str]:
    """Installed versions of the libraries that decide a result, without libraries not installed as packages."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def run_manifest(
    config: RunConfig, revision: int, dataset: Dataset, placement: Placement, model: AgeModel, report: LoadReport
) -> dict[str, Any]:
    """The facts of an attempt, ready for JSON. Results are bit-identical only if these are equal.

    Parameters
    ----------
    config, revision, dataset
        The run, the revision of its recipe, and its data.
    placement
        Its device and arithmetic.
    model, report
        Its network, and the origin of the first weights.
    """
    return {
        "versions": versions() | ({"timm": timm} if (timm := timm_version(config.backbone)) else {}),
        "recipe": revision,
        "host": socket.gethostname(),
        "platform": platform.platform(),
        "device": placement.device_name,
        "device_type": placement.device.type,
        "instructions": torch.backends.cpu.get_cpu_capability() if placement.device.type == "cpu" else None,
        "dtype": placement.dtype_name,
        "placement": placement.reason,
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "data": {"name": dataset.name, "hash": dataset.content_hash, "splits": dataset.splits()},
        "left_out": len(dataset.problems),
        "faceless": dataset.faceless,
        "backbone_parameters": sum(parameter.numel() for parameter in model.backbone.parameters()),
        "head_parameters": sum(parameter.numel() for parameter in model.head.parameters()),
        "features": model.feature_count,
        "weights": asdict(report),
        "last_batch": config.last_batch,
        "scored_weights": config.keep,
    }


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The facts that decide figures and differ between two attempts at a run.

    Examples
    --------
    >>> differences({"threads": 2, "versions": {}}, {"threads": 1, "versions": {}})
    ['threads 2 → 1']
    """
    pairs: list[tuple[str, Any, Any]] = [(name, before.get(name), now.get(name)) for name in _DECISIVE]
    old, new = before.get("versions", {}), now.get("versions", {})
    pairs += [(name, old.get(name), new.get(name)) for name in sorted({*old, *new})]
    return [f"{name} {a} → {b}" for name, a, b in pairs if a is not None and a != b]
