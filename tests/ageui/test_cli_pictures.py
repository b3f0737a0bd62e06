"""Data sets of all kinds of pictures: each command names the unreadable ones and uses the others."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from terminal import Terminal

BAD = {
    "photo.heic": (b"\0\0\0\x18ftypheic\0\0\0\0", "it is a HEIC photo, which Pillow cannot read; save it as JPEG"),
    "pointer.png": (b"version https://git-lfs.github.com/spec/v1\n", "it is a pointer of Git LFS, not the file itself"),
    "text.jpg": (b"no image at all", "not a JPEG, PNG, WEBP, GIF, BMP, TIFF, AVIF, JPEG2000, PPM image"),
}


@pytest.fixture
def pictures(ageui: Terminal) -> Terminal:
    """A terminal in a folder with a table of three bad pictures and four good ones."""
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    picture = Image.fromarray(noise)
    Image.fromarray(noise[..., 0].astype(np.uint16) * 257).save("deep.png")
    Image.fromarray(np.dstack([noise, noise[..., :1]])).save("see-through.webp")
    picture.save("animated.gif", save_all=True, append_images=[Image.fromarray(255 - noise)])
    picture.rotate(90).save("scan.tif")
    for name, (content, _) in BAD.items():
        Path(name).write_bytes(content)
    names = ("deep.png", "see-through.webp", "animated.gif", "scan.tif", *BAD)
    rows = [f"{name},{20 + place},train" for place, name in enumerate(names)]
    Path("t.csv").write_text("\n".join(["image,age,split", *rows]))
    return ageui


def test_every_command_names_bad_pictures(pictures: Terminal) -> None:
    refused = pictures("data", "add", "mixed", "t.csv")
    assert refused.code == 3
    assert "3 rows or images that cannot be used" in refused.err
    assert pictures("data", "add", "mixed", "t.csv", "--skip-bad").out == "mixed: table, train 4\n"
    checked = pictures("data", "check", "mixed")
    drawn = pictures("data", "sheet", "mixed", "-o", "sheet.png")
    for name, (_, problem) in BAD.items():
        assert f"  {name}: {problem}" in refused.err
        assert f"{name}: {problem}" in checked.out
        assert f"cannot be read: {name}: {problem}" in drawn.err


def test_adding_and_checking_note_small_images_and_those_with_several_frames(pictures: Terminal) -> None:
    Image.new("RGB", (64, 65)).save("scan.tif")
    frames = "1 image with several frames (the first is used): animated.gif"
    small = (
        "3 images with fewer than 64 pixels in width or height, which networks enlarge: deep.png, see-through.webp, "
        "animated.gif"
    )
    added = " ".join(pictures("data", "add", "mixed", "t.csv", "--skip-bad").err.split())
    assert frames in added
    assert small in added
    assert pictures("data", "check", "mixed", "--json").json["notes"] == [frames, small]
