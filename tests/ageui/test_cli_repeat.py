"""A run again: the command and the TOML file of its config; and how long new runs will take."""

import json
import shlex
import socket
from pathlib import Path

import pytest
from store_rows import config, end, epoch, queued, running
from terminal import Terminal

from ageui.planning.expected_time import time_sentence
from ageui.planning.plan import Basis, resolve_here
from ageui.planning.run_command import repeat_command
from ageui.store import NewRun, Store
from ageui.store.sqlite import driver
from engine.config import RunConfig, build_config
from engine.data.spec import BUILT_IN

CHANGED = {
    "loss": "dldl", "weights": "gender,age", "head": "3fc-sigmoid", "widths": "64,32,16", "lr": "1e-5", "seed": "7",
    "patience": "none", "bn_momentum": "0.9", "age_edges": "18.5,60", "deterministic": "false",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.cuda._DRIVERS", ())


def _repeated(store: Store, command: str) -> RunConfig:
    """The config that a printed command resolves to here."""
    words = shlex.split(command)[2:]
    pairs = list(zip(words[::2], words[1::2], strict=True))
    flags = {name.removeprefix("--"): value for name, value in pairs if name not in ("--set", "--preset")}
    flags |= dict(value.split("=", 1) for name, value in pairs if name == "--set")
    preset = next((value for name, value in pairs if name == "--preset"), None)
    return resolve_here(store, flags, Basis(preset)).config


def test_the_command_names_a_preset_and_what_differs_from_it(ageui: Terminal, store: Store) -> None:
    queued(store, loss="mape", seed=3)
    shown = ageui("show", "1").out.splitlines()
    assert shown[1] == "ageui run --preset quick --data synthetic --loss mape --seed 3"
    full = ageui("show", "1", "--full").out.splitlines()
    assert full[1] == config(loss="mape", seed=3).command()


@pytest.mark.parametrize("changes", [{}, CHANGED, {"strategy": "finetune", "init": "imagenet", "batch": 16}])
def test_the_command_gives_the_same_config_whatever_the_settings_here(
    ageui: Terminal, store: Store, changes: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = config(**changes)
    run = store.runs.detail(queued(store, **changes))
    alone = repeat_command(store, run)
    assert alone is not None
    assert _repeated(store, alone).hash == wanted.hash
    Path("ageui.toml").write_text('batch = 8\nmin_delta = 0.5\nlr = [1e-3]\ndata = "other"\npreset = "report"')
    monkeypatch.setenv("AGEUI_SEED", "9")
    here = repeat_command(store, run)
    assert here is not None
    assert _repeated(store, here).hash == wanted.hash


def test_a_command_that_no_preset_shortens_is_cut_to_a_line(
    ageui: Terminal, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued(store, "only")
    whole = build_config(store.runs.get(1).config).command()
    monkeypatch.setattr("ageui.planning.run_command.repeat_command", lambda store, detail: whole)
    shown = ageui("show", "1").out
    assert len(whole) > 700
    assert whole not in shown
    assert max(map(len, shown.splitlines())) < 300
    assert "for the full command: ageui show 1 --full" in shown
    assert whole in ageui("show", "1", "--full").out


def test_the_toml_file_gives_the_same_config(ageui: Terminal, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    odd_name = 'a "quoted" \\ näme'
    for changes in ({}, CHANGED, {"data": odd_name, "strategy": "finetune", "init": "/weights/ä.pth"}):
        run_id = queued(store, **changes)
        text = ageui("show", str(run_id), "--toml").out
        Path("again.toml").write_text(text, encoding="utf-8")
        monkeypatch.setenv("AGEUI_SEED", "9")
        found = ageui("config", "show", "--config", "again.toml", "--json").json
        assert build_config(found).hash == store.runs.get(run_id).config_hash
    assert ageui("show", "1", "--toml", "--json").code == 2


def _measured(store: Store, *, stages: tuple[int, int] = (1, 1), **changes: object) -> None:
    """A run on this machine of two epochs of 1.5 s in these stages, which took 13 s in all."""
    run_id, attempt = running(store, **changes)
    with store.writing(run_id, attempt) as writer:
        for number, stage in enumerate(stages, 1):
            writer.epoch(epoch(number, stage=stage))
    end(store, run_id, attempt)
    connection = driver().connect(store.path)
    connection.execute("UPDATE attempt SET seconds = 13.0, device = 'cpu' WHERE run_id = ?", (run_id,))
    connection.commit()
    connection.close()


def _new(**changes: object) -> NewRun:
    return NewRun(config(**changes), BUILT_IN)


def test_the_time_comes_from_runs_with_the_same_settings_here(store: Store) -> None:
    unknown = "time: unknown until a run like these has finished on this device"
    assert time_sentence(store, [_new()]) == unknown
    _measured(store, epochs="2")
    found = [_new(epochs="10", seed=seed, lr="1e-3") for seed in (1, 2)]
    assert time_sentence(store, found) == ("time: 0:25 each, 0:50 in all, from 1 run like these; less if stopped early")
    assert time_sentence(store, [_new(epochs="10", patience="none")]) == "time: 0:25, from 1 run like this"
    assert time_sentence(store, [_new(size=128)]) == unknown
    without = "time: 0:25 plus 1 run of unknown speed, from 1 run like these; less if stopped early"
    assert time_sentence(store, [_new(epochs="10"), _new(loss="mape")]) == without
    assert time_sentence(store, [_new(strategy="freeze", epochs="2,2")]) == unknown
    _measured(store, strategy="freeze", epochs="2,0")
    frozen = _new(strategy="freeze", epochs="2,4", patience="none")
    assert time_sentence(store, [frozen]) == unknown, "its second stage was never measured"
    _measured(store, strategy="freeze", epochs="1,1", stages=(1, 2))
    assert time_sentence(store, [frozen]) == "time: 0:19, from 1 run like this", "the other one tells nothing"
    two = [_new(epochs="10", patience="none"), _new(epochs="20", patience="none")]
    _measured(store, seed=1, epochs="2")
    assert time_sentence(store, two) == "time: 0:25–0:40 each, 1:05 in all, from 2 runs like these"


def test_runs_of_another_machine_tell_no_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    _measured(store, epochs="2")
    here = socket.gethostname()
    monkeypatch.setattr("ageui.planning.expected_time.socket.gethostname", lambda: f"not-{here}")
    assert "unknown" in time_sentence(store, [_new()])


def test_a_sweep_tells_its_time(ageui: Terminal, store: Store, no_network_checks: None) -> None:
    _measured(store, epochs="2")
    done = ageui("sweep", "--preset", "quick", "--epochs", "4", "--seeds", "3", "--dry-run")
    assert "time: 0:16 each, 0:48 in all, from 1 run like these; less if stopped early" in done.err
    assert "dry run: 3 runs to queue" in done.err
    assert "dry run: 1 run to queue" in ageui("sweep", "--preset", "quick", "--dry-run").err


def test_a_run_of_an_existing_setting_names_the_earlier_run(
    ageui: Terminal, no_network_checks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ageui.console.background.start_missing_workers", lambda *arguments: None)
    command = ("run", "--preset", "quick", "--detach")
    assert "repeats" not in ageui(*command).err
    again = ageui(*command)
    assert (again.code, again.out) == (0, "2\n")
    assert "this repeats run 1 (queued): same config, seed and data" in again.err
    assert "repeats" not in ageui(*command, "--seed", "1").err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--name", "7"], "is a number, which would mean a run's id"),
        (["--name", "a\tb"], "has a control"),
        (["--name", "taken"], "a run is already named 'taken'"),
        (["--tag", "a b"], "has a space or comma"),
        (["--priority", "5000"], "give a number from -1000 to 1000"),
    ],
)
def test_a_name_that_run_refuses_is_refused_by_a_dry_run(
    ageui: Terminal, store: Store, no_network_checks: None, arguments: list[str], said: str
) -> None:
    queued(store, "taken", loss="mape")
    for command in (["run", "--detach"], ["sweep"], ["sweep", "--dry-run"]):
        done = ageui(*command, "--preset", "quick", *arguments)
        assert (done.code, done.out) == (2, ""), command
        assert said in done.err
    assert [row["name"] for row in json.loads(ageui("ls", "--json").out)] == ["taken"]
