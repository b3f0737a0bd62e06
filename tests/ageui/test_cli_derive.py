"""`ageui ensemble` and `ageui calibrate`, and what other commands do with the runs they make."""

from pathlib import Path

import numpy as np
import pytest
from derived_rows import calibrated_run, scored_run
from fresh_run import add_fresh_run
from PIL import Image
from terminal import Terminal

from ageui.derive.deriving import make_ensemble
from ageui.store import Store
from engine.events import Evaluated


@pytest.fixture
def three(ageui: Terminal, store: Store) -> Terminal:
    for seed in range(3):
        scored_run(store, f"run-{seed}", seed=seed)
    return ageui


def test_an_ensemble_and_its_calibration_are_shown_with_their_sources(three: Terminal) -> None:
    done = three("ensemble", "run-0", "run-1", "run-2", "--name", "all")
    assert done.code == 0
    assert "∑ derived" in done.out
    assert "mean of 3, made from run-0, run-1, run-2" in done.out
    assert three("calibrate", "all", "--isotonic", "--name", "even").code == 0
    shown = three("show", "even").out
    assert "ageui calibrate all --isotonic --on valid --folds 5 --seed 0" in shown
    assert (
        "its scores there are cross-fitted, in 5 folds; new faces are predicted with the fit to all of valid" in shown
    )
    listed = three("ls", "source=derived", "--columns", "name,status,mae").out
    assert [line.split()[0] for line in listed.splitlines()[1:3]] == ["even", "all"]
    assert three("compare", "run-0", "all", "even", "--baseline", "run-0").code == 0
    assert three("report", "even").code == 0
    assert three("report", "even", "all", "run-0", "-o", "several.md").code == 0
    assert three("export", "even", "--predictions", "p.csv").code == 0
    assert len(Path("p.csv").read_text().splitlines()) == 241


def test_several_runs_are_calibrated_at_once(three: Terminal) -> None:
    assert three("calibrate", "run-0", "run-1", "--tag", "cal").code == 0
    assert len(three("ls", "tag=cal", "--json").json) == 2
    assert three("calibrate", "run-0", "run-1", "--name", "x").code == 2


def test_what_has_no_meaning_for_derived_runs_is_refused_with_the_reason(three: Terminal) -> None:
    assert three("ensemble", "run-0", "run-1", "--name", "all").code == 0
    for words, said in (
        (("calibrate", "all", "--by", "gender"), "a prediction would then need the group of a face"),
        (("retry", "all"), "is made from other runs, so it cannot be run"),
        (("export", "all", "--weights", "w.safetensors"), "its source runs: run-0, run-1"),
        (("score", "all", "--data", "synthetic"), "its source runs: run-0, run-1"),
        (("ensemble", "run-0", "run-1", "--weights", "a,b"), "give numbers separated by commas"),
        (("rm", "run-0", "--yes"), "--sources"),
    ):
        done = three(*words)
        assert done.code in (2, 3)
        assert said in done.err
    assert three("rm", "run-0", "--yes", "--sources").code == 0
    assert three("show", "all").code == 0


@pytest.fixture
def photos(ageui: Terminal) -> list[str]:
    random = np.random.default_rng(0)
    for name in ("a.png", "b.png"):
        Image.fromarray(random.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(name)
    Path("broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return ["a.png", "broken.png", "b.png"]


def test_predict_combines_what_all_sources_predict(ageui: Terminal, store: Store, photos: list[str]) -> None:
    fresh = add_fresh_run(store)
    scored = scored_run(store, "scored", data_hash=None, seed=1)
    _copy_scores(store, scored, fresh)
    alone = {one["image"]: one["years"] for one in ageui("predict", *photos, "--run", "fresh", "--json").json}
    calibrated = calibrated_run(store, fresh, slope=2.0, name="stretched")
    made = store.runs.detail(calibrated).derived_from
    assert made is not None
    found = {one["image"]: one["years"] for one in ageui("predict", *photos, "--run", "stretched", "--json").json}
    centre = made.options["centre"]
    assert found["broken.png"] is None
    for name in ("a.png", "b.png"):
        assert found[name] == pytest.approx(centre + 2 * (alone[name] - centre))
    fitted = calibrated_run(store, fresh, name="fitted")
    done = ageui("predict", "a.png", "--run", "fitted")
    assert "new faces are predicted with the fit to all of valid" in done.err
    slope = store.runs.detail(fitted).derived_from.parameters[0]  # type: ignore[union-attr]
    assert float(done.out.split()[0]) == pytest.approx(centre + slope * (alone["a.png"] - centre), abs=0.06)
    second = add_fresh_run(store, "second")
    _copy_scores(store, scored_run(store, "other", data_hash=None, seed=2), second)
    blend = make_ensemble(store, [fresh, second], is_fitted=True, name="blend")
    calibrated_run(store, blend, name="even")
    found = {
        run: float(ageui("predict", "a.png", "--run", run, "--json").json[0]["years"]) for run in ("blend", "even")
    }
    slope = store.runs.detail(store.runs.find_one("even")).derived_from.parameters[0]  # type: ignore[union-attr]
    assert found["even"] == pytest.approx(centre + slope * (found["blend"] - centre))
    make_ensemble(store, [fresh, scored], name="both")
    done = ageui("predict", "a.png", "--run", "both")
    assert done.code == 3
    assert "run 2 (scored, done) has no weights" in done.err
    store.removal.remove([scored], sources=True)
    done = ageui("predict", "a.png", "--run", "both")
    assert done.code == 3
    assert "it needs the weights of scored, which was deleted" in done.err


def _copy_scores(store: Store, source: int, target: int) -> None:
    """Gives a run the scores of another one."""
    for split in ("valid", "test"):
        predictions, scores = store.scores.predictions(source, split), store.runs.detail(source).scores(split)
        assert predictions is not None
        assert scores is not None
        scored = Evaluated(split, scores.result, predictions.items(), predictions.predicted, "valid")
        store.scores.add(target, scored, scores.target, scores.data_name)
