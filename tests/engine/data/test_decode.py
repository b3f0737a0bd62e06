"""Pictures as people bring them: deep, transparent, turned, animated, cut short, of other formats, or none at all."""

import io
import struct
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from image_bytes import COLOUR, GREY, encoded, exif, exif_entry, huge_png, oriented, png, tiff
from PIL import Image

from engine.data.decode import decode, is_animated, marked, readable_formats
from engine.data.rgb import GROUND
from engine.errors import DataError

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

GREY_RGB = np.repeat(GREY[..., None], 3, -1)
DEEP, DEEP_COLOUR = GREY.astype(np.uint16) * 257, COLOUR.astype(np.uint16) * 257
ALPHA = np.tile(np.where(np.arange(30) < 15, 0, 255).astype(np.uint8), (20, 1))
PALETTE = Image.fromarray(COLOUR).quantize(50)


def _kind(value: object) -> str | None:
    """A short id for a file or its pixels; None leaves other values to pytest."""
    return "file" if isinstance(value, bytes) else "pixels" if isinstance(value, np.ndarray) else None


def _big_endian(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(">u2").reshape(20, -1)


@pytest.mark.parametrize(
    "content",
    [
        encoded(GREY),
        encoded(DEEP),
        encoded(DEEP, "TIFF"),
        encoded(DEEP, "TIFF", compression="tiff_lzw"),
        encoded(DEEP, "JPEG2000"),
        encoded(DEEP, "PPM"),
        *(tiff(DEEP, order=order) for order in "<>"),
        tiff(65535 - DEEP, photometric=0),
        *(tiff((DEEP >> 1).astype(np.int16), 2, order=order) for order in "<>"),
        tiff(DEEP.astype(np.uint32) * 65537),
        *(tiff((DEEP.astype(np.uint32) * 65537 >> 1).astype(np.int32), 2, order=order) for order in "<>"),
        *(tiff((GREY / 255).astype(np.float32), 3, order=order) for order in "<>"),
        tiff(((255 - GREY) / 255).astype(np.float32), 3, photometric=0),
        encoded((GREY / 255).astype(np.float32), "TIFF", compression="tiff_deflate"),
    ],
    ids=_kind,
)
def test_deep_grey_is_scaled_by_the_range_of_its_type(content: bytes) -> None:
    np.testing.assert_array_equal(decode(content), GREY_RGB)


def test_deep_values_keep_their_upper_bits_and_none_is_clipped() -> None:
    ramp = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    np.testing.assert_array_equal(decode(encoded(ramp))[..., 0], ramp >> 8)
    np.testing.assert_array_equal(decode(png(16, 2, _big_endian(DEEP_COLOUR))), COLOUR)
    assert decode(encoded(np.zeros((8, 8), np.uint16))).max() == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (tiff(GREY.astype(np.float32), 3), "its values are floats from 0 to 255; scale them to 0 "),
        (tiff(np.full((8, 8), np.nan, np.float32), 3), "its values are floats from nan to nan"),
        (tiff(np.full((8, 8), -0.5, np.float32), 3), "floats from -0.5 to -0.5"),
        (tiff((GREY / 65_535).astype(np.float32), 3), "floats from 0 to 0.00389105 of 1, which is nearly black"),
        (tiff(DEEP.astype(np.int32) - 40_000, 2), "its signed 32-bit values go from -40,000 to 25,535"),
        (tiff(DEEP.astype(np.int32), 2), "go from 0 to 65,535 of 2,147,483,647, which is nearly black; scale them"),
        (tiff((GREY.astype(int) - 128).astype(np.int8), 2), "its signed 8-bit values go from -128 to 127"),
        (encoded(GREY.astype(np.uint16)), "its 16-bit values go from 0 to 255 of 65,535, which is nearly black"),
        (encoded(DEEP >> 4), "its 16-bit values go from 0 to 4,095 of 65,535, which is nearly black"),
        (png(16, 2, _big_endian(DEEP_COLOUR >> 8)), "its 16-bit values stay below 4,096 of 65,535"),
    ],
    ids=_kind,
)
def test_values_of_another_range_are_refused_with_their_range(content: bytes, said: str) -> None:
    with pytest.raises(DataError, match=said):
        decode(content)


