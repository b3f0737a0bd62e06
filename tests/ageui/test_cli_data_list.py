"""`ageui data list`: the registered data sets and their counts."""

from pathlib import Path

from terminal import Terminal

from ageui.store import Store
from engine.data.spec import DataSpec


def test_the_counts_of_every_data_set_are_listed(faces: Terminal) -> None:
    listed = faces("data", "list").out
    assert "train 70, valid 50" in listed
    assert "train 1600, valid 400, test 400" in listed
    drawn, mine = faces("data", "list", "--json").json
    checked = faces("data", "check", "faces", "--json").json
    assert mine["counts"]["target"] == "apparent"
    assert mine["counts"]["splits"] == {
        "train": {"images": 70, "labelled": 70},
        "valid": {"images": 50, "labelled": 50},
    }
    assert list(mine["counts"]["groups"]) == ["age", "gender", "ethnicity", "expression"]
    assert mine["counts"]["groups"]["gender"] == {
        row["group"]: row["counts"] for row in checked["groups"] if row["attribute"] == "gender"
    }
    assert drawn["counts"]["splits"]["valid"] == {"images": 400, "labelled": 400}
    assert drawn["counts"]["groups"]["ethnicity"]["asian"]["train"] == 167


def test_images_without_a_label_and_rows_left_out_are_not_counted_as_labelled(ageui: Terminal) -> None:
    ageui("data", "make", "drawn", "--counts", "20,10,4", "--image-size", "32")
    Path("drawn/labels_metadata_test.csv").unlink()
    Path("drawn/valid_data/000002.jpg").unlink()
    assert ageui("data", "add", "mine", "drawn", "--skip-bad").code == 0
    (counts,) = (row["counts"] for row in ageui("data", "list", "--json").json if row["name"] == "mine")
    assert counts["splits"] == {
        "train": {"images": 20, "labelled": 20},
        "valid": {"images": 9, "labelled": 9},
        "test": {"images": 4, "labelled": 0},
    }


def test_counts_of_an_older_data_set_are_unknown_until_it_is_added_again(faces: Terminal) -> None:
    with Store.open(Path("runs.db")) as store:
        store.data.add(store.data.get("faces"), replace=True)
    done = faces("data", "list")
    assert "unknown" in done.out
    assert "repeat ageui data add with --replace" in done.err
    assert faces("data", "list", "--json").json[1]["counts"] is None
    assert faces("data", "add", "faces", "drawn", "--replace").code == 0
    assert "train 70, valid 50" in faces("data", "list").out
    assert faces("data", "list").err == ""


def test_a_check_counts_an_older_data_set(faces: Terminal) -> None:
    counted = faces("data", "list", "--json").json[1]["counts"]
    with Store.open(Path("runs.db")) as store:
        store.data.add(store.data.get("faces"), replace=True)
    assert faces("data", "check", "faces").code == 0
    assert faces("data", "list", "--json").json[1]["counts"] == counted
    assert faces("data", "list").err == ""


def test_counts_are_listed_without_the_files(faces: Terminal) -> None:
    Path("drawn").rename("elsewhere")
    done = faces("data", "list")
    assert "(missing)" in done.out
    assert "train 70, valid 50" in done.out


def test_the_built_in_faces_are_listed_without_a_database(ageui: Terminal) -> None:
    assert "train 1600" in ageui("data", "list").out
    assert [row["name"] for row in ageui("data", "list", "--json").json] == ["synthetic"]


def test_counts_are_no_part_of_a_description(faces: Terminal) -> None:
    """Runs are compared by the description of their data."""
    row = faces("data", "list", "--json").json[1]
    assert row.pop("counts") is not None
    with Store.open(Path("runs.db")) as store:
        assert DataSpec.model_validate(row) == store.data.get("faces")
