"""Which files are images, by their name, and which are only traces of an operating system. Needs no Pillow."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from engine.bounded_files import problem_of
from engine.counted import counted
from engine.errors import DataError

ENDINGS_OF_FORMATS: Final = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png", ".apng"),
    "WEBP": (".webp",),
    "GIF": (".gif",),
    "BMP": (".bmp",),
    "TIFF": (".tif", ".tiff"),
    "AVIF": (".avif",),
    "JPEG2000": (".jp2", ".j2k"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
}
"""The formats that are decoded, by Pillow's names."""
IMAGE_ENDINGS: Final = (*(ending for endings in ENDINGS_OF_FORMATS.values() for ending in endings), ".heic", ".heif")
"""The endings of image files, in small letters. HEIC is one, so that its photos are named and not passed over."""
MOST_ENTRIES: Final = 1_000_000
_SHOWN, _LONGEST_ENDING = 5, 12

_TRACES = frozenset({"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "$recycle.bin"})


def is_image_name(name: str) -> bool:
    """Whether a file's name ends as those of images do."""
    return name.lower().endswith(IMAGE_ENDINGS)


def is_trace(name: str) -> bool:
    """Whether a file or folder of that name is hidden (`._face.jpg`, `.DS_Store`) or of a system's own making.

    Such as `__MACOSX` and `Thumbs.db`. They are no part of a data set.
    """
    return name.startswith(".") or name.lower() in _TRACES


@dataclass(frozen=True)
class FoundImages:
    """The images below folders, sorted in each.

    `passed_over` counts the other files by their ending, and hidden files and folders as `hidden`; `problems` are
    folders that cannot be listed or hold no image.
    """

    images: dict[Path, None] = field(default_factory=dict)
    passed_over: Counter[str] = field(default_factory=Counter)
    problems: dict[Path, str] = field(default_factory=dict)

    @property
    def passed_over_text(self) -> str:
        """`3 files passed over: 2 .txt, 1 hidden`; empty if none was."""
        if not self.passed_over:
            return ""
        kinds = [f"{count:,} {ending or 'without an ending'}" for ending, count in self.passed_over.most_common(_SHOWN)]
        more = ", …" if len(self.passed_over) > _SHOWN else ""
        return f"{counted(self.passed_over.total(), 'file')} passed over: {', '.join(kinds)}{more}"


def find_images(paths: Iterable[Path]) -> FoundImages:
    """All images below folders, and every other path as it is, each once.

    No folder is entered twice, however many links lead to it. Raises `DataError` for a folder with more than a million
    files and folders.
    """
    found = FoundImages()
    for path in paths:
        if not path.is_dir():
            found.images[path] = None
            continue
        images = sorted(_below(path, found))
        found.images.update(dict.fromkeys(images))
        if not images:
            found.problems.setdefault(path, "the folder holds no image file, such as .jpg or .png")
    return found


def _below(root: Path, found: FoundImages) -> Iterator[Path]:
    """Yields the images below a folder, links last, and notes the rest in `found`."""
    entered: set[tuple[int, int]] = set()
    folders, entries = [root], 0
    links: list[Path] = []
    while folders or links:
        folder = folders.pop() if folders else links.pop()
        try:
            place = os.stat(folder)
            if (place.st_dev, place.st_ino) in entered:
                continue
            entered.add((place.st_dev, place.st_ino))
            listing = sorted(os.scandir(folder), key=lambda entry: entry.name, reverse=True)
        except OSError as error:
            found.problems[folder] = problem_of(error)
            continue
        entries += len(listing)
        if entries > MOST_ENTRIES:
            raise DataError(f"{root} holds more than {MOST_ENTRIES:,} files and folders; name a part of it")
        for entry in listing:
            path = folder / entry.name
            if is_trace(entry.name):
                found.passed_over["hidden"] += 1
            elif entry.is_dir():
                (links if entry.is_symlink() else folders).append(path)
            elif is_image_name(entry.name):
                yield path
            else:
                found.passed_over[path.suffix.lower()[:_LONGEST_ENDING]] += 1
