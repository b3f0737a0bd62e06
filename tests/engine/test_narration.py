"""Events in words."""

import math
from dataclasses import replace

import pytest

from engine.epoch_scores import EpochScores
from engine.events import EpochEnded, RunEnded
from engine.narration import Narrator

EPOCH = EpochEnded(1, 2, 20, 0.25, 0.5, 6.0, 1e-3, 1.5, 100.0, is_best=True)


def test_an_epoch_in_a_line() -> None:
    line = Narrator(5).line(EPOCH)
    assert line == "epoch 2/5 · train loss 0.25 · val loss 0.5 (best so far) · val MAE 6.00 years · 1.5 s, 100 images/s"


def test_an_epoch_with_biases_names_those_that_are_defined() -> None:
    scores = EpochScores(9, 6.0, {"gender": 0.4, "expression": None, "age": 12.1}, ())
    line = Narrator(5).line(replace(EPOCH, scores=scores))
    assert line is not None
    assert " · val MAE 6.00 years · bias gender 0.40, age 12.10 · 1.5 s, " in line


@pytest.mark.parametrize(("value", "text"), [(math.nan, "NaN"), (math.inf, "+inf"), (-math.inf, "−inf")])
def test_numbers_that_are_not_finite_are_written_as_in_tables(value: float, text: str) -> None:
    line = Narrator(5).line(replace(EPOCH, train_loss=value, val_loss=value, val_mae=value, is_best=False))
    assert line is not None
    assert f"train loss {text} · val loss {text} · val MAE {text} · " in line


def test_a_stop_is_told_by_its_reason() -> None:
    assert Narrator(5).line(RunEnded("interrupted", "stopped by request", 1.5)) == "stopped by request after 1.5 s"
    assert Narrator(5).line(RunEnded("done", "", 1.5)) == "done after 1.5 s"
