"""Out-of-fold scores: the row that joins runs on folds, and what is refused."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from derived_rows import calibrated_run
from numpy.testing import assert_allclose
from store_rows import claimed, config, end

import ageui as interface
from ageui.compare import compare
from ageui.derive.deriving import make_ensemble
from ageui.derive.folds import fold_runs_of, join_folds, join_if_complete
from ageui.store import NewRun, Store
from engine.data.check import Examined
from engine.data.folds import fold_specs
from engine.data.report import DataReport, DuplicatePair
from engine.data.spec import BUILT_IN, DataSpec
from engine.errors import ConfigError, DataError
from engine.events import Evaluated
from engine.fairness import evaluate_split

IMAGES = 60
AGES = np.random.default_rng(0).normal(35, 12, IMAGES).clip(1, 90).round(1)
GENDERS = ("male", "female")


def _run(store: Store, number: int, of: int = 3, *, name: str | None = None, hash: str = "d00d", **changes: Any) -> int:
    """The id of a done run on a fold: image i is in fold i mod K."""
    spec = fold_specs(BUILT_IN, of)[number - 1]
    (run_id,) = store.runs.add_many([NewRun(config(**changes), spec, name)], tags=["night"])
    attempt = claimed(store, run_id)
    assert attempt is not None
    with store.writing(run_id, attempt) as writer:
        sizes = {"test": {"images": IMAGES // of, "labelled": IMAGES // of}}
        writer.started({"dtype": "fp32", "data": {"hash": f"{hash}/{number}/{of}", "splits": sizes}})
        codes = np.arange(IMAGES) % of
        valid, test = codes == number % of, codes == number - 1
        for split, chosen in (("train", ~valid & ~test), ("valid", valid), ("test", test)):
            writer.evaluated(_evaluated(split, np.flatnonzero(chosen), run_id), "apparent", "synthetic")
    end(store, run_id, attempt)
    return run_id


def _evaluated(split: str, places: np.ndarray, seed: int) -> Evaluated:
    predicted = (AGES[places] + np.random.default_rng(seed).normal(2, 6, len(places))).astype(np.float32)
    items = pd.DataFrame(
        {
            "image": [f"{place:02}.jpg" for place in places],
            "age": AGES[places],
            "subject": [f"s{place}" for place in places],
            "gender": [GENDERS[place // 3 % 2] for place in places],
        }
    )
    groups = {"gender": (places // 3 % 2, GENDERS)}
    result = evaluate_split(AGES[places], predicted.astype(np.float64), groups, 30.0 + seed, resamples=0)
    return Evaluated(split, result, items, predicted, "valid")


def _all(store: Store, of: int = 3, name: str | None = None, **changes: Any) -> list[int]:
    return [_run(store, n, of, name=name and f"{name}-{n}", **changes) for n in range(1, of + 1)]


def _joined(store: Store, of: int = 3, **changes: Any) -> int:
    return join_folds(store, fold_runs_of(store, _all(store, of, **changes)[0]))


def test_each_image_has_the_prediction_of_the_run_that_was_tested_on_it(store: Store) -> None:
    runs = _all(store, name="night")
    made = store.runs.detail(join_folds(store, fold_runs_of(store, runs[1]), tags=["mine"]))
    by_name: dict[str, float] = {}
    for run_id in runs:
        found = store.scores.predictions(run_id, "test")
        assert found is not None
        by_name |= dict(zip(found.names, found.predicted.tolist(), strict=True))
    joined, scores = store.scores.predictions(made.id, "test"), made.scores("test")
    assert joined is not None
    assert scores is not None
    assert joined.names == tuple(sorted(by_name))
    assert joined.ages.tolist() == AGES.tolist()
    assert joined.predicted.tolist() == [by_name[name] for name in joined.names]
    assert_allclose(scores.result.mae, np.mean([abs(by_name[f"{n:02}.jpg"] - AGES[n]) for n in range(IMAGES)]))
    assert scores.result.mae_interval is not None
    assert scores.result.baseline is not None
    assert_allclose(scores.result.baseline.age, 30 + np.mean(runs))
    assert not scores.is_selected
    assert [one.split for one in made.results] == ["test"]
    assert (made.name, made.row.source, set(made.row.tags)) == ("night", "derived", {"night", "mine"})
    assert (made.config["derived"], made.config["seed"]) == ("out of fold, 3 folds", 0)
    assert made.splits == {"test": {"images": IMAGES, "labelled": IMAGES}}
    assert made.data_hash == "d00d/3"
    assert made.command == "ageui folds night-1 night-2 night-3"
    assert store.problems() == []


def test_new_faces_get_the_mean_of_all_runs_and_that_is_said(store: Store) -> None:
    made = store.runs.detail(_joined(store)).derived_from
    assert made is not None
    assert_allclose(made.predict(np.array([[20.0, 40], [30, 40], [40, 70]])), [30, 50])
    assert "each image is scored by the one of 3 runs that was tested on it" in made.note
    assert "new faces are predicted with the mean of all 3, which was not scored" in made.note


def test_a_missing_and_a_failed_fold_are_named_and_the_last_done_run_completes_the_row(store: Store) -> None:
    first = _run(store, 1, name="first")
    (failed,) = store.runs.add_many([NewRun(config(), fold_specs(BUILT_IN, 3)[2], "broken")])
    attempt = claimed(store, failed)
    assert attempt is not None
    end(store, failed, attempt, "failed", "no memory")
    said = f"fold 2 has no run; fold 3 (run {failed}, broken) is failed; out-of-fold scores need all 3 folds"
    with pytest.raises(ConfigError) as refused:
        join_folds(store, fold_runs_of(store, first))
    assert said in str(refused.value)
    heard: list[str] = []
    join_if_complete(store, first, heard.append)
    _run(store, 2)
    join_if_complete(store, _run(store, 3), heard.append)
    (row,) = store.runs.search("source=derived")
    assert (row.config["derived"], heard) == ("out of fold, 3 folds", [])
    join_if_complete(store, first, heard.append)
    assert (store.runs.count("source=derived"), heard) == (1, [])
    with pytest.raises(ConfigError, match=f"run {row.id} .* is identical"):
        join_folds(store, fold_runs_of(store, first))


def test_runs_of_other_settings_folds_or_data_are_not_joined(store: Store) -> None:
    first = _run(store, 1)
    _run(store, 2, loss="mape")
    _run(store, 3, of=4)
    assert fold_runs_of(store, first).missing == "fold 2 has no run; fold 3 has no run"
    _run(store, 2)
    _run(store, 3, hash="other")
    with pytest.raises(DataError, match="data changed between the runs"):
        join_folds(store, fold_runs_of(store, first))
    with pytest.raises(ConfigError, match="was not trained on folds"):
        fold_runs_of(store, store.runs.add(config(), BUILT_IN, name="plain"))


def test_rows_on_the_same_data_are_compared_and_seeds_are_folded(store: Store) -> None:
    made = [_joined(store, seed=0), _joined(store, seed=1), _joined(store, of=4), _joined(store, loss="mape")]
    (source, *_) = fold_runs_of(store, 1).done
    details = store.runs.details([*made, source.id])
    compared = compare(details, predictions=store.scores.predictions, resamples=50)
    assert [row.comparable for row in compared.rows if row.kind == "run"] == [True, True, True, True, False]
    folded = compare(details[:4], predictions=store.scores.predictions, fold_seeds=True, resamples=50)
    assert [row.runs for row in folded.rows if row.kind == "run"] == [tuple(made[:2]), (made[2],), (made[3],)]


def test_a_row_is_calibrated_and_averaged_with_others(store: Store) -> None:
    first, second = _joined(store, seed=0), _joined(store, seed=1)
    fitted = store.runs.detail(calibrated_run(store, first))
    assert fitted.derived_from is not None
    assert fitted.derived_from.fitted_on == "test"
    both = store.runs.detail(make_ensemble(store, [first, second]))
    (one, other, mean) = (store.scores.predictions(run, "test") for run in (first, second, both.id))
    assert one is not None
    assert other is not None
    assert mean is not None
    assert_allclose(mean.predicted, (one.predicted + other.predicted) / 2, rtol=1e-6)
    assert len(both.trainings) == 6
    with pytest.raises(ConfigError, match="were trained on different data"):
        make_ensemble(store, [fold.id for fold in fold_runs_of(store, 1).done])


def test_near_duplicates_in_other_folds_are_counted_before_and_after_a_check(store: Store) -> None:
    store.data.add(DataSpec(name="faces", format="course", path="/data/faces"))
    before = _joined(store, seed=0)
    assert store.runs.detail(before).results[0].in_train is None
    content = {f"{place:02}.jpg": f"{place:02}" * 32 for place in range(IMAGES)}
    # In three folds, 00 and 03 share one; of 00 and 01, each is tested by a run that did not validate the other: 00's
    # run validates on 01, and 01's trains on 00.
    pairs = tuple(
        DuplicatePair(f"{one}.jpg", "train", f"{two}.jpg", "train", 0.1) for one, two in (("00", "03"), ("00", "01"))
    )
    report = DataReport("faces", "course", "/data", "apparent", True, (), (), (), pairs, ())
    store.data.remember("faces", Examined(report, "d00d", content))
    after = _joined(store, seed=1)
    for run_id in (before, after):
        detail = store.runs.detail(run_id)
        assert detail.derived_from is not None
        sources = [store.runs.detail(source.id or 0) for source in detail.derived_from.sources]
        assert [scores.in_train for one in sources if (scores := one.scores("test"))] == [0, 1, 0]
        assert detail.results[0].in_train == 1
        without = store.scores.without_duplicates(run_id, "test")
        found = store.scores.predictions(run_id, without.split)
        assert found is not None
        assert {*content} - {*found.names} == {"01.jpg"}


def test_runs_on_folds_fill_no_cell_of_a_study(store: Store) -> None:
    made = _joined(store)
    assert store.scores.measured_runs() == []
    assert store.scores.measured_statuses() == {made: "done"}


def test_joined_folds_have_no_network_to_load(store: Store) -> None:
    joined = join_folds(store, fold_runs_of(store, _all(store, name="night")[0]))
    said = f"has no network; load night-1, night-2, night-3, or use: ageui predict --run {joined}$"
    with interface.open(store.path) as db, pytest.raises(ConfigError, match=said):
        db.load_model(joined)
