"""Image files in memory, also of kinds that Pillow reads but does not write."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

GREY = np.asarray(Image.fromarray(np.random.default_rng(0).integers(0, 256, (5, 7), dtype=np.uint8)).resize((30, 20)))
COLOUR = np.asarray(
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (5, 7, 3), dtype=np.uint8)).resize((30, 20))
)
_BYTE_ORDERS = {"<": b"II*\0", ">": b"MM\0*"}


def encoded(image: np.ndarray | Image.Image, image_format: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(out, image_format, **options)
    return out.getvalue()


def png_chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of a PNG, with its checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(
    bits: int, colour_type: int, rows: np.ndarray, transparent: bytes = b"", size: tuple[int, int] = (30, 20)
) -> bytes:
    """A PNG of packed rows (H, bytes), with a tRNS chunk if `transparent` is not empty."""
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            png_chunk(b"IHDR", struct.pack(">IIBBBBB", *size, bits, colour_type, 0, 0, 0)),
            png_chunk(b"tRNS", transparent) if transparent else b"",
            png_chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))),
            png_chunk(b"IEND", b""),
        ]
    )


def huge_png() -> bytes:
    """The header of a PNG of 30,000 × 30,000 pixels."""
    return png(8, 2, np.zeros((0, 0)), size=(30_000, 30_000))


def tiff(
    values: np.ndarray, sample_format: int = 1, photometric: int = 1, order: str = "<", orientation: int = 1
) -> bytes:
    """An uncompressed grey TIFF of values (H, W) of any type."""
    data = values.astype(values.dtype.newbyteorder(order)).tobytes()
    height, width = values.shape
    bits = 8 * values.dtype.itemsize
    tags = (
        (256, width),
        (257, height),
        (258, bits),
        (259, 1),
        (262, photometric),
        (273, 8),
        (274, orientation),
        (277, 1),
    )
    tags += ((278, height), (279, len(data)), (339, sample_format))
    entries = b"".join(struct.pack(f"{order}HHII", number, 4, 1, value) for number, value in tags)
    directory = struct.pack(f"{order}H", len(tags)) + entries + bytes(4)
    return _BYTE_ORDERS[order] + struct.pack(f"{order}I", 8 + len(data)) + data + directory


def exif(*entries: bytes) -> bytes:
    """A block of EXIF data with the given entries, which may be wrong."""
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)


def exif_entry(tag: int, kind: int, count: int, value: int) -> bytes:
    """An EXIF entry whose value is a number or an offset."""
    return struct.pack("<HHII", tag, kind, count, value)


def oriented(turn: int) -> bytes:
    """The EXIF entry of an orientation."""
    return exif_entry(0x0112, 3, 1, turn)
