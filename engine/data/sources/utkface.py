"""UTKFace (Zhang et al. 2017): file names hold all labels, [age]_[gender]_[race]_[date].jpg."""

import os
import re
from pathlib import Path

from engine.counted import counted
from engine.data.image_files import FoundImages, find_images
from engine.data.manifest import Manifest
from engine.data.report import RowProblem
from engine.data.sources.ages import AgeReader
from engine.data.sources.ignore_list import ignore_list
from engine.data.sources.image_folder import ImageFolder
from engine.data.sources.source_rows import SourceRow, frame_of
from engine.data.spec import FORMAT_ATTRIBUTES, DataSpec
from engine.errors import DataError
from engine.short_text import short_list

ATTRIBUTES = FORMAT_ATTRIBUTES["utkface"]
GENDERS = {"0": "male", "1": "female"}
ETHNICITIES = {"0": "caucasian", "1": "afroamerican", "2": "asian", "3": "indian", "4": "other"}
NAME = re.compile(r"(?P<age>\d{1,3})_(?P<gender>[01])_(?P<race>[0-4])_(?P<date>\d+)")
LOOKS_LIKE_ONE = re.compile(r"\d{1,3}_\d?_")
_SHOWN = 3


def is_utkface(root: Path) -> bool:
    """Whether the folder holds images named as in UTKFace."""
    return any(LOOKS_LIKE_ONE.match(path.name) for path in find_images(root).images)


def load(spec: DataSpec, root: Path) -> Manifest:
    """The manifest of all images below the folder; the data has no splits."""
    found, ignored = find_images(root), ignore_list(spec, root)
    problems = [RowProblem(_name(path, root), what) for path, what in found.problems]
    rows: list[SourceRow] = []
    for image in (_name(path, root) for path in found.images):
        parts = NAME.match(image.rpartition("/")[2])
        if ignored.matches(image):
            continue
        if parts is None:
            problems.append(RowProblem(image, "the name is not [age]_[gender]_[race]_[date].jpg"))
            continue
        attributes = {"gender": GENDERS[parts["gender"]], "ethnicity": ETHNICITIES[parts["race"]]}
        rows.append(SourceRow(image, None, parts["age"], attributes))
    if not found.images and not problems:
        raise DataError(f"{root} holds no images")
    frame, unusable = frame_of(rows, ATTRIBUTES, reader=AgeReader(spec.age_scale))
    problems += unusable
    notes = (*ignored.notes, *_notes(found, root))
    return Manifest.of(spec.name, frame, ATTRIBUTES, ImageFolder(root), problems=problems, notes=notes)


def _name(path: Path, root: Path) -> str:
    return os.fspath(path).removeprefix(os.path.join(root, ""))


def _notes(found: FoundImages, root: Path) -> tuple[str, ...]:
    if not found.links:
        return ()
    shown = short_list((_name(link, root) for link in found.links), _SHOWN)
    return (f"{counted(len(found.links), 'link')} skipped, because they lead to folders that are read anyway: {shown}",)
