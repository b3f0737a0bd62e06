"""UTKFace (Zhang et al. 2017): the file name has all labels, [age]_[gender]_[race]_[date].jpg."""

import re
from collections.abc import Iterator
from pathlib import Path

from engine.data.manifest import Manifest
from engine.data.report import RowProblem
from engine.data.sources.image_folder import ImageFolder
from engine.data.sources.source_rows import SourceRow, frame_of
from engine.data.spec import FORMAT_ATTRIBUTES, DataSpec
from engine.errors import DataError

ATTRIBUTES = FORMAT_ATTRIBUTES["utkface"]
GENDERS = {"0": "male", "1": "female"}
ETHNICITIES = {"0": "caucasian", "1": "afroamerican", "2": "asian", "3": "indian", "4": "other"}
NAME = re.compile(r"(?P<age>\d{1,3})_(?P<gender>[01])_(?P<race>[0-4])_(?P<date>\d+)")
LOOKS_LIKE_ONE = re.compile(r"\d{1,3}_\d?_")
ENDINGS = (".jpg", ".jpeg", ".png")


def is_utkface(root: Path) -> bool:
    """Whether the folder holds images with names as in UTKFace."""
    return any(LOOKS_LIKE_ONE.match(path.name) for path in _images(root))


def load(spec: DataSpec, root: Path) -> Manifest:
    """The manifest of all images below the folder; the data has no splits."""
    rows: list[SourceRow] = []
    malformed: list[RowProblem] = []
    for path in sorted(_images(root)):
        image = path.relative_to(root).as_posix()
        parts = NAME.match(path.name)
        if parts is None:
            malformed.append(RowProblem(image, "the name is not [age]_[gender]_[race]_[date].jpg"))
            continue
        attributes = {"gender": GENDERS[parts["gender"]], "ethnicity": ETHNICITIES[parts["race"]]}
        rows.append(SourceRow(image, None, parts["age"], attributes))
    if not rows and not malformed:
        raise DataError(f"{root} holds no images ({', '.join(ENDINGS)})")
    frame, problems = frame_of(rows, ATTRIBUTES)
    folder = ImageFolder(root)
    return Manifest(
        spec.name, frame, ATTRIBUTES, folder.read, folder.fingerprint, folder.content, (*malformed, *problems)
    )


def _images(root: Path) -> Iterator[Path]:
    return (path for path in root.rglob("*") if path.suffix.lower() in ENDINGS)
