"""The commands as a person types them, in one process: a run end to end, what is read of it, and every wrong input."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from safetensors import safe_open
from terminal import TINY, PatchEngine, Terminal

from ageui.store import Store

pytestmark = pytest.mark.process


def _numbers(found: dict[str, Any], *names: str) -> list[float]:
    return [float(found[name]) for name in names]


def test_two_runs_from_the_first_command_to_their_comparison(faces: Terminal) -> None:
    first = faces("run", *TINY, "--loss", "mape", "--weights", "gender", "--name", "first", "--tag", "t")
    assert first.code == 0
    assert "epoch 2/2" in first.err
    assert "data faces: the one registered data set" in first.err
    second = faces("run", *TINY, "--loss", "mse", "--name", "second", "--json")
    assert second.code == 0
    shown = faces("show", "second", "--json").json
    assert second.json == shown

    assert {"id", "name", "status", "config", "command", "data", "manifest", "history", "results"} <= shown.keys()
    assert {"checkpoints", "attempts"} <= shown.keys()
    assert shown["status"] == "done"
    assert {"name", "hash", "splits"} <= shown["data"].keys()
    epoch = shown["history"][0]
    assert {"stage", "epoch", "train_loss", "val_loss", "val_mae", "lr", "seconds"} <= epoch.keys()
    result = next(result for result in shown["results"] if result["split"] == "valid")
    assert {"split", "mae", "bias", "interval", "p", "groups"} <= result.keys()
    assert set(result["bias"]) == {"gender", "expression", "ethnicity", "age"}
    assert {"attribute", "group", "n", "mae", "signed"} <= result["groups"][0].keys()

    compared = faces("compare", "first", "second", "--baseline", "second", "--format", "json").json
    assert "first" in json.dumps(compared)
    table = faces("compare", "first", "second")
    assert table.code == 0
    assert "★" in table.out
    assert "constant" in table.out
    assert "mape" in table.out
    for text_format in ("md", "csv", "tex", "html"):
        assert "first" in faces("compare", "first", "second", "--format", text_format).out

    listed = faces("ls", "loss=mape", "tag=t", "--json").json
    assert [row["name"] for row in listed] == ["first"]
    assert "first" in faces("ls").out
    assert "no run matches" in faces("ls", "loss=msle").out

    assert faces("export", "second", "--predictions", "p.csv", "--weights", "w.safetensors").code == 0
    assert Path("w.safetensors.py").stat().st_mode & 0o777 == 0o600
    predictions = pd.read_csv("p.csv")
    assert list(predictions.columns[:4]) == ["split", "image", "age", "predicted"]
    assert {"gender", "ethnicity", "expression"} <= set(predictions.columns)
    valid = predictions[predictions["split"] == "valid"]
    assert (valid["predicted"] - valid["age"]).abs().mean() == pytest.approx(result["mae"], rel=1e-5)
    with safe_open("w.safetensors", framework="pt") as file:
        assert json.loads(file.metadata()["config"])["loss"] == "mse"
    assert faces("export", "second", "--predictions", "p.csv").code == 2

    image = valid.iloc[0]
    predicted = faces("predict", f"drawn/{image['image']}", "--run", "second", "--json").json
    assert predicted[0]["years"] == pytest.approx(image["predicted"], abs=0.05)
    low, high = predicted[0]["interval"]
    assert 0 <= low <= predicted[0]["years"] <= high
    text = faces("predict", f"drawn/{image['image']}", "--run", "second")
    assert f"{low:.1f} to {high:5.1f}" in text.out
    assert f"90% intervals, calibrated on {predicted[0]['calibrated_on']}" in text.err


def test_the_printed_command_repeats_the_run(faces: Terminal) -> None:
    import shlex

    first = faces("run", *TINY, "--augment", "standard", "--json").json
    again = faces(*shlex.split(first["command"])[1:], "--json").json
    assert again["config_hash"] == first["config_hash"]
    assert [epoch["val_loss"] for epoch in again["history"]] == [epoch["val_loss"] for epoch in first["history"]]
    assert again["results"][0]["mae"] == first["results"][0]["mae"]


def test_a_diverged_run_is_kept_and_exits_1(faces: Terminal) -> None:
    run = faces("run", *TINY[:6], "--lr", "90", "--optimizer", "sgd", "--head", "none", "--preset", "quick", "--json")
    assert run.code == 1
    assert run.json["status"] == "diverged"
    assert run.json["history"]
    refused = faces("export", "1", "--weights", "w.safetensors")
    assert refused.code == 3
    assert "diverged) has no weights" in refused.err
    assert "after at least one epoch with a finite loss" in refused.err


def test_a_run_that_diverges_late_keeps_the_weights_of_its_best_epoch(
    faces: Terminal, patch_engine: PatchEngine
) -> None:
    patch_engine(
        """
        import engine.trainer as training
        import engine.train_step as train_step
        real_order, real_reduce, epochs = training.epoch_order, train_step.reduce, []

        def note_the_epoch(seed, epoch, count):
            epochs.append(epoch)
            return real_order(seed, epoch, count)

        def diverge_in_the_second_epoch(per_image, weights):
            return real_reduce(per_image, weights) * (float("nan") if epochs[-1] == 2 else 1.0)

        training.epoch_order, train_step.reduce = note_the_epoch, diverge_in_the_second_epoch
        """
    )
    run = faces("run", *TINY, "--json")
    assert (run.code, run.json["status"], len(run.json["history"])) == (1, "diverged", 2)
    assert "diverged: the loss was not finite in epoch 2; try a lower --lr" in run.err
    assert [(file["kind"], file["epoch"]) for file in run.json["checkpoints"]] == [("best", 1)]
    assert [scores["split"] for scores in run.json["results"]] == ["train", "valid"]
    said = "diverged: the scores are those of epoch 1, whose weights were kept before the loss became non-finite"
    assert said in faces("show", "1").out
    for shown in (run.err, faces("show", "1").out, faces("logs", "1").out):
        assert "NaN" in shown
        assert "nan" not in shown
    assert said in faces("compare", "1").out.replace("\n", " ")
    exported = faces("export", "1", "--weights", "w.safetensors").err
    assert "weights of epoch 1" in exported
    assert "without ageui: python w.safetensors.py FACE.jpg" in exported
    predicted = faces("predict", "drawn/train_data/000003.jpg", "--run", "1", "--json")
    assert predicted.json[0]["years"] is not None
    assert predicted.json[0]["interval"] is not None
    assert "90% intervals, calibrated on valid" in predicted.err
    assert faces("export", "1", "--predictions", "p.csv").code == 0
    assert faces("db", "check", "--files").code == 0
    assert faces("db", "prune", "--json").json["files"] == []


def test_an_interrupt_keeps_what_was_measured_and_exits_130(faces: Terminal, patch_engine: PatchEngine) -> None:
    patch_engine(
        """
        import os, signal
        import engine.trainer as training
        real = training.epoch_order

        def interrupt_in_the_second_epoch(seed, epoch, count):
            if epoch == 2:
                os.kill(os.getppid(), signal.SIGINT)
            return real(seed, epoch, count)

        training.epoch_order = interrupt_in_the_second_epoch
        """
    )
    run = faces("run", *TINY, "--epochs", "400", "--set", "patience=none", "--json")
    assert run.code == 130
    assert run.json["status"] == "interrupted"
    assert run.json["history"]
    assert [file["kind"] for file in run.json["checkpoints"]] == ["best", "state"]
    assert "stopping after this step" in run.err
    assert "continue from its last checkpoint: ageui resume 1 --here" in run.err


def test_an_interrupted_run_goes_on_here_and_ends_as_if_nothing_had_happened(
    faces: Terminal, patch_engine: PatchEngine
) -> None:
    undisturbed = faces("run", *TINY, "--augment", "standard", "--json").json
    patch_engine(
        """
        import os, signal, time
        import engine.trainer as training
        real = training.Trainer._between_steps

        def interrupt_after_step_three(self):
            if self.position.step == 3 and self.request.attempt == 1:
                os.kill(os.getppid(), signal.SIGINT)
                while not self.should_stop():
                    time.sleep(0.01)
            real(self)

        training.Trainer._between_steps = interrupt_after_step_three
        """
    )
    assert faces("run", *TINY, "--augment", "standard", "--name", "stopped").code == 130
    resumed = faces("resume", "stopped", "--here", "--json")
    assert resumed.code == 0
    assert "continuing after step 3" in resumed.err
    again = resumed.json
    times = ("seconds", "images_per_second")
    for one, two in zip(again["history"], undisturbed["history"], strict=True):
        assert {k: v for k, v in one.items() if k not in times} == {k: v for k, v in two.items() if k not in times}
    assert again["results"] == undisturbed["results"]
    assert again["checkpoints"][0]["sha256"] == undisturbed["checkpoints"][0]["sha256"]
    assert [attempt["outcome"] for attempt in again["attempts"]] == ["interrupted", "done"]
    assert "attempt 2 after step 3 on foreground: done" in faces("show", "stopped").out


def test_a_failure_nobody_foresaw_is_kept_with_its_traceback(faces: Terminal, patch_engine: PatchEngine) -> None:
    patch_engine(
        """
        import engine.trainer as training

        def broken(*arguments):
            raise RuntimeError("what is this?")

        training.epoch_order = broken
        """
    )
    run = faces("run", *TINY, "--name", "bad")
    assert run.code == 1
    assert "failed with RuntimeError: what is this?" in run.err
    assert "Traceback" not in run.err
    shown = faces("show", "bad", "--json").json
    assert (shown["status"], shown["failure"]) == ("failed", "error")
    first, *rest = shown["error"].splitlines()
    assert first == "RuntimeError: what is this?"
    assert rest[0].startswith("Traceback")
    assert "what is this?" in faces("logs", "bad").out


def test_a_failure_of_several_lines_that_is_no_traceback_is_told_whole(
    faces: Terminal, patch_engine: PatchEngine
) -> None:
    patch_engine(
        """
        import engine.trainer as training
        from engine.errors import DataError

        def broken(*arguments):
            raise DataError("two images cannot be read:\\n  one.jpg\\n  two.jpg")

        training.epoch_order = broken
        """
    )
    run = faces("run", *TINY, "--name", "bad")
    assert run.code == 3
    assert "failed: two images cannot be read:\n  one.jpg\n  two.jpg\n" in run.err
    assert "traceback" not in run.err


def test_a_run_whose_process_dies_is_taken_up_again(faces: Terminal, patch_engine: PatchEngine) -> None:
    patch_engine(
        """
        import os, signal
        import engine.trainer as training
        real = training.Trainer._between_steps

        def die_after_step_three(self):
            real(self)
            if self.position.step == 3 and self.request.attempt == 1:
                os.kill(os.getpid(), signal.SIGSEGV)

        training.Trainer._between_steps = die_after_step_three
        """
    )
    run = faces("run", *TINY, "--checkpoint-seconds", "0", "--json")
    assert run.code == 0
    assert "a segmentation fault in native code" in run.err
    assert "continuing from its last checkpoint" in run.err
    assert [attempt["failure"] for attempt in run.json["attempts"]] == ["segmentation_fault", None]
    assert "Fatal Python error: Segmentation fault" in faces("logs", "1", "--attempt", "1").out


def test_what_is_in_the_data_is_printed(faces: Terminal) -> None:
    checked = faces("data", "check", "faces")
    assert "caucasian" in checked.out
    assert "group counts" not in checked.out, "drawn faces are not the published ones"
    assert checked.code == 0
    assert "faces" in faces("data", "list").out
    report = faces("data", "check", "faces", "--json").json
    assert [split["split"] for split in report["splits"]] == ["train", "valid"]


def _write(name: str, content: bytes | str) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["run", "--loss", "mea"], 2, "loss 'mea': choose one of mse"),
        (["run", "--preset", "slow"], 2, "unknown preset 'slow'"),
        (["run", "--data", "nowhere"], 2, "nowhere"),
        (["run", "--set", "patience"], 2, "write field=value"),
        (["run", "--set", "colour=red"], 2, "ageui: unknown field 'colour'"),
        (["run", "--preset", "quik"], 2, "unknown preset 'quik'; did you mean 'quick'?"),
        (["run", "--loss", "mse,mape"], 2, "a list of values is for: ageui sweep"),
        (["run", *TINY, "--weights", "height"], 2, "no attribute 'height'"),
        (["run", *TINY, "--backbone", "resnet19"], 2, "resnet19"),
        (["run", "--detach", "--backbone", "resnet999"], 2, "did you mean resnet"),
        (["sweep", "--backbone", "resnet18,resnet999"], 2, "did you mean resnet"),
        (["run", *TINY, "--backbone", "resnet18@layer9"], 2, "layer9"),
        (["run", *TINY, "--strategy", "finetune", "--init", "gone.pth"], 2, "gone.pth"),
        (["run", "--config", "gone.toml"], 2, "gone.toml: the file does not exist"),
        (["run", "--db", "no/where/runs.db"], 5, "does not exist"),
        (["data", "add", "x", "gone"], 3, "gone does not exist"),
        (["data", "add", "x", "."], 3, "has none of the known formats"),
        (["data", "add", "x", ".", "--format", "zip"], 2, "choose one of course"),
        (["data", "check", "gone"], 5, "no runs yet"),
        (["show", "1"], 5, "no runs yet"),
        (["compare", "1", "2"], 5, "no runs yet"),
        (["compare", "1", "--format", "doc"], 2, "choose one of table"),
        (["export", "1"], 2, "nothing to export"),
        (["export", "1", "--predictions", "p.doc"], 2, "end the name in .csv"),
        (["run", "--nonsense"], 2, "nonsense"),
        (["data", "make", "x", "--counts", "1"], 2, "give three numbers"),
        (["data", "make", "x", "--shift", "gender"], 2, "write attribute=group:years"),
        (["data", "make", "x", "--shift", "gender=none:3"], 2, "no group 'gender=none'"),
        (["data", "make", "x", "--shift", "gender=female:nan"], 2, "give a finite number of years"),
        (["data", "make", "x", "--noise", "gender=female:-3"], 2, "--noise gender=female:-3: give a finite number"),
        (["data", "make", "x", "--seed", "3000000000"], 2, "--seed"),
    ],
)
def test_a_wrong_input_gets_a_message_and_its_exit_code(
    ageui: Terminal, arguments: Sequence[str], code: int, said: str
) -> None:
    done = ageui(*arguments)
    assert said in done.err
    assert done.code == code
    assert done.out == ""
    assert "Traceback" not in done.err
    assert not Path("x").exists()


def test_a_field_that_takes_lists_does_not_hint_at_sweeps(ageui: Terminal) -> None:
    done = ageui("run", "--weights", "gender,gender")
    assert (done.code, "weights" in done.err, "ageui sweep" in done.err) == (2, True, False)


@pytest.mark.parametrize("content", [b"", b"not an image"])
def test_a_bad_image_stops_the_import_unless_it_is_skipped(ageui: Terminal, content: bytes) -> None:
    ageui("data", "make", "drawn", "--counts", "60,50,0", "--image-size", "32")
    _write("drawn/train_data/000003.jpg", content)
    refused = ageui("data", "add", "faces", "drawn")
    assert refused.code == 3
    assert "train_data/000003.jpg" in refused.err
    assert "--skip-bad" in refused.err
    assert "faces" not in ageui("data", "list").out
    assert ageui("data", "add", "faces", "drawn", "--skip-bad").code == 0
    run = ageui("run", *TINY, "--data", "faces", "--json").json
    assert run["data"]["splits"]["train"]["images"] == 59


def test_a_name_that_is_taken_is_refused(faces: Terminal) -> None:
    assert faces("data", "add", "faces", "drawn").code == 2
    assert faces("data", "add", "synthetic", "drawn").code == 2
    assert faces("data", "add", "faces", "drawn", "--replace").code == 0
    assert faces("data", "remove", "faces").code == 0
    assert faces("run", *TINY, "--data", "faces").code == 2


def test_a_database_of_a_newer_ageui_is_refused_and_untouched(faces: Terminal) -> None:
    import sqlite3

    connection = sqlite3.connect("runs.db")
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    for arguments in (["ls"], ["run", *TINY]):
        done = faces(*arguments)
        assert done.code == 5
        assert "newer" in done.err


def test_a_file_that_is_no_database_is_refused(ageui: Terminal) -> None:
    _write("runs.db", "hello" * 1000)
    assert ageui("ls").code == 5
    assert ageui("run", *TINY).code == 5
    assert Path("runs.db").read_text() == "hello" * 1000


def test_no_arguments_print_help_and_exit_2(ageui: Terminal) -> None:
    done = ageui()
    assert done.code == 2
    assert "compare" in done.out


def test_settings_and_their_origins_are_shown(ageui: Terminal) -> None:
    _write("ageui.toml", "batch = 8")
    shown = ageui("config", "show", "--origin", "--set", "loss=mae", "--json").json
    assert shown["batch"] == {"value": 8, "origin": "ageui.toml"}
    assert shown["loss"] == {"value": "mae", "origin": "flag"}
    assert "ageui.toml" in ageui("config", "show", "--origin").out


def test_the_doctor_finds_data_that_is_gone(faces: Terminal) -> None:
    assert faces("doctor").code == 0
    (faces.folder / "drawn").rename(faces.folder / "moved")
    done = faces("doctor")
    assert done.code == 1
    assert "PROBLEM  data" in done.out
    run = faces("run", *TINY, "--name", "gone")
    assert run.code == 3
    assert "is missing; mount it" in run.err
    with Store.open(Path("runs.db"), read_only=True) as store:
        assert store.runs.search() == []