def _on_ground(pixels: np.ndarray, seen: np.ndarray) -> np.ndarray:
    return np.where(seen[..., None], pixels, np.uint8(GROUND))


@pytest.mark.parametrize(
    ("content", "pixels"),
    [
        (encoded(np.dstack([COLOUR, ALPHA])), _on_ground(COLOUR, ALPHA > 0)),
        (encoded(np.dstack([COLOUR, ALPHA]), "TIFF"), _on_ground(COLOUR, ALPHA > 0)),
        (encoded(np.dstack([COLOUR, ALPHA]), "WEBP", lossless=True, exact=True), _on_ground(COLOUR, ALPHA > 0)),
        (encoded(np.dstack([GREY, ALPHA])), _on_ground(GREY_RGB, ALPHA > 0)),
        (png(16, 4, _big_endian(np.dstack([DEEP, ALPHA.astype(np.uint16) * 257]))), _on_ground(GREY_RGB, ALPHA > 0)),
        (encoded(PALETTE, transparency=3), _on_ground(np.asarray(PALETTE.convert("RGB")), np.asarray(PALETTE) != 3)),
        (
            encoded(PALETTE, "GIF", transparency=3, optimize=False),
            _on_ground(np.asarray(PALETTE.convert("RGB")), np.asarray(PALETTE) != 3),
        ),
        (encoded(GREY, transparency=int(GREY[0, 0])), _on_ground(GREY_RGB, GREY[0, 0] != GREY)),
        (encoded(DEEP, transparency=int(DEEP[0, 0])), _on_ground(GREY_RGB, GREY[0, 0] != GREY)),
        (
            encoded(COLOUR, transparency=tuple(COLOUR[0, 0].tolist())),
            _on_ground(COLOUR, (COLOUR[0, 0] != COLOUR).any(-1)),
        ),
        (
            png(16, 2, _big_endian(DEEP_COLOUR), DEEP_COLOUR[0, 0].astype(">u2").tobytes()),
            _on_ground(COLOUR, (COLOUR[0, 0] != COLOUR).any(-1)),
        ),
        (
            png(4, 0, GREY[:, ::2] & 0xF0 | GREY[:, 1::2] >> 4, struct.pack(">H", int(GREY[0, 0]) >> 4)),
            _on_ground((GREY_RGB >> 4) * 17, GREY[0, 0] >> 4 != GREY >> 4),
        ),
    ],
    ids=_kind,
)
def test_transparent_parts_show_the_ground(content: bytes, pixels: np.ndarray) -> None:
    np.testing.assert_array_equal(decode(content), pixels)


def test_half_transparent_parts_are_mixed_with_the_ground() -> None:
    half = np.dstack([np.zeros((8, 8, 3), np.uint8), np.full((8, 8), 128, np.uint8)])
    np.testing.assert_array_equal(decode(encoded(half)), np.full((8, 8, 3), 127))
    with pytest.raises(DataError, match="it is fully transparent"):
        decode(encoded(half * np.uint8([1, 1, 1, 0])))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "LA", "PA", "RGBA", "CMYK", "YCbCr", "LAB"])
def test_opaque_images_are_as_pillow_converts_them(mode: str) -> None:
    image = (
        Image.fromarray(COLOUR).convert(mode) if mode != "LAB" else Image.frombytes("LAB", (30, 20), COLOUR.tobytes())
    )
    # Pillow 12 cannot read the uncompressed YCbCr TIFF that it writes.
    tiff = {"image_format": "TIFF", "compression": "tiff_deflate"}
    content = encoded(image, **tiff if mode in ("PA", "CMYK", "YCbCr", "LAB") else {})
    np.testing.assert_array_equal(decode(content), np.asarray(Image.open(io.BytesIO(content)).convert("RGB")))
    assert marked(content).startswith(content)


