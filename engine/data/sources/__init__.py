"""Sources of data sets: each becomes a manifest, whatever its files look like."""

import os
import shlex
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from engine.bounded_files import other_kind
from engine.choices import DataFormat, Target
from engine.data.content_hashes import content_hashes
from engine.data.image_files import find_images, is_trace
from engine.data.manifest import Manifest, Progress
from engine.data.one_row_per_file import one_row_per_file
from engine.data.sources import appa_real, course, synthetic, table, table_columns, utkface
from engine.data.sources.read_table import read_raw_table
from engine.data.spec import DataSpec, why_no_target, why_unreadable
from engine.data.splitting import fold_rows, halve_valid, split_rows
from engine.errors import ConfigError, DataError
from engine.short_text import short, short_list

TABLE_ENDINGS = (".csv", ".tsv", ".tab", ".psv", ".json", ".jsonl", ".ndjson", ".parquet")
ARCHIVE_ENDINGS = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")
_MOST_ENTRIES, _MOST_TEXTS = 100_000, 10
_KNOWN = (
    "data_train.npy or labels_metadata_train.csv (course), gt_avg_train.csv (appa_real), names like "
    "25_0_1_20170116.jpg (utkface), or a table of images in CSV, JSON or Parquet (table)"
)


def detect_format(path: Path) -> DataFormat:
    """The format of a folder or table, judged by its files. Any file may be a table, whatever its ending.

    Raises `DataError` that lists the expected files and those found instead.
    """
    if path.is_dir():
        if course.is_course(path):
            return "course"
        if appa_real.is_appa_real(path):
            return "appa_real"
        if utkface.is_utkface(path):
            return "utkface"
        raise DataError(f"{path} has none of the known formats: {_KNOWN}; {_instead(path)}")
    if (kind := other_kind(path)) is not None:
        raise DataError(f"{path} is {kind}; give a folder or a table of images")
    return "table"


def _instead(folder: Path) -> str:
    """Advice for a folder of unknown format: a table or an archive in it."""
    for pattern in ("*", "*/*"):
        found = islice(folder.glob(pattern), _MOST_ENTRIES)
        names = sorted(
            os.fspath(one.relative_to(folder)) for one in found if not is_trace(one.name) and os.path.isfile(one)
        )
        tables = [name for name in names if name.lower().removesuffix(".gz").endswith(TABLE_ENDINGS)]
        texts = [name for name in names if name.lower().endswith(".txt")][:_MOST_TEXTS]
        if tables := tables or [name for name in texts if _is_table(folder / name)]:
            example = shlex.quote(os.fspath(folder / tables[0]))
            joined = "; to use several, first join them into one table with a column split" if tables[1:] else ""
            return f"add one of its tables ({short_list(tables)}), as in ageui data add NAME {example}{joined}"
        if archives := [name for name in names if name.lower().endswith(ARCHIVE_ENDINGS)]:
            return f"unpack its archives first ({short_list(archives)})"
    if images := find_images(folder).images:
        image = short(os.fspath(images[0].relative_to(folder)))
        return f"write a CSV table with a first line image,age,gender and lines such as {image},31,female, and add that"
    return "it holds no images"


def _is_table(path: Path) -> bool:
    try:
        return len(read_raw_table(path).frame.columns) > 1
    except DataError:
        return False


def settled(spec: DataSpec, target: Target = "apparent") -> tuple[DataSpec, tuple[str, ...]]:
    """The complete description of a new data set, with guesses from its files, and a sentence about each guess.

    Finds a table's columns and splits by the usual names, and stores them, so that later versions of the table and of
    ageui read the same ones. Raises `ConfigError` or `DataError` for choices that only a person can make.
    """
    return table_columns.settled(spec, Path(spec.path or ""), target) if spec.format == "table" else (spec, ())


def load_manifest(
    spec: DataSpec, target: Target = "apparent", *, cache: Path | None = None, progress: Progress | None = None
) -> Manifest:
    """Reads the rows of a data set without decoding pixels.

    Reads images only if their bytes decide their split: for folds, and for data without splits whose spec keeps copies
    together.

    Parameters
    ----------
    spec
        The data set.
    target
        The age to learn, if the data has both.
    cache
        Folder of hashes of images read before; None reads every image.
    progress
        Called with the current task and the numbers of finished and of all images.

    Raises
    ------
    DataError
        If files are missing or of another format.
    ConfigError
        If the data lacks the target.
    """
    rows = load_rows(spec, target)
    is_split = bool(rows.frame["split"].notna().all())
    reads = spec.fold is not None or (spec.keep_copies_together and not is_split)
    return with_splits(rows, spec, content_hashes(rows, cache, progress) if reads else None)


def with_splits(rows: Manifest, spec: DataSpec, content: Sequence[str] | None) -> Manifest:
    """The manifest of rows from `load_rows`, each with a split.

    `content` holds the SHA-256 of each row's image; it is needed only for folds and for a spec that keeps copies
    together.
    """
    frame = rows.frame
    if spec.fold is not None:
        return replace(rows, frame=fold_rows(frame, spec, spec.fold, content))
    if not frame["split"].notna().all():
        frame = split_rows(frame, spec, content if spec.keep_copies_together else None)
    return replace(rows, frame=halve_valid(frame, spec) if spec.halve_valid else frame)


def load_rows(spec: DataSpec, target: Target = "apparent") -> Manifest:
    """Like `load_manifest`, but the split of rows is None if the data has none."""
    if (reason := why_no_target(spec, target)) is not None:
        raise ConfigError(reason)
    if (reason := why_unreadable(spec)) is not None:
        raise DataError(reason)
    if spec.format == "synthetic":
        return synthetic.load(spec)
    path = Path(spec.path or "")
    if spec.format == "table":
        return one_row_per_file(table.load(spec, path, target))
    if spec.format == "course":
        return one_row_per_file(course.load(spec, path))
    if spec.format == "appa_real":
        return one_row_per_file(appa_real.load(spec, path, target))
    return utkface.load(spec, path)
