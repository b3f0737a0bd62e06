"""Keeps the last full report of each data set in the cache folder, and detects changes of its files.

Reading a report needs neither pandas nor pixels: comparing a few thousand files takes some hundredths of a second.
"""

import hashlib
import os
import stat
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from engine.cache import keep_json, kept_json
from engine.choices import Target
from engine.data.image_files import IMAGE_ENDINGS
from engine.data.report import DataReport
from engine.data.spec import DataSpec

# Part of every key: raise it when the same files give another report, or drawn faces look different.
CHECKING = 3
_SEEN = (*IMAGE_ENDINGS, ".npy", ".csv", ".tsv", ".tab", ".parquet", ".txt")


@dataclass(frozen=True)
class KeptReport:
    """A report, the time of its check, and whether all files of the data set are unchanged since."""

    report: DataReport
    checked_at: datetime
    is_current: bool


def keep_report(report: DataReport, spec: DataSpec, stamp: str, folders: Iterable[str], cache: Path) -> None:
    """Keeps a full report. Does nothing if the cache cannot be written.

    Parameters
    ----------
    report
        The report of a check that read all images.
    spec
        The data set.
    stamp
        The `stamp_of` of the folders before the check.
    folders
        The folders of the images, relative to that of the data set.
    cache
        The user's cache folder.
    """
    content = {
        "stamp": stamp,
        "folders": sorted(folders),
        "checked_at": datetime.now(UTC).isoformat(),
        "report": asdict(report),
    }
    keep_json(_file(spec, report.target, cache), content)


def kept_report(spec: DataSpec, target: Target, cache: Path) -> KeptReport | None:
    """The kept report of a data set; None if it has none that can be read."""
    try:
        found = kept_json(_file(spec, target, cache))
        report = replace(DataReport.from_json(found["report"]), name=spec.name)
        is_current = found["stamp"] == stamp_of(spec, found["folders"])
        return KeptReport(report, datetime.fromisoformat(found["checked_at"]), is_current)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def known_image_count(spec: DataSpec, target: Target, cache: Path) -> int | None:
    """A data set's number of images, from the drawn faces' options or a report on unchanged files.

    None if unknown. Reads no image.
    """
    if spec.format == "synthetic" and spec.path is None:
        return sum(spec.synthetic.counts)
    kept = kept_report(spec, target, cache)
    return sum(split.images for split in kept.report.splits) if kept is not None and kept.is_current else None


def image_folders(images: Iterable[str]) -> set[str]:
    """The folders of images at these paths. `.` is the data set's folder, from which relative paths start."""
    return {"."} | {os.path.dirname(image) for image in images}


def stamp_of(spec: DataSpec, folders: Iterable[str]) -> str:
    """A hash that changes with every image and table in the folders, and when a folder beside them comes or goes.

    Compares names, sizes and modification times. Drawn faces have no files.
    """
    digest = hashlib.sha256()
    if spec.path is not None:
        root = Path(spec.path)
        digest.update(_entry(root).encode())
        root = root.parent if spec.format == "table" else root
        for folder in sorted(folders):
            digest.update("\n".join([folder, *_entries(root / folder)]).encode("utf-8", "surrogateescape"))
    if spec.ignore is not None:
        digest.update(_entry(Path(spec.ignore)).encode())
    return digest.hexdigest()[:32]


def _entries(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(f"{entry.name} {_entry(entry)}" for entry in entries if _is_seen(entry))
    except OSError:
        return ["not there"]


def _is_seen(entry: "os.DirEntry[str]") -> bool:
    return entry.name.lower().endswith(_SEEN) or entry.is_dir()


def _entry(entry: "Path | os.DirEntry[str]") -> str:
    try:
        found = entry.stat()
    except OSError:
        return "not there"
    return "folder" if stat.S_ISDIR(found.st_mode) else f"{found.st_size} {found.st_mtime_ns}"


def _file(spec: DataSpec, target: str, cache: Path) -> Path:
    key = hashlib.sha256(
        f"{CHECKING} {target}\n{spec.model_dump_json(exclude={'name', 'fold'})}".encode("utf-8", "surrogateescape")
    )
    return cache / "reports" / f"{key.hexdigest()[:32]}.report"
