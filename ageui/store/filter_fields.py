"""The fields for filtering and sorting runs: an allow-list, so that no outside text reaches SQL."""

import types
import typing
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from sqlalchemy import ColumnElement, Integer, SQLColumnExpression, Text, case, cast, func, select
from sqlmodel import col

from ageui.store.tables import Bias, FigureScore, GroupScore, Run, RunSummary
from engine.backbone_names import DLIB_AGE
from engine.choices import PRETRAINED, REPORT_ATTRIBUTES
from engine.config import LATER_FIELDS, RunConfig
from engine.pretraining import pretraining_note

FieldKind = Literal["text", "number", "flag", "time", "texts", "numbers", "tags"]


@dataclass(frozen=True)
class FilterField:
    """`column` is the value in SQL, a list as JSON text. `what` describes the field in one line."""

    name: str
    kind: FieldKind
    column: SQLColumnExpression[Any]
    what: str


@cache
def filter_fields() -> dict[str, FilterField]:
    """All fields by name. A measured field hides a config field of the same name."""
    fields = {name: _config_field(name) for name in RunConfig.model_fields}
    measured: list[tuple[str, FieldKind, Any, str]] = [
        ("id", "number", Run.id, "number of the run"),
        ("name", "text", Run.name, "name of the run"),
        ("status", "text", Run.status, "queued, running, paused, done, diverged, failed, cancelled or interrupted"),
        ("source", "text", Run.source, "measured, derived, report (published figures) or imported"),
        ("note", "text", Run.note, "note on the run"),
        ("created", "time", Run.created_at, "when the run was made, as 2026-01-31, 2026-01-31T18:00 or today"),
        ("ended", "time", Run.ended_at, "when the run ended"),
        ("priority", "number", Run.priority, "priority in the queue, the highest first"),
        ("split", "text", RunSummary.split, "split that the scores are of"),
        ("mae", "number", RunSummary.mae, "mean absolute error, years"),
        ("epoch", "number", RunSummary.epoch, "epochs trained so far"),
        ("train_loss", "number", RunSummary.train_loss, "newest train loss"),
        ("val_loss", "number", RunSummary.val_loss, "newest validation loss"),
        ("val_mae", "number", RunSummary.val_mae, "newest validation MAE, years"),
        ("best_val_loss", "number", RunSummary.best_val_loss, "best validation loss"),
    ]
    for attribute in REPORT_ATTRIBUTES:
        column = getattr(RunSummary, f"bias_{attribute}")
        measured += [(name, "number", column, f"{attribute} bias, years") for name in (attribute, f"{attribute}_bias")]
    fields |= {name: FilterField(name, kind, col(column), what) for name, kind, column, what in measured}
    fields |= {name: FilterField(name, "number", _figure(name), what) for name, what in _FIGURES.items()}
    fields["tag"] = FilterField("tag", "tags", col(Run.id), "tag of the run")
    about = "what is known of the private images that first weights were pretrained on"
    fields["pretraining"] = FilterField("pretraining", "text", pretraining_value(), about)
    away = cast(col(Run.archived_at).is_not(None), Integer)
    fields["archived"] = FilterField("archived", "flag", away, "true for runs put away, which are left out otherwise")
    return fields


_FIGURES = {
    "signed": "mean signed error, years",
    "cs5": "share of faces estimated within five years, percent",
    "slope": "slope of the signed error over age",
    **{
        f"{attribute}_{kind}": what.format(attribute)
        for attribute in REPORT_ATTRIBUTES
        for kind, what in {
            "signed": "{} signed gap, years",
            "gap": "worst minus best {} group, years",
            "ratio": "worst to best {} group",
            "worst": "MAE of the worst {} group, years",
            "standardised": "{} bias standardised for age, years",
        }.items()
    },
}


def _figure(name: str) -> SQLColumnExpression[Any]:
    """SQL for a further figure of the split in a run's summary."""
    attribute, _, kind = name.rpartition("_")
    mae = col(GroupScore.mae)
    table: type[Any] = FigureScore
    chosen: ColumnElement[bool] = col(FigureScore.name) == name
    value: SQLColumnExpression[Any] = col(FigureScore.value)
    match kind:
        case "signed" if attribute:
            table, chosen, value = Bias, col(Bias.attribute) == attribute, col(Bias.signed)
        case "gap":
            table, chosen, value = GroupScore, col(GroupScore.attribute) == attribute, func.max(mae) - func.min(mae)
        case "worst":
            table, chosen, value = GroupScore, col(GroupScore.attribute) == attribute, func.max(mae)
    of_run = (col(table.run_id) == col(RunSummary.run_id)) & (col(table.split) == col(RunSummary.split))
    return select(value).where(chosen, of_run).correlate(RunSummary).scalar_subquery()


def _config_field(name: str) -> FilterField:
    field = RunConfig.model_fields[name]
    kind = _kind(field.annotation)
    column = config_value(name, Text if kind == "text" else None)
    if kind in ("texts", "numbers"):
        column = case((func.json_type(col(Run.config), f"$.{name}") == "text", _as_list(column, kind)), else_=column)
    return FilterField(name, kind, column, field.description or name)


def _as_list(text: SQLColumnExpression[Any], kind: FieldKind) -> SQLColumnExpression[Any]:
    """SQL for the values of a run that was made from runs with unlike lists, as JSON text. `age,none` is stored."""
    quoted = func.json_quote(text)
    if kind == "texts":
        return func.printf("[%s]", func.replace(quoted, ",", '","'))
    numbers = func.printf("[%s]", text)
    return case((func.json_valid(numbers), numbers), else_=func.printf("[%s]", quoted))


def config_value(name: str, type_: type[Text] | None = None) -> SQLColumnExpression[Any]:
    """SQL for a run's config field. For a run older than the field, it gives the value in effect at that time."""
    extracted = func.json_extract(col(Run.config), f"$.{name}", type_=type_)
    return func.coalesce(extracted, LATER_FIELDS[name], type_=type_) if name in LATER_FIELDS else extracted


def pretraining_value() -> SQLColumnExpression[str | None]:
    """SQL for `engine.pretraining.pretraining_of`."""
    stored = func.json_extract(col(Run.manifest), "$.weights.pretraining", type_=Text)
    backbone = config_value("backbone", Text)
    is_dlib = (backbone == DLIB_AGE) | backbone.startswith(f"{DLIB_AGE}@")
    implied = case((is_dlib & (config_value("init", Text) == PRETRAINED), pretraining_note(DLIB_AGE, PRETRAINED)))
    return func.coalesce(stored, implied, type_=Text)


def _kind(annotation: Any) -> FieldKind:
    """The kind of a config field, from its annotation; `X | None` counts as X."""
    origin = typing.get_origin(annotation)
    arguments = [argument for argument in typing.get_args(annotation) if argument is not types.NoneType]
    if origin in (typing.Union, types.UnionType) or origin is typing.Annotated:
        return _kind(arguments[0])
    if origin is tuple:
        return "numbers" if _kind(arguments[0]) == "number" else "texts"
    if annotation is bool:
        return "flag"
    return "number" if annotation in (int, float) else "text"
