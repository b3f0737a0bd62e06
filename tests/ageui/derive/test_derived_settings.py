"""Derived runs as settings: which repeat each other, and which differences between them are tested."""

from collections.abc import Sequence

from derived_rows import calibrated_run, scored_run

from ageui.compare import Comparison, compare
from ageui.derive.deriving import calibrate, make_ensemble
from ageui.store import Store


def _compared(store: Store, run_ids: Sequence[int], baseline: int) -> Comparison:
    return compare(
        store.runs.details(run_ids), split="valid", baseline=str(baseline), predictions=store.scores.predictions,
        resamples=50, fold_seeds=True, scored=store.scores.on_images,
    )  # fmt: skip


def _runs(store: Store, count: int, **changes: object) -> list[int]:
    return [
        scored_run(store, f"{''.join(map(str, changes.values()))}-{seed}", seed=seed, **changes)
        for seed in range(count)
    ]


def test_calibrations_of_seeds_fold_and_are_tested_against_their_sources(store: Store) -> None:
    runs = _runs(store, 3)
    calibrated = [calibrated_run(store, run_id) for run_id in runs]
    comparison = _compared(store, [*runs, *calibrated], runs[0])
    rows = [row for row in comparison.rows if row.kind == "run"]
    assert [row.runs for row in rows] == [tuple(runs), tuple(calibrated)]
    assert rows[1].settings["derived"] == "calibrated"
    assert all(row.cells[0].spread is not None for row in rows)
    assert rows[1].cells[0].difference is not None
    assert rows[1].cells[0].difference.p_value is not None


def test_other_options_and_other_sources_are_other_settings(store: Store) -> None:
    runs, others = _runs(store, 2), _runs(store, 2, loss="mape")
    made = [calibrated_run(store, run_id) for run_id in runs]
    made += [calibrated_run(store, run_id, isotonic=True) for run_id in runs]
    made += [calibrated_run(store, run_id) for run_id in others]
    rows = [row for row in _compared(store, made, made[0]).rows if row.kind == "run"]
    assert [len(row.runs) for row in rows] == [2, 2, 2]


def test_ensembles_fold_only_if_they_share_no_training(store: Store) -> None:
    runs, others = _runs(store, 4), _runs(store, 4, loss="mape")
    disjoint = [make_ensemble(store, [runs[0], others[1]]), make_ensemble(store, [runs[1], others[0]])]
    sharing = make_ensemble(store, [runs[0], others[2]])
    rows = [row for row in _compared(store, [*disjoint, sharing], disjoint[0]).rows if row.kind == "run"]
    assert sorted(row.runs for row in rows) == [tuple(reversed(disjoint)), (sharing,)]


def test_calibrated_blends_fold_only_if_they_share_no_training(store: Store) -> None:
    runs = _runs(store, 6)
    blends = [make_ensemble(store, runs[start : start + 2], is_fitted=True) for start in (0, 2, 4)]
    sharing = make_ensemble(store, runs[1:3], is_fitted=True)
    made = calibrate(store, blends)
    rows = [row for row in _compared(store, [*blends, *made], blends[0]).rows if row.kind == "run"]
    assert [row.runs for row in rows] == [tuple(blends), tuple(made)]
    assert rows[1].settings["derived"] == "calibrated, blend of 2"
    assert rows[1].cells[0].difference is not None
    assert rows[1].cells[0].difference.p_value is not None
    (other,) = calibrate(store, [sharing])
    rows = [row for row in _compared(store, [*made, other], made[0]).rows if row.kind == "run"]
    assert sorted(len(row.runs) for row in rows) == [1, 3]


def test_the_order_in_which_members_are_named_plays_no_part(store: Store) -> None:
    runs, others = _runs(store, 2), _runs(store, 2, loss="mape")
    made = [make_ensemble(store, [runs[0], others[0]]), make_ensemble(store, [others[1], runs[1]])]
    rows = [row for row in _compared(store, made, made[0]).rows if row.kind == "run"]
    assert [row.runs for row in rows] == [tuple(made)]


def test_ensembles_are_not_tested_against_settings_with_one_of_their_trainings(store: Store) -> None:
    runs = _runs(store, 4)
    ensembles = [make_ensemble(store, runs[:2]), make_ensemble(store, runs[2:])]
    comparison = _compared(store, [*runs, *ensembles], runs[0])
    ((_, row),) = [(row.name, row) for row in comparison.rows if row.runs == tuple(ensembles)]
    assert row.cells[0].difference is not None
    assert row.cells[0].difference.p_value is None
    assert any("tests of ensembles need disjoint members" in note for note in comparison.notes)
    fresh = [scored_run(store, f"fresh-{seed}", seed=seed) for seed in (10, 11)]
    comparison = _compared(store, [*fresh, *ensembles], fresh[0])
    row = next(row for row in comparison.rows if row.runs == tuple(ensembles))
    assert row.cells[0].difference is not None
    assert row.cells[0].difference.p_value is not None
