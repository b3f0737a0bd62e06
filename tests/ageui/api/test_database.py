"""The Python interface: its figures are those of the commands, and reading changes no file."""

import csv
import importlib
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from derived_rows import calibrated_run, scored_run
from fresh_run import add_fresh_run
from PIL import Image
from store_rows import best, end, epoch, evaluated, running
from terminal import TINY, Terminal

import ageui as interface
from ageui.derive.deriving import make_ensemble
from ageui.store import Store
from ageui.store.foreign_runs import ForeignRun
from engine.errors import ConfigError, DataError, StoreError

SCHEMAS = Path(__file__).parents[1] / "store" / "schemas"


@pytest.fixture
def scored(store: Store) -> Store:
    """Two seeds with the loss mse and a run with mape, all scored on the validation split."""
    for name, mae, changes in (("one", 6.0, {}), ("two", 7.0, {"seed": 2}), ("mape", 5.0, {"loss": "mape"})):
        run_id, attempt = running(store, name, ("t",), **changes)
        with store.writing(run_id, attempt) as writer:
            writer.epoch(epoch(1))
            writer.epoch(epoch(2))
            writer.checkpoint(best(20))
            writer.evaluated(evaluated("valid", mae), "apparent", "faces")
        end(store, run_id, attempt)
    return store


@pytest.fixture
def db(scored: Store) -> Any:
    with interface.open(scored.path) as opened:
        yield opened


def _csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_importing_loads_nothing_heavy() -> None:
    program = (
        "import sys, ageui; assert 'open' in dir(ageui); print(*sorted({n.partition('.')[0] for n in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    heavy = {"torch", "pandas", "numpy", "pydantic", "sqlmodel", "sqlalchemy", "typer", "rich", "matplotlib", "PIL"}
    assert not heavy & set(done.stdout.split())


def test_every_name_of_the_interface_is_found_and_typed() -> None:
    api = importlib.import_module("ageui.api")
    stub = Path(str(interface.__file__)).with_suffix(".pyi").read_text("utf-8")
    assert set(re.findall(r" as (\w+)", stub)) == set(api.__all__)
    assert all(getattr(interface, name) is getattr(api, name) for name in api.__all__)
    assert set(api.__all__) <= set(dir(interface))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        interface.nothing  # noqa: B018


def test_reading_loads_no_torch() -> None:
    program = "import sys, ageui; ageui.demo().runs('tag=demo'); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_runs_have_the_figures_of_the_command(db: interface.Database, ageui: Terminal) -> None:
    columns = "id,name,status,loss,weights,seed,lr,epochs,split,mae,gender,gender_signed"
    listed = _csv(ageui("ls", "tag=t", "--columns", columns, "--format", "csv").out)
    frame = db.runs("tag=t")
    assert [str(run_id) for run_id in frame.index] == [row["id"] for row in listed]
    for row, (_, found) in zip(listed, frame.iterrows(), strict=True):
        assert {name: str(found[name]) for name in row if name != "id"} == {
            name: value for name, value in row.items() if name != "id"
        }
    assert frame.loc[1, ["mae_low", "mae_high", "gender_low", "gender_high", "gender_p"]].to_list() == [
        5.0, 7.0, 0.25, 0.75, 0.03125,
    ]  # fmt: skip
    assert list(db.runs("loss=mape")["name"]) == list(db.runs(sort="mae", limit=1)["name"]) == ["mape"]
    assert db.runs("tag=t", split="test")["mae"].isna().all()
    assert list(db.runs("name=nobody").columns)[:2] == ["name", "status"]


def test_a_run_has_its_history_predictions_and_steps(db: interface.Database, scored: Store) -> None:
    history = db.history("one")
    assert history["train_loss"].to_dict() == {1: 0.5, 2: 0.25}
    assert history.equals(db.run("one").history)
    assert db.steps("one").to_dict() == dict(scored.runs.metric(1, "step/loss"))
    predicted = db.predictions("one", "valid")
    pd.testing.assert_frame_equal(predicted, scored.scores.predictions_frame(1))
    assert db.predictions("one", "test").empty
    with pytest.raises(ConfigError, match="did you mean 'one'"):
        db.history("onee")


def test_a_comparison_has_the_figures_and_tests_of_the_command(db: interface.Database, ageui: Terminal) -> None:
    command = ("compare", "tag=t", "--fold-seeds", "--baseline", "mape", "--groups")
    written = pd.read_csv(io.StringIO(ageui(*command, "--format", "csv").out), index_col="run")
    comparison = db.compare("tag=t", fold_seeds=True, baseline="mape", groups=True)
    found = pd.read_csv(io.StringIO(comparison.frame.to_csv()), index_col="run")
    pd.testing.assert_frame_equal(found, written)
    legend = ageui(*command, "--json").json["legend"]
    assert repr(comparison).splitlines()[-len(legend) :] == legend
    assert comparison.plot("mae,gender").svg.startswith("<svg")
    assert db.compare(best="mae", where="gender<=1").comparison.winner == (3,)
    with pytest.raises(ConfigError, match="best="):
        db.compare("tag=t", where="gender<=1")


def test_notebooks_show_tables_with_marks_and_curves(db: interface.Database, scored: Store) -> None:
    scored.edits.rename(1, "<b>&")
    shown = db.compare(1, "mape", baseline="mape")._repr_html_()
    assert "&lt;b&gt;&amp;" in shown
    assert "<b>&" not in shown
    assert "best of the runs" in shown
    run = db.run(1)._repr_html_()
    assert run.count("<table>") == 3
    assert "validation loss" in run, "the curves"
    assert repr(db.run(1)) == "<Run 1 <b>&: done, MAE 6.00 on valid>"


# Opening


def test_reading_upgrades_no_file_unless_allowed(tmp_path: Path) -> None:
    path = Path(shutil.copyfile(SCHEMAS / "v1.db", tmp_path / "old.db"))
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"has schema 1 and needs an upgrade.*read_only=False"):
        interface.open(path)
    assert path.read_bytes() == before
    assert not list(tmp_path.glob("old.db.schema*"))
    with pytest.warns(UserWarning, match="3 results of an earlier version"):
        opened = interface.open(path, read_only=False)
    assert list(opened.runs(sort="id")["name"])[:2] == ["finished", "broken"]
    opened.close()
    assert (tmp_path / "old.db.schema1").exists()


