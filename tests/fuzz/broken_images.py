"""Image files as people bring them, damaged."""

import io
import struct
import warnings
import zlib
from functools import cache
from random import Random

import numpy as np
from broken_bytes import ODD_NUMBERS, damaged
from PIL import Image

ENDINGS = (".jpg", ".JPG", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", "", ".txt", ".jpg.png")


def _saved(pixels: np.ndarray, kind: str, mode: str | None = None, **options: object) -> bytes:
    image = Image.fromarray(pixels)
    stream = io.BytesIO()
    (image.convert(mode) if mode else image).save(stream, kind, **options)
    return stream.getvalue()


@cache
def whole_images() -> tuple[bytes, ...]:
    """Images of all usual kinds that can be read."""
    pixels = np.random.default_rng(0).integers(0, 256, (24, 20, 3), dtype=np.uint8)
    see_through = np.dstack([pixels, pixels[..., 0]])
    frames = [Image.fromarray(pixels), Image.fromarray(pixels[::-1].copy())]
    several = {"save_all": True, "append_images": frames[1:]}
    return (
        _saved(pixels, "JPEG"),
        _saved(pixels, "JPEG", progressive=True),
        _saved(pixels, "JPEG", "L"),
        _saved(pixels, "JPEG", "CMYK"),
        _saved(pixels, "JPEG", exif=exif((0x0112, 3, 1, 6))),
        _saved(pixels, "JPEG", exif=exif((0x0112, 3, 1, 8), (0x8769, 4, 1, 8), (0x9286, 7, 9, 8))),
        _saved(pixels, "MPO", **several),
        _saved(pixels, "PNG"),
        _saved(pixels, "PNG", "P"),
        _saved(pixels, "PNG", "1"),
        _saved(see_through, "PNG"),
        _saved(pixels[..., 0].astype(np.uint16) * 257, "PNG"),
        _saved(pixels, "PNG", **several),
        _saved(pixels, "WEBP"),
        _saved(see_through, "WEBP", lossless=True),
        _saved(pixels, "WEBP", **several),
        _saved(pixels, "GIF", "P"),
        _saved(pixels, "GIF", **several),
        _saved(pixels, "BMP"),
        _saved(pixels, "TIFF"),
        _saved(pixels, "TIFF", compression="tiff_deflate"),
        _saved(pixels[..., 0].astype(np.uint16) * 257, "TIFF"),
        _saved(pixels[..., 0].astype(np.float32), "TIFF"),
        _saved(pixels[..., 0].astype(np.int32), "TIFF"),
        _saved(pixels, "PPM"),
        _saved(pixels, "ICO"),
    )


def exif(*entries: tuple[int, int, int, int]) -> bytes:
    """EXIF of entries: tag, type, count and value."""
    packed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + packed + bytes(4)


def _with_odd_exif(random: Random) -> bytes:
    """Entries with odd types, counts and offsets; some readers turn by them, some write them again."""
    tags = (0x0112, 0x011A, 0x8769, 0x8825, 0xA005, 0x9286, 0x014A, 0x02BC, 0x0100, 0x010F, random.randrange(0x10000))
    entries = [
        (
            random.choice(tags),
            random.choice((0, 1, 2, 3, 4, 5, 7, 9, 10, 12, 13, 16, 0xFFFF)),
            random.choice((0, 1, 1, 1, 2, 4, 1000, 0xFFFFFFFF)),
            random.choice((0, 1, 6, 8, 9, 26, 100, *ODD_NUMBERS)),
        )
        for _ in range(random.randrange(1, 6))
    ]
    block = exif((0x0112, 3, 1, random.randrange(10)), *entries) + random.randbytes(random.randrange(40))
    kind = random.choice(("JPEG", "PNG", "WEBP", "TIFF"))
    pixels = np.zeros((8, 12, 3), dtype=np.uint8)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _saved(pixels, kind, exif=block[6:] if kind == "TIFF" else block)
    except Exception:  # what cannot be written so is put into a file that was
        plain = _saved(pixels, "JPEG")
        return plain[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + plain[2:]


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _of_a_huge_size(random: Random) -> bytes:
    """A small file whose header, with a right checksum, says that it is large."""
    sides = (0, 1, 50, 100, 20_000, 65_535, 2**31 - 1)
    width, height = random.choice(sides), random.choice(sides)
    if random.random() < 0.02:  # just below and above the limit, which takes seconds to read
        width, height = 7_000, random.choice((7_100, 7_200))
    if random.random() < 0.5:
        head = struct.pack(
            ">IIBBBBB", width, height, random.choice((1, 2, 8, 16)), random.choice((0, 2, 3, 4, 6)), 0, 0, 0
        )
        body = _chunk(b"IDAT", zlib.compress(bytes(random.choice((0, 10, 100_000)))))
        more = _chunk(
            random.choice((b"iTXt", b"zTXt", b"iCCP", b"tRNS", b"PLTE")), random.randbytes(random.randrange(99))
        )
        return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + random.choice((b"", more)) + body + _chunk(b"IEND", b"")
    content = bytearray(whole_images()[random.choice((0, 1, 2, 3))])
    at = max(content.find(b"\xff\xc0"), content.find(b"\xff\xc2"))
    content[at + 5 : at + 9] = struct.pack(">HH", min(height, 65_535), min(width, 65_535))
    return bytes(content)


def broken_image(random: Random) -> bytes:
    """An image file that is damaged, odd or none at all."""
    chance = random.random()
    if chance < 0.70:
        return damaged(random, random.choice(whole_images()), whole_images())
    if chance < 0.82:
        return _with_odd_exif(random)
    if chance < 0.94:
        return _of_a_huge_size(random)
    return random.choice(
        (
            b"",
            random.randbytes(random.randrange(1, 3000)),
            b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
            b"\0\x05\x16\x07\0\x02\0\0Mac OS X",
            *whole_images(),
        )
    )
