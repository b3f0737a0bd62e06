"""Data sets with the published numbers and names of images load whole; empty files stand for the images."""

from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random

import numpy as np
import pytest
from drawn_files import published_labels

from engine.data.check import count
from engine.data.course_counts import COURSE_COUNTS
from engine.data.report import DataReport
from engine.data.sources import detect_format
from engine.data.spec import DataSpec

TEST_IMAGES = 20


def _arrays(root: Path) -> None:
    for split in COURSE_COUNTS:
        labels = published_labels(split)
        np.save(root / f"data_{split}.npy", np.zeros((len(labels), 1, 1, 3), dtype=np.uint8))
        np.save(root / f"labels_{split}.npy", labels["age"].to_numpy())
        np.save(root / f"meta_data_{split}.npy", labels[["gender", "ethnicity", "expression"]].to_numpy().astype(str))
    np.save(root / "data_test.npy", np.zeros((TEST_IMAGES, 1, 1, 3), dtype=np.uint8))


def _folders(root: Path) -> None:
    for split in COURSE_COUNTS:
        labels = published_labels(split).rename(columns={"expression": "emotion"})
        labels.insert(0, "imageId", [f"{number:06d}" for number in range(1, len(labels) + 1)])
        labels.to_csv(root / f"labels_metadata_{split}.csv", index=False)
        _touch(root / f"{split}_data", (f"{name}.jpg" for name in labels["imageId"]))


def _folders_with_test_images(root: Path) -> None:
    _folders(root)
    _touch(root / "test_data", (f"{number:06d}.jpg" for number in range(1, TEST_IMAGES + 1)))


def _touch(folder: Path, names: Iterable[str]) -> None:
    folder.mkdir()
    for name in names:
        (folder / name).touch()


def _count(root: Path) -> DataReport:
    return count(DataSpec(name="it", format=detect_format(root), path=str(root)))


@pytest.mark.parametrize("make", [_arrays, _folders, _folders_with_test_images])
def test_the_course_edition_has_its_published_counts_in_each_form(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path)
    report = _count(tmp_path)
    assert report.problems == ()
    assert len(report.course_counts) == 26
    assert all(row.matches for row in report.course_counts)
    found = [(split.split, split.images, split.labelled) for split in report.splits]
    assert found == [("train", 4065, 4065), ("valid", 1482, 1482), ("test", TEST_IMAGES, 0)][: len(found)]
    assert len(found) == (2 if make is _folders else 3)


def test_all_names_of_utkface_but_its_two_bad_ones_are_read(tmp_path: Path) -> None:
    random = Random(0)
    names = {
        f"{random.randrange(117)}_{number % 2}_{random.randrange(5)}_201701{random.randrange(10**11):011d}.jpg.chip.jpg"
        for number in range(9_778)
    }
    assert len(names) == 9_778
    bad = ("61_1_20170109142408075.jpg.chip.jpg", "53__0_20170116184028385.jpg.chip.jpg")
    _touch(tmp_path / "crop_part1", (*names, *bad))
    report = _count(tmp_path)
    assert report.format == "utkface"
    assert sum(split.labelled for split in report.splits) == 9_778
    assert {problem.where for problem in report.problems} == {f"crop_part1/{name}" for name in bad}
    assert {group.group for group in report.groups if group.attribute == "ethnicity"} == {
        "caucasian", "afroamerican", "asian", "indian", "other"
    }  # fmt: skip
