"""Chooses the device and arithmetic of a run once, with the reason."""

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from engine.arithmetic import cpu_arithmetic, cpu_name
from engine.config import RunConfig
from engine.counted import counted
from engine.errors import DeviceError

_MULTIPLICATIONS_FOR_ONE_THREAD = 40_000_000
_PIXELS_FOR_ONE_THREAD = 50_000


@dataclass(frozen=True)
class Placement:
    """The device and arithmetic of a run, and the reason for both; `where` names the device only.

    Under bf16, the backbone runs in autocast; head and loss stay in fp32.
    """

    device: torch.device
    device_name: str
    dtype: torch.dtype
    where: str
    reason: str

    def autocast(self) -> AbstractContextManager[None]:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.dtype is torch.bfloat16)

    @property
    def dtype_name(self) -> str:
        return "bf16" if self.dtype is torch.bfloat16 else "fp32"


def choose_placement(config: RunConfig, given: str | None = None, before: Mapping[str, Any] | None = None) -> Placement:
    """Chooses device and dtype, and changes nothing in the process.

    Parameters
    ----------
    config
        `device`, `precision` and `backbone` count.
    given
        The device of the run's worker, which replaces the config's `auto` or `cuda`.
    before
        The manifest of a resumed run, which keeps its arithmetic; None for a new run.

    Raises
    ------
    DeviceError
        If this machine lacks the device.
    """
    device, device_reason = _device(config.device)
    if given is not None and _device(given)[0] != device:
        device, device_reason = _device(given)[0], "its worker's"
    dtype, dtype_reason = _dtype(config, device, before or {})
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else cpu_name()
    where = f"{device} ({device_reason})"
    return Placement(device, name, dtype, where, f"{where}, {dtype_reason}")


def place(config: RunConfig, given: str | None = None, before: Mapping[str, Any] | None = None) -> Placement:
    """Chooses device and dtype as `choose_placement` does, and sets determinism for the process."""
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # the order of NVML, which reports free memory
    placement = choose_placement(config, given, before)
    # CUDA reads this once, at its start. A later run of this process may be deterministic even if this run is not.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    _set_determinism(config)
    # By default, torch fills new memory to expose reads of uninitialised memory.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = not config.deterministic
    return placement


def _set_determinism(config: RunConfig) -> None:
    if config.compile:
        torch.use_deterministic_algorithms(config.deterministic)
    else:  # the same, without importing torch's compiler, which takes as long as torch itself
        torch.set_deterministic_debug_mode("error" if config.deterministic else "default")


@contextmanager
def threads_for(config: RunConfig, head_parameters: int | None, device: torch.device) -> Iterator[None]:
    """Limits a processor to one thread while small train steps run.

    Several threads would wait for each other longer than they compute. Beside another program, which takes turns from
    them, they wait even longer: 1,400 images per second become 50.

    Parameters
    ----------
    head_parameters
        The number of parameters of a head that trains on features; None for images.
    """
    if head_parameters is None:
        is_small = config.batch * config.size**2 < _PIXELS_FOR_ONE_THREAD
    else:
        is_small = config.batch * head_parameters < _MULTIPLICATIONS_FOR_ONE_THREAD
    before = torch.get_num_threads()
    if device.type == "cpu" and is_small:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def upload(values: Tensor, device: torch.device) -> Tensor:
    """Moves `values` from the host to the device. The host does not wait for a GPU's copy."""
    if device.type != "cuda":
        return values.to(device)
    return values.pin_memory().to(device, non_blocking=True)


def _device(wanted: str) -> tuple[torch.device, str]:
    if wanted == "cpu":
        return torch.device("cpu"), "requested"
    if not torch.cuda.is_available():
        if wanted == "auto":
            return torch.device("cpu"), "no CUDA device found"
        raise DeviceError(f"--device {wanted}: torch finds no CUDA device; use --device cpu, or see ageui doctor")
    index = int(wanted.partition(":")[2] or 0)
    if index >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        names = " or ".join(f"cuda:{number}" for number in range(count))
        raise DeviceError(f"--device {wanted}: this machine has {counted(count, 'CUDA device')}; choose {names}")
    return torch.device("cuda", index), "found" if wanted == "auto" else "requested"


def _dtype(config: RunConfig, device: torch.device, before: Mapping[str, Any]) -> tuple[torch.dtype, str]:
    name, reason = _arithmetic(config, device, before)
    return (torch.bfloat16 if name == "bf16" else torch.float32), f"{name} ({reason})"


def _arithmetic(config: RunConfig, device: torch.device, before: Mapping[str, Any]) -> tuple[str, str]:
    """The arithmetic, and the reason for it."""
    if config.precision != "auto":
        return config.precision, "from the config"
    if device.type == "cuda":
        with torch.cuda.device(device):
            has_bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
        return ("bf16", "the GPU supports it") if has_bf16 else ("fp32", "the GPU lacks bf16")
    if before.get("device_type") == "cpu" and before.get("dtype") in ("fp32", "bf16"):
        return before["dtype"], "as when the run began"
    found = cpu_arithmetic(config.backbone)
    return found.name, found.reason
