"""Whether this machine has a CUDA device, without torch if the answer is no."""

import subprocess
import sys
from functools import cache
from pathlib import Path

_DRIVERS = (Path("/dev/nvidiactl"), Path("/dev/dxg"), Path("/proc/driver/nvidia"), Path("/dev/nvmap"), Path("/dev/kfd"))
_QUESTION = "import torch; print(torch.cuda.is_available())"
_SECONDS_TO_ANSWER = 120.0


def cuda_available() -> bool:
    """Whether torch can compute on a CUDA device.

    Importing torch takes seconds and hundreds of megabytes. On Linux, torch is asked only if a driver for GPUs exists
    (NVIDIA's, WSL's, Tegra's or AMD's): once, in a separate process unless this process has imported torch anyway.
    """
    if sys.platform == "linux" and not any(path.exists() for path in _DRIVERS):
        return False
    torch = sys.modules.get("torch")
    return bool(torch.cuda.is_available()) if torch is not None else _asked_elsewhere()


@cache
def _asked_elsewhere() -> bool:
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _QUESTION],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS_TO_ANSWER,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.stdout.strip() == b"True"
