"""Runs to compare, as plain records."""

from datetime import UTC, datetime
from typing import Any

import numpy as np

from ageui.store import Predictions, RunDetail, RunRow, SplitScores, Summary
from engine.config import PRESETS, build_config
from engine.split_result import Baseline, BiasResult, Figure, GapFigure, GroupResult, Interval, SplitResult

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
SUMMARY = Summary(8, *[None] * 17, {}, {})  # type: ignore[arg-type]


def bias(
    attribute: str,
    value: float | None,
    reason: str | None = None,
    groups: tuple[str, ...] = ("a", "b"),
    interval: Interval | None = None,
    p_value: float | None = None,
    detectable: float | None = None,
    signed_gap: GapFigure | None = None,
) -> BiasResult:
    results = tuple(GroupResult(name, 2, 1.0, 0.0) for name in groups)
    return BiasResult(
        value,
        reason,
        interval,
        p_value=p_value,
        detectable=detectable,
        attribute=attribute,
        groups=results,
        signed_gap=signed_gap or GapFigure(None, reason),
    )


def scores(
    mae: float,
    *biases: BiasResult,
    split: str = "valid",
    images: str = "h1",
    target: str = "apparent",
    data: str = "faces",
    n: int = 4,
    interval: Interval | None = None,
    constant: Baseline | None = None,
    selected_on: str | None = None,
    **others: Figure,
) -> SplitScores:
    result = SplitResult(n, mae, interval, 0.0, biases, constant, others)
    return SplitScores(split, images, target, data, result, selected_on)


def run(
    run_id: int, name: str, *results: SplitScores, status: str = "done", error: str | None = None, **changes: Any
) -> RunDetail:
    config = build_config({**PRESETS["quick"], **changes}).model_dump(mode="json")
    row = RunRow(
        run_id,
        name,
        status,
        "measured",
        config,
        "hash",
        (),
        NOON,
        NOON,
        NOON,
        error,
        None,
        1,
        0,
        None,
        None,
        None,
        SUMMARY,
    )  # fmt: skip
    return RunDetail(row, {"name": "faces"}, None, None, None, (), results, (), ())


def predictions(predicted: list[float], ages: list[float], gender: list[str | None], images: str = "h1") -> Predictions:
    names = tuple(f"{index}.jpg" for index in range(len(ages)))
    attributes = {"gender": tuple(gender)}
    return Predictions("valid", images, names, np.array(ages), attributes, np.array(predicted, dtype=np.float32))
