"""Whole runs with the losses and weights beyond the report's, and what is said of them."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from tiny_runs import Runner, Seen

import engine.data.dataset as datasets
from engine.checkpoint import load_newest
from engine.errors import ConfigError
from engine.events import EpochEnded, Evaluated, Noted
from engine.predict import load_model

pytestmark = pytest.mark.simulation

LOSSES: list[dict[str, Any]] = [
    {"loss": "dldl"},
    {"loss": "mean-variance", "weights": "lds", "weighting": "sqrt-inverse"},
    {"loss": "coral", "weights": "gender,age", "combine": "joint"},
    {"loss": "balanced-mse"},
    {"loss": "group-dro", "weights": "gender"},
]


def notes(seen: Seen) -> list[str]:
    return [note.message for note in seen.all(Noted)]


@pytest.mark.parametrize("settings", LOSSES, ids=lambda settings: settings["loss"])
def test_a_run_learns_and_its_weights_can_be_used_again(runner: Runner, settings: dict[str, Any]) -> None:
    seen = runner(**settings, epochs=3, lr=3e-3)
    assert seen.ended.outcome == "done"
    losses = [ended.train_loss for ended in seen.all(EpochEnded)]
    assert losses[-1] < losses[0]
    scored = seen.all(Evaluated)
    assert [one.split for one in scored] == ["train", "valid", "test"]
    assert all(np.isfinite(one.predicted).all() and np.ptp(one.predicted) > 0 for one in scored)
    model, config = load_model(seen.folder / seen.best.path, seen.best.sha256)
    assert config.loss == settings["loss"]
    assert all(torch.equal(tensor, seen.weights[name]) for name, tensor in model.state_dict().items())


def test_the_groups_of_group_dro_are_noted_and_kept(runner: Runner) -> None:
    settings: dict[str, Any] = {"loss": "group-dro", "weights": "gender,age", "group_dro_step": 5}
    seen = runner(**settings, stop_after=3)
    state, _ = load_newest(seen.newest, seen.folder)
    assert state is not None
    kept = state.loss["group_weights"]
    (told,) = [note for note in notes(seen) if note.startswith("group-dro weights")]
    assert told.startswith(f"group-dro weights {len(kept)} groups: male, <20; male, 20-40; ")
    assert kept.sum().item() == pytest.approx(1)
    assert kept.max() > 1.2 * kept.min()


def test_attributes_of_group_dro_give_no_sample_weights(runner: Runner) -> None:
    one = runner(loss="group-dro", weights="gender", group_dro_step=0, epochs=1)
    two = runner(loss="group-dro", weights="gender", group_dro_step=0, epochs=1, weighting="effective")
    assert all(torch.equal(tensor, two.weights[name]) for name, tensor in one.weights.items())


@pytest.fixture
def faces_with(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Has the drawn faces of a test carry other columns."""
    load = datasets.load_rows

    def use(**columns: Any) -> None:
        def changed(spec: Any, target: Any) -> Any:
            manifest = load(spec, "apparent")
            for name, values in columns.items():
                manifest.frame[name] = values(manifest.frame)
            return manifest

        monkeypatch.setattr(datasets, "load_rows", changed)

    return use


def test_dldl_learns_from_the_spread_of_votes_where_it_is_known(runner: Runner, faces_with: Any) -> None:
    def spread(frame: pd.DataFrame) -> pd.Series:
        return pd.Series(np.where(np.arange(len(frame)) < 40, 7.5, np.nan), index=frame.index)

    plain = runner(loss="dldl", epochs=1)
    assert "dldl: 0 of 65 train images have a known spread of votes, others 2 years" in notes(plain)
    faces_with(age_std=spread)
    voted = runner(loss="dldl", epochs=1)
    assert "dldl: 40 of 65 train images have a known spread of votes, others 2 years" in notes(voted)
    assert voted.all(EpochEnded)[0].train_loss != plain.all(EpochEnded)[0].train_loss


def test_images_without_a_group_are_left_out_of_group_dro_and_told(runner: Runner, faces_with: Any) -> None:
    def mostly(frame: pd.DataFrame) -> pd.Series:
        return frame["gender"].where(np.arange(len(frame)) % 4 > 0)

    faces_with(gender=mostly)
    seen = runner(loss="group-dro", weights="gender", epochs=1)
    assert "group-dro leaves out 17 train images without a value of gender" in notes(seen)
    faces_with(gender=lambda frame: None)
    with pytest.raises(ConfigError, match="no train image has a value of gender; choose other --weights"):
        runner(loss="group-dro", weights="gender", epochs=1)


def test_spreads_are_those_of_apparent_ages(runner: Runner, faces_with: Any) -> None:
    faces_with(age_std=lambda frame: 5.0)
    assert "dldl: 65 of 65 train images have a known spread of votes, others 2 years" in notes(
        runner(loss="dldl", epochs=1)
    )
    real = notes(runner(loss="dldl", epochs=1, target="real"))
    assert "dldl: 0 of 65 train images have a known spread of votes, others 2 years" in real
