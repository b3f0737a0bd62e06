"""Measures whether a processor is faster in fp32 or bf16.

A processor with bf16 multiplies matrices several times faster in it, but not all networks consist of matrices: with
depthwise convolutions (MobileNet, EfficientNet), a step can take twice as long as in fp32.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from engine.cache import keep_file, shared_entry
from engine.config import RunConfig
from engine.data.manifest import Progress
from engine.device import Placement
from engine.model_inputs import backbone_features
from engine.models import AgeModel, build_model

_WORTH_IT = 0.95
_PIXELS = 4 * 224 * 224
_REPEATS = 3
_SECONDS = 4.0


@dataclass(frozen=True)
class ArithmeticTimes:
    """The shortest time of the backbone's train step, or of its forward pass if it never trains, in seconds."""

    fp32: float
    bf16: float

    @property
    def bf16_is_faster(self) -> bool:
        return self.bf16 < _WORTH_IT * self.fp32


def choose_arithmetic(
    placement: Placement,
    config: RunConfig,
    cache: Path,
    *,
    before: Mapping[str, Any] | None = None,
    progress: Progress = lambda what, done, total: None,
) -> Placement:
    """The placement with its final arithmetic, if the config leaves it open and the processor has bf16.

    Parameters
    ----------
    placement
        The device and the arithmetic that it supports.
    config
        Its `precision` decides whether anything is chosen; the network and its batch are timed.
    cache
        Keeps measured times, so that equal runs on one machine compute alike.
    before
        The manifest of a resumed run, which computes as before; None for a new run.
    progress
        Called with the work in progress, the number of finished repeats and of all repeats.
    """
    if config.precision != "auto" or placement.device.type != "cpu":
        return placement
    if before is not None and before.get("device_type") == "cpu" and before.get("dtype") in ("fp32", "bf16"):
        dtype = torch.bfloat16 if before["dtype"] == "bf16" else torch.float32
        return replace(placement, dtype=dtype, reason=f"{placement.where}, {before['dtype']} (as when the run began)")
    if placement.dtype is not torch.bfloat16:
        return placement
    found = _remembered(placement, config, cache, lambda: time_arithmetic(placement, config, progress))
    took = f"here it takes {found.bf16 / found.fp32:.2f} times as long as fp32 with {config.backbone}"
    if found.bf16_is_faster:
        return replace(placement, reason=f"{placement.where}, bf16 ({took})")
    return replace(placement, dtype=torch.float32, reason=f"{placement.where}, fp32 (bf16: {took})")


def time_arithmetic(placement: Placement, config: RunConfig, progress: Progress) -> ArithmeticTimes:
    """Times both arithmetics in turn, on a few images and with random weights."""
    model, _ = build_model(config.model_copy(update={"init": "random"}), 1)
    model.to(memory_format=torch.channels_last)
    model.set_training_stage(train_backbone=config.trains_backbone, bn=config.bn)
    images = torch.rand((_batch(config), 3, config.size, config.size), generator=torch.Generator().manual_seed(0))
    ways = [replace(placement, dtype=dtype) for dtype in (torch.float32, torch.bfloat16)]
    for way in ways:
        _step(model, images, way)
    shortest = [float("inf"), float("inf")]
    begin = time.monotonic()
    for repeat in range(_REPEATS):
        progress("measuring arithmetic", repeat, _REPEATS)
        for index, way in enumerate(ways):
            before = time.perf_counter()
            _step(model, images, way)
            shortest[index] = min(shortest[index], time.perf_counter() - before)
        if time.monotonic() - begin > _SECONDS:
            break
    progress("measuring arithmetic", _REPEATS, _REPEATS)
    return ArithmeticTimes(*shortest)


def _step(model: AgeModel, images: torch.Tensor, way: Placement) -> None:
    model.train()
    with torch.set_grad_enabled(_is_trained(model)):
        output = model.score(backbone_features(model, images, way)).mean()
    if output.requires_grad:
        output.backward()  # type: ignore[no-untyped-call]
        model.zero_grad(set_to_none=True)


def _is_trained(model: AgeModel) -> bool:
    return any(parameter.requires_grad for parameter in model.backbone.parameters())


def _batch(config: RunConfig) -> int:
    return min(config.batch, max(2, _PIXELS // config.size**2))


def _remembered(
    placement: Placement, config: RunConfig, cache: Path, find_out: Callable[[], ArithmeticTimes]
) -> ArithmeticTimes:
    depends_on = {
        "backbone": config.backbone,
        "size": config.size,
        "batch": _batch(config),
        "trains": config.trains_backbone,
        "bn": config.bn,
        "processor": placement.device_name,
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "deterministic": config.deterministic,
        "torch": torch.__version__,
    }
    name = hashlib.sha256(json.dumps(depends_on, sort_keys=True).encode()).hexdigest()[:32]
    path = cache / "arithmetic" / f"{name}.json"
    with shared_entry(path.parent, name):
        known = _read(path)
        if known is None:
            known = find_out()
            keep_file(path, json.dumps({**depends_on, **asdict(known)}).encode())
    return known


def _read(path: Path) -> ArithmeticTimes | None:
    try:
        found = json.loads(path.read_text())
        return ArithmeticTimes(float(found["fp32"]), float(found["bf16"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
