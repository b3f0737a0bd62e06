"""Lists of images to leave out: all forms of lists, and every format of data."""

from pathlib import Path

import numpy as np
import pytest
from drawn_files import image_file

from engine.choices import DataFormat
from engine.data.manifest import Manifest
from engine.data.sources import load_manifest
from engine.data.sources.ignore_list import read_ignored
from engine.data.spec import BUILT_IN, DataSpec
from engine.errors import ConfigError, DataError


def _load(data_format: DataFormat, path: Path, ignore: Path) -> Manifest:
    return load_manifest(DataSpec(name="it", format=data_format, path=str(path), ignore=str(ignore)))


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A table of three images, the second of which is missing."""
    for name in ("train/1.jpg", "train/x,y.jpg", "test/1.jpg"):
        image_file(tmp_path / name)
    path = tmp_path / "t.csv"
    path.write_text('image,age\ntrain/1.jpg,30\ntrain/2.jpg,x\ntest/1.jpg,40\n"train/x,y.jpg",50\n')
    return path


ALL = ["train/1.jpg", "test/1.jpg", "train/x,y.jpg"]


@pytest.mark.parametrize(
    ("listed", "out", "said"),
    [
        ("train/1.jpg\ntrain/2.jpg\nnone.jpg\n", ALL[:1], "2 of 3 names found: none.jpg was not; 2 images left out"),
        ("train/2\n./train/1\n", ALL[:1], "2 of 2 names found; 2 images left out"),
        ("2.jpg\r\n1.JPG\r\n", ALL[:2], "2 of 2 names found; 3 images left out (a bare name matches in every folder)"),
        ("2\ntrain\\1.jpeg\n", ALL[:1], "2 of 2 names found; 2 images left out"),
        ("2.jpg\nx,y.jpg\n", ALL[2:], "2 of 2 names found; 2 images left out"),
        ("2.jpg\nvalid/1.jpg\n1.png\n", [], "1 of 3 names found: valid/1.jpg, 1.png were not; 1 image left out"),
        ("2.jpg\na\nb\nc\nd\ne\n", [], "1 of 6 names found: a, b, c and 2 more were not; 1 image left out"),
        ("img_name,why\ntrain/2.jpg,blurred\n", [], "1 of 1 name found; 1 image left out"),
        ("why;File\nblurred;train/2.jpg\n", [], "1 of 1 name found; 1 image left out"),
        ('"train/2.jpg",blurred\n', [], "1 of 1 name found; 1 image left out"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_listed_images_are_left_out_with_their_problems(
    people: Path, listed: str, out: list[str], said: str, encoding: str
) -> None:
    ignore = people.parent / "bad.txt"
    ignore.write_bytes(listed.encode(encoding))
    manifest = _load("table", people, ignore)
    assert manifest.frame["image"].tolist() == [image for image in ALL if image not in out]
    assert manifest.problems == ()
    assert manifest.notes == (f"bad.txt: {said}",)


def test_a_whole_path_is_a_name(people: Path) -> None:
    ignore = people.parent / "bad.txt"
    ignore.write_text(f"{people.parent}/train/2.jpg\n{people.parent}/test/1.jpg\n")
    assert _load("table", people, ignore).frame["image"].tolist() == ["train/1.jpg", "train/x,y.jpg"]


@pytest.fixture
def every_format(tmp_path: Path) -> Path:
    """A folder that can be read as every format; each has the images 1 and 2, or 25_… and 26_…."""
    for number in (1, 2):
        image_file(tmp_path / "release" / "train" / f"{number}.jpg_face.jpg")
        image_file(tmp_path / "course" / "train_data" / f"{number}.jpg")
        image_file(tmp_path / "course" / "test_data" / f"{number + 2}.jpg")
        image_file(tmp_path / "utk" / f"{24 + number}_0_1_2017.jpg.chip.jpg")
    image_file(tmp_path / "utk" / "27_0_2017.jpg")
    (tmp_path / "release" / "gt_avg_train.csv").write_text(
        "file_name,num_ratings,apparent_age_avg,apparent_age_std,real_age\n1.jpg,9,30,2,31\n2.jpg,9,40,2,41\n"
    )
    (tmp_path / "course" / "labels_metadata_train.csv").write_text(
        "imageId,age,gender,ethnicity,emotion\n1,30,male,asian,happy\n2,40,male,asian,happy\n"
    )
    (tmp_path / "arrays").mkdir()
    np.save(tmp_path / "arrays" / "data_train.npy", np.zeros((3, 8, 8, 3), np.uint8))
    np.save(tmp_path / "arrays" / "labels_train.npy", np.full(3, 30.0))
    return tmp_path


@pytest.mark.parametrize(
    ("folder", "data_format", "listed", "left"),
    [
        ("release", "appa_real", "1.jpg", ["train/2.jpg_face.jpg"]),
        ("release", "appa_real", "train/1.jpg_face.jpg", ["train/2.jpg_face.jpg"]),
        ("course", "course", "2", ["train_data/1.jpg", "test_data/3.jpg", "test_data/4.jpg"]),
        ("course", "course", "2.jpg_face.jpg\n3.jpg", ["train_data/1.jpg", "test_data/4.jpg"]),
        ("arrays", "course", "train/1", ["train/0", "train/2"]),
        ("utk", "utkface", "25_0_1_2017.jpg\n27_0_2017.jpg", ["26_0_1_2017.jpg.chip.jpg"]),
    ],
)
def test_every_format_leaves_listed_images_out(
    every_format: Path, folder: str, data_format: DataFormat, listed: str, left: list[str]
) -> None:
    ignore = every_format / "bad.txt"
    ignore.write_text(listed)
    manifest = _load(data_format, every_format / folder, ignore)
    assert manifest.frame["image"].tolist() == left
    assert manifest.problems == ()
    count = len(listed.splitlines())
    assert manifest.notes[0].startswith(f"bad.txt: {count} of {count} name")


def test_drawn_faces_have_no_names_to_leave_out(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="drawn faces"):
        load_manifest(BUILT_IN.model_copy(update={"ignore": str(tmp_path)}))


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x81abc\0", b'"' + b"x" * 200_000])
def test_a_list_that_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.txt").write_bytes(content)
    with pytest.raises(DataError, match=r"the ignore list .*bad\.txt cannot be read"):
        read_ignored(tmp_path / "bad.txt")
