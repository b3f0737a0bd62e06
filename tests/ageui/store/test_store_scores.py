"""Scores as they are stored, read back, and computed again for databases of earlier versions."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from store_rows import evaluated, make_stale, running

import engine.figure_samples
import engine.gap_test
from ageui.store import Predictions, Store
from ageui.store.item_sets import pack_items, unpack_items
from ageui.store.sqlite import driver
from engine.events import Evaluated
from engine.fairness import STATISTICS, evaluate_split
from engine.groups import group_codes


def test_scores_groups_and_predictions_come_back(store: Store) -> None:
    run_id, attempt = running(store)
    scored = evaluated()
    with store.writing(run_id, attempt) as writer:
        writer.evaluated(scored, "apparent", "synthetic")
    (found,) = store.runs.detail(run_id).results
    assert found.result == scored.result
    assert (found.selected_on, found.is_selected, found.is_stale) == (None, False, False)
    assert (found.split, found.target, found.data_name) == ("valid", "apparent", "synthetic")
    frame = store.scores.predictions_frame(run_id)
    assert list(frame.columns) == ["split", "image", "age", "predicted", "gender"]
    assert frame["image"].tolist() == ["a.jpg", "b.jpg", "ç.jpg"]
    assert frame["gender"].isna().tolist() == [False, True, False]
    np.testing.assert_array_equal(frame["predicted"], scored.predicted)
    np.testing.assert_array_equal(frame["age"], scored.items["age"])


def test_an_undefined_bias_keeps_its_reason(store: Store) -> None:
    run_id, attempt = running(store)
    with store.writing(run_id, attempt) as writer:
        writer.evaluated(evaluated(gender=None), "apparent", "synthetic")
    (result,) = store.runs.detail(run_id).to_json()["results"]
    assert result["bias"] == {"gender": None}
    assert result["reasons"] == {"gender": "no image of other in valid"}
    assert store.runs.get(run_id).summary.bias["gender"] is None


def test_runs_scored_on_the_same_images_share_them(store: Store) -> None:
    ids = [running(store), running(store, loss="mae"), running(store)]
    for place, (mae, target) in enumerate([(6.0, "apparent"), (1.0, "apparent"), (6.0, "real")]):
        with store.writing(*ids[place]) as writer:
            writer.evaluated(evaluated(mae=mae), target, "synthetic")
    images = [store.runs.detail(run_id).results[0].images for run_id, _ in ids]
    assert images[0] == images[1] != images[2]


def test_scoring_again_replaces_and_the_summary_prefers_test(store: Store) -> None:
    run_id, attempt = running(store)
    for split, mae in (("train", 1.0), ("test", 3.0), ("valid", 2.0), ("test", 4.0)):
        with store.writing(run_id, attempt) as writer:
            writer.evaluated(evaluated(split, mae), "apparent", "synthetic")
        if split == "train":
            assert store.runs.get(run_id).summary.split == "train"
    detail = store.runs.detail(run_id)
    assert [(scores.split, scores.result.mae) for scores in detail.results] == [
        ("train", 1.0),
        ("valid", 2.0),
        ("test", 4.0),
    ]
    assert (detail.row.summary.split, detail.row.summary.mae) == ("test", 4.0)
    assert detail.row.summary.p_value["gender"] == 0.03125


def test_all_scores_of_real_predictions_come_back(store: Store) -> None:
    run_id, attempt = running(store)
    scored = _with_subjects()
    with store.writing(run_id, attempt) as writer:
        writer.evaluated(scored, "apparent", "synthetic")
    (found,) = store.runs.detail(run_id).results
    assert found.result == scored.result
    assert found.result.figure("face_signed") == scored.result.biases[0].signed_gap
    predictions = store.scores.predictions(run_id, "valid")
    assert predictions is not None
    assert predictions.subjects == tuple(scored.items["subject"])
    assert list(predictions.attributes) == ["face"]


def test_subjects_make_no_other_images_and_are_not_forgotten(store: Store) -> None:
    known = _with_subjects()
    unknown = replace(known, items=known.items.drop(columns="subject"))
    images = []
    for scored in (unknown, known, unknown):
        run_id, attempt = running(store)
        with store.writing(run_id, attempt) as writer:
            writer.evaluated(scored, "apparent", "synthetic")
        images.append(store.runs.detail(run_id).results[0].images)
        predictions = store.scores.predictions(1, "valid")
        assert predictions is not None
        assert bool(predictions.subjects) == (scored is known or len(images) == 3)
    assert len(set(images)) == 1


def test_scores_on_other_data_stand_last_and_leave_the_summary_alone(store: Store) -> None:
    run_id, attempt = running(store)
    for split, mae in (("faces/valid", 1.0), ("valid", 2.0), ("faces/test", 3.0)):
        with store.writing(run_id, attempt) as writer:
            writer.evaluated(evaluated(split, mae), "apparent", "faces")
    detail = store.runs.detail(run_id)
    assert [scores.split for scores in detail.results] == ["valid", "faces/test", "faces/valid"]
    assert (detail.row.summary.split, detail.row.summary.mae) == ("valid", 2.0)
    assert detail.primary_scores is not None
    assert detail.primary_scores.split == "valid"


def test_scores_are_read_without_a_draw(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id, attempt = running(store)
    with store.writing(run_id, attempt) as writer:
        writer.evaluated(_with_subjects(), "apparent", "synthetic")
    for module, name in ((engine.figure_samples, "image_draws"), (engine.gap_test, "_shuffled_sums")):
        monkeypatch.setattr(module, name, lambda *_: pytest.fail("something was drawn"))
    shown = store.runs.detail(run_id).to_json()
    assert shown["results"][0]["interval"]["face"] is not None
    assert store.scores.split_figures([run_id])[0].intervals.keys() == {
        "mae",
        "face",
        "face_signed",
        "age",
        "age_signed",
    }


def _with_subjects(images: int = 60, split: str = "valid") -> Evaluated:
    """Scores of predictions that are worse on one of two groups; each person is in two images."""
    random = np.random.default_rng(0)
    ages, codes = random.uniform(1, 80, images).round(1), np.arange(images) % 2
    predicted = (ages + random.normal(0, 3 + 6 * codes)).astype(np.float32)
    subjects = np.arange(images) // 2
    items = pd.DataFrame({"image": [f"{place}.jpg" for place in range(images)], "age": ages})
    items["subject"] = [f"person {one}" for one in subjects]
    items["face"] = [("round", "oval")[code] for code in codes]
    groups = {"face": (codes, ("round", "oval")), "age": group_codes(items, "age", (20, 40, 60))}
    result = evaluate_split(
        ages, predicted.astype(np.float64), groups, 35.0, subjects=subjects, split=split, resamples=100
    )
    return Evaluated(split, result, items, predicted)


def _stored(store: Store, *splits: str, **changes: object) -> int:
    """A run scored by the present statistics."""
    run_id, attempt = running(store)
    with store.writing(run_id, attempt) as writer:
        for split in splits:
            writer.evaluated(replace(_with_subjects(split=split), **changes), "apparent", "synthetic")
    return run_id


def test_stale_scores_are_computed_again_from_predictions(store: Store) -> None:
    run_id = _stored(store, "train", "valid", "faces/test", selected_on="valid")
    before = {scores.split: scores for scores in store.runs.detail(run_id).results}
    summary = store.runs.get(run_id).summary
    make_stale(store)
    assert all(scores.is_stale for scores in store.runs.detail(run_id).results)
    assert store.runs.get(run_id).summary != summary
    assert store.rescoring.remaining() == 3
    for left in (2, 1, 0):
        found = store.rescoring.next()
        assert found is not None
        assert found[0] == run_id
        store.rescoring.rescore(*found, resamples=100)
        assert store.rescoring.remaining() == left
    assert store.rescoring.next() is None
    # Equal to what scoring the same predictions gave, and all else is kept.
    assert {scores.split: scores for scores in store.runs.detail(run_id).results} == before
    assert store.runs.get(run_id).summary == summary


def test_the_newest_run_is_scored_again_first_and_each_result_stays_done(store: Store) -> None:
    older, newer = _stored(store, "valid"), _stored(store, "valid")
    make_stale(store)
    assert store.rescoring.next() == (newer, "valid")
    store.rescoring.rescore(newer, "valid", resamples=50)
    with Store.open(store.path) as again:
        assert again.rescoring.next() == (older, "valid")
        assert again.rescoring.remaining() == 1
        again.rescoring.rescore(older, "valid", resamples=50)
        assert again.rescoring.remaining() == 0
    assert store.rescoring.next() is None


def test_results_without_predictions_count_as_done_and_keep_their_figures(store: Store) -> None:
    run_id = _stored(store, "valid")
    make_stale(store)
    raw = driver().connect(str(store.path))
    raw.execute("DELETE FROM prediction")
    raw.commit()
    raw.close()
    before = store.runs.detail(run_id).results
    assert (store.rescoring.remaining(), store.rescoring.next()) == (0, None)
    store.rescoring.rescore(run_id, "valid")
    assert store.runs.detail(run_id).results == before
    assert before[0].is_stale
    assert before[0].result.biases[0].value is not None


def test_scores_that_were_written_meanwhile_are_left_alone(store: Store) -> None:
    run_id = _stored(store, "valid")
    fresh = store.runs.detail(run_id).results
    make_stale(store)
    raw = driver().connect(str(store.path))
    raw.execute("UPDATE result SET statistics = ?, mae = 77", (STATISTICS,))
    raw.commit()
    raw.close()
    store.rescoring.rescore(run_id, "valid", resamples=50)
    (found,) = store.runs.detail(run_id).results
    assert found.result.mae == 77
    assert found.result.biases[0].p_value is None
    assert fresh[0].result.mae != 77
    store.rescoring.rescore(run_id, "test")
    assert len(store.runs.detail(run_id).results) == 1


def test_rescoring_takes_the_age_groups_of_the_run(store: Store) -> None:
    """Age groups come from the config, all others from the stored result."""
    run_id, attempt = running(store, age_edges=(30.0,))
    scored = _with_subjects()
    groups = {"age": group_codes(scored.items, "age", (30.0,))}
    result = evaluate_split(scored.items["age"].to_numpy(), scored.predicted.astype(np.float64), groups, 35.0)
    with store.writing(run_id, attempt) as writer:
        writer.evaluated(replace(scored, result=result), "apparent", "synthetic")
    make_stale(store)
    store.rescoring.rescore(run_id, "valid", resamples=50)
    (found,) = store.runs.detail(run_id).results
    assert [(group.group, group.n, group.mae) for group in found.result.biases[0].groups] == [
        (group.group, group.n, pytest.approx(group.mae)) for group in result.biases[0].groups
    ]


def test_an_item_set_with_subjects_has_the_hash_of_one_without() -> None:
    items = _with_subjects().items
    items.loc[3, "subject"] = None
    without = items.drop(columns="subject")
    digest, blob = pack_items(items, "valid", "apparent")
    plain_digest, plain = pack_items(without, "valid", "apparent")
    assert digest == plain_digest
    assert unpack_items(plain).subjects == ()
    found = unpack_items(blob)
    assert found.subjects[:5] == ("person 0", "person 0", "person 1", None, "person 2")
    assert list(found.attributes) == ["face"]
    np.testing.assert_array_equal(found.ages, items["age"])
    assert pack_items(items, "test", "apparent")[0] != digest


def test_an_item_set_keeps_the_ends_of_ages_given_as_ranges() -> None:
    items = _with_subjects().items
    ranges = {"age_low": items["age"] - 5, "age_high": (items["age"] + 5).where(items.index > 0)}
    digest, blob = pack_items(items.assign(**ranges), "valid", "apparent")
    assert digest == pack_items(items, "valid", "apparent")[0]
    found = unpack_items(blob)
    assert list(found.attributes) == ["face"]
    for name, values in ranges.items():
        np.testing.assert_array_equal(found.ranges[name], values)
    predicted = np.zeros(len(items), dtype=np.float32)
    predictions = Predictions("valid", digest, found.names, found.ages, {}, predicted, ranges=found.ranges)
    assert list(predictions.frame().columns) == ["split", "image", "age", "predicted", "age_low", "age_high"]
