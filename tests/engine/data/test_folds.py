"""Folds: every row is tested once, subjects and copies stay together, and every machine deals alike."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.data.check import examine
from engine.data.dataset import prepare
from engine.data.fold_counts import refuse_folds, why_no_folds
from engine.data.folds import fold_specs, own_hash
from engine.data.sources import load_manifest
from engine.data.spec import DataSpec, SyntheticOptions
from engine.data.splitting import fold_of_rows
from engine.errors import ConfigError, DataError


@pytest.fixture
def pictures(tmp_path: Path) -> list[str]:
    """Lines of 30 pictures with a subject for every two of the first twelve, then of copies of the last ten, all with
    splits."""
    lines = []
    for n in range(30):
        picture = np.random.default_rng(n).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(picture).save(tmp_path / f"{n}.png")
        lines.append(f"{n}.png,{20 + n},{f's{n // 2}' if n < 12 else ''},train")
    for n in range(20, 30):
        shutil.copy(tmp_path / f"{n}.png", tmp_path / f"copy-{n}.png")
        lines.append(f"copy-{n}.png,{20 + n},,test")
    return lines


def _table(folder: Path, lines: Sequence[str]) -> DataSpec:
    path = folder / "t.csv"
    path.write_text("\n".join(["image,age,subject,split", *lines]) + "\n")
    return DataSpec(name="mine", format="table", path=str(path))


def _splits(spec: DataSpec) -> dict[str, str]:
    frame = load_manifest(spec).frame
    return dict(zip(frame["image"], frame["split"], strict=True))


def test_each_image_is_tested_once_then_validates_the_fold_before(tmp_path: Path, pictures: list[str]) -> None:
    folds = [_splits(spec) for spec in fold_specs(_table(tmp_path, pictures), 4)]
    for image in folds[0]:
        found = [splits[image] for splits in folds]
        tested = found.index("test")
        assert found[tested - 1] == "valid"
        assert sorted(found) == ["test", "train", "train", "valid"]
    sizes = [list(splits.values()).count("test") for splits in folds]
    assert max(sizes) - min(sizes) <= 2


def test_subjects_and_copies_share_a_fold(tmp_path: Path, pictures: list[str]) -> None:
    for spec in fold_specs(_table(tmp_path, pictures), 5):
        splits = _splits(spec)
        assert all(splits[f"{n}.png"] == splits[f"{n + 1}.png"] for n in range(0, 12, 2))
        assert all(splits[f"{n}.png"] == splits[f"copy-{n}.png"] for n in range(20, 30))


def test_folds_depend_on_no_order_and_no_machine(tmp_path: Path, pictures: list[str]) -> None:
    first = fold_specs(_table(tmp_path, pictures), 5)
    found = [_splits(spec) for spec in first]
    assert [_splits(spec) for spec in fold_specs(_table(tmp_path, pictures[::-1]), 5)] == found
    frame = load_manifest(first[0]).frame.iloc[12:20]
    assert fold_of_rows(frame, first[0], 3, None).tolist() == [1, 0, 2, 1, 1, 2, 0, 0]


def test_drawn_faces_and_a_run_see_the_same_folds(tmp_path: Path) -> None:
    options = SyntheticOptions(counts=(20, 10, 6), image_size=32)
    drawn = DataSpec(name="synthetic", format="synthetic", synthetic=options)
    hashes, tested = set(), []
    for spec in fold_specs(drawn, 3):
        dataset = prepare(spec, "apparent", 8, cache=tmp_path)
        assert dict(zip(dataset.frame["image"], dataset.frame["split"], strict=True)) == _splits(spec)
        assert [dataset.splits()[split]["labelled"] for split in ("train", "valid", "test")] == [12, 12, 12]
        hashes.add(dataset.content_hash)
        tested += dataset.frame["image"].iloc[dataset.rows("test")].tolist()
    assert len(set(tested)) == len(tested) == 36
    assert len(hashes) == 3
    assert {own_hash(one) for one in hashes} == {examine(drawn, cache=tmp_path).content_hash}


def test_a_spec_without_fold_is_stored_as_before_and_one_with_a_fold_comes_back() -> None:
    spec = DataSpec(name="mine", format="course", path="/x")
    assert "fold" not in spec.model_dump(mode="json")
    (first, *_) = fold_specs(spec, 3)
    assert DataSpec.model_validate_json(first.model_dump_json()) == first != spec


@pytest.mark.parametrize("folds", [-1, 0, 2, 51])
def test_too_few_and_too_many_folds_are_refused(folds: int) -> None:
    with pytest.raises(ConfigError, match=f"--folds {folds}: give 3 to 50"):
        fold_specs(DataSpec(name="mine", format="course", path="/x"), folds)


def test_folds_without_images_are_refused_before_training(tmp_path: Path, pictures: list[str]) -> None:
    refuse_folds(_table(tmp_path, pictures), 24, "apparent")
    with pytest.raises(DataError, match="its 40 images make at most 24 folds"):
        refuse_folds(_table(tmp_path, pictures), 25, "apparent")
    with pytest.raises(DataError, match="1 row or image that cannot be used"):
        refuse_folds(_table(tmp_path, [pictures[0], "1.png,,,train"]), 3, "apparent")
    codes = np.arange(6) % 3
    assert why_no_folds(codes, codes < 2, 3) == "no image of fold 3 of 3 has an age; give fewer --folds"
    with pytest.raises(DataError, match="3 folds leave fewer than two train images for a run"):
        refuse_folds(_table(tmp_path, pictures[12:15]), 3, "apparent")
