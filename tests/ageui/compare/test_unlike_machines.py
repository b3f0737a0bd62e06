"""What a comparison says about the machines that trained its runs, and about the arithmetic that `auto` stands for."""

from dataclasses import replace
from typing import Any

import pytest
from compare_rows import NOON, run, scores

from ageui.compare import compare
from ageui.store import AttemptRow, RunDetail

CPU = {"device": "EPYC", "device_type": "cpu", "instructions": "AVX512", "dtype": "fp32", "threads": 2}
GPU = {"device": "H200", "device_type": "cuda", "instructions": None, "dtype": "bf16", "threads": 2}


def _trained(run_id: int, manifest: dict[str, Any] | None, *attempts: dict[str, Any], **changes: Any) -> RunDetail:
    found = replace(run(run_id, f"run {run_id}", scores(6.0), **changes), manifest=manifest)
    return replace(found, attempts=tuple(_attempt(number, **attempt) for number, attempt in enumerate(attempts, 1)))


def _attempt(number: int, step: int, manifest: dict[str, Any] | None) -> AttemptRow:
    return AttemptRow(
        number, NOON, NOON, "ended", None, 1, "here", manifest, "cpu", "cpu", None, step, 1.0, 0, 0, (), None, None
    )


def _said(*runs: RunDetail, **options: Any) -> list[str]:
    start = "trained on unlike machines, so last digits may differ: "
    notes = compare(runs, **options).notes
    return [note.removeprefix(start) for note in notes if note.startswith(start)]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (CPU, []),
        ({"dtype": "fp32"}, []),
        (None, []),
        (CPU | {"threads": 1}, ["2 threads (run 1, run 2); 1 thread (run 3)"]),
        (CPU | {"instructions": "AVX2"}, ["AVX512 (run 1, run 2); AVX2 (run 3)"]),
        (GPU | {"dtype": "fp32"}, ["EPYC (run 1, run 2); H200 (run 3)"]),
        (GPU | {"device": "EPYC"}, ["fp32 (run 1, run 2); bf16 (run 3)"]),
        (CPU | {"device": "Xeon", "threads": 8}, ["EPYC · 2 threads (run 1, run 2); Xeon · 8 threads (run 3)"]),
    ],
)
def test_runs_of_unlike_machines_are_named_by_what_differs(other: dict[str, Any] | None, said: list[str]) -> None:
    assert _said(_trained(1, CPU), _trained(2, CPU, loss="mape"), _trained(3, other, loss="huber")) == said


def test_seeds_in_one_row_count_one_by_one() -> None:
    assert _said(_trained(1, CPU, seed=1), _trained(2, CPU | {"threads": 1}, seed=2), fold_seeds=True) == [
        "2 threads (mse · none); 1 thread (mse · none)"
    ]


def test_every_machine_since_the_first_step_counts() -> None:
    slow, fast, gone = CPU | {"threads": 1}, CPU, CPU | {"device": "Xeon"}
    moved = _trained(
        2,
        slow,
        {"step": 0, "manifest": gone},
        {"step": 0, "manifest": slow},
        {"step": 40, "manifest": fast},
        loss="mape",
    )
    assert _said(_trained(1, fast), moved) == ["2 threads (run 1, run 2); 1 thread (run 2)"]


def test_auto_differs_from_no_precision_it_stands_for() -> None:
    auto, named = _trained(1, GPU, precision="auto"), _trained(2, GPU, precision="bf16", loss="mape")
    waiting = _trained(3, None, precision="auto", loss="huber")
    assert compare([auto, named, waiting]).settings == ("loss",)
    other = _trained(4, CPU, precision="fp32", loss="mse")
    assert compare([auto, named, other]).settings == ("loss", "arithmetic")
    assert [row.settings["arithmetic"] for row in compare([auto, named, other]).rows] == ["bf16", "bf16", "fp32"]
    unstarted = _trained(5, None, precision="fp32", loss="mse")
    assert compare([named, unstarted]).settings == ("loss", "precision")
    whole = compare([auto, named], all_settings=True)
    assert [row.settings["precision"] for row in whole.rows] == ["auto", "bf16"]
