"""Returns memory that a run no longer needs to the system and to other users of the GPU."""

import ctypes
import gc
import sys
from contextlib import suppress


def release_memory() -> None:
    """Frees everything that nothing refers to any more.

    By itself, torch keeps the GPU memory that it once had, and glibc the blocks of its heap, which would count in the
    peak of the next run of this process.
    """
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
