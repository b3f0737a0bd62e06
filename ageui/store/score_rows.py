"""Converts the scores of a run on a split to rows of several tables, and back."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from sqlalchemy import delete, func, update
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Session, SQLModel, col, select
from sqlmodel.sql.expression import SelectOfScalar

from ageui.store.batches import batches
from ageui.store.item_sets import pack_items
from ageui.store.known_images import DuplicateMarker, count_of_marks
from ageui.store.score_records import SplitScores
from ageui.store.tables import Bias, FigureScore, GroupScore, ItemSet, Prediction, Result, Run, RunSummary, core_table
from engine.choices import REPORT_ATTRIBUTES, SPLITS
from engine.fairness import STATISTICS
from engine.split_result import Baseline, BiasResult, Figure, GapFigure, GroupResult, Interval, SplitResult

if TYPE_CHECKING:
    from engine.events import Evaluated

Scored = TypeVar("Scored", Bias, GroupScore, FigureScore)


def write_scores(
    session: Session, run_id: int, summary: RunSummary, scored: "Evaluated", target: str, data_name: str
) -> bool | None:
    """Writes the scores and predictions of a split, replacing earlier ones.

    Returns whether the predictions equal earlier ones bit for bit; None without earlier ones.
    """
    split, result = scored.split, scored.result
    digest, blob = pack_items(scored.items, split, target)
    item_set = {
        "hash": digest, "n": result.n, "split": split, "target": target, "data_name": data_name, "items": blob,
    }  # fmt: skip
    write_item_set(session, item_set, has_subjects="subject" in scored.items)
    predicted = np.ascontiguousarray(scored.predicted, dtype="<f4").tobytes()
    stored = select(Prediction.predicted).where(Prediction.run_id == run_id, Prediction.split == split)
    before = session.exec(stored).one_or_none()
    session.execute(delete(Result).where(col(Result.run_id) == run_id, col(Result.split) == split))
    key = {"run_id": run_id, "split": split}
    own = {"item_set": digest, "selected_on": scored.selected_on}
    session.execute(insert(core_table(Result)), {**key, **own, **_result_columns(result)})
    session.execute(insert(core_table(Prediction)), {**key, "predicted": predicted})
    _insert_figures(session, key, result)
    _summarise(summary, split, result)
    trained_on = session.get_one(Run, run_id).data_hash
    scored_on = trained_on if split in SPLITS else scored.data_hash
    DuplicateMarker(session).mark(run_id, split, trained_on=trained_on, scored_on=scored_on)
    return None if before is None else before == predicted


def write_item_set(session: Session, item_set: Mapping[str, Any], *, has_subjects: bool) -> None:
    """Writes the images of a split, unless stored.

    Completes stored images that lack subjects, or that were emptied when their last predictions were deleted.
    """
    new = insert(core_table(ItemSet))
    is_emptied = func.length(core_table(ItemSet).c["items"]) == 0
    session.execute(
        new.on_conflict_do_update(
            index_elements=["hash"],
            set_={"items": new.excluded["items"]},
            where=None if has_subjects else is_emptied,
        ),
        item_set,
    )


def rewrite_scores(session: Session, run_id: int, split: str, result: SplitResult) -> None:
    """Replaces the figures of a scored split by `result`, unless they are of the current statistics."""
    stored = session.get(Result, (run_id, split))
    if stored is None or stored.statistics >= STATISTICS:
        return
    key = {"run_id": run_id, "split": split}
    for table in (Bias, FigureScore):
        session.execute(delete(table).where(col(table.run_id) == run_id, col(table.split) == split))
    session.execute(
        update(Result).where(col(Result.run_id) == run_id, col(Result.split) == split).values(_result_columns(result))
    )
    _insert_figures(session, key, result)
    summary = session.get_one(RunSummary, run_id)
    if summary.split == split:
        _summarise(summary, split, result)


def read_scores(session: Session, run_ids: Sequence[int]) -> dict[int, tuple[SplitScores, ...]]:
    """The scores of runs on each split, by run, in the order train, valid, test, then other data."""
    found: dict[int, list[SplitScores]] = {run_id: [] for run_id in run_ids}
    for batch in batches(run_ids):
        results = session.exec(
            select(Result, ItemSet.target, ItemSet.data_name)
            .join(ItemSet, col(ItemSet.hash) == col(Result.item_set))
            .where(col(Result.run_id).in_(batch))
        ).all()
        biases = _by_split(session, select(Bias).where(col(Bias.run_id).in_(batch)).order_by(col(Bias.position)))
        groups = _by_split(
            session, select(GroupScore).where(col(GroupScore.run_id).in_(batch)).order_by(col(GroupScore.position))
        )
        figures = _by_split(session, select(FigureScore).where(col(FigureScore.run_id).in_(batch)))
        for result, target, data_name in results:
            key = result.run_id, result.split
            found[result.run_id].append(
                SplitScores(
                    split=result.split,
                    images=result.item_set,
                    target=target,
                    data_name=data_name,
                    selected_on=result.selected_on,
                    statistics=result.statistics,
                    in_train=count_of_marks(result.in_train),
                    result=_split_result(result, biases[key], groups[key], figures[key]),
                )
            )
    return {run_id: tuple(sorted(scores, key=lambda one: split_order(one.split))) for run_id, scores in found.items()}


def read_split_scores(session: Session, run_id: int, split: str) -> SplitScores | None:
    """The scores of a run on a split; None if it was not scored on the split."""
    return next((scores for scores in read_scores(session, [run_id])[run_id] if scores.split == split), None)


def _by_split(session: Session, rows: SelectOfScalar[Scored]) -> dict[tuple[int, str], list[Scored]]:
    """Rows by run and split, in order."""
    found: dict[tuple[int, str], list[Scored]] = defaultdict(list)
    for row in session.exec(rows).all():
        found[row.run_id, row.split].append(row)
    return found


def split_order(split: str) -> tuple[int, str]:
    """Sorts train, valid and test before the splits of other data."""
    return (SPLITS.index(split), "") if split in SPLITS else (len(SPLITS), split)


def _result_columns(result: SplitResult) -> dict[str, Any]:
    baseline = result.baseline
    return {
        "n": result.n,
        "mae": result.mae,
        **_ends("mae_", result.mae_interval),
        "signed": result.signed,
        "baseline_age": baseline and baseline.age,
        "baseline_mae": baseline and baseline.mae,
        "statistics": STATISTICS,
    }


def _insert_figures(session: Session, key: dict[str, Any], result: SplitResult) -> None:
    tables: list[tuple[type[SQLModel], list[dict[str, Any]]]] = [
        (Bias, [{**key, **row} for row in _bias_rows(result)]),
        (GroupScore, [{**key, **row} for row in _group_rows(result)]),
        (FigureScore, [{**key, **row} for row in _figure_rows(result)]),
    ]
    for table, rows in tables:
        if rows:
            session.execute(insert(core_table(table)), rows)


def _bias_rows(result: SplitResult) -> Iterator[dict[str, Any]]:
    baseline = result.baseline.bias if result.baseline else {}
    for position, bias in enumerate(result.biases):
        gap = bias.signed_gap
        yield {
            "attribute": bias.attribute,
            "position": position,
            "value": bias.value,
            "reason": bias.reason,
            **_ends("", bias.interval),
            "baseline": baseline.get(bias.attribute),
            "missing": bias.missing,
            "p_value": bias.p_value,
            "detectable": bias.detectable,
            "untested": bias.untested,
            **_ends("gap_", bias.gap_interval),
            **_ends("worst_", bias.worst_interval),
            "signed": gap.value,
            **_ends("signed_", gap.interval),
            "signed_p_value": gap.p_value,
            "signed_detectable": gap.detectable,
            "signed_untested": gap.untested,
        }


def _group_rows(result: SplitResult) -> Iterator[dict[str, Any]]:
    for bias in result.biases:
        for position, group in enumerate(bias.groups):
            yield {
                "attribute": bias.attribute,
                "position": position,
                "group_name": group.group,
                "n": group.n,
                "mae": group.mae,
                "signed": group.signed,
                **_ends("", group.interval),
            }


def _figure_rows(result: SplitResult) -> Iterator[dict[str, Any]]:
    for name, figure in result.others.items():
        yield {"name": name, "value": figure.value, **_ends("", figure.interval), "note": figure.note}


def _ends(prefix: str, interval: Interval | None) -> dict[str, float | None]:
    low, high = (interval.low, interval.high) if interval else (None, None)
    return {f"{prefix}low": low, f"{prefix}high": high}


def _summarise(summary: RunSummary, split: str, result: SplitResult) -> None:
    """Copies the scores of `split` into the summary, unless it has those of a better split: test, then valid.

    Skips scores on other data, because a list of runs compares scores that all runs have.
    """
    if split not in SPLITS or (summary.split is not None and SPLITS.index(split) < SPLITS.index(summary.split)):
        return
    summary.split, summary.mae = split, result.mae
    interval = result.mae_interval
    summary.mae_low, summary.mae_high = (interval.low, interval.high) if interval else (None, None)
    summary.baseline_mae = result.baseline.mae if result.baseline else None
    for attribute in REPORT_ATTRIBUTES:
        bias = result.bias(attribute)
        setattr(summary, f"bias_{attribute}", bias.value if bias else None)
        setattr(summary, f"p_{attribute}", bias.p_value if bias else None)


def _split_result(
    result: Result, biases: Sequence[Bias], groups: Sequence[GroupScore], figures: Sequence[FigureScore]
) -> SplitResult:
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
        others={one.name: Figure(one.value, None, _interval(one.low, one.high), one.note) for one in figures},
    )


def _bias_result(bias: Bias, groups: Sequence[GroupScore]) -> BiasResult:
    own = [group for group in groups if (group.split, group.attribute) == (bias.split, bias.attribute)]
    return BiasResult(
        value=bias.value,
        reason=bias.reason,
        interval=_interval(bias.low, bias.high),
        p_value=bias.p_value,
        detectable=bias.detectable,
        untested=bias.untested,
        attribute=bias.attribute,
        groups=tuple(
            GroupResult(one.group_name, one.n, one.mae, one.signed, _interval(one.low, one.high)) for one in own
        ),
        missing=bias.missing,
        signed_gap=GapFigure(
            value=bias.signed,
            reason=bias.reason,
            interval=_interval(bias.signed_low, bias.signed_high),
            p_value=bias.signed_p_value,
            detectable=bias.signed_detectable,
            untested=bias.signed_untested,
        ),
        gap_interval=_interval(bias.gap_low, bias.gap_high),
        worst_interval=_interval(bias.worst_low, bias.worst_high),
    )


def _interval(low: float | None, high: float | None) -> Interval | None:
    return None if low is None or high is None else Interval(low, high)
