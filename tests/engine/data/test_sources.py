"""Each source read from a small tree of files of its format, written here; and all that can be wrong with one."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from drawn_files import RED, image_file

from engine.choices import DataFormat, Target
from engine.data.manifest import Manifest
from engine.data.sources import detect_format, load_manifest, parquet_table, raw_table
from engine.data.sources.ignore_list import read_ignored
from engine.data.sources.image_folder import ImageFolder
from engine.data.spec import BUILT_IN, DataSpec, SyntheticOptions
from engine.errors import AgeUIError, ConfigError, DataError

GREEN, BLUE = (10, 200, 20), (10, 20, 200)


def _write(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def _load(data_format: DataFormat, path: Path, target: Target = "apparent", **options: Any) -> Manifest:
    return load_manifest(DataSpec(name="it", format=data_format, path=str(path), **options), target)


def _rows(manifest: Manifest, *columns: str) -> list[tuple[Any, ...]]:
    return list(manifest.frame[list(columns)].itertuples(index=False, name=None))


@pytest.fixture
def course_folder(tmp_path: Path) -> Path:
    for name, colour in (("train_data/000001", RED), ("train_data/000002", GREEN), ("valid_data/000001", BLUE)):
        image_file(tmp_path / f"{name}.jpg", colour)
    image_file(tmp_path / "test_data/000001.jpg")
    header = "imageId,age,gender,ethnicity,emotion"
    _write(
        tmp_path / "labels_metadata_train.csv",
        header,
        "000001,5.0,male,caucasian,neutral",
        "000002,20.079,female,asian,happy",
    )
    _write(tmp_path / "labels_metadata_valid.csv", header, "000001,61.5,male,afroamerican,other")
    return tmp_path


def test_the_courses_folders(course_folder: Path) -> None:
    manifest = _load("course", course_folder)
    assert detect_format(course_folder) == "course"
    assert _rows(manifest, "image", "split", "gender", "ethnicity", "expression") == [
        ("train_data/000001.jpg", "train", "male", "caucasian", "neutral"),
        ("train_data/000002.jpg", "train", "female", "asian", "happy"),
        ("valid_data/000001.jpg", "valid", "male", "afroamerican", "other"),
        ("test_data/000001.jpg", "test", None, None, None),
    ]
    np.testing.assert_array_equal(manifest.frame["age"], [5.0, 20.079, 61.5, np.nan])
    np.testing.assert_allclose(manifest.read("train_data/000002.jpg").mean((0, 1)), GREEN, atol=4)


@pytest.fixture
def release(tmp_path: Path) -> Path:
    for name in ("train/000000", "train/000001", "valid/004113"):
        image_file(tmp_path / f"{name}.jpg_face.jpg")
    header = "file_name,num_ratings,apparent_age_avg,apparent_age_std,real_age"
    _write(tmp_path / "gt_avg_train.csv", header, "000000.jpg,36,5.5,1.25,4", "000001.jpg,38,18.9,2.75,18")
    _write(tmp_path / "gt_avg_valid.csv", header, "004113.jpg,30,64.25,5.0,70")
    _write(
        tmp_path / "allcategories_train.csv",
        "file,gender,race,makeup,time,happiness",
        "000000.jpg,male,caucasian,nomakeup,modernphoto,neutral",
        "000001.jpg,female,asian,makeup,modernphoto,slightlyhappy",
    )
    return tmp_path


def test_the_appa_real_release_with_either_age(release: Path) -> None:
    assert detect_format(release) == "appa_real"
    apparent, real = _load("appa_real", release), _load("appa_real", release, "real")
    assert apparent.frame["age"].tolist() == [5.5, 18.9, 64.25]
    assert real.frame["age"].tolist() == [4.0, 18.0, 70.0]
    assert apparent.frame["age_std"].tolist() == [1.25, 2.75, 5.0]
    assert _rows(apparent, "gender", "ethnicity", "expression") == [
        ("male", "caucasian", "neutral"),
        ("female", "asian", "slightlyhappy"),
        (None, None, None),
    ]


@pytest.mark.parametrize("lines", [("000001.jpg",), ("img_name,reason", "000001.jpg,not a face")])
def test_the_ignore_list_leaves_images_out(release: Path, lines: Sequence[str]) -> None:
    ignore = _write(release / "ignore.csv", *lines)
    manifest = _load("appa_real", release, ignore=str(ignore))
    assert manifest.frame["image"].tolist() == ["train/000000.jpg_face.jpg", "valid/004113.jpg_face.jpg"]
    assert manifest.problems == ()


def test_utkface_names(tmp_path: Path) -> None:
    good = {"25_0_1_20170116174525125.jpg.chip.jpg": ("male", "afroamerican"), "1_1_3_2016.jpg": ("female", "indian")}
    bad = ["61_1_20170109142408075.jpg", "53__0_20170116184028385.jpg", "39_2_0_2017.jpg"]
    for name in (*good, *bad):
        image_file(tmp_path / "part1" / name)
    manifest = _load("utkface", tmp_path)
    assert detect_format(tmp_path) == "utkface"
    found = {row[0].rpartition("/")[2]: row[1:] for row in _rows(manifest, "image", "gender", "ethnicity")}
    assert found == good
    assert sorted(manifest.frame["age"]) == [1.0, 25.0]
    assert {problem.where for problem in manifest.problems} == {f"part1/{name}" for name in bad}
    assert set(manifest.frame["split"]) <= {"train", "valid", "test"}


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet"])
def test_a_table_with_its_own_column_names(tmp_path: Path, ending: str) -> None:
    for name in ("a", "b", "c"):
        image_file(tmp_path / "pictures" / f"{name}.png")
    table = pd.DataFrame(
        {
            "file": [f"pictures/{name}.png" for name in "abc"],
            "years": [10.0, 20.5, 30.0],
            "part": ["train", "val", "test"],
            "sex": ["m", "f", "m"],
            "skin": ["I", "II", None],
            "height": [1.5, 1.6, 1.7],
        }
    )
    path = tmp_path / f"faces.{ending}"
    if ending == "parquet":
        table.to_parquet(path)
    else:
        table.to_csv(path, index=False, sep="\t" if ending == "tsv" else ",")
    manifest = _load("table", path, columns={"image": "file", "age": "years", "split": "part", "gender": "sex"})
    assert detect_format(path) == "table"
    assert _rows(manifest, "image", "split", "age", "gender", "skin") == [
        ("pictures/a.png", "train", 10.0, "m", "I"),
        ("pictures/b.png", "valid", 20.5, "f", "II"),
        ("pictures/c.png", "test", 30.0, "m", None),
    ]
    assert set(manifest.attributes) == {"gender", "skin"}


def _people(folder: Path, count: int = 60) -> Path:
    lines = []
    for number in range(count):
        image_file(folder / f"{number}.png", size=4)
        lines.append(f"{number}.png,{number},{number // 3}")
    return _write(folder / "people.csv", "image,age,subject", *lines)


def test_no_subject_is_in_two_splits_and_more_images_move_none(tmp_path: Path) -> None:
    few, many = _people(tmp_path / "few", 60), _people(tmp_path / "many", 90)
    frame, larger = _load("table", few).frame, _load("table", many).frame
    assert frame.groupby("subject")["split"].nunique().max() == 1
    assert set(frame["split"]) == {"train", "valid", "test"}
    assert larger["split"].tolist()[:60] == frame["split"].tolist()
    other = _load("table", few, split_seed=1).frame
    assert other["split"].tolist() != frame["split"].tolist()


def test_half_of_validation_becomes_test_and_no_subject_is_in_both(tmp_path: Path) -> None:
    many = _people(tmp_path / "many", 300)
    fractions = {"fractions": (0.5, 0.5, 0.0)}
    whole, halved = _load("table", many, **fractions).frame, _load("table", many, **fractions, halve_valid=True).frame
    was_valid = whole["split"] == "valid"
    assert (halved["split"][~was_valid] == "train").all()
    assert 0.2 < (halved["split"][was_valid] == "test").mean() < 0.8
    assert set(halved["split"][was_valid]) == {"valid", "test"}
    assert halved.groupby("subject")["split"].nunique().max() == 1


def test_fractions_are_close_to_the_request(tmp_path: Path) -> None:
    path = _write(tmp_path / "t.csv", "image,age", *(f"{n}.png,3" for n in range(300)))
    for number in range(300):
        image_file(tmp_path / f"{number}.png", size=2)
    counts = _load("table", path, fractions=(0.5, 0.5, 0.0)).frame["split"].value_counts()
    assert set(counts.index) == {"train", "valid"}
    assert 120 <= counts["train"] <= 180


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("x.png,-1,train", "age -1 is not between 0 and 120"),
        ("x.png,121,train", "age 121 is not between"),
        ("x.png,nan,train", "age is missing, while other images of the split have one"),
        ("x.png,,train", "age is missing, while other images of the split have one"),
        ("x.png,ten,train", "age 'ten' is neither a number"),
        ("x.png,10,tran", "split 'tran'; use one of train"),
        ("a.png,10,train", "the same image is named twice"),
        ("gone.png,10,train", "the image file is missing"),
        ("pipe.png,10,train", "it is a named pipe, not a regular file"),
        ("broken.png,10,train", "it is a broken link to 'nowhere.png'"),
        ("loop.png,10,train", "Too many levels of symbolic links"),
        ("up,10,train", "it is a folder, not a regular file"),
        ("no/a.png,10,train", "the folder 'no' does not exist"),
    ],
)
def test_a_row_that_cannot_be_used_is_listed_and_left_out(tmp_path: Path, line: str, said: str) -> None:
    for name in ("data/a", "data/x"):
        image_file(tmp_path / f"{name}.png")
    (tmp_path / "data" / "broken.png").symlink_to("nowhere.png")
    (tmp_path / "data" / "loop.png").symlink_to("loop.png")
    (tmp_path / "data" / "up").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "data" / "pipe.png")
    path = _write(tmp_path / "data/t.csv", "image,age,split", "a.png,10,train", line)
    manifest = _load("table", path)
    assert manifest.frame["image"].tolist() == ["a.png"]
    assert [problem.where for problem in manifest.problems] == [line.partition(",")[0]]
    assert said in manifest.problems[0].what


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", r"it is empty; write a line with the column names"),
        (b"name,age\na.png,3\n", "has no column image; it has name, age"),
        (b"image,age\n\xff\xfe.png,3\n", "it is not text in UTF-8"),
        (b'image,age\n"a.png,3\n', "cannot be read as a table"),
        (b"image,age" + b",c" * 5000, "it has 5,002 columns, more than the limit of 1,000"),
        (
            b"image,age," + b",".join(b"c%d" % n for n in range(60)) + b"\na.png,3" + b",x" * 60,
            "has 60 columns that look",
        ),
    ],
)
def test_a_table_that_is_none_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=said):
        _load("table", path)


def test_a_parquet_file_is_refused_by_its_header_or_while_it_expands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.parquet"
    pd.DataFrame({"image": ["a.png"] * 20_000, "age": 3.0}).to_parquet(path)
    monkeypatch.setattr(parquet_table, "MOST_EXPANDED_BYTES", 10_000)
    with pytest.raises(DataError, match="it expands to more than"):
        _load("table", path)
    monkeypatch.setattr(raw_table, "MOST_ROWS", 10_000)
    with pytest.raises(DataError, match="it has more than 10,000 rows"):
        _load("table", path)


@pytest.mark.parametrize("kind", ["table", "ignore list", "image"])
def test_pipes_and_devices_are_no_part_of_a_data_set(tmp_path: Path, kind: str) -> None:
    path = _write(tmp_path / "t.csv", "image,age", "a.png,3")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a.png").symlink_to("pipe")
    if kind == "table":
        path.unlink()
        path.symlink_to("/dev/zero")
        with pytest.raises(DataError, match="it is a device, not a regular file"):
            _load("table", path)
    elif kind == "ignore list":
        with pytest.raises(DataError, match="it is a named pipe, not a regular file"):
            read_ignored(tmp_path / "pipe")
    else:
        with pytest.raises(DataError, match="it is a named pipe, not a regular file"):
            ImageFolder(tmp_path).read("a.png")


def test_a_label_file_without_its_columns_is_named(course_folder: Path) -> None:
    _write(course_folder / "labels_metadata_train.csv", "imageId,age", "000001,5.0")
    with pytest.raises(DataError, match="has no column gender, ethnicity, emotion; it has imageId, age"):
        _load("course", course_folder)


@pytest.mark.parametrize("data_format", ["course", "utkface", "table"])
def test_a_target_the_data_lacks_is_refused(course_folder: Path, data_format: DataFormat) -> None:
    path = course_folder / "labels_metadata_train.csv" if data_format == "table" else course_folder
    with pytest.raises(ConfigError, match="target"):
        _load(data_format, path, "real", columns={"image": "imageId"} if data_format == "table" else {})


def test_a_folder_of_unknown_format_names_the_known_formats(tmp_path: Path) -> None:
    _write(tmp_path / "notes.txt", "hello")
    with pytest.raises(DataError, match=r"data_train\.npy.*gt_avg_train\.csv.*25_0_1.*it holds no images"):
        detect_format(tmp_path)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("train.csv", r"add one of its tables \(train\.csv\), as in ageui data add NAME .*/train\.csv"),
        ("labels.JSONL.gz", r"add one of its tables \(labels\.JSONL\.gz\)"),
        ("archive.zip", r"unpack its archives first \(archive\.zip\)"),
        ("UTKFace.tar.gz", r"unpack its archives first \(UTKFace\.tar\.gz\)"),
    ],
)
def test_a_folder_of_unknown_format_gets_advice_on_its_files(tmp_path: Path, name: str, said: str) -> None:
    _write(tmp_path / name, "x")
    with pytest.raises(DataError, match=said):
        detect_format(tmp_path)


def test_a_folder_of_several_tables_says_how_to_use_them_all(tmp_path: Path) -> None:
    for fold in range(2):
        _write(tmp_path / "folds" / f"fold_{fold}_data.txt", "user_id\toriginal_image\tage\nu\ta.jpg\t(25, 32)\n")
    _write(tmp_path / "readme.txt", "hello")
    with pytest.raises(DataError, match=r"its tables \(folds/fold_0_data\.txt, folds/fold_1.*join them into one"):
        detect_format(tmp_path)


def test_a_folder_of_images_alone_gets_a_table_to_write(tmp_path: Path) -> None:
    _write(tmp_path / "images" / "001A13.JPG", "x")
    with pytest.raises(DataError, match=r"write a CSV table .*image,age,gender .* images/001A13\.JPG,31,female"):
        detect_format(tmp_path)


@pytest.mark.parametrize("name", ["t.csv", "t.txt", "t.jsonl", "t.csv.gz", "t.parquet", "labels", "list.lst"])
def test_any_file_may_be_a_table(tmp_path: Path, name: str) -> None:
    assert detect_format(_write(tmp_path / name, "image,age")) == "table"


@pytest.mark.parametrize("data_format", ["course", "appa_real", "utkface", "table"])
def test_a_data_set_that_is_gone_is_named(tmp_path: Path, data_format: DataFormat) -> None:
    with pytest.raises(DataError, match="gone is missing; mount it"):
        _load(data_format, tmp_path / "gone")


def test_a_wrong_format_is_an_error_and_no_crash(tmp_path: Path) -> None:
    image_file(tmp_path / "a.png")
    loads: list[Callable[[], Manifest]] = [
        lambda: _load("course", tmp_path),
        lambda: _load("course", tmp_path / "a.png"),
        lambda: _load("table", tmp_path / "a.png"),
    ]
    for load in loads:
        with pytest.raises(AgeUIError):
            load()


class TestSynthetic:
    def _frame(self, **options: Any) -> pd.DataFrame:
        counts = options.pop("counts", (400, 100, 0))
        spec = BUILT_IN.model_copy(update={"synthetic": SyntheticOptions(counts=counts, image_size=32, **options)})
        return load_manifest(spec).frame

    def test_the_same_seed_draws_the_same_faces_whatever_their_number(self) -> None:
        small, large = (
            load_manifest(BUILT_IN.model_copy(update={"synthetic": SyntheticOptions(counts=(60, n, 0), image_size=32)}))
            for n in (20, 30)
        )
        assert small.frame[small.frame["split"] == "train"].equals(large.frame[large.frame["split"] == "train"])
        np.testing.assert_array_equal(small.read("train/7"), large.read("train/7"))
        assert small.fingerprint("train/7") != small.fingerprint("train/8")

    def test_a_shift_moves_the_groups_train_labels_alone(self) -> None:
        plain, shifted = self._frame(), self._frame(label_shift={"gender=female": 5.0})
        moved = (shifted["age"] - plain["age"]).to_numpy()
        expected = ((plain["gender"] == "female") & (plain["split"] == "train")).to_numpy() * 5.0
        free = (plain["age"] < 95).to_numpy()
        np.testing.assert_allclose(moved[free], expected[free])

    def test_noise_spreads_the_groups_labels_in_every_split(self) -> None:
        options = {"counts": (3000, 1000, 0)}
        plain, noisy = self._frame(**options), self._frame(label_noise={"gender=male": 4.0}, **options)
        moved = noisy["age"] - plain["age"]
        inside = (plain["age"] > 15) & (plain["age"] < 85)
        male = plain["gender"] == "male"
        assert (moved[~male] == 0).all()
        for split in ("train", "valid"):
            chosen = moved[male & inside & (plain["split"] == split)]
            assert chosen.std() == pytest.approx(4.0, rel=0.12)

    @pytest.mark.parametrize("group", ["gender=none", "height=tall", "gender"])
    def test_a_missing_group_is_refused(self, group: str) -> None:
        with pytest.raises(ConfigError):
            self._frame(label_shift={group: 1.0})


def test_a_column_with_a_name_of_ours_replaces_nothing(tmp_path: Path) -> None:
    """As a text column `split` beside the one that is named."""
    image_file(tmp_path / "a.jpg")
    image_file(tmp_path / "b.jpg")
    table = tmp_path / "t.csv"
    table.write_text("image,age,years,part,split\na.jpg,old,20,train,valid\nb.jpg,young,30,test,valid\n")
    spec = DataSpec(name="it", format="table", path=str(table), columns={"age": "years", "split": "part"})
    frame = load_manifest(spec).frame
    assert frame["age"].tolist() == [20, 30]
    assert frame["split"].tolist() == ["train", "test"]
    with pytest.raises(ConfigError, match="--columns pixel=…: this name is reserved"):
        load_manifest(spec.model_copy(update={"columns": {"pixel": "part"}}))
