"""Times the checks of cached pixels and features: what they add to the start of a run, and to its first epoch.

    python tests/benchmarks/cache_speed.py [MEGABYTES]

The files are read once before, so that the time of the disk does not count.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors.torch import save

from engine.data.checked_pixels import CheckedPixels
from engine.data.manifest import Manifest
from engine.data.pixels import open_pixels
from engine.features import _crc32, _read

SIZE, BATCH = 224, 32


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def read_all(pixels: CheckedPixels) -> None:
    for start in range(0, len(pixels), BATCH):
        pixels[np.arange(start, min(start + BATCH, len(pixels)))]


def main(megabytes: int) -> None:
    count = megabytes * 10**6 // (SIZE * SIZE * 3)
    noise = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    frame = pd.DataFrame({"image": [str(number) for number in range(count)]})
    manifest = Manifest("noise", frame, (), lambda image: noise, str, str.encode)
    with tempfile.TemporaryDirectory() as folder:
        open_pixels(manifest, SIZE, Path(folder))
        warm = open_pixels(manifest, SIZE, Path(folder)).array
        read_all(warm)
        start = min(seconds(lambda: open_pixels(manifest, SIZE, Path(folder))) for _ in range(5))
        plain = min(seconds(lambda: read_all(warm)) for _ in range(5))
        fresh = [open_pixels(manifest, SIZE, Path(folder)).array for _ in range(5)]
        checked = min(seconds(lambda pixels=pixels: read_all(pixels)) for pixels in fresh)
        features = torch.rand(megabytes * 10**6 // 8192, 2048)
        file = Path(folder) / "x.safetensors"
        file.write_bytes(save({"features": features}, {"crc32": _crc32(features)}))
        read = min(seconds(lambda: _read(file, len(features))) for _ in range(5))
        check = min(seconds(lambda: _crc32(features)) for _ in range(5))
    print(f"{count:,} images, {megabytes} MB of pixels")
    print(f"opening: {start:.3f} s")
    print(f"reading all of them first: {checked:.3f} s, of which the check takes {checked - plain:.3f} s")
    print(f"{megabytes} MB of features: read in {read:.3f} s, of which the check takes {check:.3f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
