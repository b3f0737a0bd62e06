"""What the machine can do at most, and what the networks ask of it."""

import os
import platform
import time
from collections.abc import Callable
from typing import Any

import torch
import torchvision
from peers.loading import device
from torch.utils.flop_counter import FlopCounterMode

from engine.arithmetic import cpu_name
from engine.config import build_config
from engine.models import build_model

REPEATS = 5


def describe(networks: list[tuple[str, int]]) -> dict[str, Any]:
    """Names and versions, measured limits, and the FLOPs of one image trained by each network (backbone, size)."""
    return {
        **identity(),
        "limits": limits(),
        "training_gflop_per_image": {f"{backbone} {size}": _gflop(backbone, size) for backbone, size in networks},
    }


def identity() -> dict[str, Any]:
    """Names and versions."""
    return {
        "device": torch.cuda.get_device_name() if device().type == "cuda" else cpu_name(),
        "device_type": device().type,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "torchvision": torchvision.__version__,
        },
    }


def limits() -> dict[str, float]:
    """How fast the device multiplies and copies at most, measured."""
    return {
        "fp32_gflops": _matrix_product_gflops(torch.float32),
        "bf16_gflops": _matrix_product_gflops(torch.bfloat16),
        "copy_gigabytes_per_second": _copy_gigabytes_per_second(),
    }


def _matrix_product_gflops(dtype: torch.dtype) -> float:
    """Of the best of 5 square products. On CUDA fp32 is TF32, in which cuDNN's convolutions compute unless told."""
    torch.backends.cuda.matmul.allow_tf32 = True
    side = 8192 if device().type == "cuda" else 2048
    one, other = (torch.randn(side, side, device=device()).to(dtype) for _ in range(2))
    return 2 * side**3 / _best_seconds(lambda: torch.mm(one, other)) / 1e9


def _copy_gigabytes_per_second() -> float:
    """Bytes read and written, of a copy of 512 MB."""
    source = torch.ones(2**27, device=device())
    target = torch.empty_like(source)
    return 2 * source.nbytes / _best_seconds(lambda: target.copy_(source)) / 1e9


def _best_seconds(work: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS + 2):
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        begin = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter() - begin)
    return min(times[2:])


def _gflop(backbone: str, size: int) -> float:
    """Forward and backward of one image, 2 FLOP per multiplication and addition, convolutions and products only."""
    model, _ = build_model(build_config({"backbone": backbone, "size": size, "strategy": "scratch"}), 1)
    images = torch.randn(2, 3, size, size)
    with FlopCounterMode(display=False) as counter:
        model(images).sum().backward()
    return float(counter.get_total_flops()) / len(images) / 1e9
