"""The filter language of runs: `loss=mape weights:gender mae<8 status=done` as bound SQL.

Spaces separate terms, and a run must match all of them. A term is FIELD OPERATOR VALUE, or a bare word to find in the
run's name. Quote values that contain spaces. Operators:

- `=` and `!=` compare; `none` is a missing value or the empty list, and `!=` is the exact negation of `=`.
- `<`, `<=`, `>`, `>=` compare numbers and times; a missing value or NaN matches none of them. Times are dates, dates
  with a time of day, `today` or `yesterday`.
- `:` finds a text in a text, ignoring case, or an item in a list.
- Numbers are equal if their relative difference is below 1e-12.
- A list equals text with commas (`weights=gender,age`). One number is compared with every item (`lr<1e-4`: all are).
  In other fields, commas separate alternatives (`loss=mse,mape`).
"""

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, case, false, func, literal, not_, or_, select, true
from sqlmodel import col

from ageui.store.filter_fields import FilterField, filter_fields
from ageui.store.names import did_you_mean
from ageui.store.tables import Run, RunTag
from ageui.text.clean import clean, has_hidden
from engine.errors import ConfigError

LONGEST_FILTER = 1000
MOST_TERMS = 50

_QUOTED = r'"[^"]*"|\'[^\']*\''
_TERM = re.compile(
    rf"(?:(?P<field>[^\s=!<>:\"']+)(?P<operator>!=|<=|>=|=|<|>|:)(?P<value>{_QUOTED}|[^\s\"']+)"
    rf"|(?P<word>{_QUOTED}|[^\s=!<>:\"']+))(?=\s|$)"
)
_VALUELESS = re.compile(r"[^\s=!<>:\"']+(?:!=|<=|>=|=|<|>|:)")
_SAME = 1e-12
_DAYS_AGO = {"today": 0, "yesterday": 1}
_ALLOWED = {
    "text": ("=", "!=", ":"),
    "number": ("=", "!=", "<", "<=", ">", ">="),
    "flag": ("=", "!="),
    "time": ("=", "!=", "<", "<=", ">", ">="),
    "texts": ("=", "!=", ":"),
    "numbers": ("=", "!=", ":", "<", "<=", ">", ">="),
    "tags": ("=", "!=", ":"),
}


@dataclass(frozen=True)
class Term:
    """One term, at `start` to `end` of the filter's text. `field` is None for a bare word."""

    field: str | None
    operator: str
    value: str
    start: int
    end: int


def parse(text: str) -> list[Term]:
    """The terms of a filter. Raises a `ConfigError` that points at the invalid term."""
    if len(text) > LONGEST_FILTER:
        raise ConfigError(f"the filter has {len(text)} characters; give at most {LONGEST_FILTER}")
    if has_hidden(text.replace("\t", " ")):
        raise ConfigError(f"the filter {clean(text)!r} has a control, invisible or undecodable character; remove it")
    terms: list[Term] = []
    position = 0
    while rest := text[position:].lstrip():
        position = len(text) - len(rest)
        match = _TERM.match(text, position)
        if match is None:
            end = position + len(rest.split()[0])
            problem = "this is not a term; write FIELD=VALUE, a word, or quote the value"
            if _VALUELESS.fullmatch(text, position, end):
                problem = "the value is missing; write it right after the sign, without a space"
            raise _pointing(text, position, end, problem)
        value = match["word"] or match["value"]
        terms.append(Term(match["field"], match["operator"] or ":", _unquoted(value), position, match.end()))
        position = match.end()
    if len(terms) > MOST_TERMS:
        raise ConfigError(f"the filter has {len(terms)} terms; give at most {MOST_TERMS}")
    return terms


def is_filter(text: str) -> bool:
    """Whether a text compares a field rather than being part of a name. Raises `ConfigError` if it is invalid."""
    return any(term.field is not None for term in parse(text))


def is_term(text: str) -> bool:
    """Whether a text is a single comparison of a field, such as `loss=mape`."""
    match = _TERM.fullmatch(text.strip())
    return match is not None and match["field"] is not None


