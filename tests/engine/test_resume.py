"""A run that was stopped anywhere and gone on with ends with the same bits as one that never was."""

import hashlib
import math
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tiny_runs import Runner, Seen
from torch import nn

import engine.checkpoint_writer as checkpoint_writer
import engine.models as models
import engine.train_metrics as train_metrics
import engine.trainer as training
from engine.data import face_finder
from engine.data.face_chips import MEAN_FACE, Box, FoundFace
from engine.data.spec import DataSpec, SyntheticOptions
from engine.errors import DataError
from engine.events import EpochEnded, EpochScored, Evaluated, Noted, RunStarted, StageStarted, StepsEnded
from engine.kept_weights import weights_file
from engine.request import CheckpointFile

FREEZE: dict[str, Any] = {"strategy": "freeze", "init": "random", "epochs": "2,2"}
ALL_ON: dict[str, Any] = {
    "optimizer": "adamw", "weight_decay": 0.1, "schedule": "one-cycle", "warmup": 0.4, "clip_norm": 0.1, "dropout": 0.3,
    "standardize": True, "loss": "dldl", "l1_lambda": 0.2, "mirror": True, "ema": 0.9,
}  # fmt: skip
TIMES = ("seconds", "images_per_second")


def _losses(*attempts: Seen) -> dict[int, float]:
    return {step: loss for seen in attempts for told in seen.all(StepsEnded) for step, loss in told.losses}


def _epochs(*attempts: Seen) -> dict[int, dict[str, Any]]:
    epochs: dict[int, dict[str, Any]] = {}
    for seen in attempts:
        epochs |= {ended.epoch: dict(vars(ended)) for ended in seen.all(EpochEnded)}
        for scored in seen.all(EpochScored):
            epochs[scored.epoch]["scores"] = scored.scores
    return {number: {name: row[name] for name in row if name not in TIMES} for number, row in epochs.items()}


def _assert_same_end(undisturbed: Seen, *attempts: Seen) -> None:
    last = attempts[-1]
    assert last.ended.outcome == undisturbed.ended.outcome == "done"
    assert last.best.sha256 == undisturbed.best.sha256
    assert _losses(*attempts) == _losses(undisturbed)
    assert _epochs(*attempts) == _epochs(undisturbed)
    for one, two in zip(last.all(Evaluated), undisturbed.all(Evaluated), strict=True):
        np.testing.assert_array_equal(one.predicted, two.predicted)
        assert one.result == two.result


@pytest.fixture(scope="module")
def train_undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Seen]:
    """Trains runs that nobody stops; each of them once for all tests."""
    runner = Runner(tmp_path_factory.mktemp("undisturbed"))
    trained: dict[str, Seen] = {}

    def train(**settings: Any) -> Seen:
        name = repr(sorted(settings.items()))
        if name not in trained:
            trained[name] = runner(**settings)
        return trained[name]

    return train


@contextmanager
def _finder() -> Iterator[face_finder.Find]:
    """Stands for dlib: finds a turned face in two of three images, at a place that their pixels decide."""

    def find(pixels: NDArray[np.uint8]) -> tuple[FoundFace, ...]:
        total = int(pixels.sum())
        left, top, side = total % 7, total % 5, 16 + total % 11
        places = (MEAN_FACE[:, 0] + 1j * MEAN_FACE[:, 1]) * side * np.exp(0.2j) + complex(left, top)
        face = FoundFace(Box(left, top, left + side, top + side), tuple((at.real, at.imag) for at in places.tolist()))
        return (face,) if total % 3 else ()

    yield find


@pytest.mark.parametrize("stop_after", [1, 3])
def test_a_run_on_found_faces_stopped_after_any_step(
    runner: Runner, monkeypatch: pytest.MonkeyPatch, stop_after: int
) -> None:
    monkeypatch.setattr(face_finder, "face_finder", _finder)
    settings: dict[str, Any] = {"crop": "aligned", "augment": "face", "mirror": True}
    undisturbed = runner(**settings)
    (note,) = [noted.message for noted in undisturbed.all(Noted) if "no face found" in noted.message]
    assert not note.startswith("no face found in 0 of")
    stopped = runner(**settings, stop_after=stop_after)
    for part in ("faces", "pixels"):
        shutil.rmtree(runner.folder / "cache" / part)
    resumed = runner(**settings, checkpoints=stopped.newest)
    assert resumed.all(RunStarted)[0].step == stop_after
    _assert_same_end(undisturbed, stopped, resumed)


