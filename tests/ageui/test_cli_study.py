"""`ageui study` as a person types it."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from store_rows import claimed, end, epoch, evaluated
from terminal import Terminal

from ageui.store import Store

pytestmark = pytest.mark.process

TINY_STUDY = """
title = "Two losses"
measures = "scores"

[base]
data = "synthetic"
strategy = "scratch"

[grid]
loss = ["mse", "mape"]

[published]
mse = { mae = 7.5 }
"""
QUICK = ("--preset", "quick", "--data", "synthetic", "--set", "device=cpu")


@pytest.fixture
def mine(ageui: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal with a study of two cells, where no worker is started and waiting for runs makes them done."""

    def wait(store: Store, run_ids: Sequence[int], say: Callable[[str], None]) -> bool:
        for run_id in run_ids:
            attempt = claimed(store, run_id)
            assert attempt is not None
            with store.writing(run_id, attempt) as writer:
                writer.epoch(epoch(1))
                writer.evaluated(evaluated("test"), "apparent", "synthetic")
                writer.end("done", "")
        return True

    monkeypatch.setattr("ageui.console.background.start_missing_workers", lambda *arguments: None)
    monkeypatch.setattr("ageui.cli.study.print_memory", lambda *arguments: None)
    monkeypatch.setattr("ageui.cli.study.wait_until_ended", wait)
    Path("mine.toml").write_text(TINY_STUDY)
    return ageui


def test_studies_are_listed_and_shown_without_a_database(ageui: Terminal) -> None:
    listed = ageui("study", "list", "--json")
    assert [study["name"] for study in listed.json][:2] == ["table1", "table2"]
    assert "Loss function × batch size" in ageui("study", "list").out
    shown = ageui("study", "show", "table5")
    assert "◆ published" in shown.out
    assert "cannot be run" in shown.out
    assert "illegible: not run, as the batch size of the third row is illegible" in shown.out
    assert not Path("runs.db").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "tabel1"), "did you mean 'table1'"),
        (("show", "table1", "--preset", "slow"), "unknown preset 'slow'"),
        (("show", "table1", "--split", "best"), "unknown split 'best'"),
        (("run", "table1", "--set", "head=none"), "the study table1 compares head"),
        (("run", "table1", "--data", "gone"), "unknown data set 'gone'"),
        (("run", "table1", "--seeds", "0"), "give 1 to 1000"),
        (("export", "table1", "--format", "docx"), "choose one of md, csv, tex, html"),
        (("export", "table1", "--out", "no/where.md"), "does not exist; make it first"),
        (
            ("export", "table1", "--out", "table1.docx"),
            "end the name in one of .md, .csv, .tex, .html, or add --format",
        ),
    ],
)
def test_what_cannot_be_is_refused(ageui: Terminal, arguments: tuple[str, ...], said: str) -> None:
    done = ageui("study", *arguments)
    assert done.code == 2
    assert said in done.err


def test_a_study_is_exported_to_a_file_or_printed(ageui: Terminal) -> None:
    printed = ageui("study", "export", "table10", "--format", "csv")
    assert "final,mape · gender weights,mape,gender,,false,7.0228," in printed.out
    assert ageui("study", "export", "table10", "--format", "csv", "--out", "t.csv").code == 0
    assert Path("t.csv").read_text() == printed.out
    refused = ageui("study", "export", "table9", "--format", "csv", "--out", "t.csv")
    assert (refused.code, refused.out) == (2, "")
    assert "t.csv already exists; choose another name, or replace it with --force" in refused.err
    assert Path("t.csv").read_text() == printed.out
    assert ageui("study", "export", "table9", "--format", "csv", "--out", "t.csv", "--force").code == 0
    assert Path("t.csv").read_text() != printed.out


def test_a_study_is_trained_shown_and_trained_no_further(mine: Terminal) -> None:
    dry = mine("study", "run", "mine.toml", *QUICK, "--dry-run", "--json")
    assert [config["loss"] for config in dry.json] == ["mse", "mape"]
    assert mine("ls", "--json").json == []

    done = mine("study", "run", "mine.toml", *QUICK, "--json")
    assert done.code == 0, done.err
    assert "mine, 2 runs: 2 to queue" in done.err
    assert "trained on synthetic · resnet18@layer3 · 64 px · scratch, 8 epochs" in " ".join(done.err.split())
    assert [row["runs"] for row in done.json["rows"]] == [{"0": 1}, {"0": 2}]
    shown = mine("study", "show", "mine.toml")
    assert "measured on synthetic · resnet18@layer3 · 64 px · scratch, 8 epochs" in shown.out
    assert mine("study", "show", "mine.toml", "--json").json["rows"][0]["figures"]["mae"]["difference"] == -1.5
    assert [row["tags"] for row in mine("ls", "--json").json] == [["study:mine"], ["study:mine"]]

    again = mine("study", "run", "mine.toml", *QUICK)
    assert (again.code, len(mine("ls", "--json").json)) == (0, 2)
    assert "mine, 2 runs: 2 already done" in again.err
    more = mine("study", "run", "mine.toml", *QUICK, "--seeds", "2", "--dry-run", "--json")
    assert [config["seed"] for config in more.json] == [1, 1]


