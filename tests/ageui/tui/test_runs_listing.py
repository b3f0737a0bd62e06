"""The rows of the table of runs: what folds, what is best, where constants and groups stand."""

import math

import pytest
from listed_rows import FIGURES, best, listed, rows, scored
from store_rows import make_stale, queued

from ageui.compare import compare
from ageui.store import Store
from ageui.store.sqlite import driver
from ageui.tui.runs.listing import ListReader, RunsQuery


def figures(mae: float, gender: float = 0.5) -> tuple[float, ...]:
    return (mae, gender, *FIGURES[2:])


def test_seeds_fold_as_in_a_comparison(store: Store) -> None:
    for seed, mae in ((0, 6.0), (1, 6.5), (2, 7.75)):
        scored(store, f"a{seed}", figures(mae, 0.25 * mae), seed=seed)
    scored(store, "again", figures(9.0), seed=0)
    scored(store, "other", figures(5.0), loss="mape", seed=0)
    scored(store, "elsewhere", figures(5.0), split="test", seed=3)
    queued(store, "waiting", seed=4)
    found = listed(store, folded=True, order="id")
    compared = compare(store.runs.details([1, 2, 3, 4, 5, 7]), fold_seeds=True)
    folds = {entry.runs: entry for entry in found.entries if entry.kind == "fold"}
    assert set(folds) == {row.runs for row in compared.rows if len(row.runs) > 1} == {(1, 2, 3, 7)}
    (row,) = (row for row in compared.rows if len(row.runs) > 1)
    fold = folds[row.runs]
    assert fold.scored == 3
    assert fold.figures == pytest.approx([cell.value for cell in row.cells])
    assert fold.stds == pytest.approx([cell.spread.std for cell in row.cells if cell.spread])
    assert [entry.runs for entry in found.entries if entry.kind == "run"] == [(4,), (5,), (6,)]


def test_a_fold_opens_to_its_runs_in_its_place(store: Store) -> None:
    for seed in (1, 0):
        scored(store, f"seed-{seed}", seed=seed)
    (fold, _) = listed(store, folded=True).entries
    found = listed(store, folded=True, toggled=frozenset({fold.key}))
    assert rows(found) == [("fold", (2, 1)), ("run", (2,)), ("run", (1,)), ("constant", ())]
    assert found.entries[0].is_open
    assert [found.place_of(run_id) for run_id in (2, 1, 99)] == [1, 2, None]


def test_the_best_of_a_column_is_shared_at_printed_precision_among_comparable_runs(store: Store) -> None:
    scored(store, "a", figures(6.001, 0.3))
    scored(store, "b", figures(6.004, 0.2))
    scored(store, "c", figures(6.2, math.nan))
    scored(store, "edges", (5.0, 0.9, 9.0, 9.0, 0.1), age_edges=(30.0,))
    scored(store, "elsewhere", figures(1.0, 0.0), split="test")
    found = best(listed(store, filter="name!=edges"))
    assert {run_id: found[run_id][:2] for run_id in (1, 2, 3, 5)} == {
        1: ["mae", "expression"],
        2: ["mae", "gender"],
        3: ["expression", "ethnicity"],
        5: [],
    }
    assert best(listed(store))[4] == ["mae"], "its age groups are others"
    assert best(listed(store, filter="name=a")) == {1: []}, "a single run is not best"


def test_scores_on_images_that_chose_the_weights_stand_back(store: Store) -> None:
    scored(store, "selected", figures(1.0, 0.1), selected_on="valid")
    scored(store, "alone", figures(6.0))
    assert best(listed(store)) == {2: [], 1: []}
    scored(store, "fair", figures(7.0, 0.75))
    assert best(listed(store))[2][:2] == ["mae", "gender"]
    scored(store, "selected-2", figures(2.0), selected_on="valid")
    assert best(listed(store, filter="name:selected"))[1][:2] == ["mae", "gender"]


def test_a_fold_is_inside_noise_if_each_of_its_seeds_is(store: Store) -> None:
    for seed in (0, 1):
        scored(store, f"seed-{seed}", seed=seed)
    assert listed(store, folded=True).entries[0].p_values == (None, 0.5, 0.01, 0.01, 0.01)
    scored(store, "clear", p_gender=0.02, seed=2)
    assert listed(store, folded=True).entries[0].p_values[1] == 0.02
    scored(store, "untested", p_gender=None, seed=3)
    assert listed(store, folded=True).entries[0].p_values[1] is None


