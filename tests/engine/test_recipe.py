"""The recipe: what a config leaves open, revision by revision, and what each of two stages keeps."""

import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from tiny_runs import Runner, Seen
from torch.nn.modules.batchnorm import _BatchNorm

from engine.config import build_config
from engine.errors import ConfigError
from engine.events import EpochEnded, Noted, RunStarted
from engine.kept_weights import load_weights
from engine.models import AgeModel, build_model
from engine.recipe import recipe_revision, under_revision
from engine.trainer import Trainer

TWO_STAGES: dict[str, Any] = {"strategy": "freeze", "init": "random"}
BEFORE: dict[str, Any] = {"bn_momentum": 0.9, "bn_epsilon": 1e-5, "early_stopping": "run"}
"""What revision 1 comes to in a ResNet."""

# What a revision decides


@pytest.mark.parametrize(
    ("changes", "revision"),
    [
        ({"strategy": "freeze", "epochs": "25,0"}, 1),
        ({"strategy": "freeze", "epochs": "25,25"}, 2),
        ({"strategy": "freeze", "epochs": "0,25"}, 2),
        ({"strategy": "scratch"}, 2),
        ({"strategy": "finetune", "bn": "frozen"}, 2),
        ({"strategy": "finetune", "bn": "frozen", "backbone": "mobilenet_v2"}, 1),
        ({"strategy": "finetune", "backbone": "vgg11"}, 1),
        ({"strategy": "finetune", "backbone": "vgg11_bn@features.8"}, 2),
        ({"strategy": "freeze", "epochs": "25,25", "backbone": "vgg11"}, 2),
        ({"strategy": "freeze", "epochs": "0,25", "backbone": "vgg11"}, 1),
    ],
)
def test_the_revision_is_newer_only_where_the_result_changes(changes: dict[str, Any], revision: int) -> None:
    assert recipe_revision(build_config(changes)) == revision


@pytest.mark.parametrize(
    ("backbone", "momentum", "epsilon"),
    [
        ("resnet50-v1@layer3", 0.99, 1.001e-5),
        ("wide_resnet50_2", 0.99, 1.001e-5),
        ("densenet121", 0.99, 1.001e-5),
        ("efficientnet_b0", 0.99, None),
        ("efficientnet_v2_s", 0.9, None),
        ("mobilenet_v2", 0.999, None),
        ("inception_v3", 0.99, None),
    ],
)
def test_the_newest_revision_has_the_constants_of_keras_applications(
    backbone: str, momentum: float, epsilon: float | None
) -> None:
    config = build_config({"strategy": "finetune", "backbone": backbone})
    named = under_revision(config, 2)
    assert (named.bn_momentum, named.bn_epsilon, named.early_stopping) == (momentum, epsilon, "stage")
    asked = build_config({**config.model_dump(), "bn_momentum": 0.5, "bn_epsilon": 1e-3, "early_stopping": "run"})
    assert under_revision(asked, 2) == asked


def test_the_first_revision_is_torchvisions() -> None:
    config = build_config({"strategy": "freeze", "epochs": "1,1"})
    assert under_revision(config, 1) == config.model_copy(update={"early_stopping": "run"})
    frozen = build_config({"strategy": "freeze", "epochs": "1,0"})
    assert under_revision(frozen, 1) is frozen


def test_fields_of_the_recipe_count_only_where_they_are_set() -> None:
    config = build_config({})
    assert build_config({"bn_momentum": "none", "bn_epsilon": "auto"}) == config
    assert build_config({"bn_momentum": "0.9"}).hash != build_config({"bn_epsilon": "0.9"}).hash != config.hash
    with pytest.raises(ConfigError, match="bn_momentum '1'"):
        build_config({"bn_momentum": "1"})


def test_batch_norm_has_the_named_constants() -> None:
    def constants(**changes: Any) -> set[tuple[float | None, float]]:
        model, _ = build_model(
            build_config({"size": 32, "backbone": "resnet18@layer1", "init": "random", **changes}), 1
        )
        return {(layer.momentum, layer.eps) for layer in model.modules() if isinstance(layer, _BatchNorm)}

    assert constants() == {(0.1, 1e-5)}
    assert constants(bn_momentum=0.99, bn_epsilon=1.001e-5) == {(0.01, 1.001e-5)}
    assert constants(bn_momentum=0.9) == {(0.1, 1e-5)}


# Runs


def _constants(model: AgeModel) -> set[tuple[float | None, float]]:
    return {(layer.momentum, layer.eps) for layer in model.modules() if isinstance(layer, _BatchNorm)}


@pytest.mark.simulation
@pytest.mark.parametrize(("epochs", "revision"), [("1,0", 1), ("1,1", 2)])
def test_a_run_tells_its_revision_and_keeps_its_constants_with_its_weights(
    runner: Runner, epochs: str, revision: int
) -> None:
    seen = runner(**TWO_STAGES, epochs=epochs)
    assert seen.all(RunStarted)[0].manifest["recipe"] == revision
    _, config = load_weights(seen.folder / seen.best.path)
    assert (config.bn_momentum, config.bn_epsilon) == ((None, None) if revision == 1 else (0.99, 1.001e-5))


