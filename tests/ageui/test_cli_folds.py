"""`ageui run --folds` and `ageui folds`: runs on all folds, stopped, failed and continued, and their joined scores."""

from pathlib import Path

import pytest
from terminal import TINY, PatchEngine, Terminal

FOLDS = ("run", *TINY, "--folds", "3", "--name", "all")


@pytest.mark.process
def test_stopped_folds_go_on_and_their_scores_are_joined(faces: Terminal, patch_engine: PatchEngine) -> None:
    patch_engine(
        """
        import os, signal, time
        import engine.trainer as training
        real = training.Trainer._between_steps

        def interrupt_the_second_run(self):
            if (self.position.step, self.request.folder.name, self.request.attempt) == (2, "2", 1):
                os.kill(os.getppid(), signal.SIGINT)
                while not self.should_stop():
                    time.sleep(0.01)
            real(self)

        training.Trainer._between_steps = interrupt_the_second_run
        """
    )
    stopped = faces(*FOLDS)
    assert stopped.code == 130
    assert "data faces in 3 folds, ignoring its splits; 0 of 3 are done" in stopped.err
    assert "fold 2 of 3 is not done; repeat the command to continue it" in stopped.err
    asked = faces("folds", "all-1")
    assert (asked.code, asked.out) == (2, "")
    assert "fold 2 (run 2, all-2) is interrupted; fold 3 has no run" in asked.err

    joined = faces(*FOLDS, "--json")
    assert joined.code == 0
    assert "1 of 3 are done" in joined.err
    assert "continuing after step 2" in joined.err
    row = joined.json
    assert (row["id"], row["name"], row["status"], row["source"]) == (4, "all", "done", "derived")
    assert row["results"][0]["n"] == 120
    assert not row["results"][0]["is_selected"]
    runs = [faces("show", f"all-{number}", "--json").json for number in (1, 2, 3)]
    assert [attempt["outcome"] for attempt in runs[1]["attempts"]] == ["interrupted", "done"]
    tested = [run["results"][-1] for run in runs]
    assert sum(one["n"] for one in tested) == 120
    assert row["results"][0]["mae"] == pytest.approx(sum(one["mae"] * one["n"] for one in tested) / 120, rel=1e-6)
    # The data was checked when it was added: nothing that was tested has a duplicate in train.
    assert [one["in_train"] for one in (row["results"][0], *tested)] == [0, 0, 0, 0]

    again = faces(*FOLDS, "--json")
    assert "3 of 3 are done" in again.err
    assert "fold 1 of 3" not in again.err
    assert again.json["id"] == 4
    shown = faces("show", "all-2").out
    assert "--folds 3" in shown
    assert "fold 2 of 3 is test and fold 3 valid, in place of the splits of the data" in shown

    image = str(next(Path("drawn").rglob("*.jpg")))
    ages = [faces("predict", image, "--run", f"all-{number}", "--json").json[0]["years"] for number in (1, 2, 3)]
    assert faces("predict", image, "--run", "all", "--json").json[0]["years"] == pytest.approx(sum(ages) / 3)
    assert "new faces are predicted with the mean of all 3, which was not scored" in (
        faces("predict", image, "--run", "all").err
    )
    assert "≠ all-1: measured on other images (40; the others on 120)" in faces("compare", "all", "all-1").out
    assert faces("report", "all", "all-1", "-o", "both.md").code == 0
    assert faces("export", "all", "--predictions", "p.csv").code == 0
    assert len(Path("p.csv").read_text().splitlines()) == 121
    assert faces("rm", "all", "--yes").code == 0
    assert faces("folds", "all-3", "--name", "anew", "--json").json["results"] == row["results"]


@pytest.mark.process
def test_a_failed_fold_is_named_and_the_row_is_made_once_it_is_done(queue: Terminal, patch_engine: PatchEngine) -> None:
    patch_engine(
        """
        import engine.trainer as training
        real = training.Trainer._between_steps

        def fail_in_the_first_attempt_at_the_second_run(self):
            if (self.request.folder.name, self.request.attempt) == ("2", 1):
                raise RuntimeError("not today")
            real(self)

        training.Trainer._between_steps = fail_in_the_first_attempt_at_the_second_run
        """
    )
    queued = queue(*FOLDS, "--detach", "--tag", "night")
    assert (queued.code, queued.out) == (0, "1\n2\n3\n")
    assert queue("wait").code == 1
    asked = queue("folds", "tag=night")
    assert asked.code == 2
    assert (
        "fold 2 (run 2, all-2) is failed; out-of-fold scores need all 3 folds; continue failed and interrupted runs"
        in asked.err
    )
    assert queue(*FOLDS, "--detach").out == "2\n"
    assert queue("wait").code == 0
    assert queue("worker", "stop").code == 0
    (row,) = queue("ls", "source=derived", "--json").json
    assert (row["name"], row["tags"], row["summary"]["split"]) == ("all", ["night"], "test")


@pytest.mark.parametrize("folds", ["2", "51"])
def test_a_wrong_number_of_folds_is_refused(faces: Terminal, folds: str) -> None:
    done = faces("run", *TINY, "--folds", folds)
    assert done.code == 2
    assert f"--folds {folds}: give 3 to 50" in done.err


def test_a_sweep_of_folds_is_refused_with_the_command_to_use(ageui: Terminal) -> None:
    done = ageui("sweep", "--loss", "mse,mape", "--folds", "5")
    assert done.code == 2
    assert "queue each setting with: ageui run --folds 5 --detach" in done.err


def test_folds_that_the_data_cannot_fill_are_refused_before_a_run_is_queued(ageui: Terminal) -> None:
    assert ageui("data", "make", "drawn", "--counts", "3,1,0", "--image-size", "32").code == 0
    assert ageui("data", "add", "few", "drawn").code == 0
    done = ageui("run", *TINY, "--data", "few", "--folds", "5", "--detach")
    assert done.code == 3
    assert "data set 'few': its 4 images make at most 4 folds" in done.err
    assert ageui("ls", "--json").json == []
