"""Duplicates: what `ageui data add` and `check` say, and what `show`, `score`, `compare` and `report` make of them."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from store_rows import end, running
from terminal import Terminal

from ageui.store import Store
from engine.data.dataset import prepare
from engine.events import Evaluated
from engine.fairness import evaluate_split


@pytest.fixture
def copied() -> None:
    """`t.csv`: three train images, and four test images, of which two are copies and one is nearly one."""
    rows = ["image,age,split,gender,subject"]
    for name, age, split, subject in (("a", 20, "train", "s"), ("b", 30, "train", "t"), ("c", 40, "train", "u"),
                                      ("d", 50, "test", "s"), ("e", 60, "test", "v")):  # fmt: skip
        coarse = np.random.default_rng(ord(name)).integers(0, 256, (6, 6, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((48, 48), Image.Resampling.BICUBIC).save(f"{name}.png")
        rows.append(f"{name}.png,{age},{split},male,{subject}")
    shutil.copy("a.png", "copy-a.png")
    Image.open("b.png").save("like-b.jpg", quality=90)
    rows += ["copy-a.png,25,test,male,w", "like-b.jpg,30,test,male,x"]
    Path("t.csv").write_text("\n".join(rows) + "\n")


def _trained(name: str, **changes: object) -> None:
    """A run on the data set `mine`, scored on its images."""
    with Store.open(Path("runs.db")) as store:
        spec = store.data.get("mine")
        dataset = prepare(spec, "apparent", 8, cache=Path("cache"))
        run_id, attempt = running(store, name, **changes)
        with store.writing(run_id, attempt) as writer:
            data = {"name": "mine", "hash": dataset.content_hash, "splits": dataset.splits()}
            writer.started({"device": "cpu", "placement": "cpu, fp32", "data": data})
            for split in ("train", "test"):
                items = dataset.frame.iloc[dataset.rows(split)][["image", "age", "subject"]].reset_index(drop=True)
                ages = items["age"].to_numpy()
                predicted = (ages + 1 + np.arange(len(ages))).astype(np.float32)
                result = evaluate_split(ages, predicted.astype(np.float64), {}, 30.0, split=split, resamples=0)
                writer.evaluated(Evaluated(split, result, items, predicted, None), "apparent", "mine")
        end(store, run_id, attempt)


def test_data_add_names_copies_with_their_labels_subjects_and_splits(ageui: Terminal, copied: None) -> None:
    said = ageui("data", "add", "mine", "t.csv").err
    assert "byte-identical images: 2 images in 1 set" in said
    assert "across train and test: 1 set" in said
    assert "a.png (train) = copy-a.png (test)" in said
    assert "different labels (age) on equal bytes: 1 set" in said
    assert "a.png (age 20) = copy-a.png (age 25)" in said
    assert "1 subject has images in several splits" in said
    assert "s: train 1, test 1" in said
    assert "near-duplicates across splits: 1 pair, such as b.png (train) and like-b.jpg (test)" in said
    checked = ageui("data", "check", "mine").out
    assert "a.png (train) = copy-a.png (test)" in checked
    assert "between train and test: 1" in checked
    found = ageui("data", "check", "mine", "--json").json
    assert found["identical"][0]["images"] == ["a.png", "copy-a.png"]
    assert [(pair["first"], pair["second"]) for pair in found["duplicates"]] == [("b.png", "like-b.jpg")]


def test_copies_are_kept_in_one_split_of_a_table_without_splits(ageui: Terminal, copied: None) -> None:
    lines = [line.split(",") for line in Path("t.csv").read_text().splitlines()]
    Path("t.csv").write_text("".join(f"{image},{age}\n" for image, age, *_ in lines))
    said = ageui("data", "add", "mine", "t.csv").err
    assert "2 images in 1 set, each set within one split" in said


def test_a_file_under_several_names_registers_nothing(ageui: Terminal, copied: None) -> None:
    rows = ("a.png,20", "./a.png,40", "b.png,30", "./b.png,60")
    Path("u.csv").write_text("\n".join(["image,age,split", *(f"{row},train" for row in rows)]))
    done = ageui("data", "add", "mine", "u.csv")
    assert done.code == 3
    assert "4 × the file is named 2 times ('a.png', './a.png'), differing in age: 20, 40: a.png" in done.err
    assert [row["name"] for row in ageui("data", "list", "--json").json] == ["synthetic"]


def test_scores_say_how_many_images_have_a_duplicate_in_train(ageui: Terminal, copied: None) -> None:
    ageui("data", "add", "mine", "t.csv")
    _trained("first")
    _trained("second", seed=2)
    shutil.rmtree(Path.home() / "cache")
    line = "test: 2 of 4 images have a duplicate or near-duplicate in train"
    assert line in ageui("show", "first").out
    assert ageui("show", "first", "--json").json["results"][1]["in_train"] == 2
    assert line in ageui("compare", "first", "second").out
    ageui("report", "first")
    assert line.removeprefix("test: ") in Path("run-1.html").read_text()
    done = ageui("score", "first", "--without-duplicates")
    assert "test-without-duplicates: the 2 images of test without a duplicate" in done.out
    assert ageui("score", "second", "--without-duplicates", "--json").json["n"] == 2
    compared = ageui("compare", "first", "second", "--split", "test-without-duplicates").out
    assert "test-without-duplicates, 2 images" in compared
    assert "2 of 4" not in compared
    assert "test, 4 images" in ageui("compare", "first", "second").out


def test_runs_without_the_same_images_are_not_compared_without_duplicates(ageui: Terminal, copied: None) -> None:
    ageui("data", "add", "mine", "t.csv")
    _trained("first")
    Path("t.csv").write_text(Path("t.csv").read_text().replace("b.png,30,train", "b.png,30,valid"))
    ageui("data", "add", "mine", "t.csv", "--replace")
    _trained("second", seed=2)
    for name in ("first", "second"):
        ageui("score", name, "--without-duplicates")
    assert "measured on other images" in ageui("compare", "first", "second", "--split", "test-without-duplicates").out


def test_score_needs_data_or_duplicates_to_leave_out(ageui: Terminal, copied: None) -> None:
    ageui("data", "add", "mine", "t.csv")
    _trained("first")
    done = ageui("score", "first")
    assert done.code == 2
    assert "--data" in done.err
    assert "--without-duplicates" in done.err
