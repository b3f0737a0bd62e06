"""What a check finds in a data set, beside the published counts and weights."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from drawn_files import published_labels
from PIL import Image

from engine.data.check import check, check_manifest
from engine.data.course_counts import is_published_split
from engine.data.make_faces import make_faces
from engine.data.manifest import Manifest
from engine.data.near_duplicates import near_duplicates
from engine.data.report import DataReport, DuplicatePair, RowProblem
from engine.data.spec import DataSpec, SyntheticOptions
from engine.errors import DataError

RANDOM = np.random.default_rng(0)


def _smooth(count: int) -> np.ndarray:
    """Different smooth pictures (N, 32, 32)."""
    coarse = RANDOM.integers(0, 256, (count, 5, 5), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(one).resize((32, 32), Image.Resampling.BICUBIC)) for one in coarse])


def test_copies_of_all_kinds_are_found_and_nothing_else() -> None:
    pictures = _smooth(600)
    noisy = np.clip(pictures[0] + RANDOM.normal(0, 4, (32, 32)), 0, 255).astype(np.uint8)
    copies = np.stack(
        [noisy, pictures[1][:, ::-1], (pictures[2] * 0.6 + 20).astype(np.uint8), pictures[3], pictures[4][:, ::-1]]
    )
    found = near_duplicates(np.concatenate([pictures, copies]))
    assert [(first, second) for first, second, _ in found] == [(n, 600 + n) for n in range(5)]
    assert found[3][2] == 0


def test_few_or_flat_pictures_are_no_problem() -> None:
    assert near_duplicates(np.zeros((0, 32, 32), dtype=np.uint8)) == []
    assert near_duplicates(_smooth(1)) == []
    assert len(near_duplicates(np.full((3, 32, 32), 7, dtype=np.uint8))) == 3


def _course_edition(*splits: str) -> pd.DataFrame:
    parts = []
    for split in splits:
        part = published_labels(split).assign(split=split)
        parts.append(part.assign(image=[f"{split}_data/{number:06d}.jpg" for number in range(1, len(part) + 1)]))
    return pd.concat(parts, ignore_index=True)


def _report(frame: pd.DataFrame, bad: str = "") -> DataReport:
    def read(image: str) -> np.ndarray:
        if image == bad:
            raise DataError("damaged image")
        return np.random.default_rng(list(image.encode())).integers(0, 256, (8, 8, 3), dtype=np.uint8)

    manifest = Manifest(
        "it", frame, ("gender", "ethnicity", "expression"), read, str, str.encode, (RowProblem("x", "no age"),)
    )
    return check_manifest(manifest, DataSpec(name="it", format="course", path="/it"), "apparent")


def test_counts_and_weights_are_the_published_ones() -> None:
    report = _report(_course_edition("train", "valid"))
    assert [(split.split, split.images) for split in report.splits] == [("train", 4065), ("valid", 1482)]
    assert len(report.course_counts) == 26
    assert all(row.matches for row in report.course_counts)
    weights = {(group.attribute, group.group): round(group.weight or 0, 5) for group in report.groups}
    assert weights == {
        ("age", "<20"): 1.27670,
        ("age", "20-40"): 0.42539,
        ("age", "40-60"): 1.38832,
        ("age", ">=60"): 6.86655,
        ("gender", "male"): 0.98283,
        ("gender", "female"): 1.01778,
        ("ethnicity", "caucasian"): 0.38472,
        ("ethnicity", "asian"): 3.19575,
        ("ethnicity", "afroamerican"): 11.38655,
        ("expression", "neutral"): 0.72382,
        ("expression", "slightlyhappy"): 0.56965,
        ("expression", "happy"): 1.42732,
        ("expression", "other"): 6.15909,
    }
    json.dumps(dataclasses.asdict(report), allow_nan=False)


def test_an_unreadable_image_is_a_problem_and_in_no_count() -> None:
    report = _report(_course_edition("valid"), bad="valid_data/000003.jpg")
    assert [problem.where for problem in report.problems] == ["x", "valid_data/000003.jpg"]
    assert report.splits[0].images == 1481
    wrong = [(row.attribute, row.group, row.found) for row in report.course_counts if not row.matches]
    assert wrong == [
        ("age", "<20", 304),
        ("gender", "male", 765),
        ("expression", "neutral", 491),
        ("ethnicity", "caucasian", 1315),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("images", "is_it"),
    [
        ([f"train_data/{number:06d}.jpg" for number in range(1, 4066)], True),
        ([f"train/{number}" for number in range(4065)], True),
        ([f"train_data/{number:06d}.jpg" for number in range(9, 4066)], True),
        ([f"train_data/{number:06d}.jpg" for number in range(10, 4066)], False),
        ([f"train_data/{number:06d}.jpg" for number in range(1, 1601)], False),
        ([f"train_data/{number:06d}.jpg" for number in range(1, 5001)], False),
        ([f"train_data/{number + 9000}.jpg" for number in range(1, 4066)], False),
        ([f"train_data/me-{number}.jpg" for number in range(1, 4066)], False),
    ],
)
def test_a_published_split_has_its_number_and_names_of_images(images: list[str], is_it: bool) -> None:
    assert is_published_split("train", images, left_out=8) is is_it
    assert not is_published_split("test", images, left_out=8)


def test_other_splits_are_not_compared_with_published_counts() -> None:
    own = _course_edition("train")[:100]
    report = _report(pd.concat([own, _course_edition("valid")], ignore_index=True))
    assert {row.split for row in report.course_counts} == {"valid"}


@pytest.mark.parametrize("place", ["built in", "folder", "table"])
def test_drawn_faces_have_no_published_counts_and_no_duplicates(tmp_path: Path, place: str) -> None:
    options = SyntheticOptions(counts=(250, 150, 0), image_size=32)
    folder = tmp_path / "faces"
    spec = DataSpec(name="drawn", format="synthetic", synthetic=options)
    assert len(check(spec.model_copy(update={"path": "/photos"})).duplicates) > 0, "they look alike"
    if place != "built in":
        make_faces(folder, options)
        spec = DataSpec(name="drawn", format="course", path=str(folder))
    if place == "table":
        table = pd.read_csv(folder / "labels_metadata_train.csv", dtype=str)
        table.assign(image="train_data/" + table["imageId"] + ".jpg").to_csv(folder / "own.csv", index=False)
        spec = DataSpec(name="drawn", format="table", path=str(folder / "own.csv"))
    report = check(spec)
    assert (report.course_counts, report.duplicates, report.problems) == ((), (), ())


def test_a_pair_names_its_splits_in_one_order() -> None:
    pairs = [DuplicatePair("a", first, "b", second, 0.1) for first, second in (("test", "train"), ("train", "test"))]
    assert {pair.where for pair in pairs} == {"between train and test"}


def test_a_copy_among_drawn_faces_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "faces"
    make_faces(folder, SyntheticOptions(counts=(20, 5, 0), image_size=96))
    with Image.open(folder / "train_data" / "000003.jpg") as face:
        face.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(folder / "valid_data" / "000002.jpg", quality=80)
    (pair,) = check(DataSpec(name="faces", format="course", path=str(folder))).duplicates
    assert (pair.first, pair.second) == ("train_data/000003.jpg", "valid_data/000002.jpg")


def test_made_faces_are_the_planned_faces(tmp_path: Path) -> None:
    options = SyntheticOptions(counts=(60, 50, 0), seed=3, image_size=32)
    folder = tmp_path / "faces"
    make_faces(folder, options)
    report = check(DataSpec(name="faces", format="course", path=str(folder)))
    assert [(split.split, split.images) for split in report.splits] == [("train", 60), ("valid", 50)]
    assert report.problems == ()
    assert all(min(group.counts.values()) >= 2 for group in report.groups)
    assert [path.name for path in tmp_path.iterdir()] == ["faces"]
    with pytest.raises(DataError, match="exists and is not empty"):
        make_faces(folder, options)


def test_faces_that_cannot_all_be_written_leave_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("PIL.Image.Image.save", full)
    with pytest.raises(DataError, match="cannot be written: No space left"):
        make_faces(tmp_path / "faces", SyntheticOptions(counts=(60, 0, 0), image_size=32))
    assert list(tmp_path.iterdir()) == []
