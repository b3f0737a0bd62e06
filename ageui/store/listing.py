"""Reads the parts of runs for a long table: order, config and figures, without whole rows."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from sqlalchemy import func
from sqlalchemy import select as sql_select
from sqlmodel import col

from ageui.store.batches import batches
from ageui.store.filters import ordering, where
from ageui.store.run_rows import RESOLVED, RUN_ID, resolved_manifest
from ageui.store.store_part import StorePart
from ageui.store.tables import NOT_MEASURED, Bias, ItemSet, Result, Run, RunSummary
from engine.choices import REPORT_ATTRIBUTES
from engine.config import completed

_MOST_IN_BATCHES = 2000
"""With more runs than this, one pass over all of them is faster."""


class ListedRun(NamedTuple):
    """A run of the list; `split`, `mae` and `p`, that of one of its biases, come from its summary.

    A run of an earlier version has a `p` only after it was scored again.
    """

    id: int
    config_hash: str
    status: str
    attempt: int
    is_published: bool
    split: str | None
    mae: float | None
    p: float | None


class ListedFigures(NamedTuple):
    """The scores in a run's summary, in years: MAE and the report's biases, then the MAE of the constant predictor.

    `p_values` are those of no bias, one for each figure and None for MAE. Runs with equal `images` were scored on the
    same images and ages, which selected the scored weights if `is_selected`. The other fields are None for a run
    without its own scores.
    """

    figures: tuple[float | None, ...]
    p_values: tuple[float | None, ...]
    constant_mae: float | None
    split: str | None
    images: str | None
    is_selected: bool
    data_hash: str | None


class ListedConstant(NamedTuple):
    """The constant predictor on a run's scored images: its age, MAE and biases, in years."""

    age: float
    figures: tuple[float | None, ...]
    split: str
    data_name: str


class Listing(StorePart):
    """Reads lists of all runs that match a filter, in a few statements for thousands of them."""

    def order(self, filter: str | None, order: str) -> list[ListedRun]:
        """The runs that match a filter, in the given order, both as in `Runs.search`. Raises `ConfigError`."""
        is_published = col(Run.source).in_(NOT_MEASURED).label("is_published")
        p_values = [getattr(RunSummary, f"p_{attribute}") for attribute in REPORT_ATTRIBUTES]
        chosen = (
            sql_select(  # type: ignore[call-overload]
                RUN_ID.label("id"), Run.config_hash, Run.status, Run.attempt, is_published, RunSummary.split,
                RunSummary.mae, func.coalesce(*p_values).label("p"),
            )
            .join(RunSummary, col(RunSummary.run_id) == col(Run.id))
            .where(where(filter or ""))
            .order_by(*ordering(order))
        )  # fmt: skip
        with self._read() as session:
            # Returns rows, which have the record's fields: making thousands of records takes as long as reading.
            return cast(list[ListedRun], session.execute(chosen).all())

    def figures(self, run_ids: Collection[int]) -> dict[int, ListedFigures]:
        """The figures of runs by id."""
        biases, p_values = (
            [getattr(RunSummary, f"{what}_{attribute}") for attribute in REPORT_ATTRIBUTES] for what in ("bias", "p")
        )
        of_split = (col(Result.run_id) == RUN_ID) & (col(Result.split) == col(RunSummary.split))
        chosen = (
            sql_select(
                RUN_ID, RunSummary.mae, *biases, *p_values, RunSummary.baseline_mae, RunSummary.split, Result.item_set,
                col(Result.selected_on) == col(Result.split), Run.data_hash,
            )  # type: ignore[call-overload]
            .join(RunSummary, col(RunSummary.run_id) == col(Run.id))
            .outerjoin(Result, of_split)
        )  # fmt: skip
        count = 1 + len(REPORT_ATTRIBUTES)
        wanted = set(run_ids)
        with self._read() as session:
            return {
                row[0]: ListedFigures(
                    tuple(row[1 : count + 1]),
                    (None, *row[count + 1 : -5]),
                    row[-5],
                    row[-4],
                    row[-3],
                    bool(row[-2]),
                    row[-1],
                )
                for batch in _parts(run_ids)
                for row in session.execute(chosen if batch is None else chosen.where(RUN_ID.in_(batch)))
                if row[0] in wanted
            }

    def configs(self, hashes: Collection[str]) -> dict[str, dict[str, Any]]:
        """The config of each hash, with the fields that older configs lack."""
        chosen = sql_select(col(Run.config_hash), col(Run.config)).group_by(col(Run.config_hash))
        with self._read() as session:
            return {
                config_hash: completed(config)
                for batch in _parts(hashes)
                for config_hash, config in session.execute(
                    chosen if batch is None else chosen.where(col(Run.config_hash).in_(batch))
                )
            }

    def manifests(self, run_ids: Collection[int]) -> dict[int, Mapping[str, Any]]:
        """The settings that configs leave open: the parts of started runs' manifests that decide figures."""
        chosen = sql_select(RUN_ID, *RESOLVED).where(col(Run.manifest).is_not(None))
        with self._read() as session:
            return {
                run_id: resolved_manifest(*values)
                for batch in _parts(run_ids)
                for run_id, *values in session.execute(chosen if batch is None else chosen.where(RUN_ID.in_(batch)))
            }

    def constants(self, run_ids: Iterable[int]) -> list[ListedConstant]:
        """The constant predictors stored with the scores of runs, in the order of the runs."""
        found = []
        with self._read() as session:
            for run_id in run_ids:
                chosen = (
                    sql_select(Result.baseline_age, Result.baseline_mae, Result.split, ItemSet.data_name)  # type: ignore[call-overload]
                    .join(RunSummary, col(RunSummary.run_id) == col(Result.run_id))
                    .join(ItemSet, col(ItemSet.hash) == col(Result.item_set))
                    .where(col(Result.run_id) == run_id, col(Result.split) == col(RunSummary.split))
                )
                row = session.execute(chosen).first()
                if row is None or row[0] is None:
                    continue
                age, mae, split, data_name = row
                stored = sql_select(col(Bias.attribute), col(Bias.baseline)).where(
                    col(Bias.run_id) == run_id, col(Bias.split) == split
                )
                biases = {attribute: value for attribute, value in session.execute(stored)}
                figures = (mae, *(biases.get(attribute) for attribute in REPORT_ATTRIBUTES))
                found.append(ListedConstant(age, figures, split, data_name))
        return found


def _parts(keys: Collection[Any]) -> Iterable[Sequence[Any] | None]:
    """The keys in batches for statements; None stands for all rows of the table."""
    return [None] if len(keys) > _MOST_IN_BATCHES else batches(list(keys))
