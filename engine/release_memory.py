"""Returns unused memory after a run to the system and to other users of the GPU."""

import ctypes
import gc
import sys
from contextlib import suppress


def release_memory() -> None:
    """Frees all unreferenced memory.

    By default, torch keeps GPU memory once reserved, and glibc keeps the blocks of its heap, which would count in the
    peak of this process's next run.
    """
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