def test_a_study_that_was_killed_goes_on_where_it_was(mine: Terminal) -> None:
    queued = mine("study", "run", "mine.toml", *QUICK, "--seeds", "2", "--detach")
    assert queued.out.split() == ["1", "2", "3", "4"]
    with Store.open(Path("runs.db")) as store:
        assert claimed(store, 1) is not None  # nobody holds its lock: its processes were killed
        end(store, 2, claimed(store, 2) or 0)
        end(store, 3, claimed(store, 3) or 0, "failed", "broken")

    again = mine("study", "run", "mine.toml", *QUICK, "--seeds", "2", "--detach")
    assert "run 1 was running, but the processes are gone" in again.err
    assert "4 runs: 1 failed or cancelled to retry, 2 already queued or running, 1 already done" in again.err
    assert again.out.split() == ["3"]
    assert _statuses() == ["queued", "done", "queued", "queued"]
    assert mine("study", "run", "mine.toml", *QUICK, "--seeds", "2").code == 0
    assert _statuses() == ["done"] * 4


def test_what_is_paused_is_left_alone_and_told(mine: Terminal) -> None:
    mine("study", "run", "mine.toml", *QUICK, "--detach")
    mine("pause", "1")
    done = mine("study", "run", "mine.toml", *QUICK)
    assert "1 already queued or running, 1 paused (ageui resume continues them)" in done.err
    assert (done.code, _statuses()) == (1, ["paused", "done"])


def test_without_a_preset_and_data_those_of_a_run_are_taken_and_told(
    mine: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.cuda._DRIVERS", ())
    done = mine("study", "run", "table8", "--dry-run", "--json")
    assert done.json[0]["backbone"] == "resnet18@layer3"
    assert "preset quick: no CUDA device was found; choose another with --preset" in done.err
    assert "data synthetic: built in; no data set is registered; choose another with --data" in done.err


def test_settings_of_ones_own_study_beat_the_preset_of_the_machine(
    mine: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.cuda._DRIVERS", ())
    Path("mine.toml").write_text(TINY_STUDY.replace("[grid]", "size = 48\nepochs = [3]\n[grid]"))
    done = mine("study", "run", "mine.toml", "--dry-run", "--json")
    (config, _) = done.json
    assert (config["size"], config["epochs"], config["strategy"]) == (48, [3], "scratch")
    assert config["backbone"] == "resnet18@layer3", "what the file leaves open is that of the preset"
    assert "preset report: as mine.toml says; quick fills in backbone, lr (no CUDA device was found)" in done.err
    named = mine("study", "run", "mine.toml", "--preset", "quick", "--dry-run", "--json")
    assert named.json[0]["size"] == 64, "a preset that is named replaces the file's settings"
    assert mine("study", "run", "mine.toml", "--detach").code == 0
    assert "size 48" not in mine("study", "show", "mine.toml").out
    assert "48 px" in mine("study", "show", "mine.toml").out


def _statuses() -> list[str]:
    with Store.open(Path("runs.db"), read_only=True) as store:
        return [row.status for row in store.runs.search(order="id")]


def test_every_cell_has_the_curve_of_its_first_run_that_has_one(mine: Terminal) -> None:
    cells = "".join(
        f'[[cells]]\nname = "{name}"\nlabel = "alike"\nsettings = {{ batch = {batch} }}\n'
        for name, batch in (("a", 8), ("b", 16), ("c", 32))
    )
    Path("mine.toml").write_text(f'title = "Curves"\nmeasures = "curve"\n{cells}')
    assert mine("study", "run", "mine.toml", *QUICK, "--seeds", "2", "--detach").code == 0
    with Store.open(Path("runs.db")) as store:
        for run_id, losses in ((2, (0.5, 0.25)), (4, (0.75, 0.125))):  # b at seed 0, a at seed 1
            with store.writing(run_id, claimed(store, run_id) or 0) as writer:
                for number, loss in enumerate(losses, 1):
                    writer.epoch(epoch(number, val_loss=loss))
    shown = [line for line in mine("study", "show", "mine.toml").out.splitlines() if "→" in line]
    assert [line.partition("→")[0].split()[-1] for line in shown] == ["0.75", "0.5"]
    assert [line.rpartition(" ")[2] for line in shown] == ["0.125", "0.25"]


def test_json_of_a_study_is_valid_whatever_was_measured(ageui: Terminal) -> None:
    assert json.loads(ageui("study", "show", "table8", "--json").out)["agreement"]["mae"]["n"] == 0
