"""Names of splits and folds, as tables and flags give them."""

import pytest

from engine.data.sources.split_names import (
    is_fold,
    parse_folds,
    parse_split_map,
    read_splits,
    split_key,
    split_of,
    with_either,
)
from engine.errors import ConfigError

SHARES = (0.7, 0.15, 0.15)


@pytest.mark.parametrize(
    ("names", "split"),
    [
        (("train", "Train", "TRAINING", "trn", "training set", "train_set", "train-split"), "train"),
        (("valid", "val", "Validation", "validation_set", "dev", "devset", "development"), "valid"),
        (("test", "Testing", "tst", "test set", "TEST_DATA"), "test"),
        (("tran", "a", "3", "unknown"), None),
    ],
)
def test_usual_names_are_known_in_any_letters(names: tuple[str, ...], split: str | None) -> None:
    assert {split_of(split_key(name), {}) for name in names} == {split}


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("train", "eval"), {"eval": "valid"}),
        (("train", "holdout"), {"holdout": "test"}),
        (("train", "dev", "eval"), {"eval": "test"}),
        (("train", "test", "holdout"), {"holdout": "valid"}),
        (("train", "eval", "holdout"), {"eval": "valid", "holdout": "test"}),
        (("train", "val", "test", "holdout"), {}),
    ],
)
def test_eval_and_holdout_stand_for_the_split_that_is_missing(names: tuple[str, ...], found: dict[str, str]) -> None:
    assert with_either(names, {}) == found


@pytest.mark.parametrize(
    "cells",
    [
        ["0", "3", "4", ""],
        [0, 3, 4, None],
        [0.0, 3.0, 4.0, float("nan")],
        ["fold_0_data.txt", "fold_frontal_3_data", "fold_4_data", ""],
    ],
)
def test_folds_are_numbers_however_they_are_written(cells: list[object]) -> None:
    splits, notes = read_splits(cells, parse_folds("0-2/3/4"), SHARES)
    assert splits == ["train", "valid", "test", None]
    assert "as train (1 row)" in notes[0]
    assert "1 row without a split: split in the shares 0.7,0.15,0.15" in notes[1]


def test_a_map_names_splits_and_leaves_rows_out() -> None:
    chosen = parse_split_map("A=training, b-set=val,extra=none")
    splits, notes = read_splits(["a", "B", "extra", "what"], chosen, SHARES)
    assert splits == ["train", "valid", "none", "what"]
    assert any("1 row left out by --split-map" in note for note in notes)
    assert read_splits(["train", "val", "test"], {}, SHARES)[1] == ()


@pytest.mark.parametrize("text", ["", "a", "a=b", "=train", "a=train,a=test", "a=train,,"])
def test_a_wrong_map_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--split-map"):
        parse_split_map(text)


@pytest.mark.parametrize(
    "text", ["", "0-2/3", "0-2/3/4/5", "2-0/3/4", "0/0/1", "/1/2", "a/b/c", "0-99999/1/2", "²/1/2"]
)
def test_wrong_folds_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--folds"):
        parse_folds(text)


def test_a_split_may_have_no_fold() -> None:
    assert parse_folds("0,2-3//1") == {"0": "train", "2": "train", "3": "train", "1": "test"}


@pytest.mark.parametrize(("key", "expected"), [("0", True), ("999", True), ("1000", False), ("9" * 5000, False)])
def test_only_values_of_the_flag_are_folds(key: str, expected: bool) -> None:
    assert is_fold(key) is expected