@pytest.mark.parametrize("progressive", [False, True])
def test_inks_in_a_jpeg_become_rgb(progressive: bool) -> None:
    found = decode(encoded(Image.fromarray(COLOUR).convert("CMYK"), "JPEG", quality=95, progressive=progressive))
    np.testing.assert_allclose(found, COLOUR, atol=12)


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("image_format", ["PNG", "WEBP", "TIFF", "JPEG"])
def test_an_image_is_turned_upright(image_format: str, turn: int) -> None:
    known = Image.Exif()
    known[0x0112] = turn
    options = {"lossless": True} if image_format == "WEBP" else {}
    content = encoded(COLOUR, image_format, exif=known, **options)
    plain = decode(encoded(COLOUR, image_format, **options))
    turned = (
        plain,
        plain[:, ::-1],
        plain[::-1, ::-1],
        plain[::-1],
        plain.swapaxes(0, 1),
        np.rot90(plain, -1),
        plain[::-1, ::-1].swapaxes(0, 1),
        np.rot90(plain),
    )
    np.testing.assert_array_equal(decode(content), turned[turn - 1])


def test_a_deep_tiff_is_turned_once() -> None:
    np.testing.assert_array_equal(decode(tiff(DEEP, orientation=6)), np.rot90(GREY_RGB, -1))


TEXT_AS_FRACTION = struct.pack("<HHI4s", 0x011A, 2, 4, b"abc\0")


@pytest.mark.parametrize(
    ("entries", "is_turned"),
    [
        ((oriented(3), TEXT_AS_FRACTION), True),
        ((oriented(3), exif_entry(0x8769, 4, 1, 0xFFFFFFFF)), True),
        ((oriented(3), exif_entry(0x010F, 2, 0xFFFF, 0xFFFFFF)), True),
        ((struct.pack("<HHI4s", 0x0112, 2, 4, b"six\0"),), False),
        ((exif_entry(0x0112, 5, 1, 0xFFFF),), False),
        ((oriented(0),), False),
        ((oriented(9),), False),
    ],
    ids=_kind,
)
@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_exif_that_is_wrong_leaves_the_orientation_alone(
    image_format: str, entries: tuple[bytes, ...], is_turned: bool
) -> None:
    plain = decode(encoded(COLOUR, image_format))
    found = decode(encoded(COLOUR, image_format, exif=exif(*entries)))
    np.testing.assert_array_equal(found, plain[::-1, ::-1] if is_turned else plain)


@pytest.mark.parametrize(
    "block", [b"Exif\0\0", b"Exif\0\0II", b"Exif\0\0no TIFF header", b"Exif\0\0MM\0*\xff\xff\xff\xff"], ids=_kind
)
def test_exif_that_cannot_be_read_turns_nothing(block: bytes) -> None:
    np.testing.assert_array_equal(decode(encoded(COLOUR, exif=block)), COLOUR)


@pytest.mark.parametrize("image_format", ["GIF", "TIFF", "PNG", "WEBP"])
def test_the_first_of_several_frames_is_decoded(image_format: str) -> None:
    frames = {"save_all": True, "append_images": [Image.fromarray(255 - COLOUR)], "lossless": True}
    plain = encoded(COLOUR, image_format, lossless=True)
    content = encoded(COLOUR, image_format, **frames)
    np.testing.assert_allclose(decode(content), COLOUR, atol=40 if image_format == "GIF" else 0)
    assert is_animated(content)
    assert not is_animated(plain)


@pytest.mark.parametrize("image_format", ["BMP", "PPM", "JPEG2000", "TIFF"])
def test_other_formats_are_read(image_format: str) -> None:
    np.testing.assert_array_equal(decode(encoded(COLOUR, image_format)), COLOUR)


