"""Chooses the device and arithmetic of a run, once, with the reason."""

import os
import platform
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from engine.config import RunConfig
from engine.errors import DeviceError

_MULTIPLICATIONS_FOR_ONE_THREAD = 40_000_000


@dataclass(frozen=True)
class Placement:
    """The device and arithmetic of a run, and the reason for them; `where` names the device only.

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


def place(config: RunConfig, given: str | None = None) -> Placement:
    """Chooses device and dtype and sets determinism for the process.

    Parameters
    ----------
    config
        Its `device`, `precision` and `deterministic` decide.
    given
        The device of the run's worker, which replaces the config's `auto` or `cuda`.

    Raises
    ------
    DeviceError
        For a device that this machine lacks.
    """
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # the order of NVML, which reports free memory
    device, device_reason = _device(config.device)
    if given is not None and _device(given)[0] != device:
        device, device_reason = _device(given)[0], "its worker's"
    dtype, dtype_reason = _dtype(config.precision, device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else cpu_name()
    # CUDA reads this once, at its start. A later run of this process may be deterministic even if this one is not.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(config.deterministic)
    # By default, torch fills new memory, to expose reads of memory that was never written.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = not config.deterministic
    where = f"{device} ({device_reason})"
    return Placement(device, name, dtype, where, f"{where}, {dtype_reason}")


@contextmanager
def threads_for(multiplications: int, device: torch.device) -> Iterator[None]:
    """Inside, a processor uses one thread if a step has this few multiplications.

    Several threads would wait for each other for longer than they compute, and a hundred times as long on a busy
    machine, where one of them loses its turn.
    """
    before = torch.get_num_threads()
    if device.type == "cpu" and multiplications < _MULTIPLICATIONS_FOR_ONE_THREAD:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def upload(values: Tensor, device: torch.device) -> Tensor:
    """Moves `values` from the host to the device. A GPU copies them when it gets there: the host does not wait."""
    if device.type != "cuda":
        return values.to(device)
    return values.pin_memory().to(device, non_blocking=True)


def cpu_name() -> str:
    """The processor's model name, if the platform tells it."""
    return _cpu_info("model name") or platform.processor() or platform.machine()


def _device(wanted: str) -> tuple[torch.device, str]:
    if wanted == "cpu":
        return torch.device("cpu"), "asked for"
    if not torch.cuda.is_available():
        if wanted == "auto":
            return torch.device("cpu"), "no CUDA device found"
        raise DeviceError(f"--device {wanted}: torch finds no CUDA device here; use --device cpu, or see ageui doctor")
    index = int(wanted.partition(":")[2] or 0)
    if index >= torch.cuda.device_count():
        raise DeviceError(f"--device {wanted}: there are {torch.cuda.device_count()} CUDA devices, counted from 0")
    return torch.device("cuda", index), "found" if wanted == "auto" else "asked for"


def _dtype(wanted: str, device: torch.device) -> tuple[torch.dtype, str]:
    if wanted != "auto":
        return (torch.bfloat16 if wanted == "bf16" else torch.float32), f"{wanted} (asked for)"
    if device.type == "cuda":
        with torch.cuda.device(device):
            has_bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
        if has_bf16:
            return torch.bfloat16, "bf16 (the GPU has it)"
        return torch.float32, "fp32 (the GPU has no bf16)"
    found = _cpu_flags() & {"amx_bf16", "avx512_bf16"}
    if found:
        return torch.bfloat16, f"bf16 (the processor has {' and '.join(sorted(found))})"
    return torch.float32, "fp32 (the processor has no bf16 arithmetic)"


def _cpu_flags() -> set[str]:
    return set(_cpu_info("flags").split())


def _cpu_info(field: str) -> str:
    """A field of the first processor in /proc/cpuinfo; empty if the system has none."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(field)), "")
