"""`ageui compare --best`: from a sample to a setting that other seeds confirm."""

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from store_rows import claimed, end, evaluated, running
from terminal import Terminal

from ageui.store import Store

COMMAND = ("compare", "tag=sample", "--best", "mae", "--where", "gender-bias<=1")


@pytest.fixture
def ended(store: Store) -> Callable[..., int]:
    """Adds a run that is done, or ends a queued one, with figures on the validation split."""

    def add(mae: float, gender: float = 0.5, run_id: int | None = None, recipe: int = 1, **settings: object) -> int:
        if run_id is None:
            run_id, attempt = running(store, tags=("sample",), **settings)
        else:
            attempt = claimed(store, run_id) or 0
        with store.writing(run_id, attempt) as writer:
            precision = store.runs.get(run_id).config["precision"]
            writer.started({"dtype": "fp32" if precision == "auto" else precision, "recipe": recipe})
            predicted = np.array([10.0, 35.5, 70.0], dtype=np.float32) + np.float32(mae)
            scored = replace(evaluated("valid", mae, gender), predicted=predicted)
            writer.evaluated(scored, "apparent", "faces")
        end(store, run_id, attempt)
        return run_id

    return add


@pytest.fixture(autouse=True)
def _no_workers(monkeypatch: pytest.MonkeyPatch, no_network_checks: None) -> None:
    monkeypatch.setattr("ageui.console.checked_queueing.start_missing_workers", lambda *arguments: None)


def test_the_best_setting_is_repeated_and_then_told_by_seeds_that_did_not_choose_it(
    ageui: Terminal, store: Store, ended: Callable[..., int]
) -> None:
    biased, lucky, other = ended(4.0, 2.0, lr="1e-3"), ended(5.0, lr="2e-3"), ended(5.5, lr="3e-3")
    ended(7.0, 0.75, lr="4e-3")
    first = ageui(*COMMAND, "--json").json
    assert first["winner"] == [lucky]
    assert [row["id"] for row in first["rows"][:-1]] == [lucky, biased], "the winner, then the rest of the front"
    assert "these figures chose it among 4 settings, so they are too good" in " ".join(first["legend"])

    queued = ageui(*COMMAND, "--confirm")
    assert queued.code == 0
    assert "5 runs queued with the tag confirm" in queued.err
    repeats = store.runs.ids("tag=confirm")
    configs = [store.runs.get(run_id).config for run_id in repeats]
    assert [config["seed"] for config in configs] == [1, 2, 3, 4, 5]
    assert {config["lr"][0] for config in configs} == {0.002}
    assert "already" in ageui(*COMMAND, "--confirm").err
    assert store.runs.ids("tag=confirm") == repeats

    for place, run_id in enumerate(repeats):
        waiting = ageui(*COMMAND, "--json").json
        assert waiting["winner"] == [lucky, *repeats], "until all repeats are done"
        assert "its repeats are not done yet" in " ".join(waiting["legend"])
        ended(5.25 + place / 100, run_id=run_id)
    told = ageui(*COMMAND, "--json").json
    assert told["winner"] == repeats, "without the seed that was lucky"
    assert told["rows"][0]["spread"]["mae"]["n"] == 5
    assert told["rows"][0]["mae"] == pytest.approx(5.27)
    assert "over seeds that did not choose it" in " ".join(told["legend"])
    table = ageui(*COMMAND).out
    assert "5.27" in table
    assert "5.00" not in table

    more = ended(5.2, lr="5e-3")
    assert ageui(*COMMAND, "--json").json["winner"] == [more], "its own figures are still ahead of the repeats"
    assert other not in ageui(*COMMAND, "--json").json["winner"]


def test_repeats_stand_for_runs_of_the_same_arithmetic_alone(
    ageui: Terminal, store: Store, ended: Callable[..., int]
) -> None:
    other, chosen = ended(5.01, precision="fp32"), ended(5.0, precision="bf16")
    assert ageui(*COMMAND, "--confirm").code == 0
    repeats = store.runs.ids("tag=confirm")
    assert ageui(*COMMAND, "--json").json["winner"] == [chosen, *repeats]
    assert "already" in ageui(*COMMAND, "--confirm").err
    assert {store.runs.get(run_id).config["precision"] for run_id in repeats} == {"bf16"}
    for run_id in repeats:
        ended(6.0, run_id=run_id)
    assert ageui(*COMMAND, "--json").json["winner"] == [other], "which nothing repeats yet"
    joined = ageui(*COMMAND, "--fold-across", "arithmetic", "--json").json
    assert joined["winner"] == repeats
    assert chosen not in joined["winner"]