def test_opening_creates_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match="does not exist"):
        interface.open()
    assert os.listdir(tmp_path) == []


def test_a_local_copy_of_the_example_is_named(scored: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with interface.demo() as demo:
        shutil.copyfile(demo.path, scored.path.parent / "example.db")
    scored.copy_to(scored.path.parent / "example.local.db")
    with pytest.warns(UserWarning, match="using its copy example.local.db"):
        opened = interface.open(scored.path.parent / "example.db")
    assert len(opened.runs()) == 3
    opened.close()


# Models


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 48, 3), dtype=np.uint8)
    paths = [tmp_path / name for name in ("a.png", "b.png", "c.jpg")]
    for turns, path in enumerate(paths):
        Image.fromarray(np.rot90(pixels, turns).copy()).save(path)
    return paths


def test_a_loaded_model_predicts_the_ages_of_the_command(store: Store, ageui: Terminal, pictures: list[Path]) -> None:
    add_fresh_run(store)
    told = ageui("predict", *map(str, pictures), "--run", "fresh", "--device", "cpu", "--json").json
    mode = torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode("default")
    with interface.open(store.path) as db:
        model = db.load_model("fresh", device="cpu")
    assert torch.get_deterministic_debug_mode() == 0, "loading changes no setting of the process"
    torch.set_deterministic_debug_mode(mode)
    years = model.predict(pictures)
    assert years.tolist() == [one["years"] for one in told]
    opened = [Image.open(pictures[0]), np.asarray(Image.open(pictures[1])), str(pictures[2])]
    assert model.predict(opened).tolist() == years.tolist()
    pixels = model.read(pictures)
    assert (tuple(pixels.shape), pixels.dtype) == ((3, 3, 32, 32), torch.uint8)
    exact = pixels.double().requires_grad_()
    found = model(exact)
    assert found.tolist() == years.tolist()
    found.sum().backward()
    assert exact.grad is not None
    assert exact.grad.abs().sum() > 0
    assert model.predict([]).shape == (0,)


