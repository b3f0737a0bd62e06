"""The scores of a run on a split: to rows of several tables, and back."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import delete
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Session, col, select

from ageui.store.item_sets import pack_items
from ageui.store.records import SplitScores
from ageui.store.tables import Bias, GroupScore, ItemSet, Prediction, Result, RunSummary, core_table
from engine.choices import REPORT_ATTRIBUTES, SPLITS
from engine.fairness import Baseline, BiasResult, GroupResult, Interval, Noise, SplitResult

if TYPE_CHECKING:
    from engine.events import Evaluated


def write_scores(
    session: Session, run_id: int, summary: RunSummary, scored: "Evaluated", target: str, data_name: str
) -> bool | None:
    """Writes the scores and predictions of one split, replacing earlier ones.

    Returns whether the predictions equal the earlier ones bit for bit; None if there were none.
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


def read_scores(session: Session, run_id: int) -> tuple[SplitScores, ...]:
    """The scores of a run on each split, in the order train, valid, test."""
    found = session.exec(
        select(Result, ItemSet.target, ItemSet.data_name)
        .join(ItemSet, col(ItemSet.hash) == col(Result.item_set))
        .where(Result.run_id == run_id)
    ).all()
    biases = session.exec(select(Bias).where(Bias.run_id == run_id).order_by(col(Bias.position))).all()
    groups = session.exec(
        select(GroupScore).where(GroupScore.run_id == run_id).order_by(col(GroupScore.position))
    ).all()
    scores = [
        SplitScores(
            result.split,
            result.item_set,
            target,
            data_name,
            _split_result(result, [bias for bias in biases if bias.split == result.split], groups),
        )
        for result, target, data_name in found
    ]
    return tuple(sorted(scores, key=lambda item: SPLITS.index(item.split)))


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


def _summarise(summary: RunSummary, split: str, result: SplitResult) -> None:
    """Copies the scores of `split` into the summary, unless it holds those of a better split: test, then valid."""
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


def _split_result(result: Result, biases: Sequence[Bias], groups: Sequence[GroupScore]) -> SplitResult:
    baseline = None
    if result.baseline_age is not None and result.baseline_mae is not None:
        constant_bias = {bias.attribute: bias.baseline for bias in biases}
        baseline = Baseline(result.baseline_age, result.baseline_mae, constant_bias)
    return SplitResult(
        n=result.n,
        mae=result.mae,
        mae_interval=_interval(result.mae_low, result.mae_high),
        signed=result.signed,
        biases=tuple(_bias_result(bias, groups) for bias in biases),
        baseline=baseline,
    )


def _bias_result(bias: Bias, groups: Sequence[GroupScore]) -> BiasResult:
    own = [group for group in groups if (group.split, group.attribute) == (bias.split, bias.attribute)]
    noise = None
    if bias.noise_mean is not None and bias.noise_p95 is not None:
        noise = Noise(bias.noise_mean, bias.noise_p95)
    return BiasResult(
        attribute=bias.attribute,
        value=bias.value,
        reason=bias.reason,
        interval=_interval(bias.low, bias.high),
        noise=noise,
        groups=tuple(GroupResult(group.group_name, group.n, group.mae, group.signed) for group in own),
        missing=bias.missing,
    )


def _interval(low: float | None, high: float | None) -> Interval | None:
    return None if low is None or high is None else Interval(low, high)