@pytest.mark.simulation
def test_a_run_resumes_under_its_own_revision(runner: Runner) -> None:
    settings = {**TWO_STAGES, "epochs": "2,2", "patience": 1}
    old = runner(**settings, **BEFORE)
    stopped = runner(**settings, manifest={}, stop_after=7)
    resumed = runner(**settings, manifest={}, checkpoints=stopped.newest)
    assert resumed.all(RunStarted)[0].manifest["recipe"] == 1
    assert resumed.weights.keys() == old.weights.keys()
    assert all(torch.equal(tensor, old.weights[name]) for name, tensor in resumed.weights.items())
    new = runner(**settings)
    assert not all(torch.equal(tensor, old.weights[name]) for name, tensor in new.weights.items())


def test_a_run_of_an_unknown_revision_is_refused(runner: Runner) -> None:
    with pytest.raises(ConfigError, match=r"revision 3 of the recipe.*ageui retry RUN --from-start"):
        runner(manifest={"recipe": 3})


@pytest.mark.simulation
def test_a_frozen_run_keeps_every_bit_under_the_newest_recipe(runner: Runner) -> None:
    new, old = runner(**TWO_STAGES, epochs="2,0"), runner(**TWO_STAGES, epochs="2,0", manifest={})
    pinned = runner(**TWO_STAGES, epochs="2,0", **BEFORE)
    assert all(torch.equal(tensor, new.weights[name]) for name, tensor in (old.weights | pinned.weights).items())


# Two stages by hand. Losses are those of the epochs in order; patience is 2.


@pytest.fixture
def trained(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Trains two stages of up to six epochs with given validation losses."""

    def train(losses: Sequence[float], **changes: Any) -> Seen:
        told = iter(losses)
        monkeypatch.setattr(Trainer, "_validate", lambda self: (next(told), 1.0))
        return runner(**{**TWO_STAGES, "epochs": "6,6", "patience": 2, "batch": 65, **changes})

    return train


def _bests(seen: Seen) -> list[int]:
    return [ended.epoch for ended in seen.all(EpochEnded) if ended.is_best]


NAN = math.nan


@pytest.mark.simulation
@pytest.mark.parametrize(
    ("losses", "early_stopping", "bests", "kept", "ended"),
    [
        # Stage 1 is best in epoch 2 and stops after 4. Stage 2 never beats it, is best in 6 and stops after 8.
        ((5, 3, 4, 4, 9, 8, 8.5, 8), "stage", [1, 2, 5, 6], 6, 8),
        ((5, 3, 4, 4, 9, 8), "run", [1, 2], 2, 6),
        # Stage 2 beats stage 1 in its third epoch, which only patience of its own lets it reach.
        ((5, 3, 4, 4, 9, 8, 2, 3, 3), "stage", [1, 2, 5, 6, 7], 7, 9),
        ((5, 3, 4, 4, 2, 3, 3), "stage", [1, 2, 5], 5, 7),
        ((5, 3, 4, 4, 2, 3, 3), "run", [1, 2, 5], 5, 7),
        # All six epochs of each.
        ((6, 5, 4, 3, 2, 1, 9, 8, 7, 6, 5, 4), "stage", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], 12, 12),
    ],
)
def test_each_stage_stops_and_keeps_by_itself(
    trained: Any, losses: Sequence[float], early_stopping: str, bests: list[int], kept: int, ended: int
) -> None:
    seen = trained(losses, early_stopping=early_stopping)
    assert seen.ended.outcome == "done"
    assert (_bests(seen), seen.best.epoch, len(seen.all(EpochEnded))) == (bests, kept, ended)
    assert not any("had a finite loss" in note.message for note in seen.all(Noted))


@pytest.mark.simulation
def test_the_least_fall_that_counts_is_asked_of_each_stage(trained: Any) -> None:
    seen = trained((5, 4.5, 4.2, 8, 7.5, 6.5, 6.4, 6.3), min_delta=1.0)
    assert (_bests(seen), seen.best.epoch, len(seen.all(EpochEnded))) == ([1, 4, 6], 6, 8)


@pytest.mark.simulation
@pytest.mark.parametrize("keep", ["best", "last"])
def test_the_first_stages_weights_are_kept_until_the_second_has_a_finite_loss(trained: Any, keep: str) -> None:
    first = {"best": 2, "last": 4}[keep]
    seen = trained((5, 3, 4, 4, NAN), keep=keep)
    said = f"no epoch of stage 2 had a finite loss: the weights of stage 1 after epoch {first} are kept"
    assert (seen.ended.outcome, seen.best.epoch) == ("diverged", first)
    assert said in [note.message for note in seen.all(Noted)]
    later = trained((5, 3, 4, 4, 9, NAN), keep=keep)
    assert (later.ended.outcome, later.best.epoch) == ("diverged", 5)
    assert said not in [note.message for note in later.all(Noted)]


@pytest.mark.simulation
def test_a_second_stage_stopped_in_its_first_epoch_starts_anew_on_resume(
    runner: Runner, trained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = (5, 3, 4, 4, 9, 8, 8.5, 8)
    whole = trained(losses, batch=16)
    steps = max(ended.step for ended in whole.all(EpochEnded) if ended.stage == 1)
    stopped = trained(losses, batch=16, stop_after=steps + 1)
    assert stopped.best.epoch == 2
    assert any("the weights of stage 1 after epoch 2 are kept" in note.message for note in stopped.all(Noted))
    resumed = trained(losses[4:], batch=16, checkpoints=stopped.newest)
    assert _bests(resumed) == [5, 6]
    assert resumed.best.sha256 == whole.best.sha256
