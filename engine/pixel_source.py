"""Sources of a batch's pixels: mapped from the disk, held on the device, or streamed to it in advance.

All three give the same bits.
"""

import math
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


class PixelArray(Protocol):
    """RGB uint8 images, read by their places: a `CheckedPixels` or an array."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, S, S, 3)."""

    def __len__(self) -> int: ...

    def __getitem__(self, places: Places) -> NDArray[np.uint8]:
        """The images at some places, (B, S, S, 3)."""


class PixelSource(Protocol):
    """A source of pixels. It holds `device_bytes` on the device while it lives; `note` explains the choice."""

    device_bytes: int
    note: str | None

    def blocks(self, batches: Sequence[Places]) -> Generator[Tensor]:
        """Yields the pixels (B, S, S, 3) uint8 of each batch, on the device. Close the generator when leaving early."""


def choose_source(
    pixels: PixelArray, used: Places, device: torch.device, limit_bytes: int | None = None
) -> PixelSource:
    """The source of a run's pixels: held on a GPU up to a limit, else streamed; on a processor, mapped from the disk.

    Parameters
    ----------
    pixels
        RGB uint8, shape (N, S, S, 3), in the cache.
    used
        Places of the images that the run uses.
    device
        The device of the run.
    limit_bytes
        The limit of pixels held on the device in bytes, by default a share of a GPU's free memory. With a limit, a
        processor holds or streams pixels, too.

    Raises
    ------
    ConfigError
        If an environment variable is not a limit.
    """
    why = "the limit that was set"
    if limit_bytes is None:
        if device.type == "cpu":
            return MappedPixels(pixels)
        limit_bytes, why = gpu_pixels_limit(torch.cuda.mem_get_info(device)[0])
    needed = len(used) * math.prod(pixels.shape[1:])
    if needed <= limit_bytes:
        return ResidentPixels(pixels, used, device)
    sizes = f"they would take {needed / 1e9:.1f} GB there, and {why} is {limit_bytes / 1e9:.1f} GB"
    return StreamedPixels(pixels, device, f"pixels are streamed to {device}: {sizes}")


class MappedPixels:
    """Reads from the memory-mapped array on demand, for a device that computes in host memory."""

    device_bytes = 0
    note: str | None = None

    def __init__(self, pixels: PixelArray) -> None:
        self._pixels = pixels

    def blocks(self, batches: Sequence[Places]) -> Generator[Tensor]:
        for places in batches:
            block = torch.from_numpy(np.empty((len(places), *self._pixels.shape[1:]), dtype=np.uint8))
            _gather(self._pixels, places, block)
            yield block


class ResidentPixels:
    """Copies all pixels to the device when first needed, and takes batches from there by index."""

    note: str | None = None

    def __init__(self, pixels: PixelArray, used: Places, device: torch.device) -> None:
        self._pixels, self._device = pixels, device
        self._used = np.unique(used)
        self._slot = np.full(len(pixels), -1, dtype=np.int64)
        self._slot[self._used] = np.arange(len(self._used))
        self._held: Tensor | None = None
        self.device_bytes = len(self._used) * math.prod(pixels.shape[1:])

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
    """Host memory for one batch; `sent` is reached once its last copy has arrived on the device."""

    def __init__(self, images: int, shape: tuple[int, ...], pinned: bool) -> None:
        self.pixels = torch.empty((images, *shape), dtype=torch.uint8, pin_memory=pinned)
        self.sent: torch.cuda.Event | None = None


class StreamedPixels:
    """Gathers pixels a few batches ahead in threads, in a ring of pinned buffers, and copies them during computation.

    The ring limits memory to `BATCHES_AHEAD` batches on either side. The threads live for one pass.
    """

    device_bytes = 0

    def __init__(self, pixels: PixelArray, device: torch.device, note: str | None = None) -> None:
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
                # The batch that used this buffer before was delivered: only its copy may still read the buffer.
                waiting.append(pool.submit(self._load, ring[number % len(ring)], places, side))
            while waiting:
                yield self._arrived(*waiting.popleft().result())
        finally:
            pool.shutdown(cancel_futures=True)

    def _load(
        self, buffer: _Buffer, places: Places, side: "torch.cuda.Stream | None"
    ) -> tuple[Tensor, torch.cuda.Event | None]:
        """Sends a batch to the device. Returns it with the event of its arrival. Runs in a thread."""
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
        """The batch, ready for work queued on the device from now on. The host does not wait."""
        if sent is not None:
            current = torch.cuda.current_stream(self._device)
            current.wait_event(sent)
            block.record_stream(current)
        return block


def _gather(pixels: PixelArray, places: Places, block: Tensor) -> None:
    """Copies images into `block`, (B, S, S, 3) on the host."""
    # Sorted reads avoid seeking back and forth on the disk in a cache larger than memory.
    order = np.argsort(places, kind="stable")
    block.numpy()[order] = pixels[places[order]]