def test_pictures_that_are_none_are_named(store: Store, tmp_path: Path) -> None:
    add_fresh_run(store)
    (tmp_path / "empty.png").write_bytes(b"")
    with interface.open(store.path) as db:
        model = db.load_model("fresh", device="cpu")
    with pytest.raises(DataError, match=r"empty\.png: the file is empty"):
        model.predict([tmp_path / "empty.png"])
    with pytest.raises(DataError, match=r"picture 0: pixels of shape \(4, 4\)"):
        model.predict([np.zeros((4, 4), dtype=np.uint8)])
    end(store, *running(store, "unfinished"), "failed", "broken")
    with interface.open(store.path) as db, pytest.raises(DataError, match="has no weights"):
        db.load_model("unfinished")


def test_runs_without_a_network_name_what_to_do(store: Store) -> None:
    sources = [scored_run(store, name, seed=seed) for seed, name in enumerate(("one", "two"))]
    both = make_ensemble(store, sources, name="both")
    stretched = calibrated_run(store, both, name="stretched")
    store.foreign.add([ForeignRun("old", {"mae": 6.5}, {}, "a.csv")])
    with interface.open(store.path) as db:
        with pytest.raises(ConfigError, match=f"has no network; load one, two, or use: ageui predict --run {both}$"):
            db.load_model("both")
        with pytest.raises(ConfigError, match=f"has no network; load both, or use: ageui predict --run {stretched}$"):
            db.load_model("stretched")
        with pytest.raises(DataError, match=r"\(old\) was not trained here, so it has no weights; name another run"):
            db.load_model("old")


# Training


def _tiny() -> dict[str, Any]:
    pairs = zip(TINY[::2], TINY[1::2], strict=True)
    return {name.removeprefix("--"): value for name, value in pairs if name != "--preset"}


@pytest.mark.process
def test_a_run_is_trained_as_the_command_trains_it(faces: Terminal) -> None:
    trained = interface.train({**_tiny(), "lr": 1e-3, "seed": 3}, name="here", tags=["t"], preset="quick")
    assert (trained.status, trained.name, trained.detail.row.tags) == ("done", "here", ("t",))
    same = faces("run", *TINY, "--seed", "3", "--json").json
    assert trained.config == same["config"]
    assert trained.history["val_loss"].to_list() == [epoch["val_loss"] for epoch in same["history"]]
    with pytest.raises(ConfigError, match="choose one of"):
        interface.train({"loss": "mes"})


def test_runs_are_queued_together_or_not_at_all(
    faces: Terminal, no_network_checks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    monkeypatch.setattr(
        "ageui.console.checked_queueing.start_missing_workers", lambda store, devices, *others: started.extend(devices)
    )
    ids = interface.queue({"loss": "mse"}, {"loss": "mape", "lr": [1e-4]}, preset="quick", name="n", tags=["t"])
    assert started == ["auto", "auto"]
    with interface.open() as db:
        runs = db.runs("status=queued tag=t", sort="id")
    assert list(runs.index) == ids
    assert runs[["name", "loss", "lr"]].to_numpy().tolist() == [["n-1", "mse", 5e-4], ["n-2", "mape", 1e-4]]
    with pytest.raises(ConfigError, match="no attribute 'height'"):
        interface.queue({"loss": "mse"}, {"weights": "height"}, preset="quick")
    with interface.open() as db:
        assert len(db.runs()) == 2
