"""Counts of scored images with a duplicate in train, from the last check of the same images."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from store_rows import end, evaluated, running

from ageui.store import Store
from engine.data.check import Examined
from engine.data.data_root import images_digest
from engine.data.folds import fold_specs
from engine.data.report import DataReport, DuplicatePair
from engine.data.spec import DataSpec
from engine.errors import ConfigError, DataError
from engine.events import Evaluated
from engine.fairness import evaluate_split

TRAIN, TEST = ("a", "b", "c"), ("copy-of-a", "like-b", "new", "other")
CONTENT = {image: image[-1] * 64 for image in (*TRAIN, "copy-of-a")} | {image: image * 16 for image in TEST[1:]}


def _examined(content: dict[str, str] | None = None, data_hash: str = "d00d", near: tuple[str, ...] = ()) -> Examined:
    pairs = tuple(DuplicatePair("b", "train", image, "test", 0.1) for image in near)
    report = DataReport("faces", "course", "/data", "apparent", True, (), (), (), pairs, ())
    return Examined(report, data_hash, content or CONTENT)


def _scored(split: str, images: tuple[str, ...], selected_on: str | None = None) -> Evaluated:
    ages = np.linspace(20.0, 60.0, len(images))
    predicted = (ages + np.arange(len(images))).astype(np.float32)
    genders = ["male", "female"] * 2
    codes = np.arange(len(images)) % 2
    items = pd.DataFrame({"image": images, "age": ages, "gender": genders[: len(images)]})
    groups = {"gender": (codes, ("male", "female"))}
    result = evaluate_split(ages, predicted.astype(np.float64), groups, 40.0, split=split, resamples=0)
    return Evaluated(split, result, items, predicted, selected_on)


def _run(store: Store, data_hash: str = "d00d", **changes: object) -> int:
    run_id, attempt = running(store, **changes)
    with store.writing(run_id, attempt) as writer:
        writer.started({"data": {"name": "faces", "hash": data_hash, "splits": {}}})
        writer.evaluated(_scored("train", TRAIN), "apparent", "faces")
        writer.evaluated(_scored("test", TEST), "apparent", "faces")
    end(store, run_id, attempt)
    return run_id


@pytest.fixture
def registered(store: Store) -> Store:
    store.data.add(DataSpec(name="faces", format="course", path="/data/faces"))
    return store


def _in_train(store: Store, run_id: int) -> tuple[int | None, ...]:
    return tuple(scores.in_train for scores in store.runs.detail(run_id).results)


def test_a_run_on_checked_images_knows_its_duplicates(registered: Store) -> None:
    registered.data.remember("faces", _examined(near=("like-b",)))
    assert _in_train(registered, _run(registered)) == (None, 2)


def test_checked_images_have_a_digest_for_every_fold_of_their_data_set_alone(registered: Store) -> None:
    spec = registered.data.get("faces")
    assert registered.data.images_digest(spec) is None
    registered.data.remember("faces", _examined())
    digest = images_digest(CONTENT.values())
    assert [registered.data.images_digest(one) for one in (spec, *fold_specs(spec, 3))] == [digest] * 4
    assert registered.data.images_digest(spec.model_copy(update={"path": "/data/before"})) is None


def test_a_check_finds_duplicates_of_earlier_runs_on_the_same_data_only(registered: Store) -> None:
    earlier, other = _run(registered), _run(registered, "beef", seed=2)
    assert _in_train(registered, earlier) == (None, None)
    registered.data.remember("faces", _examined())
    assert _in_train(registered, earlier) == (None, 1)
    assert _in_train(registered, other) == (None, None)
    registered.data.remember("faces", _examined(near=("like-b", "new")))
    assert _in_train(registered, earlier) == (None, 3)


def test_duplicates_of_changed_images_are_unknown_to_later_runs(registered: Store) -> None:
    registered.data.remember("faces", _examined())
    before = _run(registered)
    changed = CONTENT | {"a": "f" * 64}
    registered.data.remember("faces", _examined(changed, "changed"))
    assert _in_train(registered, before) == (None, 1)
    assert _in_train(registered, _run(registered, seed=2)) == (None, None)
    assert _in_train(registered, _run(registered, "changed", seed=3)) == (None, 0)


def test_duplicates_are_known_for_both_targets(registered: Store) -> None:
    registered.data.remember("faces", _examined())
    registered.data.remember("faces", _examined(data_hash="real"))
    assert (
        _in_train(registered, _run(registered)) == _in_train(registered, _run(registered, "real", seed=2)) == (None, 1)
    )


def test_scores_without_duplicates_are_a_split_of_their_own(registered: Store) -> None:
    registered.data.remember("faces", _examined(near=("like-b",)))
    run_id = _run(registered)
    scores = registered.scores.without_duplicates(run_id, "test")
    assert (scores.split, scores.result.n, scores.in_train) == ("test-without-duplicates", 2, 0)
    assert scores.result.mae == pytest.approx((2 + 3) / 2)
    assert scores.result.baseline is not None
    assert scores.result.baseline.mae == pytest.approx(40 / 3)
    predictions = registered.scores.predictions(run_id, scores.split)
    assert predictions is not None
    assert predictions.names == TEST[2:]
    detail = registered.runs.detail(run_id)
    assert [one.split for one in detail.results] == ["train", "test", "test-without-duplicates"]
    assert detail.primary_scores is not None
    assert detail.primary_scores.result.n == 4
    assert registered.scores.without_duplicates(run_id, scores.split) == scores


def test_scores_on_other_data_know_its_copies_in_train(registered: Store) -> None:
    registered.data.remember("faces", _examined())
    registered.data.add(DataSpec(name="more", format="course", path="/data/more"))
    registered.data.remember("more", _examined({"x": "a" * 64, "y": "9" * 64}, "m0re"))
    run_id = _run(registered)
    registered.scores.add(run_id, replace(_scored("more/all", ("x", "y")), data_hash="m0re"), "apparent", "more")
    assert _in_train(registered, run_id) == (None, 1, 1)
    assert registered.scores.without_duplicates(run_id, "more/all").split == "more/all-without-duplicates"


def test_scoring_without_duplicates_is_refused_with_the_cause(registered: Store) -> None:
    run_id = _run(registered)
    with pytest.raises(DataError, match="ageui data check faces"):
        registered.scores.without_duplicates(run_id, "test")
    with pytest.raises(ConfigError, match="choose one of train, test"):
        registered.scores.without_duplicates(run_id, "valid")
    registered.data.remember("faces", _examined(near=TEST[1:]))
    with pytest.raises(DataError, match="choose another --split"):
        registered.scores.without_duplicates(run_id, "test")


def test_duplicates_of_images_that_no_check_saw_are_unknown(registered: Store) -> None:
    run_id, attempt = running(registered)
    with registered.writing(run_id, attempt) as writer:
        writer.started({"data": {"name": "faces", "hash": "d00d", "splits": {}}})
        writer.evaluated(evaluated("test"), "apparent", "faces")
    end(registered, run_id, attempt)
    registered.data.remember("faces", _examined())
    assert _in_train(registered, run_id) == (None,)