def where(text: str) -> ColumnElement[bool]:
    """The filter as an SQL expression over `run` joined with `summary`. Raises `ConfigError`.

    Only a filter with a term on `archived` matches archived runs.
    """
    terms = parse(text)
    asks_for_archived = any(term.field is not None and term.field.lower() == "archived" for term in terms)
    visible = true() if asks_for_archived else col(Run.archived_at).is_(None)
    return and_(visible, *(_expression(text, term) for term in terms))


def ordering(order: str) -> list[ColumnElement[Any]]:
    """`mae`, or `-mae` for descending order, as ORDER BY terms. NaN and missing values come last either way.

    `turn` is running runs, queued runs in the order of the queue, runs that wait for a person, then ended runs, newest
    first. Raises `ConfigError` if runs cannot be sorted by a field.
    """
    name = order.removeprefix("-")
    if name == "turn":
        return [term.desc() for term in _TURN] if order.startswith("-") else [term.asc() for term in _TURN]
    field = known_field(name)
    if field is None or field.kind == "tags":
        names = [name for name, field in filter_fields().items() if field.kind != "tags"]
        raise ConfigError(
            f"runs cannot be sorted by {clean(name)!r}{did_you_mean(name.lower(), names)}\nfields: {', '.join(names)}"
        )
    column = field.column
    if field.name == "id":  # never missing, and already the order of the table
        return [column.desc() if order.startswith("-") else column.asc()]
    # Lists are ordered by their first item: as texts, `[10]` precedes `[9]`, and the empty list follows all others.
    is_list = field.kind in ("texts", "numbers")
    columns = [func.json_extract(column, "$[0]"), column] if is_list else [column]
    missing = [column.is_(None), *([func.typeof(column) == "text"] if field.kind == "number" else [])]
    by = (column.desc() if order.startswith("-") else column.asc() for column in columns)
    return [*missing, *by, col(Run.id).desc()]


def known_field(name: str) -> FilterField | None:
    """The field of a name in any case, or of a column heading such as `state`; None for an unknown name."""
    return filter_fields().get(_ALSO_CALLED.get(name.lower(), name.lower()))


_ALSO_CALLED = {"state": "status", "run": "name"}
"""Column headings that differ from the name of their field."""

_STATUS = col(Run.status)
_IS_QUEUED = _STATUS == "queued"
_TURN: tuple[ColumnElement[Any], ...] = (
    case((_STATUS == "running", 0), (_IS_QUEUED, 1), (_STATUS.in_(("paused", "interrupted")), 2), else_=3),
    case((_IS_QUEUED, -col(Run.priority)), else_=0),
    case((_IS_QUEUED, col(Run.position)), else_=-col(Run.id)),
)


def _expression(text: str, term: Term) -> ColumnElement[bool]:
    if term.field is None:
        return col(Run.name).icontains(term.value, autoescape=True)
    fields, field = filter_fields(), known_field(term.field)
    if field is None:
        near = did_you_mean(term.field.lower(), list(fields))
        error = _pointing(text, term.start, term.start + len(term.field), f"unknown field {term.field!r}{near}")
        raise error if near else ConfigError(f"{error}\nfields: {', '.join(fields)}")
    if term.operator not in _ALLOWED[field.kind]:
        message = f"{field.name} does not support {term.operator}; use one of {' '.join(_ALLOWED[field.kind])}"
        raise _pointing(text, term.start, term.end, message)
    try:
        if term.operator == "!=":
            return not_(func.coalesce(_holds(field, "=", term.value), false()))
        return _holds(field, term.operator, term.value)
    except ValueError as error:
        raise _pointing(text, term.start, term.end, str(error)) from None


def _holds(field: FilterField, sign: str, value: str) -> ColumnElement[bool]:
    """SQL for the term. Raises a `ValueError` that names the values that the field takes."""
    match field.kind:
        case "text":
            return _text(field.column, sign, value)
        case "flag":
            return _flag(field, value)
        case "number":
            return _number(field, sign, value)
        case "time":
            return _time(field.column, sign, value)
        case "tags":
            return _tagged(value)
        case "texts" | "numbers":
            return _list(field, sign, value)


def _text(column: SQLColumnExpression[Any], sign: str, value: str) -> ColumnElement[bool]:
    if sign == ":":
        return column.icontains(value, autoescape=True)
    parts = value.split(",")
    return or_(column.in_([value, *parts]), *([column.is_(None)] if "none" in parts else []))