@pytest.mark.parametrize("stop_after", range(1, 9))
def test_a_run_stopped_after_any_step(runner: Runner, train_undisturbed: Callable[..., Seen], stop_after: int) -> None:
    undisturbed = train_undisturbed(**FREEZE)
    stopped = runner(**FREEZE, stop_after=stop_after)
    assert stopped.ended.outcome == "interrupted"
    resumed = runner(**FREEZE, checkpoints=stopped.newest)
    assert resumed.all(RunStarted)[0].step == stop_after
    _assert_same_end(undisturbed, stopped, resumed)


@pytest.mark.parametrize(
    "settings",
    [
        {"augment": "standard", "weights": "age,gender", "loss": "mape"},
        {"backbone": "efficientnet_b0@features.2", "epochs": 2},
        {"backbone": "regnet_y_400mf", "precision": "bf16"},
        {**FREEZE, "backbone": "dlib-age", "loss": "dldl", "head": "none"},
        {"optimizer": "adadelta", "keep": "last", "last_batch": "keep"},
        {"optimizer": "sgd", "momentum": 0.9, "loss": "scce"},
        {**ALL_ON, "strategy": "finetune", "init": "random", "augment": "face"},
        {**ALL_ON, **FREEZE, "keep": "last", "schedule": "cosine"},
        {"ema": 0.9, "backbone": "efficientnet_b0@features.2", "epochs": 2},
        {"loss": "group-dro", "weights": "gender,age", "group_dro_step": 2},
        {**FREEZE, "augment": "report", "bn": "frozen"},
        {**FREEZE, "augment": "standard", "lr": "1e-3,1e-4"},
        {"epochs": 6, "patience": 1, "min_delta": 1000.0},
        {**FREEZE, "epochs": "5,1", "lr": "0.5,1e-3", "scoring_interval": 3},
    ],
    ids=lambda settings: " ".join(f"{name}={value}" for name, value in settings.items()),
)
def test_a_run_stopped_again_and_again(runner: Runner, settings: dict[str, Any]) -> None:
    undisturbed = runner(**settings)
    attempts: list[Seen] = []
    while not attempts or attempts[-1].ended.outcome == "interrupted":
        newest = attempts[-1].newest if attempts else ()
        attempts.append(runner(**settings, checkpoints=newest, stop_after=2 * len(attempts) + 1))
        assert len(attempts) < 9
    assert len(attempts) > 1
    _assert_same_end(undisturbed, *attempts)


def test_layers_with_chance_draw_by_step_and_not_by_history(runner: Runner) -> None:
    torch.manual_seed(1)
    first = runner(backbone="efficientnet_b0@features.2")
    torch.manual_seed(2)
    again = runner(backbone="efficientnet_b0@features.2")
    assert first.best.sha256 == again.best.sha256


