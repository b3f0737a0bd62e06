"""Reports that are kept hold as long as no file of the data set changed."""

import os
from pathlib import Path

import pytest

from engine.data.check import check, count
from engine.data.kept_reports import kept_report
from engine.data.make_faces import make_faces
from engine.data.spec import BUILT_IN, DataSpec, SyntheticOptions


@pytest.fixture
def spec(tmp_path: Path) -> DataSpec:
    make_faces(tmp_path / "faces", SyntheticOptions(counts=(12, 6, 0), image_size=32))
    return DataSpec(name="faces", format="course", path=str(tmp_path / "faces"))


def test_a_full_report_is_kept_until_something_changes(spec: DataSpec, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert kept_report(spec, "apparent", cache) is None
    report = check(spec, cache=cache)
    kept = kept_report(spec, "apparent", cache)
    assert kept is not None
    assert kept.is_current
    assert kept.report == report
    assert report.images_read
    assert kept_report(spec, "real", cache) is None
    image = Path(spec.path or "") / "train_data" / "000003.jpg"
    (image.parent / "notes.md").write_text("nothing of the data set")
    assert kept_report(spec, "apparent", cache) == kept
    os.utime(image, (1, 1))
    changed = kept_report(spec, "apparent", cache)
    assert changed is not None
    assert not changed.is_current


@pytest.mark.parametrize("change", ["add", "remove", "labels", "folder"])
def test_whatever_changes_is_seen(spec: DataSpec, tmp_path: Path, change: str) -> None:
    check(spec, cache=tmp_path / "cache")
    root = Path(spec.path or "")
    match change:
        case "add":
            (root / "valid_data" / "new.jpg").write_bytes(b"")
        case "remove":
            (root / "valid_data" / "000001.jpg").unlink()
        case "labels":
            (root / "labels_metadata_train.csv").write_text("imageId\n")
        case "folder":
            (root / "test_data").mkdir()
    kept = kept_report(spec, "apparent", tmp_path / "cache")
    assert kept is not None
    assert not kept.is_current


def test_another_name_is_the_same_data_and_another_description_is_not(spec: DataSpec, tmp_path: Path) -> None:
    check(spec, cache=tmp_path)
    renamed = kept_report(spec.model_copy(update={"name": "other"}), "apparent", tmp_path)
    assert renamed is not None
    assert renamed.report.name == "other"
    assert kept_report(spec.model_copy(update={"skip_bad": True}), "apparent", tmp_path) is None


def test_a_damaged_file_is_as_none(spec: DataSpec, tmp_path: Path) -> None:
    check(spec, cache=tmp_path / "cache")
    (file,) = (tmp_path / "cache" / "reports").iterdir()
    assert file.stat().st_mode & 0o077 == 0
    for content in (b"", b"[]", b'{"report": {}}', b"\xff"):
        file.write_bytes(content)
        assert kept_report(spec, "apparent", tmp_path / "cache") is None


def test_rows_alone_give_the_same_counts(spec: DataSpec, tmp_path: Path) -> None:
    rows, full = count(spec), check(spec, cache=tmp_path / "no" / "such" / "folder")
    assert (rows.splits, rows.groups) == (full.splits, full.groups)
    assert not rows.images_read
    assert rows.duplicates == ()


def test_a_cache_that_cannot_be_written_stops_nothing(spec: DataSpec, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert check(spec, cache=tmp_path / "file").images_read


def test_drawn_faces_stay_current(tmp_path: Path) -> None:
    drawn = BUILT_IN.model_copy(update={"synthetic": SyntheticOptions(counts=(8, 4, 0), image_size=32)})
    check(drawn, cache=tmp_path)
    kept = kept_report(drawn, "apparent", tmp_path)
    assert kept is not None
    assert kept.is_current
