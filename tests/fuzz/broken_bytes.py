"""Damages content as disks, downloads and other programs do. Equal seeds damage it alike."""

import gzip
import struct
from collections.abc import Callable, Sequence
from random import Random

ODD_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def flipped(random: Random, content: bytes) -> bytes:
    """Flips some bits."""
    changed = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 8, 64))):
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def flipped_at_the_start(random: Random, content: bytes) -> bytes:
    head = min(len(content), 64)
    return flipped(random, content[:head]) + content[head:]


def cut(random: Random, content: bytes) -> bytes:
    return content[: random.randrange(len(content))]


def without_a_part(random: Random, content: bytes) -> bytes:
    start = random.randrange(len(content))
    return content[:start] + content[start + random.randrange(1, 200) :]


def with_a_part(random: Random, content: bytes) -> bytes:
    start = random.randrange(len(content))
    return content[:start] + random.randbytes(random.randrange(1, 200)) + content[start:]


def repeated(random: Random, content: bytes) -> bytes:
    start = random.randrange(len(content))
    return content[:start] + content[start:] * random.randrange(2, 4)


def with_odd_numbers(random: Random, content: bytes) -> bytes:
    """Puts extreme values into fields of 2 or 4 bytes near the start, where sizes are."""
    changed = bytearray(content)
    for _ in range(random.randrange(1, 4)):
        kind = random.choice((">H", "<H", ">I", "<I"))
        number = random.choice(ODD_NUMBERS) & (0xFFFF if kind.endswith("H") else 0xFFFFFFFF)
        at = random.randrange(min(len(changed), 200))
        packed = struct.pack(kind, number)
        changed[at : at + len(packed)] = packed
    return bytes(changed)


def zeroed(random: Random, content: bytes) -> bytes:
    """Zeroes a block, as a lost sector of a disk does."""
    start = random.randrange(len(content))
    end = min(len(content), start + random.randrange(1, 4096))
    return content[:start] + bytes(end - start) + content[end:]


def compressed(random: Random, content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


BYTE_DAMAGES: Sequence[Callable[[Random, bytes], bytes]] = (
    flipped, flipped, flipped_at_the_start, cut, without_a_part, with_a_part, repeated, with_odd_numbers,
    with_odd_numbers, zeroed, compressed,
)  # fmt: skip


def damaged(random: Random, content: bytes, others: Sequence[bytes] = ()) -> bytes:
    """The content with one to three damages; with `others`, possibly with the start of another file."""
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        if not content:
            break
        if others and random.random() < 0.1:
            start = random.randrange(1, 100)
            content = random.choice(others)[:start] + content[start:]
        else:
            content = random.choice(BYTE_DAMAGES)(random, content)
    return content
