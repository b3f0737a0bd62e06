"""Recognises files that cannot be decoded, by their first bytes, and suggests a cure."""

from typing import Final

from engine.file_heads import HEAD_BYTES, archive_in, stand_in, text_of

_PREFIXES: Final = (
    (b"\0\x05\x16\x07", "metadata of macOS, not an image; remove it"),
    (b"%pdf", "a PDF document; save its picture as PNG or JPEG"),
    (b"8bps", "a Photoshop document; save it as PNG or JPEG"),
    (b"\xff\x0a", "a JPEG XL image, which Pillow cannot read; save it as PNG or JPEG"),
    (b"\0\0\0\x0cjxl ", "a JPEG XL image, which Pillow cannot read; save it as PNG or JPEG"),
    (b"pk\x03\x04", "a zip archive; unpack it first"),
    (b"\x89png", "a PNG image whose header is damaged"),
    (b"gif8", "a GIF image whose header is damaged"),
    (b"\xff\xd8", "a JPEG image whose header is damaged"),
    (b"ii*\0", "a TIFF image that is damaged or of a kind that Pillow cannot read; save it as 8-bit PNG"),
    (b"mm\0*", "a TIFF image that is damaged or of a kind that Pillow cannot read; save it as 8-bit PNG"),
)
_HEIF: Final = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_AVIF: Final = (b"avif", b"avis")


def what_it_is(content: bytes) -> str | None:
    """The kind of a file and the cure; None if its first bytes are unknown."""
    head = text_of(content[:HEAD_BYTES]).lower()
    if b"<svg" in head:
        return "an SVG drawing; save it as PNG"
    if (kind := stand_in(head)) is not None:
        return kind
    if (archive := archive_in(content)) is not None:
        return f"{archive[0]}; unpack it first"
    if content[4:8] == b"ftyp":
        brands = [content[start : start + 4] for start in range(8, 32, 4)]
        if any(brand in _AVIF for brand in brands):
            return "an AVIF image that is damaged, or that this Pillow cannot read; update Pillow, or save it as PNG"
        if any(brand in _HEIF for brand in brands):
            return "a HEIC photo, which Pillow cannot read; save it as JPEG (a phone's settings: Most Compatible)"
        return "a video; save a frame of it as PNG or JPEG"
    if head.startswith(b"riff") and content[8:12] == b"WEBP":
        return "a WebP image whose header is damaged"
    return next((kind for prefix, kind in _PREFIXES if head.startswith(prefix)), None)
