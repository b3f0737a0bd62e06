"""Sources of data sets: each becomes a manifest, whatever its files look like."""

from pathlib import Path

from engine.choices import DataFormat, Target
from engine.data.manifest import Manifest
from engine.data.sources import appa_real, course, synthetic, table, table_columns, utkface
from engine.data.spec import DataSpec, why_no_target, why_unreadable
from engine.errors import ConfigError, DataError


def detect_format(path: Path) -> DataFormat:
    """The format of a folder or table, by its files. Raises `DataError` with the files it looked for."""
    if table.is_table(path):
        return "table"
    if path.is_dir():
        if course.is_course(path):
            return "course"
        if appa_real.is_appa_real(path):
            return "appa_real"
        if utkface.is_utkface(path):
            return "utkface"
    raise DataError(
        f"{path} has none of the known formats: data_train.npy or labels_metadata_train.csv (course), "
        f"gt_avg_train.csv (appa_real), names like 25_0_1_20170116.jpg (utkface), or a .csv, .tsv or .parquet file "
        "(table); name one with --format"
    )


def settled(spec: DataSpec, target: Target = "apparent") -> tuple[DataSpec, tuple[str, ...]]:
    """The description of a new data set with what its files leave open, and a sentence on each guess.

    A table's columns and splits are found by the usual names, so that later versions of the table and of ageui read
    the same ones. Raises `ConfigError` or `DataError` for what only a person can decide.
    """
    return table_columns.settled(spec, Path(spec.path or ""), target) if spec.format == "table" else (spec, ())


def load_manifest(spec: DataSpec, target: Target = "apparent") -> Manifest:
    """Reads the rows of a data set; no pixel is decoded.

    Raises `DataError` for files that are missing or of another format, `ConfigError` for a target that they lack.
    """
    if (reason := why_no_target(spec, target)) is not None:
        raise ConfigError(reason)
    if (reason := why_unreadable(spec)) is not None:
        raise DataError(reason)
    if spec.format == "synthetic":
        return synthetic.load(spec)
    path = Path(spec.path or "")
    if spec.format == "table":
        return table.load(spec, path, target)
    if spec.format == "course":
        return course.load(spec, path)
    if spec.format == "appa_real":
        return appa_real.load(spec, path, target)
    return utkface.load(spec, path)
