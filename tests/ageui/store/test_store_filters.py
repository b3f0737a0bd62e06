"""The filter language, against an evaluation in plain Python."""

import math
import operator
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_rows import claimed, epoch, evaluated, queued

from ageui.store import RunRow, Store
from ageui.store.example import shipped_example
from ageui.store.filter_fields import filter_fields
from engine.config import RunConfig
from engine.errors import ConfigError

RUNS: list[dict[str, Any]] = [
    {"name": "calm-otter", "tags": ("a",), "loss": "mape", "weights": "gender", "mae": 6.0, "gender": 0.5},
    {"name": "Calm_Otter", "tags": ("a", "b"), "loss": "mape", "weights": "none", "mae": math.nan, "gender": None},
    {"name": "100% sure", "loss": "mse", "weights": "gender,age", "mae": math.inf, "gender": math.nan},
    {"name": "[/]", "loss": "huber", "lr": "1e-4", "seed": 7, "mae": 7.25, "gender": 0.1},
    {"name": "none", "loss": "mse", "patience": "none", "deterministic": False},
    {"name": "it's", "strategy": "freeze", "epochs": "3,5", "lr": "1e-3,0.1", "init": "random", "head": "none"},
]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    path: Path = tmp_path_factory.mktemp("filters") / "runs.db"
    with Store.open(path) as store:
        for run in RUNS:
            changes = {key: value for key, value in run.items() if key not in ("name", "tags", "mae", "gender")}
            run_id = queued(store, run["name"], run.get("tags", ()), **changes)
            if "mae" in run:
                attempt = claimed(store, run_id)
                assert attempt is not None
                with store.writing(run_id, attempt) as writer:
                    writer.epoch(epoch(run_id, val_loss=run["mae"] / 100))
                    writer.evaluated(evaluated(mae=run["mae"], gender=run["gender"]), "apparent", "synthetic")
                    writer.end("diverged" if run["mae"] != 6.0 else "done", "")
        yield store


def _found(store: Store, text: str) -> list[int]:
    return sorted(row.id for row in store.runs.search(text))


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", [1, 2, 3, 4, 5, 6]),
        ("loss=mape", [1, 2]),
        ("loss=mape weights:gender mae<8 status=done", [1]),
        ("loss=mape weights:gender mae<8 state=done", [1]),
        ("loss!=mape", [3, 4, 5, 6]),
        ("weights:gender", [1, 3]),
        ("weights=gender", [1]),
        ("weights=gender,age", [3]),
        ("weights:age,gender", [3]),
        ("weights=none", [2, 4, 5, 6]),
        ("weights!=none", [1, 3]),
        ("mae<8", [1, 4]),
        ("mae>=6", [1, 3, 4]),
        ("mae=nan", [2]),
        ("mae=inf", [3]),
        ("mae=none", [5, 6]),
        ("mae!=6", [2, 3, 4, 5, 6]),
        ("gender<0.3", [4]),
        ("gender_bias<0.3", [4]),
        ("gender=none", [2, 5, 6]),
        ("lr=1e-4", [4]),
        ("lr>1e-4", [1, 2, 3, 5, 6]),
        ("lr=0.001,0.1", [6]),
        ("lr:0.1", [6]),
        ("lr<0.01", [1, 2, 3, 4, 5]),
        ("epochs=3,5", [6]),
        ("seed=7", [4]),
        ("seed<1e400", [1, 2, 3, 4, 5, 6]),
        ("patience=none", [5]),
        ("deterministic=false", [5]),
        ("tag=a", [1, 2]),
        ("tag:b", [2]),
        ("tag!=a", [3, 4, 5, 6]),
        ("tag=none", [3, 4, 5, 6]),
        ("otter", [1, 2]),
        ("name:OTTER", [1, 2]),
        ("%", [3]),
        ("_", [2]),
        ("[/]", [4]),
        ('"100% sure"', [3]),
        ('name="100% sure"', [3]),
        ('name="it\'s"', [6]),
        ("name=none", [5]),
        ("NAME=none", [5]),
        ("epoch=4", [4]),
        ("val_loss=0.0725", [4]),
        ("split=valid", [1, 2, 3, 4]),
        ("id>4 id<=5", [5]),
        ("id=1,4,9", [1, 4]),
        ("loss=mape,huber", [1, 2, 4]),
        ("loss!=mape,huber", [3, 5, 6]),
        ("patience=none,7", [5]),
        ("data=synthetic head:none", [6]),
        ("source=measured  \t loss=huber", [4]),
        ("created>2000-01-01", [1, 2, 3, 4, 5, 6]),
        ("created<2000-01-01T12:00", []),
        ('name="\' OR 1=1 --"', []),
    ],
)
def test_filters_find_matching_runs(filled: Store, text: str, ids: list[int]) -> None:
    assert _found(filled, text) == ids


