"""Predictions in files: exact, private, and harmless to the programs that people open them with."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from store_rows import end, evaluated, running
from terminal import Terminal

from ageui.store import Store
from engine.data.sources.read_table import read_table

IMAGES = ["=cmd()|'/C calc'!A0", "\x1b[2J\u202egpj.a", "ç.jpg"]
GENDERS = ["-1", None, " @SUM(1)"]


@pytest.fixture
def hostile(ageui: Terminal, store: Store) -> Terminal:
    """A terminal with a run whose images and groups have names that attack."""
    scored = evaluated()
    run_id, attempt = running(store, "hostile")
    with store.writing(run_id, attempt) as writer:
        writer.evaluated(replace(scored, items=scored.items.assign(image=IMAGES, gender=GENDERS)), "apparent", "faces")
    end(store, run_id, attempt)
    return ageui


@pytest.mark.parametrize("ending", ["csv", "tsv"])
def test_text_is_defused_and_comes_back_and_numbers_are_exact(hostile: Terminal, ending: str) -> None:
    path = Path(f"p.{ending}")
    assert hostile("export", "hostile", "--predictions", str(path)).code == 0
    lines = path.read_text(encoding="utf-8").splitlines()
    assert not any(character in line for line in lines for character in "\x1b\u202e")
    assert [line.replace("\t", ",") for line in lines] == [
        "split,image,age,predicted,gender",
        "valid,'=cmd()|'/C calc'!A0,10.0,12.5,-1",
        r"valid,\u001b[2J\u202egpj.a,35.5,30.0,",
        "valid,ç.jpg,70.0,nan,' @SUM(1)",
    ]
    table = read_table(path, ["image", "gender"])
    assert (list(table["image"]), list(table["gender"])) == (IMAGES, ["-1", "", " @SUM(1)"])


def test_parquet_is_exact(hostile: Terminal) -> None:
    assert hostile("export", "hostile", "--predictions", "p.parquet").code == 0
    table = pd.read_parquet("p.parquet")
    assert (list(table["image"]), list(table["gender"].dropna())) == (IMAGES, ["-1", " @SUM(1)"])


def test_predictions_are_private_even_in_place_of_a_public_file(hostile: Terminal) -> None:
    taken = Path("taken.csv")
    taken.touch(0o644)
    assert hostile("export", "hostile", "--predictions", "taken.csv", "--force").code == 0
    assert taken.stat().st_mode & 0o777 == 0o600


def test_a_run_that_was_not_scored_has_none(hostile: Terminal, store: Store) -> None:
    end(store, *running(store, "unscored"))
    refused = hostile("export", "unscored", "--predictions", "p.csv")
    assert (refused.code, "has no predictions: it was not scored" in refused.err) == (3, True)
    assert not Path("p.csv").exists()


@pytest.mark.parametrize(("weights", "said"), [({}, False), ({"sha256": None}, False), ({"sha256": "0" * 64}, True)])
def test_show_counts_the_tensors_loaded_from_a_weights_file(
    ageui: Terminal, store: Store, weights: dict[str, str | None], said: bool
) -> None:
    run_id, attempt = running(store, "begun")
    with store.writing(run_id, attempt) as writer:
        stored = {"source": "w.pth", "loaded": 5, "random": 2, "ignored": 0, **weights}
        writer.started({"device": "cpu", "placement": "here", "weights": stored if weights else {}})
    shown = ageui("show", "begun").out
    assert ("first weights: loaded 5 tensors from w.pth; 2 start random" in shown) is said
