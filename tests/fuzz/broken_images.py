"""Image files as people bring them, damaged."""

import struct
import warnings
import zlib
from functools import cache
from random import Random

import numpy as np
from broken_bytes import ODD_NUMBERS, damaged
from image_bytes import encoded, exif, exif_entry, oriented, png_chunk
from PIL import Image

ENDINGS = (".jpg", ".JPG", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", "", ".txt", ".jpg.png")


@cache
def whole_images() -> tuple[bytes, ...]:
    """Images of all usual kinds that can be read."""
    pixels = np.random.default_rng(0).integers(0, 256, (24, 20, 3), dtype=np.uint8)
    see_through = np.dstack([pixels, pixels[..., 0]])
    image = Image.fromarray(pixels)
    several = {"save_all": True, "append_images": [Image.fromarray(pixels[::-1].copy())]}
    return (
        encoded(pixels, "JPEG"),
        encoded(pixels, "JPEG", progressive=True),
        encoded(image.convert("L"), "JPEG"),
        encoded(image.convert("CMYK"), "JPEG"),
        encoded(pixels, "JPEG", exif=exif(oriented(6))),
        encoded(pixels, "JPEG", exif=exif(oriented(8), exif_entry(0x8769, 4, 1, 8), exif_entry(0x9286, 7, 9, 8))),
        encoded(pixels, "MPO", **several),
        encoded(pixels, "PNG"),
        encoded(image.convert("P"), "PNG"),
        encoded(image.convert("1"), "PNG"),
        encoded(see_through, "PNG"),
        encoded(pixels[..., 0].astype(np.uint16) * 257, "PNG"),
        encoded(pixels, "PNG", **several),
        encoded(pixels, "WEBP"),
        encoded(see_through, "WEBP", lossless=True),
        encoded(pixels, "WEBP", **several),
        encoded(image.convert("P"), "GIF"),
        encoded(pixels, "GIF", **several),
        encoded(pixels, "BMP"),
        encoded(pixels, "TIFF"),
        encoded(pixels, "TIFF", compression="tiff_deflate"),
        encoded(pixels[..., 0].astype(np.uint16) * 257, "TIFF"),
        encoded(pixels[..., 0].astype(np.float32), "TIFF"),
        encoded(pixels[..., 0].astype(np.int32), "TIFF"),
        encoded(pixels, "PPM"),
        encoded(pixels, "ICO"),
    )


def _with_odd_exif(random: Random) -> bytes:
    """Entries with odd types, counts and offsets; some readers turn by them, some write them again."""
    tags = (0x0112, 0x011A, 0x8769, 0x8825, 0xA005, 0x9286, 0x014A, 0x02BC, 0x0100, 0x010F, random.randrange(0x10000))
    entries = [
        exif_entry(
            random.choice(tags),
            random.choice((0, 1, 2, 3, 4, 5, 7, 9, 10, 12, 13, 16, 0xFFFF)),
            random.choice((0, 1, 1, 1, 2, 4, 1000, 0xFFFFFFFF)),
            random.choice((0, 1, 6, 8, 9, 26, 100, *ODD_NUMBERS)),
        )
        for _ in range(random.randrange(1, 6))
    ]
    block = exif(oriented(random.randrange(10)), *entries) + random.randbytes(random.randrange(40))
    kind = random.choice(("JPEG", "PNG", "WEBP", "TIFF"))
    pixels = np.zeros((8, 12, 3), dtype=np.uint8)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return encoded(pixels, kind, exif=block[6:] if kind == "TIFF" else block)
    except Exception:  # Pillow refuses some blocks: a JPEG takes any
        plain = encoded(pixels, "JPEG")
        return plain[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + plain[2:]


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
        body = png_chunk(b"IDAT", zlib.compress(bytes(random.choice((0, 10, 100_000)))))
        more = png_chunk(
            random.choice((b"iTXt", b"zTXt", b"iCCP", b"tRNS", b"PLTE")), random.randbytes(random.randrange(99))
        )
        return (
            b"\x89PNG\r\n\x1a\n"
            + png_chunk(b"IHDR", head)
            + random.choice((b"", more))
            + body
            + png_chunk(b"IEND", b"")
        )
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
