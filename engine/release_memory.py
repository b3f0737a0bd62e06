"""Memory that a run no longer needs, given back to the system and to others on the GPU."""

import ctypes
import gc
import sys
from contextlib import suppress


def release_memory() -> None:
    """Frees what nothing refers to any more. torch alone would keep what it once had on a GPU, and glibc the blocks of
    its heap, which would count in the peak of whatever this process does next."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
