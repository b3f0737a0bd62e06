"""Whether there is a CUDA device, found out without torch where the answer is no."""

import sys
from pathlib import Path

_DRIVERS = (Path("/dev/nvidiactl"), Path("/dev/dxg"), Path("/proc/driver/nvidia"), Path("/dev/nvmap"), Path("/dev/kfd"))


def cuda_available() -> bool:
    """Whether torch can compute on a CUDA device. Importing torch takes seconds: on Linux it is only asked where a
    driver for GPUs (NVIDIA's, WSL's, Tegra's or AMD's) is there."""
    if sys.platform == "linux" and not any(path.exists() for path in _DRIVERS):
        return False
    import torch

    return torch.cuda.is_available()
