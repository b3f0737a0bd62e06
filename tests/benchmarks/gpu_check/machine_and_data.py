"""Part: the machine and its limits, and the images that all other parts use, drawn and decoded once."""

import time
from pathlib import Path

import torch
from check import Session
from faces import FaceFolders
from machine import identity, limits

from engine.data.dataset import prepare
from engine.data.spec import DataSpec, SyntheticOptions


def measure(session: Session) -> None:
    check, sizes = session.check, session.check.sizes
    if check.device == "cuda" and not torch.cuda.is_available():
        raise RuntimeError("torch finds no CUDA device; --device cpu --tiny tries the check on a processor")
    found = identity()
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    session.row(found["device"], versions, f"{found['cores']} cores, {found['threads']} threads")
    if not check.tiny:
        most = limits()
        session.row(
            "limits",
            f"matrix product {most['bf16_gflops'] / 1000:,.0f} TFLOP/s in bf16",
            f"{most['fp32_gflops'] / 1000:,.0f} in TF32 or fp32; copying {most['copy_gigabytes_per_second']:,.0f} GB/s",
        )
    _prepare(session, SyntheticOptions(counts=(*sizes.drawn, 0), image_size=sizes.drawn_pixels))


def _prepare(session: Session, drawn: SyntheticOptions) -> None:
    check, sizes = session.check, session.check.sizes
    begin = time.perf_counter()
    faces = FaceFolders(Path(check.data) if check.data else None, Path(check.folder), drawn)
    folder = faces.of(*sizes.images)
    session.keep("images", folder)
    session.row("images", f"{faces.name}, {sizes.images[0]} train, {sizes.images[1]} validation", _since(begin))
    for pixels in sorted({sizes.pixels, sizes.small[1]}):
        begin = time.perf_counter()
        prepare(DataSpec(name="faces", format="course", path=folder), "apparent", pixels, cache=check.cache)
        session.row(f"decoding at {pixels} px", _since(begin))


def _since(begin: float) -> str:
    return f"{time.perf_counter() - begin:.1f} s"
