"""Images behind links, and names of images in the spelling of other systems."""

import os
import unicodedata
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from drawn_files import image_file

from engine.choices import DataFormat
from engine.data.check import check
from engine.data.kept_reports import kept_report
from engine.data.manifest import Manifest
from engine.data.sources import load_manifest
from engine.data.spec import DataSpec
from engine.errors import ConfigError, DataError


def _table(path: Path, *images: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["image,age", *(f'"{image}",30' for image in images)]) + "\n", encoding="utf-8")
    return path


def _load(path: Path, data_format: DataFormat = "table", **options: Any) -> Manifest:
    return load_manifest(DataSpec(name="it", format=data_format, path=str(path), **options))


def _images(manifest: Manifest) -> list[str]:
    for image in manifest.frame["image"]:
        assert manifest.read(image).shape == (8, 8, 3)
    return list(manifest.frame["image"])


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    for name in ("1.jpg", "2.jpg", "3.png"):
        image_file(tmp_path / "faces" / "img" / name)
    return tmp_path / "faces"


def test_a_table_names_images_anywhere(faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    names = ["../faces/img/1.jpg", str(faces / "img" / "2.jpg"), "~/faces/img/3.png"]
    manifest = _load(_table(tmp_path / "labels" / "t.csv", *names))
    assert _images(manifest) == names
    assert manifest.problems == ()
    assert manifest.notes == ()


def test_links_to_files_folders_and_the_table_are_followed(faces: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "img").symlink_to("../faces/img")
    (own / "one.jpg").symlink_to(faces / "img" / "1.jpg")
    assert _images(_load(_table(own / "t.csv", "img/1.jpg", "one.jpg"))) == ["img/1.jpg", "one.jpg"]
    _table(faces / "t.csv", "img/1.jpg")
    (tmp_path / "bare").mkdir()
    for folder in ("bare", "own"):
        (tmp_path / folder / "linked.csv").symlink_to(faces / "t.csv")
        assert _images(_load(tmp_path / folder / "linked.csv")) == ["img/1.jpg"]


def test_relative_names_start_in_the_chosen_folder(faces: Path, tmp_path: Path) -> None:
    table = _table(tmp_path / "labels" / "t.csv", "1.jpg", str(faces / "img" / "2.jpg"))
    manifest = _load(table, images=str(faces / "img"))
    assert _images(manifest) == ["1.jpg", str(faces / "img" / "2.jpg")]
    with pytest.raises(DataError, match=r"its image folder /no/such is missing.*--images"):
        _load(table, images="/no/such")


def test_pictures_inside_a_table_start_in_no_folder(tmp_path: Path) -> None:
    picture = image_file(tmp_path / "a.png").read_bytes()
    pd.DataFrame({"image": [{"bytes": picture, "path": "a.png"}], "age": [30.0]}).to_parquet(tmp_path / "t.parquet")
    assert _images(_load(tmp_path / "t.parquet")) == ["a.png"]
    with pytest.raises(ConfigError, match=r"--images is not used, because the images are in .* itself; leave it out"):
        _load(tmp_path / "t.parquet", images=str(tmp_path))


@pytest.mark.parametrize(
    ("there", "named"),
    [
        ("img/1.jpg", "img\\1.jpg"),
        ("img/1.jpg", ".\\img\\1.jpg"),
        ("img/1.jpg", "img/1.JPG"),
        ("img/1.JPG", "img/1.jpg"),
        ("img/1.jpeg", "img/1.jpg"),
        ("img/1.jpg", "Img/1.Jpeg"),
        ("img/1.jpg", "img/1"),
        ("img/000012.jpg.chip.jpg", "IMG/000012.jpg.chip.jpg"),
        (unicodedata.normalize("NFD", "Zoë/é.jpg"), unicodedata.normalize("NFC", "Zoë/é.jpg")),
        (unicodedata.normalize("NFC", "Zoë/é.jpg"), unicodedata.normalize("NFD", "zoë/É.jpg")),
        ("img/100%25.jpg", "img/100%25.JPG"),
    ],
)
def test_a_name_in_the_spelling_of_another_system_is_found_and_said(tmp_path: Path, there: str, named: str) -> None:
    image_file(tmp_path / there)
    (tmp_path / Path(there).parent / "._1.jpg").write_bytes(b"\0\5\26\7")
    manifest = _load(_table(tmp_path / "t.csv", named))
    assert _images(manifest) == [named]
    assert manifest.problems == ()
    assert manifest.notes == (f"1 image found under a similar name, such as {there} for {named}",)


@pytest.mark.parametrize(
    ("others", "named", "said"),
    [
        (["a.jpg", "A.JPG"], "a.JPG", "the image file is missing; it may be 'A.JPG' or 'a.jpg'"),
        (["a.png"], "a.jpg", "the image file is missing; beside it is 'a.png'"),
        (["b.jpg"], "a.jpg", "the image file is missing"),
        (["a%20b.jpg"], "a b.jpg", "the image file is missing"),
        (["a.jpg"], "no/a.jpg", "the image file is missing: the folder 'no' does not exist"),
    ],
)
def test_a_missing_image_is_named_with_similar_files(tmp_path: Path, others: list[str], named: str, said: str) -> None:
    for name in ("0.jpg", *others):
        image_file(tmp_path / name)
    manifest = _load(_table(tmp_path / "t.csv", "0.jpg", named))
    assert [(problem.where, problem.what) for problem in manifest.problems] == [(named, said)]
    assert manifest.notes == ()


@pytest.mark.parametrize("other", ["A.jpg", "a.jpeg", "a", ".\\a.jpg", "../it/a.jpg"])
def test_two_names_of_one_file_are_not_two_images(tmp_path: Path, other: str) -> None:
    image_file(tmp_path / "it" / "a.jpg")
    manifest = _load(_table(tmp_path / "it" / "t.csv", "a.jpg", other))
    assert _images(manifest) == ["a.jpg"]
    assert [problem.where for problem in manifest.problems] == [other]
    assert "named twice" in manifest.problems[0].what


def test_a_name_that_no_system_allows_is_a_problem(tmp_path: Path) -> None:
    image_file(tmp_path / "a.jpg")
    path = tmp_path / "t.jsonl"
    path.write_text("\n".join(f'{{"image": "{image}", "age": 30}}' for image in ("a.jpg", "x\\u0000y.jpg", "z" * 300)))
    manifest = _load(path)
    assert _images(manifest) == ["a.jpg"]
    assert [problem.where[:2] for problem in manifest.problems] == ["x\0", "zz"]


@pytest.mark.parametrize("below", ["", "../faces", "../faces/img/../img"])
def test_images_elsewhere_are_one_message_with_the_flag_that_helps(faces: Path, below: str) -> None:
    table = _table(faces / "labels" / "t.csv", *(f"img/{number}.jpg" for number in (1, 2)))
    with pytest.raises(DataError) as error:
        _load(table)
    message = str(error.value)
    assert message.count("\n") == 0
    assert f"expected at {faces}/labels/img/1.jpg" in message
    assert message.endswith(f"--images {faces}")
    assert _images(_load(table, images=str(faces))) == ["img/1.jpg", "img/2.jpg"]


@pytest.mark.parametrize(
    ("table", "named", "start"),
    [
        ("t.csv", "1.jpg", "img"),
        ("t.csv", "faces/img/1.jpg", ""),
        ("t.csv", "pictures/1.jpg", "img"),
        ("a/b/c/t.csv", "img/1.jpg", ""),
    ],
)
def test_the_folder_where_names_start_is_advised(faces: Path, table: str, named: str, start: str) -> None:
    path = _table(faces / table, named)
    with pytest.raises(DataError, match="--images ") as error:
        _load(path)
    folder = str(error.value).rpartition("--images ")[2]
    manifest = _load(path, images=folder)
    assert _images(manifest) == [named]
    assert Path(manifest.place(named)).samefile(faces / "img" / "1.jpg")


def test_no_folder_is_advised_if_none_fits(faces: Path) -> None:
    with pytest.raises(
        DataError, match=r"none of 1 image file exists.*give the folder where these names start with --images DIR"
    ):
        _load(_table(faces / "t.csv", "img/9.jpg"))


@pytest.mark.parametrize("front", ["/home/bob/data", "C:\\Users\\bob", "\\\\server\\share"])
def test_absolute_names_of_another_machine_are_found_below_the_table(faces: Path, front: str) -> None:
    separator = "\\" if "\\" in front else "/"
    names = [separator.join([front, "img", name]) for name in ("1.jpg", "2.jpg")]
    manifest = _load(_table(faces / "t.csv", *names))
    assert _images(manifest) == names
    assert len(manifest.notes) == 1
    assert "2 images named below " in manifest.notes[0]


@pytest.mark.parametrize(
    "name",
    ["a/" * 2000 + "1.jpg", "../" * 1300 + "1.jpg", "a\\" * 2000 + "1.jpg"],
    ids=["down", "up", "backslashes"],
)
def test_a_name_of_thousands_of_folders_is_missing(tmp_path: Path, name: str) -> None:
    image_file(tmp_path / "2.jpg")
    (problem,) = _load(_table(tmp_path / "t.csv", name, "2.jpg")).problems
    assert problem.where == name


def test_names_that_differ_in_their_folder_never_become_one(tmp_path: Path) -> None:
    image_file(tmp_path / "1.jpg")
    with pytest.raises(DataError, match="none of 2 image files exists"):
        _load(_table(tmp_path / "t.csv", "/bob/train/1.jpg", "/bob/test/1.jpg"))


@pytest.mark.parametrize("name", ["../1", "/etc/1", "up/../../1"])
def test_no_name_of_a_known_format_leads_out_of_its_folder(tmp_path: Path, name: str) -> None:
    root = tmp_path / "course"
    image_file(root / "train_data" / "0.jpg")
    for outside in (tmp_path / "1.jpg", root / "1.jpg"):
        image_file(outside)
    header = "imageId,age,gender,ethnicity,emotion"
    rows = [f'"{image}",30,male,asian,happy' for image in ("0", f"../{name}")]
    (root / "labels_metadata_train.csv").write_text("\n".join([header, *rows]))
    manifest = _load(root, "course")
    assert _images(manifest) == ["train_data/0.jpg"]
    assert [problem.what for problem in manifest.problems] == ["the name leads outside the data set's folder"]


def test_splits_and_labels_of_every_format_may_be_links(tmp_path: Path) -> None:
    for name in ("train/1.jpg_face.jpg", "train_data/1.jpg", "utk/25_0_1_2017.jpg"):
        image_file(tmp_path / "real" / name)
    (tmp_path / "real" / "course.csv").write_text("imageId,age,gender,ethnicity,emotion\n1,30,male,asian,happy\n")
    (tmp_path / "real" / "release.csv").write_text(
        "file_name,num_ratings,apparent_age_avg,apparent_age_std,real_age\n1.jpg,9,30,2,31\n"
    )
    linked = tmp_path / "linked"
    linked.mkdir()
    for name, target in [
        ("train_data", "train_data"),
        ("labels_metadata_train.csv", "course.csv"),
        ("train", "train"),
        ("gt_avg_train.csv", "release.csv"),
        ("part1", "utk"),
    ]:
        (linked / name).symlink_to(tmp_path / "real" / target)
    assert _images(_load(linked, "course")) == ["train_data/1.jpg"]
    assert _images(_load(linked, "appa_real")) == ["train/1.jpg_face.jpg"]
    (linked / "train_data").unlink()
    (linked / "train").unlink()
    assert _images(_load(linked, "utkface")) == ["part1/25_0_1_2017.jpg"]
    with pytest.raises(DataError, match="none of 1 image file exists"):
        _load(linked, "course")


def test_labels_behind_a_broken_link_are_no_withheld_labels(tmp_path: Path) -> None:
    image_file(tmp_path / "train_data" / "1.jpg")
    (tmp_path / "labels_metadata_train.csv").symlink_to("gone.csv")
    with pytest.raises(DataError, match=r"labels_metadata_train\.csv does not exist"):
        _load(tmp_path, "course")


def test_splits_of_the_course_are_found_whatever_their_capitals(tmp_path: Path) -> None:
    image_file(tmp_path / "Train_Data" / "1.JPG")
    image_file(tmp_path / "Test_Data" / "2.JPG")
    (tmp_path / "labels_metadata_train.csv").write_text("imageId,age,gender,ethnicity,emotion\n1,30,male,asian,happy\n")
    assert _images(_load(tmp_path, "course")) == ["train_data/1.jpg", "Test_Data/2.JPG"]


def test_folders_that_links_reach_again_are_read_once(tmp_path: Path) -> None:
    root = tmp_path / "utk"
    for name in ("z/25_0_1_2017.jpg", "z/deep/26_0_1_2017.jpg"):
        image_file(root / name)
    image_file(tmp_path / "27_0_1_2017.jpg")
    image_file(tmp_path / "more" / "28_0_1_2017.jpg")
    (root / "a").symlink_to("z")
    (root / "z" / "round").symlink_to("..")
    (root / "up").symlink_to("..")
    (root / "more").symlink_to("../more")
    (root / "self.link").symlink_to("self.link")
    manifest = _load(root, "utkface")
    assert _images(manifest) == ["more/28_0_1_2017.jpg", "z/25_0_1_2017.jpg", "z/deep/26_0_1_2017.jpg"]
    assert manifest.problems == ()
    assert manifest.notes == ("3 links skipped, because they lead to folders that are read anyway: a, up, z/round",)


def test_a_linked_folder_that_is_gone_is_a_problem(tmp_path: Path) -> None:
    image_file(tmp_path / "25_0_1_2017.jpg")
    (tmp_path / "part2").symlink_to("/no/such/disk")
    (tmp_path / "round").symlink_to("round")
    problems = _load(tmp_path, "utkface").problems
    assert [problem.where for problem in problems] == ["part2", "round"]


def test_traces_of_other_systems_are_no_images(tmp_path: Path) -> None:
    for name in ("25_0_1_2017.jpg", "test_data/1.jpg"):
        image = image_file(tmp_path / name)
        (image.parent / f"._{image.name}").write_bytes(b"\0\5\26\7")
        for trace in ("Thumbs.db", ".DS_Store", "desktop.ini"):
            (image.parent / trace).write_bytes(b"x")
    image_file(tmp_path / "__MACOSX" / "26_0_1_2017.jpg")
    (tmp_path / "test_data" / "1.jpg").rename(tmp_path / "test_data" / "27_0_1_2017.jpg")
    assert _images(_load(tmp_path, "utkface")) == ["25_0_1_2017.jpg", "test_data/27_0_1_2017.jpg"]
    assert _images(_load(tmp_path, "course")) == ["test_data/27_0_1_2017.jpg"]


def test_a_kept_report_notices_changes_in_folders_elsewhere(faces: Path, tmp_path: Path) -> None:
    table = _table(tmp_path / "labels" / "t.csv", "IMG\\1.jpg")
    spec = DataSpec(name="it", format="table", path=str(table), images=str(faces))
    check(spec, cache=tmp_path / "cache")
    kept = kept_report(spec, "apparent", tmp_path / "cache")
    assert kept is not None
    assert kept.is_current
    assert kept.report.notes
    os.utime(faces / "img" / "1.jpg", (1, 1))
    kept = kept_report(spec, "apparent", tmp_path / "cache")
    assert kept is not None
    assert not kept.is_current


def test_a_description_without_an_image_folder_has_no_such_field() -> None:
    spec = DataSpec(name="it", format="table", path="/x.csv")
    assert "images" not in spec.model_dump(mode="json")
    assert DataSpec.model_validate(spec.model_dump()) == spec
    chosen = spec.model_copy(update={"images": "/y"})
    assert DataSpec.model_validate_json(chosen.model_dump_json()) == chosen
