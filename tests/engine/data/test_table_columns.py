"""Which columns of a table are taken for images, ages and splits, and which only a person can name."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from drawn_files import image_file

from engine.choices import Target
from engine.data.manifest import Manifest
from engine.data.sources import load_manifest, settled
from engine.data.spec import DataSpec
from engine.errors import DataError

IMAGES = ("a.png", "b.png", "c.png")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in IMAGES:
        image_file(tmp_path / name)
    return tmp_path


def _spec(folder: Path, table: dict[str, Sequence[object]], **options: Any) -> DataSpec:
    path = folder / "t.csv"
    pd.DataFrame(table).to_csv(path, index=False)
    return DataSpec(name="it", format="table", path=str(path), **options)


def _load(
    folder: Path, table: dict[str, Sequence[object]], target: Target = "apparent", **options: Any
) -> tuple[DataSpec, Manifest]:
    spec, _ = settled(_spec(folder, table, **options), target)
    return spec, load_manifest(spec, target)


@pytest.mark.parametrize(
    ("image", "age"),
    [
        ("Image", "Age"),
        ("IMG_NAME", "AGE"),
        ("file", "apparent_age_avg"),
        ("Path", "Years"),
        ("file name", "apparent-age"),
        ("filepath", "Âge"),
        ("face", "mean_age"),
        ("photo", "age_years"),
        ("what it shows", "age"),
        ("Bild", "Alter"),
        ("Datei", "Alter (Jahre)"),
    ],
)
def test_columns_are_found_by_usual_names_and_kept(folder: Path, image: str, age: str) -> None:
    table = {"height": [1.5, 1.6, 1.7], image: IMAGES, age: [1, 20, 30]}
    spec, manifest = _load(folder, table)
    assert manifest.frame["image"].tolist() == list(IMAGES)
    assert manifest.frame["age"].tolist() == [1.0, 20.0, 30.0]
    assert spec.columns == {"image": image} | ({} if age == "age" else {"age": age})
    assert DataSpec.model_validate(spec.model_dump(mode="json")) == spec


def test_found_columns_are_noted_in_one_line(folder: Path) -> None:
    spec = _spec(folder, {"Image": IMAGES, "Age": [1, 20, 30], "Gender": ["m", "f", "f"], "Split": ["train"] * 3})
    found, notes = settled(spec)
    pairs = "image=Image, age=Age, split=Split, gender=Gender"
    assert notes == (f"columns found by name: {pairs}; change this with --columns",)
    assert load_manifest(found).attributes == ("gender",)


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("gender", "sex"),
        ("gender", "Sex"),
        ("gender", "perceived_gender"),
        ("expression", "emotion"),
        ("expression", "Facial Expression"),
        ("ethnicity", "Race"),
        ("ethnicity", "ethnic-group"),
        ("subject", "subject_id"),
    ],
)
def test_synonyms_of_labels_are_taken_and_noted(folder: Path, name: str, column: str) -> None:
    spec = _spec(folder, {"image": IMAGES, "age": [1, 20, 30], column: ["a", "b", None]})
    found, notes = settled(spec)
    assert notes == (f"columns found by name: {name}={column}; change this with --columns",)
    manifest = load_manifest(found)
    assert manifest.frame[name].tolist() == ["a", "b", None]
    assert manifest.attributes == (() if name == "subject" else (name,))


def test_a_column_is_taken_for_a_label_only_if_no_other_fits(folder: Path) -> None:
    several = {"image": IMAGES, "age": [1, 20, 30], "race": ["x", "y", "y"], "ethnic_group": ["u", "v", "v"]}
    found, notes = settled(_spec(folder, several))
    assert found.columns == {}
    assert notes == (
        "columns 'race' and 'ethnic_group' could all be the ethnicity, so none is taken for it; choose one, as in "
        "--columns ethnicity=race",
    )
    assert load_manifest(found).attributes == ("race", "ethnic_group")
    both = {"image": IMAGES, "age": [1, 20, 30], "sex": ["m", "f", "f"], "gender": ["x", "y", "y"]}
    assert _load(folder, both)[1].attributes == ("sex", "gender")
    spellings = {"image": IMAGES, "age": [1, 20, 30], "sex": ["m", "f", "f"], "GENDER": ["x", "y", "y"]}
    assert _load(folder, spellings)[0].columns == {"gender": "GENDER"}


def test_a_synonym_keeps_its_name_if_one_asks_for_that_or_it_holds_no_groups(folder: Path) -> None:
    table = {"image": IMAGES, "age": [1, 20, 30], "race": ["5 km", "10 km", "5 km"]}
    assert _load(folder, table, columns={"race": "race"})[1].attributes == ("race",)
    names = [f"{place}.png" for place in range(30)]
    for name in names:
        image_file(folder / name)
    scores = {"image": names, "age": range(30), "emotion": [place / 64 for place in range(30)]}
    spec, manifest = _load(folder, scores)
    assert spec.columns == {}
    assert manifest.attributes == ()


def test_a_misspelt_name_of_groups_is_noted(folder: Path) -> None:
    table = {"image": IMAGES, "age": [1, 20, 30], "sex": ["m", "f", "f"]}
    _, notes = settled(_spec(folder, table, columns={"gendr": "sex"}))
    assert notes == ("--columns makes groups named 'gendr'; if that is the gender, write gender in its place",)
    assert settled(_spec(folder, table, columns={"hair": "sex"}))[1] == ()


def test_a_table_with_the_names_of_ageui_is_described_as_before(folder: Path) -> None:
    table = {"image": IMAGES, "age": [1, 20, 30], "file": IMAGES, "Age": [3, 4, 5], "gender": ["m", "f", "f"]}
    spec = _spec(folder, table)
    found, notes = settled(spec)
    assert found == spec
    assert [note.partition(";")[0] for note in notes] == [
        "the image is read from column 'image', not from 'file'",
        "the age is read from column 'age', not from 'Age'",
    ]
    assert not {"split_map", "age_scale"} & set(spec.model_dump())


def test_numbers_beside_the_age_may_have_a_decimal_comma(folder: Path) -> None:
    _, manifest = _load(folder, {"image": IMAGES, "age": ["1,5", "20", "30,25"], "age_std": ["3,2", "1.5", "?"]})
    assert manifest.frame["age"].tolist() == [1.5, 20.0, 30.25]
    assert manifest.frame["age_std"].tolist()[:2] == [3.2, 1.5]


def test_a_subset_is_a_split_if_it_holds_names_of_splits(folder: Path) -> None:
    table = {"image": IMAGES, "age": [1, 20, 30], "subset": ["Training", "eval", "holdout"]}
    spec, manifest = _load(folder, table)
    assert manifest.frame["split"].tolist() == ["train", "valid", "test"]
    assert spec.columns == {"split": "subset"}
    assert spec.split_map == {"eval": "valid", "holdout": "test"}
    _, other = _load(folder, table | {"subset": ["red", "green", "blue"]})
    assert other.attributes == ("subset",)


def test_a_column_of_any_name_that_holds_nothing_but_names_of_splits_is_the_split(folder: Path) -> None:
    table = {"image": IMAGES, "age": [1, 20, 30], "part of it": ["train", "val", "test"]}
    spec, manifest = _load(folder, table)
    assert spec.columns == {"split": "part of it"}
    assert manifest.frame["split"].tolist() == ["train", "valid", "test"]


@pytest.mark.parametrize(("name", "flags"), [("is_train", [1, 0, 1]), ("Test", [True, False, False])])
def test_a_column_that_flags_a_split_is_not_passed_over(folder: Path, name: str, flags: list[object]) -> None:
    table = {"image": IMAGES, "age": [1, 20, 30], name: flags}
    with pytest.raises(DataError, match=f"--columns split={name} --split-map .*=SPLIT,.*=SPLIT, or split by shares"):
        _load(folder, table)
    split_map = {str(flags[0]).lower(): "train", str(flags[1]).lower(): "test"}
    _, manifest = _load(folder, table, columns={"split": name}, split_map=split_map)
    assert manifest.frame["split"].tolist() == [split_map[str(flag).lower()] for flag in flags]
    assert _load(folder, table, fractions=(1.0, 0.0, 0.0))[1].frame["split"].tolist() == ["train"] * 3


def test_the_scale_of_ages_holds_for_all_columns_of_years(folder: Path) -> None:
    table = {"image": IMAGES, "age": [0.1, 0.2, 0.3], "age_std": [0.01, 0.02, 0.03], "real_age": [0.12, 0.22, 0.32]}
    _, manifest = _load(folder, table, age_scale=100.0)
    assert manifest.frame["age_std"].tolist() == pytest.approx([1, 2, 3])
    assert manifest.frame["real_age"].tolist() == pytest.approx([12, 22, 32])


def test_folds_become_splits_unless_shares_are_asked_for(folder: Path) -> None:
    table = {"image": IMAGES, "age": [1, 20, 30], "fold": ["fold_0", "fold_1", "fold_2"]}
    _, manifest = _load(folder, table, split_map={"0": "train", "1": "valid", "2": "none"})
    assert manifest.frame[["image", "split"]].values.tolist() == [["a.png", "train"], ["b.png", "valid"]]
    assert manifest.problems == ()
    shares = _spec(folder, table, fractions=(1.0, 0.0, 0.0))
    found, notes = settled(shares)
    assert set(load_manifest(found).frame["split"]) == {"train"}
    assert "--fractions" in notes[0]


def test_a_map_of_splits_needs_a_column(folder: Path) -> None:
    with pytest.raises(DataError, match="no column of splits; name it with --columns split"):
        settled(_spec(folder, {"image": IMAGES, "age": [1, 20, 30]}, split_map={"a": "train"}))


def test_flags_name_columns_in_other_letters(folder: Path) -> None:
    table = {"File": IMAGES, "path": IMAGES, "age": [1, 20, 30]}
    spec, manifest = _load(folder, table, columns={"Image": "file"})
    assert spec.columns == {"image": "File"}
    assert len(manifest.frame) == 3
    with pytest.raises(DataError, match=r"has no column nothing; it has File, path, age$"):
        _load(folder, table, columns={"image": "nothing"})
    with pytest.raises(DataError, match=r"has no column agee \(did you mean age\?\); it has"):
        _load(folder, table, columns={"image": "File", "age": "agee"})


def test_an_older_description_reads_the_same_columns(folder: Path) -> None:
    table = {"image": IMAGES, "age": [1, 20, 30], "Split": ["test"] * 3, "Gender": ["m", "f", "f"]}
    manifest = load_manifest(_spec(folder, table, split_map={}))
    assert set(manifest.attributes) == {"Split", "Gender"}
    assert list(manifest.frame.columns) == ["image", "split", "age", *manifest.attributes]


def test_marks_of_missing_cells_are_no_groups(folder: Path) -> None:
    table = {
        "image": IMAGES,
        "age": [1, 20, 30],
        "ethnicity": ["asian", "NA", "#N/A"],
        "person_id": ["p", "NA", "None"],
    }
    _, manifest = _load(folder, table | {"sex": ["1", "0", "NA"], "glasses": ["none", "sun", "none"]})
    assert manifest.frame["ethnicity"].tolist() == ["asian", None, None]
    assert manifest.frame["subject"].tolist() == ["p", None, "None"]
    assert manifest.frame["glasses"].tolist() == ["none", "sun", "none"]
    assert manifest.frame["gender"].tolist() == ["1", "0", None]
    assert manifest.attributes == ("gender", "ethnicity", "glasses")
    assert "2 cells of 'ethnicity' with 'NA': read as empty" in manifest.notes


def test_shares_that_no_row_needs_are_named(folder: Path) -> None:
    table = {"image": IMAGES, "age": [1, 20, 30], "split": ["train", "valid", "test"]}
    shares = {"fractions": (0.8, 0.1, 0.1)}
    said = "--fractions is not used, because column 'split' holds a split for every row"
    assert settled(_spec(folder, table, **shares))[1] == (said,)
    assert settled(_spec(folder, table))[1] == ()
    assert settled(_spec(folder, table | {"split": ["train", "valid", ""]}, **shares))[1] == ()
