"""What commands write about first weights that were pretrained on images that nobody knows."""

import csv
import io
from pathlib import Path

import pandas as pd
import pytest
from derived_rows import calibrated_run, scored_run
from store_rows import running
from terminal import Terminal

from ageui.store import Store
from engine.pretraining import pretraining_of

INHERITED = "pretrained on faces that nobody knows"
CONFIGS = [
    ({"backbone": "dlib-age", "init": "pretrained"}, None),
    ({"backbone": "dlib-age@layer2", "init": "pretrained"}, None),
    ({"backbone": "dlib-age", "init": "random"}, None),
    ({"backbone": "resnet18@layer3", "init": "imagenet"}, None),
    ({"backbone": "resnet18@layer3", "init": "w.safetensors"}, INHERITED),
    ({"backbone": "dlib-age", "init": "w.safetensors"}, None),
]


@pytest.fixture
def pretrained(ageui: Terminal, store: Store) -> Terminal:
    """A run `own` from random weights, and `tuned`, whose weights were pretrained on private faces."""
    scored_run(store, "own")
    scored_run(store, "tuned", backbone="dlib-age", init="pretrained", strategy="finetune")
    return ageui


def test_the_field_says_in_sql_what_it_says_in_python(store: Store) -> None:
    for changes, stored in CONFIGS:
        run_id, attempt = running(store, strategy="finetune", **changes)
        with store.writing(run_id, attempt) as writer:
            writer.started({"weights": {"pretraining": stored}, "data": {"hash": None, "splits": {}}})
        detail = store.runs.detail(run_id)
        found = store.runs.field_values([run_id], ["pretraining"])[run_id]["pretraining"]
        assert found == detail.pretraining == pretraining_of(detail.config, detail.manifest)
        assert found == (stored or found)
    assert store.runs.count("pretraining:private") == 2
    assert store.runs.count(f"pretraining='{INHERITED}'") == 1


def test_lists_in_files_have_it(pretrained: Terminal) -> None:
    listed = pretrained("ls", "--json").json
    assert [(row["name"], bool(row["pretraining"])) for row in listed] == [("tuned", True), ("own", False)]
    rows = list(csv.DictReader(io.StringIO(pretrained("ls", "--format", "csv").out)))
    assert ["private set of about 110,000 faces" in row["pretraining"] for row in rows] == [True, False]
    assert "private set" in pretrained("ls", "--format", "md").out
    assert "private set" not in pretrained("ls").out
    assert "pretraining" not in pretrained("ls", "--columns", "id,name", "--format", "csv").out


def test_comparisons_and_exported_predictions_have_it(pretrained: Terminal, store: Store) -> None:
    note = pretrained("show", "tuned", "--json").json["pretraining"]
    assert pretrained("show", "own", "--json").json["pretraining"] is None
    compared = pretrained("compare", "own", "tuned", "--format", "json").json
    assert [row["pretraining"] for row in compared["rows"] if row["kind"] == "run"] == [None, note]
    rows = list(csv.DictReader(io.StringIO(pretrained("compare", "own", "tuned", "--format", "csv").out)))
    assert [row["pretraining"] for row in rows[:2]] == ["", note]
    calibrated_run(store, store.runs.find_one("tuned"), name="even")
    assert note in pretrained("show", "even").out.replace("\n", " ")
    for name, expected in (("own", None), ("tuned", note), ("even", note)):
        for file, read in ((f"{name}.csv", pd.read_csv), (f"{name}.parquet", pd.read_parquet)):
            assert pretrained("export", name, "--predictions", file).code == 0
            frame = read(Path(file))
            assert (set(frame["pretraining"]) if expected else "pretraining" not in frame) == (
                {expected} if expected else True
            )
