"""Events cross a pipe whole or not at all, whatever they hold and however the pipe cuts them."""

import json
import math
from dataclasses import asdict
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine.wire as wire
from engine.epoch_scores import EpochScores, GroupError
from engine.events import (
    CheckpointWritten,
    EpochEnded,
    EpochScored,
    Evaluated,
    Event,
    MemoryPeaked,
    Noted,
    Progressed,
    RunEnded,
    RunFailed,
    RunStarted,
    StageStarted,
    StepsEnded,
)
from engine.split_result import Baseline, BiasResult, Figure, GapFigure, GroupResult, Interval, SplitResult
from engine.wire import Decoder, Message, ProtocolError, decode, encode

# Any text, also half of a surrogate pair, as in file names that are not UTF-8.
TEXT = st.text(st.characters(), max_size=20)
WHOLE = st.integers(-(2**70), 2**70)
COUNT = st.integers(0, 2**70)
REAL = st.floats()
PLAIN = st.recursive(
    st.none() | st.booleans() | WHOLE | REAL | TEXT, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner)
)
MAYBE_REAL = st.none() | REAL
INTERVAL = st.none() | st.builds(Interval, REAL, REAL)
GAP = (MAYBE_REAL, st.none() | TEXT, INTERVAL, st.none() | TEXT, MAYBE_REAL, MAYBE_REAL, st.none() | TEXT)
"""The fields of a `GapFigure`."""

GROUPS = st.lists(st.builds(GroupError, TEXT, TEXT, COUNT, MAYBE_REAL, MAYBE_REAL), max_size=3).map(tuple)
SCORES = st.builds(EpochScores, COUNT, REAL, st.dictionaries(TEXT, MAYBE_REAL, max_size=3), GROUPS)


@st.composite
def _evaluated(draw: st.DrawFn) -> Evaluated:
    n = draw(st.integers(0, 5))
    names = draw(st.lists(TEXT, min_size=n, max_size=n))
    ages = draw(st.lists(REAL, min_size=n, max_size=n))
    groups = draw(st.lists(st.none() | TEXT, min_size=n, max_size=n))
    items = pd.DataFrame({"image": pd.Series(names, dtype=object), "age": np.array(ages, dtype=np.float64)})
    items["gender"] = pd.Series(groups, dtype=object)
    if draw(st.booleans()):
        items["subject"] = pd.Series(draw(st.lists(st.none() | TEXT, min_size=n, max_size=n)), dtype=object)
    if draw(st.booleans()):
        items["age_low"] = np.array(draw(st.lists(REAL, min_size=n, max_size=n)), dtype=np.float64)
    predicted = np.array(draw(st.lists(st.floats(width=32), min_size=n, max_size=n)), dtype=np.float32)
    interval = draw(INTERVAL)
    group = GroupResult(draw(TEXT), n, draw(MAYBE_REAL), draw(MAYBE_REAL), interval)
    gap = draw(st.builds(GapFigure, *GAP))
    bias = BiasResult(*(draw(part) for part in GAP), draw(TEXT), (group,), n, gap, interval, draw(INTERVAL))
    baseline = draw(st.none() | st.builds(Baseline, REAL, REAL, st.dictionaries(TEXT, st.none() | REAL, max_size=3)))
    others = draw(st.dictionaries(TEXT, st.builds(Figure, *GAP[:4]), max_size=3))
    result = SplitResult(n, draw(REAL), interval, draw(REAL), (bias,), baseline, others)
    splits = st.sampled_from(["train", "valid", "test", "other/test"])
    return Evaluated(draw(splits), result, items, predicted, draw(st.none() | splits))


EVENTS = st.one_of(
    st.builds(Progressed, TEXT, COUNT, COUNT),
    st.builds(Noted, TEXT, st.booleans()),
    st.builds(RunStarted, st.dictionaries(TEXT, PLAIN, max_size=4), COUNT, COUNT),
    st.builds(StageStarted, COUNT, COUNT, COUNT, COUNT, COUNT),
    st.builds(
        StepsEnded, COUNT, COUNT, COUNT, COUNT, st.lists(st.tuples(COUNT, REAL), max_size=4).map(tuple), REAL, REAL
    ),
    st.builds(
        EpochEnded,
        COUNT,
        COUNT,
        COUNT,
        REAL,
        MAYBE_REAL,
        MAYBE_REAL,
        REAL,
        REAL,
        REAL,
        st.booleans(),
        st.none() | SCORES,
    ),
    st.builds(EpochScored, COUNT, SCORES),
    st.builds(CheckpointWritten, st.sampled_from(["state", "best"]), TEXT, COUNT, COUNT, TEXT, COUNT),
    _evaluated(),
    st.builds(MemoryPeaked, COUNT),
    st.builds(RunFailed, TEXT, TEXT, COUNT),
    st.builds(RunEnded, st.sampled_from(["done", "diverged", "interrupted"]), TEXT, REAL),
)
MESSAGES = st.builds(Message, COUNT, COUNT, EVENTS)


def _told(message: Message) -> tuple[Any, ...]:
    """All that a message tells, in a form in which NaN equals NaN and 1 is not 1.0."""
    event = message.event
    if isinstance(event, Evaluated):
        columns = {name: [None if pd.isna(v) else v for v in values] for name, values in event.items.items()}
        told: Any = (
            event.split,
            event.selected_on,
            repr(asdict(event.result)),
            repr(columns),
            event.predicted.tobytes(),
        )
    else:
        told = repr(event)
    return message.attempt, message.number, type(event), told


