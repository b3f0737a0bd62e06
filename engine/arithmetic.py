"""The rule that chooses the arithmetic of a run on a processor: bf16 or fp32. Needs no torch.

A processor with bf16 instructions multiplies matrices about twice as fast in bf16. Other processors emulate it, several
times slower than fp32. Depthwise convolutions (MobileNet, EfficientNet) can take twice as long in bf16 even with these
instructions. The rule depends on the processor and the network alone, never on a clock, so that equal runs compute
alike, however busy the machine is.
"""

import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

from engine.backbone_names import has_depthwise_convolutions
from engine.choices import Precision
from engine.config import RunConfig
from engine.cuda import cuda_available

BF16_FLAGS: Final = ("amx_bf16", "avx512_bf16")
"""The flags in /proc/cpuinfo of processors with bf16 arithmetic."""


@dataclass(frozen=True)
class Arithmetic:
    """An arithmetic and the reason for it."""

    name: Literal["fp32", "bf16"]
    reason: str


def cpu_arithmetic(backbone: str) -> Arithmetic:
    """The arithmetic of `precision=auto` on this machine's processor; fp32 if the system does not list its flags."""
    found = " and ".join(flag for flag in BF16_FLAGS if flag in cpu_flags())
    if not found:
        return Arithmetic("fp32", "the processor has no bf16 arithmetic")
    if has_depthwise_convolutions(backbone):
        return Arithmetic("fp32", f"the processor has {found}, but depthwise convolutions, as in {backbone}, are slow")
    return Arithmetic("bf16", f"the processor has {found}")


def settled_precision(backbone: str, device: str) -> Precision:
    """The arithmetic of `precision=auto` on this machine; `auto` for a GPU, which is asked when the run starts."""
    on_cpu = device == "cpu" or (device == "auto" and not cuda_available())
    return cpu_arithmetic(backbone).name if on_cpu else "auto"


def settled(config: RunConfig) -> RunConfig:
    """The config with its `settled_precision`."""
    if config.precision != "auto":
        return config
    return config.model_copy(update={"precision": settled_precision(config.backbone, config.device)})


def spellings(config: RunConfig) -> tuple[RunConfig, ...]:
    """The config and its equivalent here: on this machine, `auto` and the arithmetic it settles to compute alike."""
    auto = config.model_copy(update={"precision": "auto"})
    both = (auto, settled(auto))
    return both if config in both else (config,)


@cache
def cpu_flags() -> frozenset[str]:
    """The instruction sets that /proc/cpuinfo lists; empty if the system has none."""
    return frozenset(cpu_info("flags").split())


@cache
def cpu_name() -> str:
    """The processor's model name, if the platform reports it."""
    return cpu_info("model name") or platform.processor() or platform.machine()


def cpu_info(field: str) -> str:
    """A field of the first processor in /proc/cpuinfo; empty if the system has none."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(field)), "")