@pytest.mark.parametrize(
    ("image_format", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("PNG", {}),
        ("GIF", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("WEBP", {}),
        ("JPEG2000", {}),
    ],
)
def test_an_image_that_is_cut_short_is_refused_and_never_half_read(
    image_format: str, options: dict[str, object]
) -> None:
    whole = encoded(COLOUR, image_format, **options)
    pixels = decode(whole)
    refused = 0
    for length in range(0, len(whole), len(whole) // 40):
        try:
            found = decode(whole[:length])
        except DataError:
            refused += 1
        else:
            np.testing.assert_array_equal(found, pixels)
    assert refused >= 39


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"this is a text file", "not a JPEG, PNG, WEBP, GIF, BMP, TIFF, .* image"),
        (encoded(COLOUR, "JPEG")[:-300], "damaged image"),
        (huge_png(), "more pixels than the limit|more than the limit"),
        (
            tiff(GREY).replace(struct.pack("<HHII", 257, 4, 1, 20), struct.pack("<HHII", 257, 4, 1, 40)),
            "20 of its 40 rows",
        ),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC photo, which Pillow cannot read; save it as JPEG"),
        (b"\0\0\0\x18ftypavif\0\0\0\0mif1avif", "AVIF image .* update Pillow, or save it as PNG"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isomiso2", "a video"),
        (b"\n<!DOCTYPE html><html>", "a web page, not the file itself"),
        (b"/annex/objects/MD5E-s1--0.jpg", "a pointer of git-annex"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing; save it as PNG"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "a pointer of Git LFS, .* git lfs pull"),
        (b"\0\x05\x16\x07\0\x02\0\0Mac OS X", "metadata of macOS"),
        (tiff(GREY / 255, 3), "a TIFF image that is damaged or of a kind that Pillow cannot read; save it as 8-bit"),
    ],
    ids=_kind,
)
def test_faults_of_images_are_named(content: bytes, said: str) -> None:
    with pytest.raises(DataError, match=said):
        decode(content)


def _raising(kind: type[Exception]) -> Callable[[Image.Image], None]:
    def fail(image: Image.Image) -> None:
        raise kind("odd")

    return fail


@pytest.mark.parametrize("kind", [TypeError, struct.error, ZeroDivisionError, RecursionError, UserWarning])
def test_whatever_pillow_raises_is_the_images_problem(kind: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", _raising(kind))
    with pytest.raises(DataError, match=f"damaged image: {kind.__name__}: odd"):
        decode(encoded(COLOUR, "BMP"))


@pytest.mark.parametrize("kind", [TypeError, struct.error, ZeroDivisionError, RecursionError])
def test_whatever_pillow_raises_for_exif_turns_nothing(kind: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PIL.Image.Image.getexif", _raising(kind))
    np.testing.assert_array_equal(decode(encoded(COLOUR, "BMP")), COLOUR)


def test_a_warning_for_exif_that_is_an_error_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PIL.Image.Image.getexif", _raising(UserWarning))
    with pytest.raises(DataError, match="damaged image: UserWarning: odd"):
        decode(encoded(COLOUR, "BMP"))


def test_a_pillow_that_lacks_a_format_reads_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    decode(encoded(COLOUR, "WEBP"))
    monkeypatch.delitem(Image.OPEN, "AVIF")
    readable_formats.cache_clear()
    np.testing.assert_array_equal(decode(encoded(COLOUR, "BMP")), COLOUR)
    with pytest.raises(DataError, match=r"AVIF image .* update Pillow"):
        decode(b"\0\0\0\x18ftypavif\0\0\0\0mif1avif")
    readable_formats.cache_clear()


def test_a_lack_of_memory_is_no_problem_of_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", _raising(MemoryError))
    with pytest.raises(MemoryError):
        decode(encoded(COLOUR, "BMP"))


def test_warnings_of_pillow_that_are_errors_are_problems() -> None:
    short = exif(oriented(3), exif_entry(0x010F, 2, 0xFFFF, 0xFFFFFF))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DataError, match="damaged image"):
            decode(encoded(COLOUR, "JPEG", exif=short))


@pytest.mark.parametrize(
    "content", [encoded(COLOUR, "JPEG"), encoded(COLOUR), encoded(GREY), encoded(PALETTE), b"text"], ids=_kind
)
def test_ordinary_files_keep_the_hash_they_had(content: bytes) -> None:
    assert marked(content) == content


@pytest.mark.parametrize(
    "content", [encoded(np.dstack([COLOUR, ALPHA])), encoded(DEEP), encoded(COLOUR, "GIF")], ids=_kind
)
def test_files_that_older_versions_read_otherwise_get_another_hash(content: bytes) -> None:
    assert marked(content) != content
