"""The manifest of a release: labels from tables or file names, and image files below its folder."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from engine.data.manifest import Manifest
from engine.data.sources.ages import AgeReader
from engine.data.sources.ignore_list import ignore_list
from engine.data.sources.image_folder import ImageFolder
from engine.data.sources.source_rows import SourceRow, frame_of
from engine.data.spec import DataSpec


def folder_manifest(
    spec: DataSpec, root: Path, rows: Iterable[SourceRow], attributes: Sequence[str], extra: Sequence[str] = ()
) -> Manifest:
    """The manifest of the rows whose files exist, without those that the spec ignores.

    `attributes` and `extra` are as in `frame_of`. Raises `DataError` for rows none of whose files exists.
    """
    folder, ignored, ages = ImageFolder(root), ignore_list(spec, root), AgeReader(spec.age_scale)
    frame, problems = frame_of(ignored.without(rows), attributes, extra, ages)
    frame, missing, found = folder.without_missing(frame)
    notes = (*ages.notes(), *ignored.notes, *found)
    return Manifest.of(spec.name, frame, attributes, folder, problems=problems + missing, notes=notes)
