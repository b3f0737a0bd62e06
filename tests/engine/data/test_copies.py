"""Copies of images, subjects and files of one name: kept in one split, or named."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.data.check import check, count
from engine.data.content_hashes import content_hashes
from engine.data.dataset import prepare
from engine.data.report import DataReport, RepeatedNames
from engine.data.sources import load_manifest, load_rows
from engine.data.spec import DataSpec
from engine.errors import DataError


def _draw(folder: Path, *names: str) -> None:
    """A picture of its own for each name."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        random = np.random.default_rng(list(name.encode()))
        Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(path, format="PNG")


def _table(folder: Path, lines: Sequence[str], header: str = "image,age") -> DataSpec:
    path = folder / "t.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return DataSpec(name="it", format="table", path=str(path), keep_copies_together=True)


def _splits(spec: DataSpec) -> dict[str, str]:
    frame = load_manifest(spec).frame
    return dict(zip(frame["image"], frame["split"], strict=True))


@pytest.fixture
def copied(tmp_path: Path) -> list[str]:
    """Names of 40 pictures, then of copies of the first ten, and of copies of these."""
    names = [f"{n}.png" for n in range(40)]
    _draw(tmp_path, *names)
    for again in ("b", "a-copy"):
        for n in range(10):
            shutil.copy(tmp_path / f"{n}.png", tmp_path / f"{again}{n}.png")
            names.append(f"{again}{n}.png")
    return names


def test_copies_are_in_one_split_and_other_images_where_they_were(tmp_path: Path, copied: list[str]) -> None:
    spec = _table(tmp_path, [f"{name},30" for name in copied])
    splits, before = _splits(spec), _splits(spec.model_copy(update={"keep_copies_together": False}))
    assert all(splits[f"{n}.png"] == splits[f"b{n}.png"] == splits[f"a-copy{n}.png"] for n in range(10))
    assert {name: splits[name] for name in copied[10:40]} == {name: before[name] for name in copied[10:40]}
    assert any(before[f"{n}.png"] != before[f"b{n}.png"] for n in range(10))
    assert [len(set(found.splits)) for found in check(spec).identical] == [1] * 10


def test_the_split_of_copies_depends_on_no_other_row_and_no_order(tmp_path: Path, copied: list[str]) -> None:
    whole = _splits(_table(tmp_path, [f"{name},30" for name in copied]))
    assert _splits(_table(tmp_path, [f"{name},30" for name in reversed(copied)])) == whole
    fewer = [name for name in copied if name.endswith(("3.png", "7.png"))]
    assert _splits(_table(tmp_path, [f"{name},30" for name in fewer])) == {name: whole[name] for name in fewer}


def test_a_run_a_check_and_a_count_see_the_same_splits(tmp_path: Path, copied: list[str]) -> None:
    spec, cache = _table(tmp_path, [f"{name},30" for name in copied]), tmp_path / "cache"
    dataset = prepare(spec, "apparent", 8, cache=cache, trains=False)
    assert dict(zip(dataset.frame["image"], dataset.frame["split"], strict=True)) == _splits(spec)
    assert check(spec, cache=cache).splits == count(spec, cache=cache).splits == check(spec).splits


def test_subjects_of_copies_stay_together_too(tmp_path: Path) -> None:
    _draw(tmp_path, *(f"{n}{part}.png" for n in range(12) for part in "abcd"))
    for n in range(12):
        shutil.copy(tmp_path / f"{n}b.png", tmp_path / f"{n}c.png")
    lines = [f"{n}{part}.png,30,{subject}{n}" for n in range(12) for part, subject in zip("abcd", "ppqq", strict=True)]
    splits = _splits(_table(tmp_path, lines, "image,age,subject"))
    assert all(len({splits[f"{n}{part}.png"] for part in "abcd"}) == 1 for n in range(12))


def test_a_given_split_decides_for_copies_without_one(tmp_path: Path, copied: list[str]) -> None:
    lines = [f"{name},30,{'test' if name in copied[:10] else ''}" for name in copied]
    splits = _splits(_table(tmp_path, lines, "image,age,split"))
    assert {splits[name] for name in (*copied[:10], *copied[40:])} == {"test"}


