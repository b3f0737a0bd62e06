"""What `ageui data add` says and registers for tables as people bring them."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from PIL import Image
from terminal import Done, Terminal

Add = Callable[..., Done]


@pytest.fixture
def add(ageui: Terminal) -> Add:
    """Adds a table of 20 images as the data set `it`, from its header and cells per row (without the image)."""
    for number in range(20):
        Image.new("RGB", (8, 8), (number * 12, 0, 0)).save(ageui.folder / f"{number}.png")

    def run(header: str, rows: Sequence[str], *options: str) -> Done:
        lines = [f"{number}.png,{row}" for number, row in enumerate(rows)]
        Path("t.csv").write_text("\n".join([f"image,{header}", *lines]) + "\n")
        return ageui("data", "add", "it", "t.csv", *options)

    return run


def _registered(ageui: Terminal) -> dict[str, object]:
    specs = {spec["name"]: spec for spec in ageui("data", "list", "--json").json}
    assert set(specs) <= {"synthetic", "it"}
    return specs.get("it", {})


@pytest.mark.parametrize("skip", [(), ("--skip-bad",)])
@pytest.mark.parametrize(
    ("header", "rows", "said"),
    [
        ("age", ["1_6"] * 20, ["20 × age '1_6' is neither a number", "0.png, 1.png, 2.png and 17 more"]),
        ("age", ["1985"] * 20, ["20 × age 1985 is not between 0 and 120 years"]),
        ("age", ['"1,234"'] * 20, ["20 × age '1,234' may be a decimal or thousands"]),
        (
            "age,split",
            ["20,red", "30,blue"] * 10,
            ["20 × unknown split 'red'", "(also 'blue')", "--split-map dev=valid"],
        ),
        ("age,split", ["ten,train"] * 15 + ["20,test"] * 5, ["none of its train images can be used", "15 × age 'ten'"]),
    ],
)
def test_a_table_without_a_usable_row_is_not_registered(
    ageui: Terminal, add: Add, header: str, rows: Sequence[str], said: Sequence[str], skip: Sequence[str]
) -> None:
    refused = add(header, rows, *skip)
    assert (refused.code, refused.out) == (3, "")
    assert all(text in refused.err for text in said)
    assert "--skip-bad" not in refused.err
    assert len(refused.err.splitlines()) <= 5
    assert _registered(ageui) == {}


def test_rows_with_the_same_fault_are_counted_in_one_line(ageui: Terminal, add: Add) -> None:
    rows = ["20"] * 12 + ["ten", "1e1", "inf", "1_6", "-1", "-2", "200", ""]
    refused = add("age", rows)
    assert refused.code == 3
    several, below, missing, cure = refused.err.splitlines()[-4:]
    assert "4 × age 'ten' is neither a number" in several
    assert "(also '1e1', 'inf', '1_6')" in several
    assert "3 × age -1 is not between 0 and 120 years" in below
    assert "19.png: the age is missing" in missing
    assert "--skip-bad" in cure
    assert add("age", rows, "--skip-bad").code == 0
    checked = ageui("data", "check", "it", "--quick").out
    assert "4 × age 'ten' is neither a number" in checked
    assert "rows or images that cannot be used: 8" in checked


@pytest.mark.parametrize(
    ("columns", "options", "said"),
    [
        ("height", (), "has no column 'age'"),
        ("alter,edad", (), "could all be the age; choose one, as in --columns age=alter"),
        ("age_months", (), "seems to hold months"),
        ("age", ("--columns", "age=agee"), "has no column agee (did you mean age?)"),
        ("age", ("--columns", "image=img"), "has no column img"),
    ],
)
def test_a_table_without_the_columns_wanted_is_bad_data(
    add: Add, columns: str, options: Sequence[str], said: str
) -> None:
    refused = add(columns, [",".join(["20"] * len(columns.split(",")))] * 3, *options)
    assert (refused.code, said in " ".join(refused.err.split())) == (3, True), refused.err


def test_drawn_splits_are_told(add: Add) -> None:
    rows = [str(20 + number) for number in range(20)]
    told = "20 images without a split, drawn by shares: train 70%, valid 15%, test 15%; other shares: --fractions"
    assert told in " ".join(add("age", rows).err.split())
    assert "drawn by shares" not in add("age,split", [f"{row},train" for row in rows], "--replace").err


@pytest.mark.parametrize(("scale", "oldest"), [("100", 95.0), ("1", 0.95)])
def test_ages_within_0_and_1_need_a_scale(ageui: Terminal, add: Add, scale: str, oldest: float) -> None:
    rows = [f"{number / 20:.2f},train" for number in range(20)]
    refused = add("age,split", rows)
    assert refused.code == 3
    assert "--age-scale 100" in refused.err
    assert "--age-scale 1 " in refused.err
    assert _registered(ageui) == {}
    assert add("age,split", rows, "--age-scale", scale).code == 0
    assert _registered(ageui)["age_scale"] == float(scale)
    assert ageui("data", "check", "it", "--json").json["splits"][0]["age_max"] == pytest.approx(oldest)


def test_guesses_are_printed_and_registered(ageui: Terminal, add: Add) -> None:
    rows = [f"{age},{split}" for age, split in [("20-29", "training"), ("70+", "eval")] * 10]
    added = add("Age,Subset", rows, "--json")
    assert added.code == 0
    notes = added.json["notes"]
    assert "columns found by name: age=Age, split=Subset" in notes[0]
    assert any("10 ages are given as ranges: the middle is used" in note for note in notes)
    assert any("10 ages are given as ranges without an upper end" in note for note in notes)
    assert any("training as train (10 rows), eval as valid (10 rows)" in note for note in notes)
    assert all(note in added.err for note in notes)
    spec = _registered(ageui)
    assert (spec["columns"], spec["split_map"]) == ({"age": "Age", "split": "Subset"}, {"eval": "valid"})
    again = ageui("data", "check", "it", "--json").json
    assert again["splits"] == added.json["splits"]


def test_further_columns_that_become_attributes_are_named(ageui: Terminal, add: Add) -> None:
    rows = ["20,m,dark,yes,a", "30,f,light,no,b"] * 10
    added = add("age,sex,skin colour,glasses,hair", rows, "--columns", "coiffure=hair", "--json")
    assert added.json["notes"][:2] == [
        "columns found by name: gender=sex; change this with --columns", "further attributes: skin colour, glasses",
    ]  # fmt: skip
    assert "further attributes: skin colour, glasses\n" in added.err
    assert "further attributes" not in add("age,gender", [row[:4] for row in rows], "--replace").err
    many = ",".join(f"{'x' * 2000}{place}" for place in range(10))
    added = add(f"age,{many}", [f"20{',a' * 10}", f"30{',b' * 10}"] * 10, "--replace")
    assert f"further attributes: {', '.join(['x' * 39 + '…'] * 8)}, 2 more\n" in added.err


def test_folds_are_given_by_a_flag(ageui: Terminal, add: Add) -> None:
    rows = [f"{20 + number},{number % 5}" for number in range(20)]
    assert "--folds 0-2/3/4" in add("age,fold", rows).err
    assert _registered(ageui) == {}
    added = add("age,fold", rows, "--folds", "0-2/3/4")
    assert added.out == "it: table, train 12, valid 4, test 4\n"
    partly = add("age,fold", rows, "--folds", "0-2/3/", "--replace")
    assert partly.code == 3
    assert "4 × unknown split '4'" in partly.err


def test_validation_is_halved_on_request(ageui: Terminal, add: Add) -> None:
    rows = [f"{20 + number},{'train' if number < 8 else 'valid'}" for number in range(20)]
    added = add("age,split", rows, "--halve-valid")
    counts = re.fullmatch(r"it: table, train 8, valid (\d+), test (\d+)\n", added.out)
    assert counts is not None
    assert int(counts[1]) + int(counts[2]) == 12
    assert _registered(ageui)["halve_valid"] is True


@pytest.mark.parametrize("split", ["test", "train"])
def test_validation_is_not_halved_beside_test_images_or_without_any(add: Add, split: str) -> None:
    refused = add("age,split", [f"30,{'train' if number else split}" for number in range(20)], "--halve-valid")
    assert refused.code == 3
    assert "--halve-valid has no effect" in refused.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--folds", "0-2"), "--folds 0-2: give the folds of train, valid and test"),
        (("--split-map", "dev"), "--split-map dev: write name=split"),
        (("--split-map", "a=train", "--folds", "0/1/2"), "leave one out"),
        (("--age-scale", "0"), "--age-scale 0: give the years"),
        (("--age-scale", "1/0"), "--age-scale 1/0: give the years"),
        (("--age-scale", "nan"), "--age-scale nan: give the years"),
        (("--format", "course", "--fractions", "0.8,0.1,0.1"), "has its own splits"),
        (("--format", "utkface", "--folds", "0/1/2"), "--folds is for tables"),
    ],
)
def test_a_wrong_flag_is_refused(add: Add, options: Sequence[str], said: str) -> None:
    refused = add("age,fold", ["20,0", "30,1", "40,2"], *options)
    assert refused.code == 2
    assert said in refused.err


@pytest.mark.parametrize("skip", [(), ("--skip-bad",)])
def test_a_folder_without_a_readable_image_is_not_registered(ageui: Terminal, skip: Sequence[str]) -> None:
    Path("faces").mkdir()
    for number in range(12):
        Path("faces", f"{20 + number}_0_1_2017{number:04}.jpg").write_bytes(b"no image")
    refused = ageui("data", "add", "it", "faces", *skip)
    assert refused.code == 3
    assert "none of its rows or images can be used" in refused.err
    assert "12 × " in refused.err
    assert _registered(ageui) == {}


def test_a_name_in_another_unicode_form_is_registered_once(ageui: Terminal, add: Add) -> None:
    add("age", ["20"] * 20)
    added = ageui("data", "add", "cafe\u0301", "t.csv")
    assert (added.code, added.out[:5]) == (0, "caf\u00e9:")
    assert ageui("data", "add", "caf\u00e9", "t.csv").code == 2


def test_images_come_from_another_folder_without_listed_ones(faces: Terminal) -> None:
    rows = "".join(f"train_data\\{number:06d}.JPG,{number % 90}\n" for number in range(1, 30))
    Path("labels").mkdir()
    Path("labels/t.csv").write_text(f"image,age\n{rows}")
    Path("bad.txt").write_text("000003\nnosuch.jpg\n")
    refused = faces("data", "add", "table", "labels/t.csv")
    assert refused.code == 3
    assert refused.err.splitlines()[-1].endswith(f"--images {Path('drawn').resolve()}")
    added = faces("data", "add", "table", "labels/t.csv", "--images", "drawn", "--ignore", "bad.txt")
    assert "bad.txt: 1 of 2 names found: nosuch.jpg was not; 1 image left out" in added.err
    assert "28 images found under a similar name, such as train_data/000001.jpg for" in added.err
    checked = faces("data", "check", "table", "--json").json
    assert sum(split["images"] for split in checked["splits"]) == 28
    assert len(checked["notes"]) == 3
    assert faces("data", "add", "again", "drawn", "--images", "drawn").code == 2


@pytest.mark.parametrize("image", ["../0.png", "{folder}/0.png", "link.png"])
def test_images_outside_a_given_folder_are_refused_before_they_are_read(
    ageui: Terminal, monkeypatch: pytest.MonkeyPatch, image: str
) -> None:
    inside = ageui.folder / "inside"
    inside.mkdir()
    for path in (ageui.folder / "0.png", *(inside / f"{number}.png" for number in range(12))):
        Image.new("RGB", (8, 8), (12 * len(path.stem), 0, 0)).save(path)
    (inside / "link.png").symlink_to(ageui.folder / "0.png")
    (inside / "good.png").symlink_to(inside / "11.png")
    own = [f"{inside}/0.png", "good.png", *(f"{number}.png" for number in range(1, 11))]

    def add(images: Sequence[str]) -> Done:
        rows = [f"{name},{20 + place}" for place, name in enumerate(images)]
        (inside / "t.csv").write_text("\n".join(["image,age", *rows]) + "\n")
        return ageui("data", "add", "it", "inside/t.csv", "--below", "inside")

    with monkeypatch.context() as patched:
        patched.setattr("engine.data.sources.image_folder.read_regular", lambda *arguments: pytest.fail("read"))
        refused = add([*own, image.format(folder=ageui.folder)])
    assert (refused.code, f"is outside {inside}; move it there" in refused.err) == (3, True), refused.err
    assert _registered(ageui) == {}
    done = add(own)
    assert done.code == 0, done.err
