"""Storing what a run scored on one split."""

from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import delete
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Session, col, select

from ageui.store.item_sets import pack_items
from ageui.store.tables import Bias, GroupScore, ItemSet, Prediction, Result, Summary, core_table
from engine.choices import REPORT_ATTRIBUTES, SPLITS
from engine.fairness import SplitResult

if TYPE_CHECKING:
    from engine.events import Evaluated


def store_scores(
    session: Session, run_id: int, summary: Summary, scored: "Evaluated", target: str, data_name: str
) -> bool | None:
    """Stores the scores and predictions of one split in place of any earlier ones.

    Returns whether the predictions are those that were there before, to the bit; None where there were none.
    """
    split, result = scored.split, scored.result
    digest, blob = pack_items(scored.items, split, target)
    item_set = {
        "hash": digest, "n": result.n, "split": split, "target": target, "data_name": data_name, "items": blob,
    }  # fmt: skip
    session.execute(insert(core_table(ItemSet)).on_conflict_do_nothing(), item_set)
    predicted = np.ascontiguousarray(scored.predicted, dtype="<f4").tobytes()
    stored = select(Prediction.predicted).where(Prediction.run_id == run_id, Prediction.split == split)
    before = session.exec(stored).one_or_none()
    session.execute(delete(Result).where(col(Result.run_id) == run_id, col(Result.split) == split))
    key = {"run_id": run_id, "split": split}
    interval, baseline = result.mae_interval, result.baseline
    scores = {
        "n": result.n,
        "mae": result.mae,
        "mae_low": interval and interval.low,
        "mae_high": interval and interval.high,
        "signed": result.signed,
        "baseline_age": baseline and baseline.age,
        "baseline_mae": baseline and baseline.mae,
        "item_set": digest,
    }
    session.execute(insert(core_table(Result)), {**key, **scores})
    session.execute(insert(core_table(Prediction)), {**key, "predicted": predicted})
    biases, groups = _bias_rows(result, key), _group_rows(result, key)
    if biases:
        session.execute(insert(core_table(Bias)), biases)
    if groups:
        session.execute(insert(core_table(GroupScore)), groups)
    _summarise(summary, split, result)
    return None if before is None else before == predicted


def _bias_rows(result: SplitResult, key: dict[str, Any]) -> list[dict[str, Any]]:
    baseline = result.baseline.bias if result.baseline else {}
    return [
        {
            **key,
            "attribute": bias.attribute,
            "position": position,
            "value": bias.value,
            "reason": bias.reason,
            "low": bias.interval and bias.interval.low,
            "high": bias.interval and bias.interval.high,
            "noise_mean": bias.noise and bias.noise.mean,
            "noise_p95": bias.noise and bias.noise.p95,
            "baseline": baseline.get(bias.attribute),
            "missing": bias.missing,
        }
        for position, bias in enumerate(result.biases)
    ]


def _group_rows(result: SplitResult, key: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            **key,
            "attribute": bias.attribute,
            "position": position,
            "group_name": group.group,
            "n": group.n,
            "mae": group.mae,
            "signed": group.signed,
        }
        for bias in result.biases
        for position, group in enumerate(bias.groups)
    ]


def _summarise(summary: Summary, split: str, result: SplitResult) -> None:
    """Takes the scores of `split` into the summary unless a split that says more is there: test, then valid."""
    if summary.split is not None and SPLITS.index(split) < SPLITS.index(summary.split):
        return
    interval = result.mae_interval
    summary.split, summary.mae = split, result.mae
    summary.mae_low, summary.mae_high = (interval.low, interval.high) if interval else (None, None)
    summary.baseline_mae = result.baseline.mae if result.baseline else None
    for attribute in REPORT_ATTRIBUTES:
        bias = result.bias(attribute)
        setattr(summary, f"bias_{attribute}", bias.value if bias else None)
        setattr(summary, f"noise_{attribute}", bias.noise.p95 if bias and bias.noise else None)