@pytest.mark.parametrize("is_same", [True, False])
def test_editions_of_utkface_are_named_and_split_alike(tmp_path: Path, is_same: bool) -> None:
    names = [f"{20 + n}_{n % 2}_{n % 5}_2017011617{n:04d}000.jpg" for n in range(20)]
    for folder, ending in (("UTKFace", ""), ("crop_part1", ""), ("aligned", ".chip.jpg")):
        for name in names:
            _draw(tmp_path, f"{folder}/{name}{ending}")
            if is_same and folder != "UTKFace":
                shutil.copy(tmp_path / "UTKFace" / name, tmp_path / folder / f"{name}{ending}")
    spec = DataSpec(name="it", format="utkface", path=str(tmp_path), keep_copies_together=True)
    report, splits = check(spec), _splits(spec)
    assert report.repeated_names == RepeatedNames(20, ("UTKFace", "aligned", "crop_part1"))
    assert len(report.identical) == 20 * is_same
    for name in names:
        alike = (f"UTKFace/{name}", f"crop_part1/{name}", f"aligned/{name}.chip.jpg")
        assert len({splits[one] for one in alike}) == 1


def test_equal_names_in_folders_of_persons_are_no_repeats(tmp_path: Path) -> None:
    names = [f"p{person}/{n}.png" for person in range(4) for n in range(5)]
    _draw(tmp_path, *names)
    report = check(_table(tmp_path, [f"{name},{place}" for place, name in enumerate(names)]))
    assert report.repeated_names is None
    assert report.identical == ()


def test_copies_and_subjects_across_given_splits_are_named_with_their_labels(tmp_path: Path) -> None:
    _draw(tmp_path, "a.png", "b.png", "c.png")
    shutil.copy(tmp_path / "a.png", tmp_path / "d.png")
    lines = ["a.png,20,train,male,s", "b.png,30,train,male,t", "c.png,40,valid,male,s", "d.png,60,test,male,"]
    report = check(_table(tmp_path, lines, "image,age,split,gender,subject"))
    (found,) = report.identical
    assert (found.images, found.splits, found.ages) == (("a.png", "d.png"), ("train", "test"), (20.0, 60.0))
    assert found.differing == ("age",)
    assert [(one.subject, one.splits) for one in report.subjects] == [("s", {"train": 1, "valid": 1})]
    assert DataReport.from_json(json.loads(json.dumps(asdict(report)))) == report


def test_many_copies_of_one_image_are_one_set_and_no_pairs(tmp_path: Path) -> None:
    _draw(tmp_path, "a.png")
    for n in range(200):
        (tmp_path / f"{n}.png").hardlink_to(tmp_path / "a.png")
    report = check(_table(tmp_path, [f"{n}.png,30" for n in range(200)]))
    assert report.duplicates == ()
    assert [len(found.images) for found in report.identical] == [200]


SPELLINGS = ("img/a.png", "./img/a.png", "img/./a.png", "img//a.png", "img/../img/a.png", "link/a.png")


def _spelled(folder: Path, *lines: str) -> DataSpec:
    _draw(folder, "img/a.png", "img/b.png")
    (folder / "link").symlink_to(folder / "img")
    return _table(folder, [*lines, "img/b.png,50,train"], "image,age,split")


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_file_named_twice_with_other_labels_is_a_problem_of_both_rows(tmp_path: Path, spelling: str) -> None:
    manifest = load_manifest(_spelled(tmp_path, "img/a.png,20,train", f"{spelling},40,train"))
    assert manifest.frame["image"].tolist() == ["img/b.png"]
    assert [problem.where for problem in manifest.problems] == ["img/a.png", spelling]
    for problem in manifest.problems:
        assert "the file is named 2 times" in problem.what
        assert "age: 20, 40" in problem.what


@pytest.mark.parametrize("spelling", SPELLINGS[1:])
def test_a_file_named_twice_with_equal_labels_is_one_image(tmp_path: Path, spelling: str) -> None:
    manifest = load_manifest(_spelled(tmp_path, "img/a.png,20,train", f"{spelling},20,train"))
    assert manifest.frame["image"].tolist() == ["img/a.png", "img/b.png"]
    (problem,) = manifest.problems
    assert (problem.where, problem.what) == (spelling, "the same image is named twice, first as 'img/a.png'")


def test_a_file_in_two_splits_is_a_problem_of_both_rows(tmp_path: Path) -> None:
    spec = _spelled(tmp_path, "img/a.png,20,train", "./img/a.png,20,test")
    assert "differing in split: 'train', 'test'" in load_manifest(spec).problems[0].what
    with pytest.raises(DataError, match="2 rows or images that cannot be used"):
        prepare(spec, "apparent", 8, cache=tmp_path / "cache")


def test_the_hash_of_an_image_that_could_not_be_read_is_not_kept(tmp_path: Path) -> None:
    _draw(tmp_path, "a.png")
    rows, cache = load_rows(_table(tmp_path, ["a.png,20"])), tmp_path / "cache"

    def refused(image: str) -> bytes:
        raise DataError("permission denied")

    assert content_hashes(replace(rows, content=refused), cache) == ("",)
    assert content_hashes(rows, cache) == (hashlib.sha256(rows.content("a.png")).hexdigest(),)
