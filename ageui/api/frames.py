"""Rows of the database as pandas tables."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ageui.compare.differing_settings import setting
from ageui.store import Epoch, RunRow, SplitFigures, Store
from engine.choices import REPORT_ATTRIBUTES
from engine.config import RunConfig

if TYPE_CHECKING:
    import pandas as pd


def runs_frame(store: Store, filter: str, *, split: str | None, sort: str, limit: int | None) -> "pd.DataFrame":
    """A row per run that matches a filter, indexed by id; see `Database.runs`."""
    import pandas as pd

    rows = store.runs.search(filter or None, order=sort, limit=limit)
    shown = {row.id: split or row.summary.split for row in rows}
    scored = store.scores.split_figures([row.id for row in rows])
    figures = {one.run_id: _figures(one) for one in scored if one.split == shown[one.run_id]}
    records = [{**_labels(row), **_settings(row.config), **figures.get(row.id, _summary(row, split))} for row in rows]
    columns = [*_LABELS, *RunConfig.model_fields, *_SUMMARY]
    frame = pd.DataFrame(records, index=pd.Index([row.id for row in rows], name="id", dtype="int64"))
    return frame.reindex(columns=list(dict.fromkeys([*columns, *frame.columns])))


def epochs_frame(epochs: Sequence[Epoch]) -> "pd.DataFrame":
    """A row per epoch, indexed by its number; biases on the validation split are columns such as `val_gender`."""
    import pandas as pd

    records = [
        {
            **{name: value for name, value in vars(epoch).items() if name not in ("epoch", "scores")},
            **({f"val_{name}": value for name, value in epoch.scores.bias.items()} if epoch.scores else {}),
        }
        for epoch in epochs
    ]
    return pd.DataFrame(records, index=pd.Index([epoch.epoch for epoch in epochs], name="epoch", dtype="int64"))


_LABELS = ("name", "status", "source", "tags", "note", "created", "ended")
_SUMMARY = ("split", "images", "mae", *REPORT_ATTRIBUTES)


def _labels(row: RunRow) -> dict[str, Any]:
    values = (row.name, row.status, row.source, tuple(row.tags), row.note, row.created_at, row.ended_at)
    return dict(zip(_LABELS, values, strict=True))


def _settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as plain values. A list is a comma list, or its number if it repeats one."""
    return {name: _plain(name, config) for name in config}


def _plain(name: str, config: Mapping[str, Any]) -> Any:
    value = config[name]
    if not isinstance(value, list | tuple):
        return value
    is_one_number = bool(value) and not isinstance(value[0], str) and (len(value) == 1 or name == "lr")
    return value[0] if is_one_number and len(set(value)) == 1 else setting(config, name)


def _summary(row: RunRow, split: str | None) -> dict[str, Any]:
    """The published figures of a run without its own; nothing if those of another split are wanted."""
    return {"mae": row.summary.mae, **row.summary.bias} if split is None else {"split": None}


def _figures(scored: SplitFigures) -> dict[str, Any]:
    found: dict[str, Any] = {"split": scored.split, "images": scored.images}
    for name, value in scored.figures.items():
        low, high = scored.intervals.get(name, (None, None))
        found |= {name: value, f"{name}_low": low, f"{name}_high": high}
        found |= {f"{name}_p": scored.p_values[name]} if name in scored.p_values else {}
    return {**found, "selected": scored.is_selected}