def test_a_run_that_is_tested_again_in_the_background_gets_its_mark(store: Store) -> None:
    for seed in (0, 1):
        scored(store, f"seed-{seed}", seed=seed)
    make_stale(store)
    reader, query = ListReader(), RunsQuery(folded=True)
    assert reader.read(store, query).entries[0].p_values[1] is None
    raw = driver().connect(str(store.path))
    raw.execute("UPDATE summary SET p_gender = 0.25")
    raw.commit()
    raw.close()
    assert reader.read(store, query).entries[0].p_values[1] == 0.25


def test_constants_stand_in_their_place_once_for_each_split(store: Store) -> None:
    scored(store, "good", figures(6.0))
    scored(store, "bad", figures(20.0))
    scored(store, "test", figures(8.0), split="test")
    queued(store, "waiting")
    names = {1: "good", 2: "bad", 3: "test", 4: "waiting"}

    def shown(order: str) -> list[str]:
        return [names[entry.runs[0]] if entry.runs else entry.title for entry in listed(store, order=order).entries]

    constants = ["constant 30.2 · synthetic test", "constant 30.2 · synthetic valid"]
    assert shown("mae") == ["good", "test", *constants, "bad", "waiting"]
    assert shown("-mae") == ["bad", *constants, "test", "good", "waiting"]
    assert shown("id") == ["good", "bad", "test", "waiting", *reversed(constants)]
    assert [entry.title for entry in listed(store, filter="name=good").entries if not entry.runs] == ["constant 30.2"]
    assert not [entry for entry in listed(store, filter="status=queued").entries if not entry.runs]


def test_rows_are_grouped_by_value_or_best_first_and_headings_tell_mean_and_best(store: Store) -> None:
    scored(store, "a", figures(6.0), loss="mse")
    scored(store, "b", figures(7.0), loss="mse", seed=1)
    scored(store, "c", figures(5.0), loss="poisson")
    found = listed(store, grouped="loss", order="id")
    assert rows(found) == [
        ("heading", (1, 2)), ("run", (1,)), ("run", (2,)), ("heading", (3,)), ("run", (3,)), ("constant", ()),
    ]  # fmt: skip
    heading = found.entries[0]
    assert (heading.title, heading.figures[0], heading.best) == ("mse", 6.5, 6.0)
    by_mae = listed(store, grouped="loss", order="mae")
    assert [entry.title for entry in by_mae.entries if entry.title] == ["poisson", "mse", "constant 30.2"]
    closed = listed(store, grouped="loss", order="id", toggled=frozenset({heading.key}))
    assert rows(closed)[:2] == [("heading", (1, 2)), ("heading", (3,))]


def test_numbers_group_by_size(store: Store) -> None:
    for size in (96, 64, 112):
        queued(store, f"s{size}", size=size)
    assert [entry.title for entry in listed(store, grouped="size").entries if entry.title] == ["64", "96", "112"]


def test_folds_are_sorted_by_mean_and_by_deviation(store: Store) -> None:
    for loss, maes in (("mse", (6.0, 6.1)), ("mape", (4.0, 9.0)), ("poisson", (5.0,))):
        for seed, mae in enumerate(maes):
            scored(store, f"{loss}-{seed}", figures(mae), loss=loss, seed=seed)

    def first(order: str) -> list[int]:
        return [entry.runs[0] for entry in listed(store, folded=True, order=order).entries if entry.runs]

    assert first("mae") == [5, 1, 3]
    assert first("mae_std") == [1, 3, 5]
    assert first("-mae_std") == [3, 1, 5]
    assert listed(store, order="mae_std").entries[0].runs == (3,), "without folds it is by MAE"


def test_a_list_is_made_again_only_after_a_commit(store: Store) -> None:
    scored(store, "a")
    reader, query = ListReader(), RunsQuery(order="mae")
    found = reader.read(store, query)
    assert reader.read(store, query) is found
    scored(store, "b", figures(5.0))
    again = reader.read(store, query)
    assert rows(again) == [("run", (2,)), ("run", (1,)), ("constant", ())]
    assert reader.read(store, RunsQuery(order="-mae")).entries[1:] == [again.entries[1], again.entries[0]]
    store.edits.archive([2])
    assert rows(reader.read(store, query)) == [("run", (1,)), ("constant", ())]


def test_folded_rows_stand_below_all_values_of_their_runs(store: Store) -> None:
    for seed in (0, 1):
        scored(store, f"a{seed}", seed=seed)
    scored(store, "b", loss="mape", seed=0)
    found = listed(store, grouped="seed", folded=True, order="id")
    assert [(entry.title, entry.runs) for entry in found.entries if entry.kind == "heading"] == [
        ("0,1", (1, 2)),
        ("0", (3,)),
    ]
