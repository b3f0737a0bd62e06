"""The warning of other programs on the processor, for the usages that a watch finds."""

import pytest

from engine import neighbours
from engine.neighbours import Neighbours, _Usage


@pytest.fixture
def usages(monkeypatch: pytest.MonkeyPatch) -> list[_Usage]:
    """What the next looks at the processor find, on two cores with two threads."""
    found: list[_Usage] = []
    monkeypatch.setattr(neighbours, "_usage", lambda: found.pop(0))
    monkeypatch.setattr(neighbours, "_cores", lambda: [0, 1])
    monkeypatch.setattr(neighbours.time, "monotonic", lambda: 20.0)
    monkeypatch.setattr(neighbours.torch, "get_num_threads", lambda: 2)
    return found


def test_another_program_is_told_once(usages: list[_Usage]) -> None:
    usages += [_Usage(0.0, 100.0, 5.0), _Usage(20.0, 140.0, 25.0)]
    watch = Neighbours()
    assert watch.warning() is None
    warning = watch.warning()
    assert warning is not None
    assert warning.startswith("other programs use 1.0 of 2 cores, so 2 threads")
    assert watch.warning() is None


def test_a_training_alone_needs_no_warning(usages: list[_Usage]) -> None:
    usages += [_Usage(0.0, 100.0, 5.0), _Usage(20.0, 144.0, 45.0)]
    watch = Neighbours()
    assert [watch.warning(), watch.warning()] == [None, None]


def test_one_thread_is_not_watched(usages: list[_Usage], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours.torch, "get_num_threads", lambda: 1)
    assert [Neighbours().warning() for _ in range(3)] == [None] * 3


def test_the_processor_is_read() -> None:
    """The usage of this machine: a process that computes has used some of the cores."""
    usage = neighbours._usage()
    assert 0.0 < usage.own <= usage.everybody
    assert neighbours._cores()
