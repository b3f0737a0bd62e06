"""Finds files by names that another system spelled differently."""

import os
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from engine.data.image_files import IMAGE_ENDINGS, is_trace

_SAME_ENDINGS: Final = {".jpeg": ".jpg", ".jpe": ".jpg", ".jfif": ".jpg", ".tiff": ".tif"}


class NearNames:
    """Looks for files whose names differ in capitals, composition of accents, or between `.jpeg` and `.jpg`.

    A name without an image ending matches images with any ending. Each folder is listed once.
    """

    def __init__(self) -> None:
        self._listings: dict[str, dict[str, list[str]]] = {}

    def find(self, root: str, parts: Sequence[str]) -> list[str]:
        """The regular files below `root` that match the parts of a name; an exact part takes precedence."""
        name, *deeper = parts

        def below(path: str) -> list[str]:
            if deeper:
                return self.find(path, deeper)
            return [path] if os.path.isfile(path) else []

        others = (entry for entry in self._alike(root, name) if entry != name)
        return below(os.path.join(root, name)) or [
            file for other in others for file in below(os.path.join(root, other))
        ]

    def beside(self, file: str) -> list[str]:
        """The names in a file's folder that differ from its own only in capitals, accents or ending."""
        folder, name = os.path.split(file)
        return self._listing(folder).get(stem_and_ending(name)[0], [])

    def _alike(self, folder: str, name: str) -> list[str]:
        stem, ending = stem_and_ending(name)
        entries = self._listing(folder).get(stem, [])
        return [entry for entry in entries if not ending or stem_and_ending(entry)[1] == ending]

    def _listing(self, folder: str) -> dict[str, list[str]]:
        """The names in a folder, by stem."""
        if folder not in self._listings:
            listing: dict[str, list[str]] = defaultdict(list)
            try:
                names = sorted(os.listdir(folder or os.curdir))
            except (OSError, ValueError):
                names = []
            for name in names:
                if not is_trace(name):
                    listing[stem_and_ending(name)[0]].append(name)
            self._listings[folder] = listing
        return self._listings[folder]


def folded(name: str) -> str:
    """The name in lower case, with composed accents."""
    return unicodedata.normalize("NFC", name.lower())


def stem_and_ending(name: str) -> tuple[str, str]:
    """Stem and ending of a folded name. `.jpeg` becomes `.jpg`; an ending of no image format belongs to the stem."""
    name = folded(name)
    stem, ending = os.path.splitext(name)
    return (stem, _SAME_ENDINGS.get(ending, ending)) if ending in IMAGE_ENDINGS else (name, "")
