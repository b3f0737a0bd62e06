"""Settings drawn from ranges and lists: the same points again, more of them, and what is refused."""

import math
from pathlib import Path
from typing import Any

import pytest
from store_rows import queued
from terminal import Terminal

from ageui.planning.plan import Basis, Plan, plan
from ageui.planning.sweeps import Sample, sampled
from ageui.store import Store
from engine.errors import ConfigError

RANGES = {"lr": "1e-5..1e-3", "batch": "8..64", "loss": "mse,mape,huber", "dropout": "0..0.5", "size": "64"}


def test_points_keep_to_ranges_lists_and_kinds() -> None:
    points = sampled(RANGES, Sample(256))
    assert len(points) == 256
    rates = [float(point["lr"]) for point in points]
    assert 1e-5 <= min(rates) < 1.2e-5
    assert 0.9e-3 < max(rates) <= 1e-3
    assert abs(sum(rate < 1e-4 for rate in rates) - 128) <= 4, "on a logarithmic scale, half lie below the middle"
    batches = [int(point["batch"]) for point in points]
    assert (min(batches), max(batches)) == (8, 64), "whole numbers, and both ends"
    assert abs(sum(float(point["dropout"]) < 0.25 for point in points) - 128) <= 4, "evenly"
    counts = [sum(point["loss"] == loss for point in points) for loss in ("mse", "mape", "huber")]
    assert all(abs(count - 256 / 3) <= 4 for count in counts)
    assert {point["size"] for point in points} == {"64"}
    assert all(len(point["lr"].replace("e-05", "").replace(".", "").lstrip("0")) <= 4 for point in points)


@pytest.mark.parametrize("count", [1, 5, 8, 33])
def test_a_larger_sample_begins_with_the_smaller_one(count: int) -> None:
    larger = sampled(RANGES, Sample(64, seed=3))
    assert sampled(RANGES, Sample(count, seed=3)) == larger[:count]
    assert sampled(dict(reversed(RANGES.items())), Sample(count, seed=3)) == larger[:count]
    assert sampled(RANGES, Sample(64, seed=4))[0] != larger[0]


def test_each_point_is_repeated_with_every_seed() -> None:
    points = sampled({**RANGES, "seed": "0,1,2"}, Sample(4))
    assert [point["seed"] for point in points] == ["0", "1", "2"] * 4
    assert [point["lr"] for point in points[::3]] == [point["lr"] for point in sampled(RANGES, Sample(4))]
    assert len({point["lr"] for point in points}) == 4


def test_a_range_may_begin_at_0_and_need_no_list() -> None:
    decays = [float(point["weight_decay"]) for point in sampled({"weight_decay": "0..0.1"}, Sample(64))]
    assert 0 <= min(decays) < 0.01
    assert math.isclose(sum(decays) / 64, 0.05, abs_tol=0.005)


@pytest.mark.parametrize(
    ("values", "sample", "said"),
    [
        ({"lr": "1e-3..1e-5"}, Sample(4), "lr '1e-3..1e-5': begin a range with its lower end"),
        ({"lr": "1e-5..1e-3,0.1"}, Sample(4), "a range is two numbers"),
        ({"lr": "..1e-3"}, Sample(4), "a range is two numbers"),
        ({"lr": "1e-5..inf"}, Sample(4), "begin a range with its lower end"),
        ({"lr": "0..1e-3"}, Sample(4), "above 0"),
        ({"size": "8..64"}, Sample(4), "size '8'"),
        ({"batch": "1.5..4"}, Sample(4), "give whole numbers"),
        ({"lr": "1e-3", "loss": "mse"}, Sample(4), "every field has one value"),
        ({"lr": "1e-5..1e-3"}, Sample(0), "--sample 0: give at least 1"),
        ({"lr": "1e-5..1e-3"}, Sample(4, -1), "--sample-seed -1"),
        ({"lr": "1e-5..1e-3", "seed": "1,2"}, Sample(9_000), "18,000 runs"),
    ],
)
def test_what_cannot_be_drawn_is_refused(values: dict[str, str], sample: Sample, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        sampled(values, sample)
    assert said in str(raised.value)


def _planned(store: Store, count: int, **options: Any) -> Plan:
    values = {"lr": "1e-5..1e-3", "batch": "16,32,64"}
    return plan(store, values, Basis("quick"), sample=Sample(count), **options)


def test_a_sample_is_continued_and_queues_no_run_twice(store: Store) -> None:
    first = _planned(store, 4).to_queue(again=False, name="point")
    ids = store.runs.add_many(first)
    larger = _planned(store, 6)
    assert larger.known == (*((run_id, "queued") for run_id in ids), None, None)
    rest = larger.to_queue(again=False, name="point")
    assert [run.name for run in (*first, *rest)] == [f"point-{number}" for number in range(1, 7)]
    assert len({run.config.hash for run in (*first, *rest)}) == 6
    assert _planned(store, 4, seeds=2).known == tuple(known for run_id in ids for known in ((run_id, "queued"), None))


def test_a_sample_is_planned_by_command(ageui: Terminal, no_network_checks: None) -> None:
    command = ("sweep", "--preset", "quick", "--lr", "1e-5..1e-3", "--dry-run")
    done = ageui(*command, "--sample", "3", "--batch", "16,32", "--json")
    assert (done.code, len(done.json)) == (0, 3)
    assert ageui(*command, "--sample", "5", "--batch", "16,32", "--json").json[:3] == done.json
    assert "left out" not in done.err
    few = ageui(*command[:3], "--dry-run", "--sample", "8", "--batch", "16,32", "--loss", "mse,mape", "--json")
    assert (len(few.json), "left out 4 runs equal to others of this sweep; ranges and" in few.err) == (4, True)
    refused = ageui(*command)
    assert (refused.code, "add --sample N" in refused.err) == (2, True)
    assert ageui(*command, "--lr", "1e-4", "--sample-seed", "3").code == 2


def test_a_path_with_dots_is_no_range(ageui: Terminal, store: Store, no_network_checks: None) -> None:
    queued(store)
    Path("weights").mkdir()
    done = ageui("sweep", "--preset", "quick", "--init", "weights/../gone.pth", "--strategy", "finetune", "--dry-run")
    assert "a range" not in done.err