def test_repeats_under_another_recipe_are_queued_once(ageui: Terminal, store: Store, ended: Callable[..., int]) -> None:
    plain, chosen = ended(9.0, loss="mape"), ended(5.0, lr="2e-3")
    command = (*COMMAND, "--baseline", str(plain))
    assert "9 runs queued" in ageui(*command, "--confirm").err
    waiting, *repeats = store.runs.ids("tag=confirm")
    for run_id in repeats:
        ended(9.5, run_id=run_id, recipe=2)
    assert ageui(*command, "--json").json["winner"] == [chosen, waiting]
    assert "already" in ageui(*command, "--confirm").err


def test_the_baseline_gets_seeds_and_its_difference_a_test(
    ageui: Terminal, store: Store, ended: Callable[..., int]
) -> None:
    plain = ended(9.0, loss="mape")
    ended(5.0, lr="2e-3")
    command = (*COMMAND, "--baseline", str(plain))
    assert "9 runs queued" in ageui(*command, "--confirm").err
    repeats = store.runs.ids("tag=confirm")
    assert [store.runs.get(run_id).config["loss"] for run_id in repeats] == ["mse"] * 5 + ["mape"] * 4
    for place, run_id in enumerate(repeats):
        ended((5.0 if place < 5 else 9.0) + place / 100, run_id=run_id)
    rows = ageui(*command, "--json").json["rows"]
    assert [len(row["runs"]) for row in rows[:2]] == [5, 5]
    assert rows[1]["is_baseline"]
    difference = rows[0]["difference"]["mae"]
    assert (difference["value"], difference["real"]) == (pytest.approx(-4.032), True)


def test_without_runs_all_that_are_done_compete(ageui: Terminal, store: Store, ended: Callable[..., int]) -> None:
    best = ended(5.0)
    ended(6.0, loss="mape")
    assert ageui("compare", "--best", "mae", "--json").json["winner"] == [best]


def test_the_answer_stands_first_below_the_table(ageui: Terminal, ended: Callable[..., int]) -> None:
    best = ended(5.0, batch=16)
    ended(6.0, batch=32)
    done = ageui("compare", "tag=sample", "--best", "mae", "--format", "json")
    assert done.json["winner"] == [best]
    assert done.json["legend"][0].startswith("lowest MAE: ")
    out = ageui("compare", "tag=sample", "--best", "mae").out
    assert 0 < out.index("lowest MAE: ") < out.index("Pareto front of ") < out.index("; MAE and biases in years")


def test_means_and_differences_report_their_progress(
    ageui: Terminal, ended: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in (1, 2):
        ended(5.0 + seed, batch=16, seed=seed)
    plain = ended(9.0)
    monkeypatch.setenv("AGEUI_MESSAGE_LINES", "1")
    shown = ageui("compare", "tag=sample", "--best", "mae", "--baseline", str(plain), "--json").err.splitlines()
    found = [(one["progress"], one["done"], one["total"]) for one in map(json.loads, shown)]
    assert [one for one in found if one[0] == "testing means over seeds"] == [
        ("testing means over seeds", done, 3) for done in range(3)
    ]
    assert ("testing differences to the baseline", 0, 3) in found


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "no runs to compare; name runs"),
        (("tag=sample", "--where", "age<=3"), "add --best FIGURE"),
        (("tag=sample", "--confirm"), "add --best FIGURE"),
        ((*COMMAND[1:], "--where", "gender<0", "--confirm"), "no setting was found; change --where"),
    ],
)
def test_a_wrong_question_is_refused(
    ageui: Terminal, ended: Callable[..., int], arguments: tuple[str, ...], said: str
) -> None:
    ended(5.0)
    done = ageui("compare", *arguments)
    assert (done.code, said in " ".join(done.err.split())) == (2, True)
