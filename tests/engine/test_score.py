"""Scores of a trained run on data that it did not see."""

import numpy as np
import pytest
from tiny_runs import FACES, Runner

from engine.data.spec import DataSpec, SyntheticOptions
from engine.errors import ConfigError
from engine.events import Evaluated
from engine.kept_weights import weights_file
from engine.score import score_data

OTHERS = DataSpec(
    name="others", format="synthetic", synthetic=SyntheticOptions(counts=(0, 24, 16), image_size=32, seed=9)
)


@pytest.mark.simulation
def test_a_run_is_scored_on_other_data_as_on_its_own(runner: Runner) -> None:
    seen = runner()
    weights, cache = seen.folder / weights_file(1), runner.folder / "cache"
    own = {scored.split: scored for scored in seen.all(Evaluated)}
    assert {scored.selected_on for scored in own.values()} == {"valid"}

    again = score_data(weights, FACES, cache=cache, split="valid", constant_age=20.0)
    assert (again.split, again.selected_on) == ("faces/valid", None)
    np.testing.assert_allclose(again.predicted, own["valid"].predicted, rtol=1e-4)
    assert again.result.mae == pytest.approx(own["valid"].result.mae, rel=1e-4)
    assert again.result.baseline is not None
    assert again.result.baseline.age == 20.0

    other = score_data(weights, OTHERS, cache=cache)
    assert (other.split, other.result.n, other.result.baseline) == ("others/test", 16, None)
    assert other.result.mae == pytest.approx(np.abs(other.predicted - other.items["age"]).mean())
    every = score_data(weights, OTHERS, cache=cache, split="all")
    assert (every.split, every.result.n) == ("others/all", 40)
    with pytest.raises(ConfigError, match="no labelled images in 'train'; choose one of test, valid, all"):
        score_data(weights, OTHERS, cache=cache, split="train")