def test_a_head_with_chance_on_cached_features_draws_by_step_too(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: dict[str, Any] = {**FREEZE, "epochs": "2,0"}
    plain = runner(**settings)
    build = models.build_head

    def with_dropout(*arguments: Any, **more: Any) -> nn.Module:
        return nn.Sequential(nn.Dropout(0.5), *build(*arguments, **more))

    monkeypatch.setattr(models, "build_head", with_dropout)
    torch.manual_seed(1)
    first = runner(**settings)
    torch.manual_seed(2)
    again = runner(**settings)
    assert _losses(first) == _losses(again) != _losses(plain)


@pytest.mark.parametrize("where", ["validation", "scoring", "features"])
def test_a_run_stopped_between_its_steps(
    runner: Runner, train_undisturbed: Callable[..., Seen], where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = train_undisturbed(**FREEZE)
    calls = iter(range(1000))
    if where == "validation":
        # The question after the last step of an epoch is answered with no, the one inside validation with yes.
        real = training.model_outputs

        def stopping(*arguments: Any, **options: Any) -> torch.Tensor:
            if next(calls) == 1:
                raise training.Stopped
            return real(*arguments, **options)

        monkeypatch.setattr(training, "model_outputs", stopping)
        stopped = runner(**FREEZE)
        monkeypatch.undo()
    elif where == "scoring":
        stopped = runner(**FREEZE, stop=lambda events: bool(Seen(None, events, Path()).all(Evaluated)))  # type: ignore[arg-type]
    else:
        begun = runner(**FREEZE, stop_after=1)
        _remove_features(runner)
        stopped = runner(
            **FREEZE,
            checkpoints=begun.newest,
            stop=lambda events: any(getattr(e, "what", "") == "features" for e in events),
        )
        assert stopped.states == []
        stopped = begun
    assert stopped.ended.outcome == "interrupted"
    resumed = runner(**FREEZE, checkpoints=stopped.newest)
    _assert_same_end(undisturbed, stopped, resumed)


def test_a_frozen_run_stopped_while_it_is_scored_is_scored_from_the_same_blocks(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: dict[str, Any] = {**FREEZE, "epochs": "2,0"}
    undisturbed = runner(**settings)
    stopped = runner(**settings, stop=lambda events: bool(Seen(None, events, Path()).all(Evaluated)))  # type: ignore[arg-type]
    assert stopped.ended.outcome == "interrupted"
    sources: list[str] = []
    real = training.evaluate

    def noting(model: Any, dataset: Any, config: Any, loss: Any, inputs: Any, *rest: Any) -> None:
        sources.append(type(inputs).__name__)
        real(model, dataset, config, loss, inputs, *rest)

    monkeypatch.setattr(training, "evaluate", noting)
    resumed = runner(**settings, checkpoints=stopped.newest)
    assert sources == ["FeatureInputs"]
    _assert_same_end(undisturbed, stopped, resumed)


def _remove_features(runner: Runner) -> None:
    for file in (runner.folder / "cache" / "features").iterdir():
        file.unlink()


def test_checkpoints_come_by_time_and_at_stage_ends(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    rarely = runner(**FREEZE)
    assert [(written.epoch, written.step) for written in rarely.states] == [(2, 4), (4, 8)]
    monkeypatch.setattr(checkpoint_writer, "CHECKPOINT_SHARE", 1e9)
    often = runner(**FREEZE, checkpoint_seconds=0)
    assert [written.step for written in often.states] == [1, 2, 2, 3, 4, 4, 4, 5, 6, 6, 7, 8, 8, 8]
    assert len({written.path for written in often.states}) == 14
    for file, written in zip(often.newest[::-1], often.states, strict=True):
        assert hashlib.sha256(file.path.read_bytes()).hexdigest() == written.sha256
    for file in often.newest:
        _assert_same_end(rarely, often, runner(**FREEZE, checkpoints=(file,)))


def test_a_checkpoint_that_takes_long_is_written_less_often(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint_writer, "CHECKPOINT_SHARE", 1e-9)
    seen = runner(epochs=3, checkpoint_seconds=0)
    assert [written.step for written in seen.states] == [1, 6]


def test_losses_up_to_a_checkpoint_are_emitted_before_it(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint_writer, "CHECKPOINT_SHARE", 1e9)
    monkeypatch.setattr(train_metrics, "SECONDS_BETWEEN_STEP_EVENTS", 3600.0)
    seen = runner(checkpoint_seconds=0)
    told: set[int] = set()
    for event in seen.events:
        if isinstance(event, StepsEnded):
            told |= {step for step, _ in event.losses}
        elif event in seen.states:
            assert told == set(range(1, event.step + 1))  # type: ignore[union-attr]


def test_the_choice_of_emitted_losses_depends_on_the_config_alone(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_metrics, "POINTS_PER_EPOCH", 9)
    often = runner(batch=4)
    monkeypatch.setattr(train_metrics, "SECONDS_BETWEEN_STEP_EVENTS", 3600.0)
    rarely = runner(batch=4)
    assert _losses(often) == _losses(rarely)
    assert list(_losses(often)) == [*range(2, 17, 2), *range(18, 33, 2)]
    assert len(rarely.all(StepsEnded)) == 2


@pytest.mark.parametrize("damage", ["flipped bit", "cut off", "gone"])
def test_a_damaged_checkpoint_is_never_loaded_but_the_one_before_it(
    runner: Runner, train_undisturbed: Callable[..., Seen], damage: str
) -> None:
    undisturbed = train_undisturbed(epochs=3)
    first = runner(epochs=3, stop_after=2)
    second = runner(epochs=3, stop_after=4, checkpoints=first.newest)
    newest = second.newest[0].path
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    if damage == "gone":
        newest.unlink()
    else:
        newest.write_bytes(bytes(content) if damage == "flipped bit" else bytes(content)[:-1])
    resumed = runner(epochs=3, checkpoints=(*second.newest, *first.newest))
    assert resumed.all(RunStarted)[0].step == 2
    (note,) = [note for note in resumed.all(Noted) if note.warning]
    assert "continuing from an earlier checkpoint" in note.message
    assert newest.name in note.message
    _assert_same_end(undisturbed, first, resumed)


def test_with_no_checkpoint_left_a_run_starts_anew(runner: Runner) -> None:
    undisturbed = runner()
    stopped = runner(stop_after=3)
    stopped.newest[0].path.write_bytes(b"")
    resumed = runner(checkpoints=stopped.newest)
    assert resumed.all(RunStarted)[0].step == 0
    _assert_same_end(undisturbed, resumed)


def test_a_pickle_that_would_run_code_is_refused(runner: Runner, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "ran",))

    evil = tmp_path / "evil.pt"
    torch.save({"format": "ageui-state-1", "position": Evil()}, evil)
    file = CheckpointFile(path=evil, sha256=hashlib.sha256(evil.read_bytes()).hexdigest())
    seen = runner(checkpoints=(file,))
    assert any("cannot be read as a checkpoint" in note.message for note in seen.all(Noted))
    assert not (tmp_path / "ran").exists()


def test_other_data_under_the_same_name_is_refused(runner: Runner) -> None:
    stopped = runner(stop_after=1)
    runner.spec = DataSpec(
        name="faces", format="synthetic", synthetic=SyntheticOptions(counts=(65, 33, 20), image_size=32, seed=5)
    )
    with pytest.raises(DataError, match=r"'faces' changed since this run started.*--from-start"):
        runner(checkpoints=stopped.newest)


def test_other_first_weights_are_refused(runner: Runner) -> None:
    first = runner(epochs=1)
    init = str(first.folder / weights_file(1))
    settings: dict[str, Any] = {"strategy": "finetune", "init": init, "backbone": "resnet18@layer1"}
    stopped = runner(**settings, stop_after=1)
    Path(init).write_bytes((runner(epochs=1, seed=9).folder / weights_file(1)).read_bytes())
    with pytest.raises(DataError, match="changed since it started; restore them"):
        runner(**settings, checkpoints=stopped.newest)


def test_another_number_of_threads_is_reported(runner: Runner) -> None:
    stopped = runner(stop_after=1)
    manifest = stopped.all(RunStarted)[0].manifest
    same = runner(checkpoints=stopped.newest, manifest=manifest)
    assert not any(note.warning for note in same.all(Noted))
    before = {**manifest, "threads": manifest["threads"] + 7, "versions": {**manifest["versions"], "torch": "1.0"}}
    other = runner(checkpoints=stopped.newest, manifest=before)
    (warning,) = [note.message for note in other.all(Noted) if note.warning]
    assert f"threads {manifest['threads'] + 7} → {manifest['threads']}" in warning
    assert "torch 1.0 →" in warning


@pytest.mark.parametrize(
    ("stop_after", "said"),
    [
        (4, "tensors start random; head: from the checkpoint after step 4"),
        (5, "backbone and head: from the checkpoint after step 5"),
    ],
)
def test_the_origin_of_the_weights_is_noted(runner: Runner, stop_after: int, said: str) -> None:
    stopped = runner(**FREEZE, stop_after=stop_after)
    (began,) = [note.message for note in stopped.all(Noted) if "backbone" in note.message]
    assert began.startswith("backbone: all ")
    assert began.endswith(" tensors start random")
    resumed = runner(**FREEZE, checkpoints=stopped.newest)
    (note,) = [note.message for note in resumed.all(Noted) if "backbone" in note.message]
    assert note.endswith(said)
    assert ("random" in note) is (stop_after == 4)


def test_an_epoch_counts_the_seconds_of_all_its_attempts(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = runner(stop_after=1, epochs=1)
    state = training.load_newest(stopped.newest, stopped.folder)[0]
    assert state is not None
    assert state.position.seconds > 0
    monkeypatch.setattr(
        training, "load_newest", lambda *_: (setattr(state.position, "seconds", 1000.0), (state, []))[1]
    )
    resumed = runner(checkpoints=stopped.newest, epochs=1)
    ended = resumed.all(EpochEnded)[0]
    assert 1000 < ended.seconds < 1060
    assert ended.images_per_second < 0.1
    assert math.isfinite(ended.train_loss)
    assert resumed.all(StageStarted)[0].epochs == 1