@given(MESSAGES)
def test_an_event_comes_out_as_it_went_in(message: Message) -> None:
    line = encode(message)
    assert line.count(b"\n") == 1
    assert _told(decode(line)) == _told(message)


def test_every_kind_of_event_is_tried() -> None:
    assert set(wire._READERS) | {"Evaluated"} == {kind.__name__ for kind in get_args(Event)}


@given(st.lists(MESSAGES, max_size=4), st.data())
def test_where_the_pipe_cuts_them_makes_no_difference(messages: list[Message], data: st.DataObject) -> None:
    content = b"".join(map(encode, messages))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=8)))
    decoder, found = Decoder(), []
    for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True):
        found += decoder.feed(content[start:end])
    assert [_told(message) for message in found] == [_told(message) for message in messages]


@given(st.lists(MESSAGES, min_size=1, max_size=3), st.data())
def test_an_event_that_was_torn_off_is_no_event(messages: list[Message], data: st.DataObject) -> None:
    content = b"".join(map(encode, messages))
    last = encode(messages[-1])
    kept = data.draw(st.integers(len(content) - len(last), len(content) - 1))
    found = list(Decoder().feed(content[:kept]))
    assert [_told(message) for message in found] == [_told(message) for message in messages[:-1]]


@given(st.binary(max_size=200))
def test_other_lines_than_events_are_refused_without_side_effects(content: bytes) -> None:
    with pytest.raises(ProtocolError, match="sent something other than an event"):
        decode(content)


@given(MESSAGES, st.data())
def test_a_damaged_event_is_refused_or_another_event(message: Message, data: st.DataObject) -> None:
    line = bytearray(encode(message))
    line[data.draw(st.integers(0, len(line) - 2))] = data.draw(st.integers(0, 255))
    try:
        found = decode(bytes(line))
    except ProtocolError:
        return
    assert isinstance(found.event, get_args(Event))


@given(st.lists(st.floats(width=32), max_size=20))
def test_predictions_keep_their_bits(values: list[float]) -> None:
    predicted = np.array(values, dtype=np.float32)
    items = pd.DataFrame({"image": [str(number) for number in range(len(values))], "age": np.zeros(len(values))})
    result = SplitResult(len(values), 0.0, None, 0.0, (), None)
    event = decode(encode(Message(1, 0, Evaluated("valid", result, items, predicted)))).event
    assert isinstance(event, Evaluated)
    assert event.predicted.dtype == np.float32
    assert event.predicted.tobytes() == predicted.tobytes()


@pytest.mark.parametrize(
    "fields",
    [
        {"event": "Noted", "message": "no number"},
        {"attempt": 1, "number": 0, "event": "Nothing"},
        {"attempt": 1, "number": 0, "event": "Noted"},
        {"attempt": 1, "number": 0, "event": "Noted", "message": 5},
        {"attempt": "1", "number": 0, "event": "Noted", "message": "text for a number"},
        {"attempt": True, "number": 0, "event": "Noted", "message": "truth for a number"},
        {"attempt": 1, "number": 0, "event": "RunEnded", "outcome": "perhaps", "reason": "", "seconds": 1.0},
        {"attempt": 1, "number": 0, "event": "StepsEnded", "losses": [[1]]},
        {"attempt": 1, "number": 0, "event": "Evaluated", "split": "valid"},
        [1, 2],
        None,
    ],
)
def test_an_event_with_a_wrong_part_is_refused(fields: Any) -> None:
    with pytest.raises(ProtocolError):
        decode(json.dumps(fields).encode())


@pytest.mark.parametrize(
    "wrong", [{"selected_on": 5}, {"split": None}, {"split": "test", "more": 1}, {"predicted": ""}]
)
def test_a_scored_split_with_a_wrong_part_is_refused(wrong: dict[str, Any]) -> None:
    items = pd.DataFrame({"image": ["a"], "age": [1.0]})
    event = Evaluated("test", SplitResult(1, 0.0, None, 0.0, (), None), items, np.zeros(1, dtype=np.float32), "valid")
    fields = json.loads(encode(Message(1, 0, event)))
    assert decode(json.dumps(fields).encode()).event.selected_on == "valid"
    with pytest.raises(ProtocolError):
        decode(json.dumps({**fields, **wrong}).encode())


def test_predictions_that_do_not_fit_their_images_are_refused() -> None:
    items = pd.DataFrame({"image": ["a", "b"], "age": [1.0, 2.0]})
    result = SplitResult(2, 0.0, None, 0.0, (), None)
    event = Evaluated("valid", result, items, np.zeros(3, dtype=np.float32))
    with pytest.raises(ProtocolError, match="do not fit each other"):
        decode(encode(Message(1, 0, event)))


def test_a_line_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "LONGEST_LINE", 1000)
    decoder = Decoder()
    for _ in range(10):
        assert list(decoder.feed(b"x" * 100)) == []
    with pytest.raises(ProtocolError, match="1,001 bytes"):
        list(decoder.feed(b"x"))


def test_a_large_event_passes_in_small_pieces() -> None:
    n = 20_000
    items = pd.DataFrame({"image": [f"train_data/{k:06}.jpg" for k in range(n)], "age": np.linspace(0, 100, n)})
    result = SplitResult(n, math.pi, None, -math.e, (), None)
    message = Message(3, 9, Evaluated("train", result, items, np.linspace(0, 100, n, dtype=np.float32)))
    content, decoder, found = encode(message), Decoder(), []
    for start in range(0, len(content), 65536):
        found += decoder.feed(content[start : start + 65536])
    assert [_told(one) for one in found] == [_told(message)]
