"""Finds image files by name, and skips files that operating systems leave behind. Needs no Pillow."""

import os
from collections import Counter
from collections.abc import Iterable
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
"""The formats that can be decoded, by Pillow's names."""
IMAGE_ENDINGS: Final = (*(ending for endings in ENDINGS_OF_FORMATS.values() for ending in endings), ".heic", ".heif")
"""The endings of image files, in lower case. HEIC is included, so that its photos are reported instead of skipped."""
MOST_ENTRIES: Final = 1_000_000
_SHOWN, _LONGEST_ENDING = 5, 12

_TRACES = frozenset({"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "$recycle.bin"})


def is_image_name(name: str) -> bool:
    """Whether a file name has the ending of an image."""
    return name.lower().endswith(IMAGE_ENDINGS)


def is_trace(name: str) -> bool:
    """Whether a file or folder name is hidden (`._face.jpg`) or a system's (`__MACOSX`, `Thumbs.db`)."""
    return name.startswith(".") or name.lower() in _TRACES


@dataclass(frozen=True)
class FoundImages:
    """The images below a folder, sorted.

    `skipped` counts the other files by ending, and hidden files and folders as `hidden`. `links` lead to folders that
    were read already. `problems` are folders that cannot be listed.
    """

    images: list[Path] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    links: list[Path] = field(default_factory=list)
    problems: list[tuple[Path, str]] = field(default_factory=list)

    @property
    def skipped_text(self) -> str:
        """`3 files skipped: 2 .txt, 1 hidden`; empty if none was skipped."""
        if not self.skipped:
            return ""
        ordered = sorted(self.skipped.items(), key=lambda kind: (-kind[1], kind[0]))
        kinds = [f"{count:,} {ending[:_LONGEST_ENDING] or 'without an ending'}" for ending, count in ordered[:_SHOWN]]
        more = ", …" if len(self.skipped) > _SHOWN else ""
        return f"{counted(self.skipped.total(), 'file')} skipped: {', '.join(kinds)}{more}"


def chosen_images(paths: Iterable[Path]) -> FoundImages:
    """The images below all paths that are folders, and the other paths, each once.

    A folder without images is a problem. Raises `DataError` like `find_images`.
    """
    chosen = FoundImages()
    images: dict[Path, None] = {}
    for path in paths:
        if not path.is_dir():
            images[path] = None
            continue
        found = find_images(path)
        images.update(dict.fromkeys(found.images))
        chosen.skipped.update(found.skipped)
        chosen.links.extend(found.links)
        chosen.problems.extend(found.problems)
        if not found.images and not found.problems:
            chosen.problems.append((path, "the folder holds no image files, such as .jpg or .png"))
    chosen.images.extend(images)
    return chosen


def find_images(root: Path) -> FoundImages:
    """All images below a folder, also through links, but never in the folders above it.

    Reads each folder once, under its own name if it is below `root`. Raises `DataError` for more than a million files
    and folders.
    """
    found = FoundImages()
    read = {_identity(folder) for folder in Path(os.path.realpath(root)).parents}
    folders, entries = [root], 0
    links: list[Path] = []
    while folders or links:
        if is_link := not folders:
            links.sort(reverse=True)
        folder = links.pop() if is_link else folders.pop()
        try:
            if (identity := _identity(folder)) in read:
                if is_link:
                    found.links.append(folder)
                continue
            read.add(identity)
            with os.scandir(folder) as listing:
                for entry in listing:
                    entries += 1
                    if entries > MOST_ENTRIES:
                        raise DataError(f"{root} has more than {MOST_ENTRIES:,} files and folders; choose a subfolder")
                    path = folder / entry.name
                    if is_trace(entry.name):
                        found.skipped["hidden"] += 1
                    elif _may_be_folder(entry):
                        (links if entry.is_symlink() else folders).append(path)
                    elif is_image_name(entry.name):
                        found.images.append(path)
                    else:
                        found.skipped[path.suffix.lower()] += 1
        except OSError as error:
            found.problems.append((folder, problem_of(error)))
    found.images.sort()
    found.links.sort()
    found.problems.sort()
    return found


def _identity(folder: Path) -> tuple[int, int]:
    place = os.stat(folder)
    return place.st_dev, place.st_ino


def _may_be_folder(entry: "os.DirEntry[str]") -> bool:
    """Whether it is a folder, or a broken link without an ending, which may stand for a missing folder."""
    try:
        is_folder = entry.is_dir()
    except OSError:
        is_folder = False
    return is_folder or (entry.is_symlink() and not os.path.splitext(entry.name)[1] and not os.path.exists(entry.path))