def _flag(field: FilterField, value: str) -> ColumnElement[bool]:
    known = {"true": 1, "yes": 1, "1": 1, "false": 0, "no": 0, "0": 0}
    if value.lower() not in known:
        raise ValueError(f"{field.name} takes true or false, not {value!r}")
    return field.column == known[value.lower()]


def _number(field: FilterField, sign: str, value: str) -> ColumnElement[bool]:
    column = field.column
    if sign == "=" and "," in value:
        return or_(*(_number(field, sign, part) for part in value.split(",")))
    if value == "none" and sign == "=":
        return column.is_(None)
    number = _float(field, value)
    if math.isnan(number):
        # NaN is stored as text. Every comparison with it is false, except for `=`.
        return func.typeof(column) == "text" if sign == "=" else false()
    return and_(func.typeof(column).in_(("integer", "real")), _compared(column, sign, number))


def _time(column: SQLColumnExpression[Any], sign: str, value: str) -> ColumnElement[bool]:
    """A date means its whole day in local time: `created<=2026-01-31` includes that evening."""
    if value == "none" and sign == "=":
        return column.is_(None)
    if value in _DAYS_AGO:
        value = (datetime.now() - timedelta(days=_DAYS_AGO[value])).date().isoformat()
    try:
        start = datetime.fromisoformat(value).astimezone(UTC)
        end = start + timedelta(days=1) if len(value) <= len("2026-01-31") else start
    except (ValueError, OverflowError):
        raise ValueError(f"{value!r} is not a time; write 2026-01-31, 2026-01-31T18:00 or today") from None
    instant = start == end
    return {
        "=": column == start if instant else and_(column >= start, column < end),
        "<": column < start,
        "<=": column <= end if instant else column < end,
        ">": column > start if instant else column >= end,
        ">=": column >= start,
    }[sign]


def _tagged(value: str) -> ColumnElement[bool]:
    tags = select(literal(1)).where(col(RunTag.run_id) == col(Run.id))
    if value == "none":
        return not_(tags.correlate(Run).exists())
    return tags.where(col(RunTag.tag) == value).correlate(Run).exists()


def _list(field: FilterField, sign: str, value: str) -> ColumnElement[bool]:
    length = func.json_array_length(field.column)
    if value == "none" and sign in ("=", ":"):
        return length == 0
    numeric = field.kind == "numbers"
    parts: list[Any] = [_float(field, part) if numeric else part for part in value.split(",")]
    items = func.json_each(field.column).table_valued("value")
    some = select(literal(1)).select_from(items)
    if sign == ":":
        return and_(
            *(
                some.where(_compared(items.c.value, "=", part) if numeric else items.c.value == part).exists()
                for part in parts
            )
        )
    if numeric and len(parts) == 1:
        outside = some.where(not_(_compared(items.c.value, sign, parts[0])))
        return and_(length > 0, not_(outside.exists()))
    if sign != "=":
        raise ValueError(f"{field.name}{sign} takes one number, not {value!r}")
    found = [func.json_extract(field.column, f"$[{index}]") for index in range(len(parts))]
    pairs = zip(found, parts, strict=True)
    return and_(
        length == len(parts), *(_compared(item, sign, part) if numeric else item == part for item, part in pairs)
    )


def _compared(column: SQLColumnExpression[Any], sign: str, number: float) -> ColumnElement[bool]:
    """Compares with a tolerance, because SQLite parses decimals in JSON with a rounding error."""
    value = literal(number)
    width = abs(number) * _SAME if math.isfinite(number) else 0.0
    same = or_(column == value, func.abs(column - value) <= literal(width))
    return {
        "=": same,
        "<": and_(column < value, not_(same)),
        "<=": or_(column < value, same),
        ">": and_(column > value, not_(same)),
        ">=": or_(column > value, same),
    }[sign]


def _float(field: FilterField, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise ValueError(f"{field.name} takes a number, not {value!r}") from None


def _unquoted(value: str) -> str:
    return value[1:-1] if value[:1] in ("'", '"') else value


def _pointing(text: str, start: int, end: int, message: str) -> ConfigError:
    return ConfigError(f"{message}\n  {text}\n  {' ' * start}{'^' * (end - start)}")
