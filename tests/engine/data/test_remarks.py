"""Remarks on labels: each fault in a small data set of its own, and none on labels without faults."""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from drawn_files import image_file

from engine.data.check import count
from engine.data.remarks import label_remarks
from engine.data.report import LabelRemark
from engine.data.sources import load_manifest
from engine.data.sources.number_columns import binned, comma_notes, number_remarks, unused_columns
from engine.data.spec import BUILT_IN, DataSpec
from engine.errors import DataError


def _frame(images: int = 300, **columns: object) -> pd.DataFrame:
    """Labels without a fault: 300 images of all ages and both genders in every split."""
    places = np.arange(images)
    plain = {
        "image": [f"{place}.jpg" for place in places],
        "split": np.array(["train", "train", "valid", "test"])[places % 4],
        "age": 1.0 + places * 79 % 80,
        "gender": np.array(["male", "female"])[places // 4 % 2],
    }
    return pd.DataFrame({**plain, **columns})


def _remarks(frame: pd.DataFrame, *attributes: str) -> dict[str, LabelRemark]:
    found = label_remarks(frame, attributes or ("gender",))
    assert all("\n" not in remark.text for remark in found)
    return {remark.kind: remark for remark in found}


def test_labels_without_a_fault_get_no_remark() -> None:
    assert _remarks(_frame()) == {}
    assert count(BUILT_IN).remarks == ()


@pytest.mark.parametrize(
    ("groups", "shown"),
    [
        (["male", "Male", "MALE", "female"], "'male' (75) and 'Male' (75) and 'MALE' (75)"),
        (["Middle Eastern", "middle  eastern", "other", "none"], "'Middle Eastern' (75) and 'middle  eastern' (75)"),
        (["black\u200b", "black", "white", "other"], "(75) and 'black' (75)"),
        (["Caf\u00e9", "Cafe\u0301", "a", "b"], "(75) and"),
        (["south_asian", "South Asian", "a", "b"], "'south_asian' (75) and 'South Asian' (75)"),
    ],
)
def test_groups_that_differ_in_their_spelling_only(groups: Sequence[str], shown: str) -> None:
    frame = _frame(gender=np.array(groups)[np.arange(300) * 4 // 300])
    remark = _remarks(frame)["groups_spelled_alike"]
    assert remark.attribute == "gender"
    assert shown in remark.text
    assert "spell them alike" in remark.text


@pytest.mark.parametrize("groups", [["<20", ">20"], ["-1", "1"], ["1-2", "12"], ["I", "II"]])
def test_groups_that_differ_in_more_than_their_spelling(groups: Sequence[str]) -> None:
    assert _remarks(_frame(gender=np.array(groups)[np.arange(300) // 4 % 2])) == {}


def test_an_attribute_with_nearly_as_many_groups_as_images() -> None:
    frame = _frame(bmi=[f"{20 + place * 0.137:.3f}" for place in range(300)], who=[f"p{n // 2}" for n in range(300)])
    found = label_remarks(frame, ("bmi", "who"))
    assert [remark.text for remark in found] == [
        "bmi has 300 groups for 300 labelled images, too few per group for a comparison; group it by intervals: "
        "ageui data add … --bins bmi=4",
        "who has 150 groups for 300 labelled images, too few per group for a comparison; leave it out, or, if it names "
        "persons, add the data with --columns subject=COLUMN",
    ]


def test_an_attribute_with_one_group_or_none() -> None:
    assert "only the group 'male', so it has no bias, and --weights gender has no effect" in (
        _remarks(_frame(gender="male"))["one_group"].text
    )
    assert "no labelled image has a value of gender" in _remarks(_frame(gender=None))["no_groups"].text
    in_train = np.where(np.arange(300) % 4 < 2, "male", _frame()["gender"])
    assert (
        "all train images with a value of gender are 'male'"
        in _remarks(_frame(gender=in_train))["one_train_group"].text
    )


def test_groups_of_one_image_or_too_few_to_be_tested() -> None:
    gender = _frame()["gender"].tolist()
    gender[0] = "alone"
    gender[3] = gender[7] = "few"
    assert _remarks(_frame(gender=gender))["small_groups"].text == (
        "gender has groups with few images, whose scores and weights depend on chance, or with none, which leaves "
        "the split without this bias: 'alone' (1 in total), 'few' (0 in train, 0 in valid, 2 in test); add images, or "
        "merge groups"
    )
    few = _frame(12, gender=["alone", *["male"] * 11])
    assert "'alone' (1 in total)" in label_remarks(few, ("gender",))[1].text


def test_small_age_groups_are_named_with_their_option() -> None:
    ages = _frame()["age"].clip(upper=55).to_numpy().copy()
    ages[3] = 70
    remark = _remarks(_frame(age=ages))["small_groups"]
    assert remark.attribute == "age"
    assert "'>=60' (1 in total); choose other --set age_edges" in remark.text


@pytest.mark.parametrize(
    ("ages", "kind", "said"),
    [
        ({0: 104.5, 1: 110, 2: 101}, "ages_above_100", "3 ages are above 100 years (up to 110)"),
        ({0: 104.5}, "ages_above_100", "1 age is above 100 years (up to 104.5)"),
        ({0: 0, 1: 0}, "ages_near_zero", "2 images have an age of 0: loss mape divides by the age"),
        ({0: 0.08}, "ages_near_zero", "1 image has an age of 0.08: loss mape"),
        ({0: 0.1, 1: 0.4}, "ages_near_zero", "2 images have ages from 0.1: loss mape"),
    ],
)
def test_ages_that_heads_or_losses_cannot_cope_with(ages: dict[int, float], kind: str, said: str) -> None:
    frame = _frame()
    for place, age in ages.items():
        frame.loc[place, "age"] = age
    found = _remarks(frame)
    assert set(found) == {kind}
    assert said in found[kind].text
    if kind == "ages_above_100":
        assert "heads 1-sigmoid, 1fc-sigmoid, 2fc-sigmoid, 3fc-sigmoid, 2fc-tanh and losses scce" in found[kind].text


def test_ages_of_100_are_no_fault() -> None:
    assert "ages_above_100" not in _remarks(_frame(age=np.where(np.arange(300) < 20, 100.0, 30.0)))


def test_one_age_only() -> None:
    assert "all 150 labelled train images have the age 30" in _remarks(_frame(age=30.0))["one_age"].text


def test_splits_without_labels_or_with_few() -> None:
    frame = _frame()
    frame.loc[frame["split"] == "test", "age"] = np.nan
    assert "none of the 75 images in test has an age, so none can be scored" in _remarks(frame)["unlabelled_split"].text
    frame.loc[frame["split"] == "train", "age"] = np.nan
    assert "in train has an age, so none can be learned from" in label_remarks(frame, ())[0].text
    assert "no image is in valid" in _remarks(_frame(split="train"))["no_valid_split"].text
    assert "few labelled images: 15 in valid, 15 in test" in _remarks(_frame(60))["few_images"].text
    unlabelled = _remarks(_frame(age=np.nan))
    assert set(unlabelled) == {"unlabelled_split"}


def test_spreads_of_votes_that_are_unreadable_or_not_positive() -> None:
    (remark,) = number_remarks("age_std", pd.Series(["3±2", "4.5", "3,2", "", None, "2;1"]))
    assert remark.text.startswith("2 values of age_std are not numbers, such as '3±2', and count as unknown")
    assert list(number_remarks("age_std", pd.Series(["3.2", "", None, "1e1"]))) == []
    assert list(number_remarks("age_std", pd.Series([3.2, np.nan]))) == []
    assert list(comma_notes("age_std", pd.Series(["4.5", "3,2", None, "1,5"]))) == [
        "2 values of age_std with a decimal comma: '3,2' is read as 3.2"
    ]
    assert list(comma_notes("age_std", pd.Series([4.5, None, float("nan")]))) == []
    (long,) = number_remarks("age_std", pd.Series(["x" * 10_000]))
    assert len(long.text) < 200
    spreads = np.where(np.arange(300) < 3, [0.0, -1.0, 0.0] * 100, 2.5)
    assert "3 values of age_std are 0 or below" in _remarks(_frame(age_std=spreads))["spread_not_positive"].text


def test_unused_columns_of_numbers_are_named_with_the_options_that_use_them() -> None:
    places = np.arange(100)
    table = pd.DataFrame(
        {
            "id": places.astype(str),
            "sex": (places % 2).astype(str),
            "bmi": [f"{20 + place * 0.1:.1f}" for place in places],
            "empty": "",
            "same": "1",
            "text": [f"t{place}" for place in places],
            "bytes": [{"a": 1}] * 100,
        }
    )
    assert [remark.text for remark in unused_columns(table)] == [
        "unused column of numbers: sex; to compare groups by one: ageui data add … --columns sex=sex",
        "unused column of numbers: bmi; to compare intervals of one: ageui data add … --bins bmi=4",
    ]


def test_intervals_hold_about_equally_many_images() -> None:
    groups, remarks = binned(pd.Series([f"{20 + n * 0.137:.3f}" for n in range(60)]), "bmi", 4)
    assert groups.value_counts(sort=False).to_dict() == {"<22": 15, "22-24": 15, "24-26.1": 15, ">=26.1": 15}
    assert remarks == ()


def test_intervals_by_edges_and_values_that_are_no_numbers() -> None:
    groups, (remark,) = binned(pd.Series(["18.4", "18.5", "31", "n/a", "", None]), "bmi", (18.5, 25.0, 30.0))
    assert groups.tolist() == ["<18.5", "18.5-25", ">=30", None, None, None]
    assert "1 value of bmi is not a number, such as 'n/a'" in remark.text


@pytest.mark.parametrize("values", [["a", "b"], ["", ""], ["3", "3", "3"]])
def test_values_that_make_no_intervals_are_refused(values: list[str]) -> None:
    with pytest.raises(DataError, match=r"--bins bmi=4: the column has .* no numbers that can be divided"):
        binned(pd.Series(values), "bmi", 4)


def test_edges_distinguish_close_numbers() -> None:
    groups, _ = binned(pd.Series([1000.1, 1000.2] * 20), "x", 2)
    assert groups.value_counts().to_dict() == {"<1000.2": 20, ">=1000.2": 20}


def test_a_frequent_value_makes_fewer_intervals() -> None:
    groups, _ = binned(pd.Series([0.0] * 80 + [1.0, 2.0] * 10), "income", 4)
    assert groups.value_counts().to_dict() == {"<1": 80, ">=1": 20}


def _table(folder: Path) -> DataSpec:
    lines = ["image,age,bmi"]
    for place in range(40):
        image_file(folder / f"{place}.png")
        lines.append(f"{place}.png,{place + 1},{90 + place}.5")
    (folder / "t.csv").write_text("\n".join(lines))
    return DataSpec(name="t", format="table", path=str(folder / "t.csv"))


def test_intervals_of_a_table_are_an_attribute_in_reading_order(tmp_path: Path) -> None:
    plain = _table(tmp_path)
    assert load_manifest(plain).attributes == ()
    assert [remark.kind for remark in load_manifest(plain).remarks] == ["unused_numbers"]
    report = count(plain.model_copy(update={"columns": {"bmi": "bmi"}, "bins": {"bmi": (100.0, 110.0)}}))
    groups = [group.group for group in report.groups if group.attribute == "bmi"]
    assert groups == ["<100", "100-110", ">=110"]


def test_a_description_without_intervals_has_no_such_field(tmp_path: Path) -> None:
    plain = DataSpec(name="t", format="table", path="/t.csv")
    assert "bins" not in plain.model_dump(mode="json")
    for bins in (4, (18.5, 25.0)):
        chosen = plain.model_copy(update={"bins": {"bmi": bins}})
        assert DataSpec.model_validate(chosen.model_dump(mode="json")) == chosen


def test_time_grows_no_faster_than_rows_and_groups() -> None:
    frame = _frame(100_000, gender=[f"g{n}" for n in range(100_000)])
    begin = time.monotonic()
    assert "many_groups" in _remarks(frame)
    assert time.monotonic() - begin < 10


@pytest.mark.parametrize(
    "groups",
    [[None], ["male"], ["male", "Male", "a"], [f"g{place}" for place in range(300)], ["a"] * 299 + ["b"]],
)
def test_a_long_name_of_an_attribute_is_cut(groups: Sequence[str | None]) -> None:
    frame = _frame(**{"x" * 2000: np.resize(np.array(groups, dtype=object), 300)})
    found = label_remarks(frame, ("x" * 2000,))
    assert found
    assert all(len(remark.text) < 500 for remark in found)


def test_lists_in_a_column_of_numbers_have_no_decimal_comma() -> None:
    cells = pd.Series([np.array([1, 2]), None, "3,2", 3.0], dtype=object)
    assert list(comma_notes("age_std", cells)) == ["1 value of age_std with a decimal comma: '3,2' is read as 3.2"]