def test_a_date_stands_for_its_whole_day(filled: Store) -> None:
    made = filled.runs.get(1).created_at.astimezone()
    today, tomorrow = made.date(), made.date() + timedelta(days=1)
    everything = [1, 2, 3, 4, 5, 6]
    assert _found(filled, f"created<={today} created>={today}") == _found(filled, f"created={today}") == everything
    assert _found(filled, f"created>{today}") == _found(filled, f"created<{today}") == []
    assert _found(filled, f"created!={tomorrow}") == everything
    moment = made.astimezone(UTC).isoformat()
    assert _found(filled, f"created={moment}") == [1]
    assert _found(filled, f"created>{moment}") == [2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("los=mape", r"unknown field 'los'; did you mean 'loss'\?\n  los=mape\n  \^\^\^$"),
        ("zzz=mape", r"unknown field 'zzz'\n  zzz=mape\n  \^\^\^\nfields: data, "),
        ("loss=mse mae<abc", r"mae takes a number, not 'abc'\n  loss=mse mae<abc\n           \^{7}$"),
        ("mae:6", r"mae does not support :; use one of = != < <= > >="),
        ("loss<mse", r"loss does not support <; use one of = != :"),
        ("lr<1,2", "takes one number"),
        ("deterministic=maybe", "takes true or false"),
        ("created>soon", r"is not a time; write 2026-01-31"),
        ("created>9999-12-31", "is not a time"),
        ('name="open', r"this is not a term"),
        ("=mse", "this is not a term"),
        ("loss=", r"the value is missing; .*\n  loss=\n  \^{5}$"),
        ("loss=mse mae< 8", r"the value is missing; write it right after the sign, without a space\n.*\n {11}\^{4}$"),
        ("mae<=>5", "mae takes a number"),
        ("a\x1b[2Jb", "control"),
        ("a\udcffb", "control"),
        ("x" * 1001, "at most 1000"),
        ("x " * 51, "at most 50"),
    ],
)
def test_filters_that_cannot_be_read_say_where_and_why(filled: Store, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        filled.runs.search(text)


def test_every_config_field_can_be_filtered_and_every_field_but_tags_ordered_by(filled: Store) -> None:
    assert set(RunConfig.model_fields) <= set(filter_fields())
    for name, field in filter_fields().items():
        assert len(filled.runs.search(f"{name}!={'2026-01-01' if field.kind == 'time' else 1}")) <= len(RUNS)
        if field.kind != "tags":
            assert len(filled.runs.search(order=name)) == len(filled.runs.search(order=f"-{name}")) == len(RUNS)


def test_every_field_can_be_asked_of_the_shipped_runs_among_them_means_of_unlike_ones() -> None:
    with Store.open(shipped_example(), read_only=True) as shipped:
        runs = len(shipped.runs.search())
        for name, field in filter_fields().items():
            value = "2026-01-01" if field.kind == "time" else 1
            equal, other = (len(shipped.runs.search(f"{name}{sign}{value}")) for sign in ("=", "!="))
            assert equal + other == runs, name
            if field.kind != "tags":
                assert len(shipped.runs.search(order=name)) == runs
        means = {row.id for row in shipped.runs.search("weights=age,none")}
        assert means
        assert means < {row.id for row in shipped.runs.search("source=derived weights:age")}


def test_nan_and_missing_figures_come_last_whatever_the_order(filled: Store) -> None:
    assert [row.id for row in filled.runs.search(order="mae")] == [1, 4, 3, 2, 6, 5]
    assert [row.id for row in filled.runs.search(order="-mae")] == [3, 4, 1, 2, 6, 5]
    assert [row.id for row in filled.runs.search(limit=2)] == [6, 5]
    assert [row.id for row in filled.runs.search(limit=2, offset=2)] == [4, 3]
    assert filled.runs.search(order="lr")[0].id == 4
    assert [row.id for row in filled.runs.search(order="weights")] == [6, 5, 4, 2, 3, 1]
    for wrong in ("maee", "tag", "id; DROP TABLE run", ""):
        with pytest.raises(ConfigError, match="cannot be sorted"):
            filled.runs.search(order=wrong)


@given(st.text(max_size=60) | st.text(alphabet="loswmae=!<>:\"' 0.5%_\\,nid-", max_size=40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_finds_runs_or_is_a_config_error(filled: Store, text: str) -> None:
    try:
        found = filled.runs.search(text)
    except ConfigError:
        return
    assert len(found) <= len(RUNS)


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
NUMBERS: dict[str, Callable[[RunRow], float | None]] = {
    "mae": lambda row: row.summary.mae,
    "gender": lambda row: row.summary.bias["gender"],
    "val_loss": lambda row: row.summary.val_loss,
    "epoch": lambda row: row.summary.epoch,
    "id": lambda row: row.id,
    "seed": lambda row: row.config["seed"],
    "patience": lambda row: row.config["patience"],
}
TEXTS: dict[str, Callable[[RunRow], str]] = {
    "name": lambda row: row.name,
    "status": lambda row: row.status,
    "loss": lambda row: str(row.config["loss"]),
}
NUMBER_VALUES = st.sampled_from([0.0, 0.5, 1.0, 2.0, 4.0, 5.0, 6.0, 7.0, 7.25, 0.0725, math.inf, -math.inf, math.nan])
TEXT_VALUES = st.sampled_from(
    ["mape", "mse", "none", "calm-otter", "Calm_Otter", "otter", "OTTER", "e", "%", "_", "[/]", "done", "/"]
)
Term = tuple[str, Callable[[RunRow], bool]]


def _number_term(name: str, sign: str, value: float) -> Term:
    read = NUMBERS[name]

    def holds(row: RunRow) -> bool:
        found = read(row)
        if math.isnan(value):
            is_nan = found is not None and math.isnan(found)
            return {"=": is_nan, "!=": not is_nan}.get(sign, False)
        return sign == "!=" if found is None else COMPARE[sign](found, value)

    return f"{name}{sign}{value!r}", holds


def _text_term(name: str, sign: str, value: str) -> Term:
    read = TEXTS[name]
    if sign == ":":
        return f"{name}:{value}", lambda row: value.lower() in read(row).lower()
    return f'{name}{sign}"{value}"', lambda row: COMPARE[sign](read(row), value)


TERMS = st.one_of(
    st.builds(_number_term, st.sampled_from(list(NUMBERS)), st.sampled_from(list(COMPARE)), NUMBER_VALUES),
    st.builds(_text_term, st.sampled_from(list(TEXTS)), st.sampled_from(["=", "!=", ":"]), TEXT_VALUES),
)


@given(st.lists(TERMS, max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_filters_agree_with_plain_python(filled: Store, terms: list[Term]) -> None:
    expected = [row.id for row in filled.runs.search() if all(holds(row) for _, holds in terms)]
    assert [row.id for row in filled.runs.search(" ".join(text for text, _ in terms))] == expected


def test_times_are_aware_and_in_utc(filled: Store) -> None:
    created = filled.runs.get(1).created_at
    assert created.tzinfo is UTC
    assert abs(datetime.now(UTC) - created) < timedelta(minutes=10)


@pytest.mark.parametrize(
    ("references", "names"),
    [
        (("loss=mape", "weights=none"), ["Calm_Otter"]),
        (("weights=none", "calm-otter", "loss=mape"), ["Calm_Otter", "calm-otter"]),
        (("loss=mape weights=none", "loss=huber"), ["Calm_Otter", "[/]"]),
        (("loss=mape weights=none", "loss=huber seed=7"), ["Calm_Otter", "[/]"]),
    ],
)
def test_single_terms_of_several_runs_must_all_hold(
    filled: Store, references: tuple[str, ...], names: list[str]
) -> None:
    rows = filled.runs.get_many(found := filled.runs.find_all(references))
    assert [rows[run_id].name for run_id in found] == names


def test_terms_that_no_run_has_together_are_explained(filled: Store) -> None:
    with pytest.raises(ConfigError, match=r"no run matches 'loss=mape loss=mse'") as raised:
        filled.runs.find_all(["loss=mape", "loss=mse"])
    assert "loss=mse alone finds 3 runs" in str(raised.value)


def test_terms_of_undecodable_bytes_are_refused(filled: Store) -> None:
    with pytest.raises(ConfigError, match="undecodable"):
        filled.runs.find_all(["loss=\udcff"])
