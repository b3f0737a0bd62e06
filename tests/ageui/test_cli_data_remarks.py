"""Remarks on labels at `ageui data add` and `ageui data check`, intervals, and warnings of runs on such labels."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from terminal import Terminal

Write = Callable[..., Path]


@pytest.fixture
def write(ageui: Terminal) -> Write:
    """Writes a table of 96 drawn images, in which columns replace the plain ones."""
    (ageui.folder / "img").mkdir()
    for place in range(96):
        Image.new("RGB", (8, 8), (place, 0, 0)).save(ageui.folder / "img" / f"{place}.png")

    def table(**columns: Callable[[int], object]) -> Path:
        plain: dict[str, Callable[[int], object]] = {
            "image": lambda place: f"img/{place}.png",
            "age": lambda place: (12, 32, 52)[place % 3] + place % 5,
            "gender": lambda place: "male" if place % 2 else "female",
            "split": lambda place: ("train", "train", "valid", "test")[place // 2 % 4],
        }
        every = {**plain, **columns}
        lines = [",".join(every), *(",".join(str(make(place)) for make in every.values()) for place in range(96))]
        path = ageui.folder / "t.csv"
        path.write_text("\n".join(lines))
        return path

    return table


def test_adding_and_each_check_print_remarks_once(ageui: Terminal, write: Write) -> None:
    write(gender=lambda place: ("male", "Male", "MALE", "female")[place // 8 % 4])
    added = ageui("data", "add", "t", "t.csv")
    assert added.code == 0
    assert added.err.count("remark: gender has groups that differ only in case or spacing") == 1
    for options in ((), ("--quick",)):
        checked = ageui("data", "check", "t", *options)
        assert checked.code == 0
        assert "\nremarks on the labels: 1\n  gender has groups that differ" in checked.out
    (remark,) = ageui("data", "check", "t", "--quick", "--json").json["remarks"]
    assert (remark["kind"], remark["attribute"]) == ("groups_spelled_alike", "gender")
    (same,) = ageui("data", "add", "t", "t.csv", "--replace", "--json").json["remarks"]
    assert same == remark


def test_labels_without_a_fault_get_no_remarks(ageui: Terminal, write: Write) -> None:
    write()
    assert "remark" not in ageui("data", "add", "t", "t.csv").err
    assert "\nremarks on the labels: none\n" in ageui("data", "check", "t", "--quick").out


def test_the_bins_that_a_remark_offers_make_groups(ageui: Terminal, write: Write) -> None:
    write(bmi=lambda place: 18 + place * 5 % 96 * 0.25)
    assert "--bins bmi=4" in ageui("data", "add", "t", "t.csv").err
    many = ageui("data", "add", "t", "t.csv", "--replace", "--columns", "bmi=bmi")
    assert "bmi has 96 groups for 96 labelled images" in many.err
    assert "… and 76 more; --json lists all" in ageui("data", "check", "t", "--quick").out
    assert "remark:" not in ageui("data", "add", "t", "t.csv", "--replace", "--bins", "bmi=4").err
    report = ageui("data", "check", "t", "--quick", "--json").json
    assert [row["group"] for row in report["groups"] if row["attribute"] == "bmi"] == [
        "<23.9",
        "23.9-29.9",
        "29.9-35.8",
        ">=35.8",
    ]
    assert ageui("data", "add", "u", "t.csv", "--columns", "mass=bmi", "--bins", "mass=20/30").code == 0
    listed = {spec["name"]: spec for spec in ageui("data", "list", "--json").json}
    assert listed["u"]["bins"] == {"mass": [20, 30]}


@pytest.mark.parametrize(
    ("bins", "code", "said"),
    [
        ("bmi", 2, "write name=value"),
        ("bmi=1", 2, "from 2 to 20"),
        ("bmi=21", 2, "from 2 to 20"),
        ("bmi=3/2", 2, "rising edges"),
        ("bmi=x", 2, "rising edges"),
        ("bmi=nan", 2, "rising edges"),
        ("age=4", 2, "--set age_edges=20,40,60"),
        ("image=4", 2, "image is not an attribute"),
        ("shoe=4", 3, "no column shoe"),
        ("gender=4", 3, "no numbers that can be divided"),
        pytest.param("bmi=" + "9" * 5000, 2, "--bins bmi=999", id="of 5000 digits"),
    ],
)
def test_bins_that_cannot_be_made_are_refused(ageui: Terminal, write: Write, bins: str, code: int, said: str) -> None:
    write(bmi=lambda place: 18 + place * 5 % 96 * 0.25)
    refused = ageui("data", "add", "t", "t.csv", "--bins", bins)
    assert refused.code == code
    assert said in refused.err


@pytest.mark.usefixtures("no_network_checks")
def test_a_plan_warns_of_labels_beyond_head_and_loss(ageui: Terminal, write: Write) -> None:
    write(age=lambda place: 104.5 if place < 8 else 0 if place < 16 else 30, gender=lambda place: "male")
    assert ageui("data", "add", "t", "t.csv").code == 0
    plan = ("sweep", "--preset", "quick", "--data", "t", "--dry-run")
    planned = ageui(*plan, "--loss", "mape,mae", "--weights", "none")
    assert (
        "warning: labels reach 104.5 years, but head 2fc-sigmoid predicts at most 100; choose --head none"
        in planned.err
    )
    assert "warning: loss mape divides by the age: the lowest train label is 0 years" in planned.err
    assert "leave such images out (1 of 2 runs)" in planned.err
    assert (
        "all train images with a value of gender are 'male', so gender has no effect"
        in ageui(*plan, "--weights", "gender").err
    )
    assert "warning" not in ageui(*plan, "--loss", "mae", "--weights", "none", "--head", "none").err
