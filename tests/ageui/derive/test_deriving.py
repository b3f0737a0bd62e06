"""Ensembles and calibrated runs: their rows, scores, names and what is refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from derived_rows import IMAGES, TRAIN_MEAN, ages_of, calibrated_run, scored_run
from numpy.testing import assert_allclose

from ageui.derive.deriving import Fitting, calibrate, make_ensemble
from ageui.store import Store
from ageui.store.import_source import open_source
from ageui.store.score_records import Predictions
from ageui.store.sqlite import driver
from ageui.worker.run_import import import_runs, plan_import
from engine.cross_fit import fitted_to_all
from engine.ensemble import Blend
from engine.errors import ConfigError, DataError
from engine.fairness import score_errors


def _predicted(store: Store, run_id: int, split: str = "valid") -> np.ndarray:
    found = store.scores.predictions(run_id, split)
    assert found is not None
    return found.predicted.astype(np.float64)


def _predictions(store: Store, run_id: int, split: str = "valid") -> Predictions:
    found = store.scores.predictions(run_id, split)
    assert found is not None
    return found


def test_an_ensemble_has_the_mean_predictions_of_its_members_and_their_marks(store: Store) -> None:
    first, second = scored_run(store, "first", loss="mse"), scored_run(store, "second", loss="mape")
    made = store.runs.detail(make_ensemble(store, [second, first], name="both", tags=["best"]))
    assert (made.name, made.status, made.row.source, made.row.tags) == ("both", "done", "derived", ("best",))
    assert (made.config["loss"], made.config["derived"]) in [("mse,mape", "mean of 2"), ("mape,mse", "mean of 2")]
    for split in ("valid", "test"):
        mean = (_predicted(store, first, split) + _predicted(store, second, split)) / 2
        assert_allclose(_predicted(store, made.id, split), mean, rtol=1e-6)
        scores = made.scores(split)
        assert scores is not None
        assert_allclose(scores.result.mae, np.abs(mean - ages_of(split)).mean(), rtol=1e-6)
        assert scores.images == store.runs.detail(first).results[0 if split == "valid" else 1].images
        assert scores.result.baseline == store.runs.detail(first).scores(split).result.baseline  # type: ignore[union-attr]
        assert scores.is_selected == (split == "valid")
        assert scores.result.mae_interval is not None
    assert store.runs.get(made.id).summary.split == "test"
    assert store.problems() == []
    assert store.rescoring.remaining() == 0


def test_given_weights_stay_with_their_runs(store: Store) -> None:
    first, second = scored_run(store, "first", seed=1), scored_run(store, "second", seed=0)
    made = make_ensemble(store, [first, second], weights=[3, 1])
    mean = 0.75 * _predicted(store, first) + 0.25 * _predicted(store, second)
    assert_allclose(_predicted(store, made), mean, rtol=1e-6)
    derived = store.runs.detail(made).derived_from
    assert derived is not None
    assert derived.command == "ageui ensemble second first --weights 0.25,0.75"
    assert store.runs.get(made).config["seed"] == "0,1"


def test_a_calibrated_run_is_cross_fitted_where_it_is_fitted_and_uses_the_whole_fit_elsewhere(store: Store) -> None:
    run_id = scored_run(store, "first")
    made = calibrated_run(store, run_id, fitting=Fitting(folds=4))
    derived = store.runs.detail(made).derived_from
    assert derived is not None
    assert (derived.fitted_on, derived.options["folds"]) == ("valid", 4)
    (slope,) = derived.parameters
    assert 1 < slope < 2
    plain, test = _predicted(store, run_id), _predicted(store, run_id, "test")
    assert_allclose(_predicted(store, made, "test"), TRAIN_MEAN + slope * (test - TRAIN_MEAN), rtol=1e-5)
    slopes = np.unique(((_predicted(store, made) - TRAIN_MEAN) / (plain - TRAIN_MEAN)).round(3))
    assert len(slopes) == 4
    assert_allclose(slopes, slope, rtol=0.1)
    assert_allclose(derived.predict(test[None]), _predicted(store, made, "test"), rtol=1e-5)
    before, after = (store.runs.detail(one).scores("test") for one in (run_id, made))
    assert before is not None
    assert after is not None
    assert before.selected_on == after.selected_on == "valid"
    assert abs(after.result.figure("slope").value) < abs(before.result.figure("slope").value or 0)  # type: ignore[union-attr, arg-type]


def test_all_runs_on_the_same_images_share_their_folds_and_keep_subjects_together(store: Store) -> None:
    folds = []
    for seed in range(2):
        calibrated_run(store, scored_run(store, f"run-{seed}", seed=seed), name=f"cal-{seed}")
    rows = driver().connect(str(store.path)).execute("SELECT folds FROM derivation").fetchall()
    folds = [np.frombuffer(row[0], dtype=np.uint8) for row in rows]
    assert folds[0].tolist() == folds[1].tolist()
    assert np.bincount(folds[0]).tolist() == [IMAGES // 5] * 5
    assert all(folds[0][place] == folds[0][place + 1] for place in range(0, 20, 2))


@pytest.mark.parametrize("isotonic", [False, True])
def test_intervals_repeat_the_fit_whenever_they_are_computed(store: Store, isotonic: bool) -> None:
    made = calibrated_run(store, scored_run(store, "first"), isotonic=isotonic)
    for split in ("valid", "test"):
        errors = store.scores.errors(made, split)
        assert errors is not None
        assert errors.refit is not None
        draws = np.ones((1, IMAGES), dtype=np.float32)
        if split == "valid":
            assert_allclose(errors.of_samples(draws, 0).signed[0], errors.signed, atol=1e-4)
    stored = store.runs.detail(made).scores("valid")
    raw = driver().connect(str(store.path))
    raw.execute("UPDATE result SET statistics = 0, mae_low = NULL WHERE run_id = ?", (made,))
    raw.commit()
    store.rescoring.rescore(made, "valid")
    again = store.runs.detail(made).scores("valid")
    assert stored is not None
    assert again is not None
    assert again.result.mae_interval == stored.result.mae_interval


def test_a_given_slope_needs_no_fit(store: Store) -> None:
    run_id = scored_run(store, "first")
    made = calibrated_run(store, run_id, slope=1.1)
    assert_allclose(_predicted(store, made), TRAIN_MEAN + 1.1 * (_predicted(store, run_id) - TRAIN_MEAN), rtol=1e-6)
    derived = store.runs.detail(made).derived_from
    assert derived is not None
    assert (derived.fitted_on, derived.note) == (None, "")
    assert _predictions(store, made).refit is None


def test_a_blend_is_fitted_and_an_ensemble_can_be_calibrated_run(store: Store) -> None:
    members = [scored_run(store, f"run-{seed}", seed=seed) for seed in range(3)]
    blend = store.runs.detail(make_ensemble(store, members, is_fitted=True)).derived_from
    assert blend is not None
    assert_allclose(sum(blend.parameters), 1)
    both = calibrated_run(store, make_ensemble(store, members), isotonic=True)
    assert store.runs.get(both).config["derived"] == "isotonic, mean of 3"
    assert len(store.runs.detail(both).trainings) == 3


def test_a_calibrated_blend_is_fitted_with_the_weights_of_the_blend(store: Store) -> None:
    members = [scored_run(store, f"run-{seed}", seed=seed) for seed in range(3)]
    blend = make_ensemble(store, members, is_fitted=True, fitting=Fitting(folds=4), name="blend")
    run = store.runs.detail(calibrated_run(store, blend, fitting=Fitting(folds=4)))
    made = run.derived_from
    assert made is not None
    assert made.command == "ageui calibrate blend --on valid --folds 4 --seed 0"
    assert run.config["derived"] == "calibrated, blend of 3"
    assert run.trainings == store.runs.detail(blend).trainings
    (slope,) = made.parameters
    test = _predicted(store, blend, "test")
    assert_allclose(_predicted(store, run.id, "test"), TRAIN_MEAN + slope * (test - TRAIN_MEAN), rtol=1e-5)
    assert_allclose(made.predict(test[None]), _predicted(store, run.id, "test"), rtol=1e-5)
    valid, ages = np.stack([_predicted(store, member) for member in members]), ages_of("valid")
    (folds,) = driver().connect(str(store.path)).execute("SELECT folds FROM derivation WHERE run_id = ?", (run.id,))
    for fold in range(4):
        own = np.frombuffer(folds[0], dtype=np.uint8) == fold
        weights = fitted_to_all(Blend(), valid[:, ~own], ages[~own])
        spread = np.sqrt(((ages[~own] - TRAIN_MEAN) ** 2).sum() / ((weights @ valid[:, ~own] - TRAIN_MEAN) ** 2).sum())
        expected = TRAIN_MEAN + spread * (weights @ valid[:, own] - TRAIN_MEAN)
        assert_allclose(_predicted(store, run.id)[own], expected, rtol=1e-5)


@pytest.mark.parametrize("options", [{"isotonic": True}, {"slope": 1.2}, {}])
def test_a_calibrated_blend_keeps_its_intervals_without_its_sources(store: Store, options: dict[str, Any]) -> None:
    members = [scored_run(store, f"run-{seed}", seed=seed) for seed in range(3)]
    blend = make_ensemble(store, members, is_fitted=True)
    made = calibrated_run(store, blend, **options)
    with pytest.raises(ConfigError, match=f"is made from run {blend} "):
        store.removal.remove([blend])
    store.removal.remove([blend, *members], sources=True)
    for split in ("valid", "test"):
        stored = store.runs.detail(made).scores(split)
        raw = driver().connect(str(store.path))
        raw.execute("UPDATE result SET statistics = 0, mae_low = NULL WHERE run_id = ? AND split = ?", (made, split))
        raw.commit()
        store.rescoring.rescore(made, split)
        again = store.runs.detail(made).scores(split)
        assert stored is not None
        assert again is not None
        assert again.result.mae_interval == stored.result.mae_interval
        fixed = store.scores.errors(made, split)
        assert fixed is not None
        assert score_errors(replace(fixed, refit=None)).mae_interval != stored.result.mae_interval


def test_a_blend_is_calibrated_on_the_split_of_its_weights(store: Store) -> None:
    members = [scored_run(store, f"run-{seed}", seed=seed) for seed in range(2)]
    blend = make_ensemble(store, members, is_fitted=True, fitting=Fitting(on="test"))
    with pytest.raises(ConfigError, match="were fitted on test, so its calibration must use test, too; leave --on out"):
        calibrated_run(store, blend, fitting=Fitting(on="valid"))
    made = store.runs.detail(calibrated_run(store, blend)).derived_from
    assert made is not None
    assert made.fitted_on == "test"


def test_of_several_runs_all_are_calibrated_or_none(store: Store) -> None:
    first, second = scored_run(store, "first"), scored_run(store, "second", seed=1)
    calibrated_run(store, second)
    with pytest.raises(ConfigError, match="is identical; use that run"):
        calibrate(store, [first, second])
    with pytest.raises(ConfigError, match="valid or test"):
        calibrate(store, [first, scored_run(store, "third", seed=2, splits=("train",))])
    assert store.runs.count("source=derived") == 1
    assert len(calibrate(store, [first, second], isotonic=True, tags=["both"])) == 2
    assert store.runs.count("tag=both") == 2


def test_derived_runs_say_what_their_sources_were_pretrained_on(store: Store) -> None:
    own = scored_run(store, "own")
    tuned = scored_run(store, "tuned", backbone="dlib-age", init="pretrained", strategy="finetune")
    note = store.runs.detail(tuned).pretraining
    assert note is not None
    ensemble = make_ensemble(store, [own, tuned])
    assert store.runs.detail(ensemble).pretraining == note
    assert store.runs.detail(calibrated_run(store, ensemble)).pretraining == note
    assert store.runs.detail(calibrated_run(store, own)).pretraining is None
    assert store.runs.count("pretraining:private source=derived") == 2


def test_sources_go_by_their_present_names_and_stay_named_when_deleted(store: Store) -> None:
    first, second = scored_run(store, "first"), scored_run(store, "second", seed=1)
    made = make_ensemble(store, [first, second])
    store.edits.rename(first, "renamed")
    assert [str(one) for one in store.runs.detail(made).derived_from.sources] == ["renamed", "second"]  # type: ignore[union-attr]
    with pytest.raises(ConfigError, match=rf"is made from run {first} \(renamed\).*ageui rm {first} --sources"):
        store.removal.remove([first])
    store.removal.remove([first], sources=True)
    sources = store.runs.detail(made).derived_from.sources  # type: ignore[union-attr]
    assert [str(one) for one in sources] == ["first (not in this database)", "second"]
    assert store.runs.detail(made).scores("valid") is not None
    assert store.problems() == []


def test_a_calibrated_run_keeps_its_intervals_without_its_source(store: Store) -> None:
    first = scored_run(store, "first")
    made = calibrated_run(store, first)
    store.removal.remove([first], sources=True)
    assert _predictions(store, made).refit is not None
    store.removal.remove_predictions([made])
    copies = driver().connect(str(store.path)).execute("SELECT count(*) FROM source_prediction").fetchone()
    assert copies == (0,)


def test_derived_runs_are_deleted_with_all_that_belongs_to_them(store: Store) -> None:
    first = scored_run(store, "first")
    made = calibrated_run(store, first)
    store.removal.remove([first, made])
    assert store.problems() == []
    raw = driver().connect(str(store.path))
    for table in ("derivation", "derivation_source", "source_prediction", "item_set"):
        assert raw.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_what_cannot_be_derived_is_refused_with_the_reason(store: Store) -> None:
    first, second = scored_run(store, "first"), scored_run(store, "second", seed=1)
    train = scored_run(store, "third", seed=2, splits=("train",))
    with pytest.raises(ConfigError, match="needs two or more runs, but 1 matches"):
        make_ensemble(store, [first])
    with pytest.raises(ConfigError, match="1 weight for 2 runs"):
        make_ensemble(store, [first, second], weights=[1])
    with pytest.raises(ConfigError, match="weights of 0 or more"):
        make_ensemble(store, [first, second], weights=[1, -1])
    with pytest.raises(ConfigError, match="--weights gives the weights and --fit fits them"):
        make_ensemble(store, [first, second], weights=[1, 1], is_fitted=True)
    with pytest.raises(DataError, match="no split with stored predictions for the same images"):
        make_ensemble(store, [first, train])
    with pytest.raises(ConfigError, match="valid or test"):
        calibrated_run(store, train)
    with pytest.raises(ConfigError, match="errors are smaller on train images"):
        calibrated_run(store, first, fitting=Fitting(on="train"))
    with pytest.raises(ConfigError, match="give 2 to 50"):
        calibrated_run(store, first, fitting=Fitting(folds=1))
    with pytest.raises(ConfigError, match="above 0"):
        calibrated_run(store, first, slope=-1.0)
    ensemble = make_ensemble(store, [first, second], name="ensemble")
    with pytest.raises(ConfigError, match=r"ensemble\) is identical"):
        make_ensemble(store, [second, first])
    with pytest.raises(ConfigError, match="is a derived run, which cannot be a member"):
        make_ensemble(store, [ensemble, second])
    with pytest.raises(ConfigError, match=r"a second fit would use the same ages again; calibrate .*: first"):
        calibrated_run(store, calibrated_run(store, first), isotonic=True)
    with pytest.raises(ConfigError, match="a run is already named 'first'"):
        calibrated_run(store, second, name="first")
    assert [row.name for row in store.runs.search("source=derived name=ensemble")] == ["ensemble"]


def test_derived_runs_come_along_in_an_import(store: Store, tmp_path: Path) -> None:
    first = scored_run(store, "first")
    calibrated_run(store, first, name="cal")
    (tmp_path / "other").mkdir()
    with Store.open(tmp_path / "other" / "runs.db") as other:
        with open_source(store.path) as source:
            import_runs(other, source, plan_import(other, source, None), lambda done: None)
        there = other.runs.detail(other.runs.find_one("cal"))
        assert there.derived_from is not None
        assert [one.id for one in there.derived_from.sources] == [other.runs.find_one("first")]
        assert _predictions(other, there.id).refit is not None
        assert json.dumps(there.to_json()["derived_from"])
