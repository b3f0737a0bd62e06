"""Where a batch's pixels come from: mapped from the disk, held on the device, or streamed to it ahead of time.

All three give the same bits.
"""

from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Final, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.device import upload
from engine.limits import gpu_pixels_limit

BATCHES_AHEAD: Final = 4
LOADERS: Final = 2
_UPLOAD_BLOCK: Final = 64

Places = NDArray[np.int64]
"""Places (B,) of images in a data set's array of pixels."""


class PixelSource(Protocol):
    """`device_bytes` are those that it holds on the device for as long as it lives; `note` tells of its choice."""

    device_bytes: int
    note: str | None

    def blocks(self, batches: Sequence[Places]) -> Generator[Tensor]:
        """The pixels (B, S, S, 3) uint8 of each batch in turn, on the device. To be closed where it is left early."""


def choose_source(
    pixels: NDArray[np.uint8], used: Places, device: torch.device, limit_bytes: int | None = None
) -> PixelSource:
    """The source for a run that uses the places `used` of `pixels` (N, S, S, 3).

    On a GPU pixels of up to `limit_bytes` are held there, by default a share of its free memory, and more are streamed.
    On a processor they are mapped from the disk, unless a limit is given. Raises `ConfigError` for an environment
    variable that is no limit.
    """
    why = "the limit that was set"
    if limit_bytes is None:
        if device.type == "cpu":
            return MappedPixels(pixels)
        limit_bytes, why = gpu_pixels_limit(torch.cuda.mem_get_info(device)[0])
    needed = len(used) * pixels[:1].nbytes
    if needed <= limit_bytes:
        return ResidentPixels(pixels, used, device)
    sizes = f"they would take {needed / 1e9:.1f} GB there, and {why} is {limit_bytes / 1e9:.1f} GB"
    return StreamedPixels(pixels, device, f"pixels are streamed to {device}: {sizes}")


class MappedPixels:
    """Read from the memory-mapped array when they are needed, for a device that computes in the same memory."""

    device_bytes = 0
    note: str | None = None

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self._pixels = pixels

    def blocks(self, batches: Sequence[Places]) -> Generator[Tensor]:
        for places in batches:
            block = torch.from_numpy(np.empty((len(places), *self._pixels.shape[1:]), dtype=np.uint8))
            _gather(self._pixels, places, block)
            yield block


class ResidentPixels:
    """Copied to the device once, when first needed, and taken from there by index."""

    note: str | None = None

    def __init__(self, pixels: NDArray[np.uint8], used: Places, device: torch.device) -> None:
        self._pixels, self._device = pixels, device
        self._used = np.unique(used)
        self._slot = np.full(len(pixels), -1, dtype=np.int64)
        self._slot[self._used] = np.arange(len(self._used))
        self._held: Tensor | None = None
        self.device_bytes = len(self._used) * pixels[:1].nbytes

    def blocks(self, batches: Sequence[Places]) -> Generator[Tensor]:
        if not batches:
            return
        if self._held is None:
            self._held = self._upload()
        slots = upload(torch.from_numpy(self._slot[np.concatenate(batches)]), self._device)
        for chosen in torch.split(slots, [len(places) for places in batches]):
            yield self._held.index_select(0, chosen)

    def _upload(self) -> Tensor:
        parts = [self._used[start : start + _UPLOAD_BLOCK] for start in range(0, len(self._used), _UPLOAD_BLOCK)]
        held = torch.empty((len(self._used), *self._pixels.shape[1:]), dtype=torch.uint8, device=self._device)
        with closing(StreamedPixels(self._pixels, self._device).blocks(parts)) as arriving:
            for part, block in zip(torch.split(held, _UPLOAD_BLOCK), arriving, strict=True):
                part.copy_(block)
        return held


class _Buffer:
    """Host memory for one batch; `sent` is reached once the device has the copy that was made of it last."""

    def __init__(self, images: int, shape: tuple[int, ...], pinned: bool) -> None:
        self.pixels = torch.empty((images, *shape), dtype=torch.uint8, pin_memory=pinned)
        self.sent: torch.cuda.Event | None = None


class StreamedPixels:
    """Gathered a few batches ahead by threads, into a ring of pinned buffers, and copied beside the computation.

    Memory is bounded by the ring: `BATCHES_AHEAD` batches on either side. The threads live as long as one pass.
    """

    device_bytes = 0

    def __init__(self, pixels: NDArray[np.uint8], device: torch.device, note: str | None = None) -> None:
        self._pixels, self._device, self.note = pixels, device, note

    def blocks(self, batches: Sequence[Places]) -> Generator[Tensor]:
        on_gpu = self._device.type == "cuda"
        side = torch.cuda.Stream(self._device) if on_gpu else None  # type: ignore[no-untyped-call]
        largest = max((len(places) for places in batches), default=0)
        ring = [_Buffer(largest, self._pixels.shape[1:], on_gpu) for _ in range(min(BATCHES_AHEAD, len(batches)))]
        waiting: deque[Future[tuple[Tensor, torch.cuda.Event | None]]] = deque()
        pool = ThreadPoolExecutor(LOADERS, thread_name_prefix="pixels")
        try:
            for number, places in enumerate(batches):
                if len(waiting) == len(ring):
                    yield self._arrived(*waiting.popleft().result())
                # The batch that had this buffer before was handed out: nothing but its copy may still read it.
                waiting.append(pool.submit(self._load, ring[number % len(ring)], places, side))
            while waiting:
                yield self._arrived(*waiting.popleft().result())
        finally:
            pool.shutdown(cancel_futures=True)

    def _load(
        self, buffer: _Buffer, places: Places, side: "torch.cuda.Stream | None"
    ) -> tuple[Tensor, torch.cuda.Event | None]:
        """A batch on its way to the device, and the event of its arrival. Runs in a thread."""
        if buffer.sent is not None:
            buffer.sent.synchronize()
        block = buffer.pixels[: len(places)]
        _gather(self._pixels, places, block)
        if side is None:
            return block.clone(), None
        with torch.cuda.stream(side):
            sent = block.to(self._device, non_blocking=True)
            buffer.sent = torch.cuda.Event()  # type: ignore[no-untyped-call]
            buffer.sent.record(side)
        return sent, buffer.sent

    def _arrived(self, block: Tensor, sent: torch.cuda.Event | None) -> Tensor:
        """The batch, for work that is queued on the device from now on; the host does not wait."""
        if sent is not None:
            current = torch.cuda.current_stream(self._device)
            current.wait_event(sent)
            block.record_stream(current)
        return block


def _gather(pixels: NDArray[np.uint8], places: Places, block: Tensor) -> None:
    """Copies images into `block`, (B, S, S, 3) on the host."""
    # Sorted reads keep a cache that is larger than memory from being read back and forth.
    order = np.argsort(places, kind="stable")
    block.numpy()[order] = pixels[places[order]]
